import Configuration
import Supervision
import Testing

/// The one probe of a service that has it alone.
private func probe(_ json: String) throws -> Probe {
    let read = try service("\"probes\":[\(json)]").probes
    try #require(read.count == 1)
    return read[0]
}

/// What is wrong with a service that has this besides.
private func complaints(_ members: String) throws -> [String] {
    try errors(#"{"services":{"web":{"command":["/bin/web"],"user":"web",\#(members)}}}"#)
}

/// What is worth a second look in a service that has this besides.
private func warnings(_ members: String) throws -> [String] {
    var warnings: [ConfigurationError] = []
    let json = #"{"services":{"web":{"command":["/bin/web"],"user":"web",\#(members)}}}"#
    _ = try configuration(json, warnings: &warnings)
    return warnings.map { "\($0)" }
}

@Suite("probes") struct ProbeTests {
    @Test("the short forms are the long ones with their defaults") func short() throws {
        let cases: [(String, Probe.Kind)] = [
            (#"{"http":"http://[::1]:3001/h"}"#, .http(HTTPProbe(url: "http://[::1]:3001/h"))),
            (#"{"http":{"url":"HTTPS://a"}}"#, .http(HTTPProbe(url: "HTTPS://a"))),
            (#"{"tls":"a.b:443"}"#, .tls(TLSProbe(.server(host: "a.b", port: 443)))),
            (#"{"tls":{"file":"/c"}}"#, .tls(TLSProbe(.file("/c")))),
            (#"{"tcp":80}"#, .tcp(host: "127.0.0.1", port: 80)),
            (#"{"tcp":"[::1]:80"}"#, .tcp(host: "::1", port: 80)),
            (#"{"tcp":{"host":"::1","port":80}}"#, .tcp(host: "::1", port: 80)),
            (#"{"tcp":{"host":"[::1]","port":80}}"#, .tcp(host: "::1", port: 80)),
            (#"{"unix":"/run/x"}"#, .unix(path: "/run/x")),
            (#"{"unix":{"path":"/run/x"}}"#, .unix(path: "/run/x")),
            (#"{"listening":8080}"#, .listening(port: 8080)),
            (#"{"command":"a b"}"#, .command(CommandProbe(command: ["/bin/sh", "-c", "a b"]))),
            (#"{"command":["/a","b"]}"#, .command(CommandProbe(command: ["/a", "b"]))),
            (#"{"memory":{"below":"80%"}}"#, .memory(MemoryProbe(below: .share(80)))),
            (#"{"memory":{"below":"1GiB"}}"#, .memory(MemoryProbe(below: .bytes(1 << 30)))),
            (#"{"cpu":{}}"#, .cpu(CPUProbe())),
            (#"{"progress":{"file":"/f"}}"#, .progress(ProgressProbe(.modification(path: "/f")))),
            (#"{"progress":{"number":"/f"}}"#, .progress(ProgressProbe(.number(path: "/f")))),
            (
                #"{"progress":{"command":"x"}}"#,
                .progress(ProgressProbe(.command(["/bin/sh", "-c", "x"])))
            ),
            (#"{"file":"/f"}"#, .file(FileProbe(path: "/f"))),
            (#"{"notify":"on"}"#, .notify(NotifyProbe())),
            (#"{"notify":true}"#, .notify(NotifyProbe())),
            (#"{"notify":{"watchdog":"10s"}}"#, .notify(NotifyProbe(watchdog: .seconds(10)))),
        ]
        for (json, kind) in cases { #expect(try probe(json) == Probe(kind), "\(json)") }
    }

    @Test("every key arrives at its value") func everyKey() throws {
        var http = HTTPProbe(url: "http://h/")
        http.socket = "/s"
        http.method = "POST"
        http.headers = [.init("B", "2"), .init("A", "1")]
        http.status = [200...200, 301...302]
        http.contains = "ok"
        http.matches = "o+k"
        http.within = .milliseconds(500)
        http.verify = true
        http.authorities = "/a"
        http.redirects = 3
        let read = try probe(
            #"""
            {"http":{"url":"http://h/","socket":"/s","method":"POST","headers":{"B":2,"A":"1"},
             "status":[200,"301-302"],"contains":"ok","matches":"o+k","within":"500ms",
             "verify":true,"authorities":"/a","redirects":3,"strikes":4},
             "interval":"5s","timeout":"2s","confirm_interval":"1s"}
            """#)
        #expect(
            read
                == Probe(
                    .http(http),
                    policy: ProbePolicy(
                        interval: .seconds(5), timeout: .seconds(2), strikes: 4,
                        confirmInterval: .seconds(1))))
        var file = FileProbe(path: "/f")
        file.fresh = .hours(24)
        file.owner = "web"
        file.mode = 0o2640
        #expect(
            try probe(#"{"file":{"path":"/f","fresh":"1d","owner":"web","mode":"02640"}}"#)
                == Probe(.file(file)))
    }

    @Test(
        "a wrong probe is told with its path",
        arguments: [
            (#"{"htp":"http://h"}"#, "unknown key 'htp' in services.web.probes[0]; did you mean"),
            (#"{}"#, "services.web.probes[0]: what to look at is missing; write one of http, tls"),
            (#"{"tcp":null}"#, "services.web.probes[0]: what to look at is missing"),
            (#"{"tcp":1,"http":"http://h"}"#, "'http' and 'tcp' are more than one probe; begin"),
            (#""notify""#, "a mapping of keys to values is needed, not 'notify'"),
            (#"{"tcp":1,"interval":"99ms"}"#, "99ms is outside of the allowed range 100ms to 1d"),
            (#"{"tcp":1,"timeout":"9ms"}"#, "9ms is outside of the allowed range 10ms to 1h"),
            (#"{"tcp":1,"strikes":101}"#, "101 is outside of the allowed range from 1 to 100"),
            (
                #"{"tcp":{"port":1,"strikes":2},"strikes":3}"#,
                "services.web.probes[0].tcp.strikes: it is also set beside the probe; keep one"
            ),
            (#"{"http":"ftp://h/"}"#, "the URL does not begin with http:// or https://"),
            (#"{"http":"http:///x"}"#, "'' in the URL is not a host with or without a port"),
            (#"{"http":"http://::1/"}"#, "'::1' in the URL is not a host with or without a port"),
            (#"{"http":"http://h:0/"}"#, "'h:0' in the URL is not a host with or without a port"),
            (#"{"http":"http://h\\@x/"}"#, "a user or a password in a URL ends up in logs"),
            (#"{"http":"http://u:hunter2@h/"}"#, "a user or a password in a URL ends up in logs"),
            (#"{"http":"http://h/ x"}"#, "the URL has a space, a control character or one beyond"),
            (#"{"http":"http://h/ü"}"#, "percent-encode it"),
            (#"{"http":{}}"#, "services.web.probes[0].http: 'url' is missing"),
            (#"{"http":{"url":"http://h","method":"get"}}"#, "'get' is not a method"),
            (
                #"{"http":{"url":"http://h","headers":{"A":"x\r\nB: y"}}}"#,
                "services.web.probes[0].http.headers.A: a header's value has no line breaks"
            ),
            (#"{"http":{"url":"http://h","headers":{"A:":"x"}}}"#, "'A:' is not the name of a hea"),
            (
                #"{"http":{"url":"http://h","status":"299-200"}}"#,
                "services.web.probes[0].http.status: '299-200' is neither a status from 100 to 999"
            ),
            (#"{"http":{"url":"http://h","status":99}}"#, "'99' is neither a status"),
            (#"{"http":{"url":"http://h","status":[]}}"#, "1 to 16 elements are allowed, not 0"),
            (#"{"http":{"url":"http://h","contains":""}}"#, "1 to 4096 bytes are allowed, not 0"),
            (
                #"{"http":{"url":"http://h","contains":"x","method":"HEAD"}}"#,
                "services.web.probes[0].http.contains: an answer to HEAD has no body; use GET"
            ),
            (
                #"{"http":{"url":"http://h","within":"2s"}}"#,
                "services.web.probes[0].http.within: 2s is longer than the time-out of 1s; make"
            ),
            (
                #"{"http":{"url":"http://h","authorities":"/a","verify":false}}"#,
                "with 'verify: false' nobody is asked"
            ),
            (#"{"tls":"example.org"}"#, "'example.org' is not a host and a port; write"),
            (#"{"tls":{"file":"/a","server":"h:1"}}"#, "exactly one of 'server', 'file' is needed"),
            (#"{"tls":{}}"#, "exactly one of 'server', 'file' is needed"),
            (#"{"tls":{"file":"/a","names":["a b"]}}"#, "'a b' is not a name that a certificate"),
            (#"{"tcp":"::1:80"}"#, "'::1:80' is not a host and a port; write"),
            (#"{"tcp":"[x]:80"}"#, "'[x]:80' is not a host and a port"),
            (#"{"tcp":":80"}"#, "':80' is not a host and a port"),
            (#"{"tcp":65536}"#, "'65536' is not a port, which is a number from 1 to 65535"),
            (#"{"tcp":{"host":"h:1","port":1}}"#, "'h:1' is not a host"),
            (#"{"unix":"run/x"}"#, "'run/x' is not an absolute path"),
            (#"{"listening":0}"#, "'0' is not a port"),
            (#"{"command":""}"#, "services.web.probes[0].command: 1 to 16384 bytes are allowed"),
            (#"{"command":[]}"#, "1 to 1024 elements are allowed, not 0"),
            (#"{"command":{"exit":1}}"#, "services.web.probes[0].command: 'command' is missing"),
            (#"{"memory":{}}"#, "services.web.probes[0].memory: 'below' is missing"),
            (#"{"memory":{"below":"101%"}}"#, "'101%' is not a share from 1% to 100%"),
            (#"{"memory":{"below":"1KiB"}}"#, "1KiB is outside of the allowed range 4096 to"),
            (#"{"memory":{"below":"1%","of":"tree"}}"#, "have no limit to take a share of"),
            (#"{"memory":{"below":"1%","of":"me"}}"#, "'me' is not one of auto, cgroup, tree"),
            (#"{"cpu":{"below":95}}"#, "'95' is not a share from 1% to 100000%"),
            (#"{"progress":{"within":"1s"}}"#, "exactly one of 'file', 'number', 'command' is"),
            (#"{"file":{"path":"/f","mode":"888"}}"#, "'888' is not a mode; write octal digits"),
            (#"{"notify":"off"}"#, "'off' is neither on nor a mapping"),
            (#"{"notify":{"watchdog":"1ms"}}"#, "1ms is outside of the allowed range 100ms to 1d"),
        ])
    func wrong(json: String, message: String) throws {
        let found = try complaints("\"probes\":[\(json)]")
        #expect(found.count == 1 && found[0].contains(message), "\(found)")
        #expect(!found.joined().contains("hunter2"))
    }

    @Test("a service has one word to say, and up to 32 probes") func counts() throws {
        let twice = try complaints(#""probes":[{"notify":true},{"tcp":1},{"notify":"on"}]"#)
        #expect(twice.count == 1)
        #expect(twice[0].contains("services.web.probes[2]: 'notify' is there twice"))
        let memory = #"{"memory":{"below":"50%"}}"#
        let most = Array(repeating: memory, count: 32).joined(separator: ",")
        #expect(try service("\"probes\":[\(most)]").probes.count == 32)
        #expect(try complaints("\"probes\":[\(most),\(memory)]").count == 1)
        let healthcheck = try complaints("\"probes\":[\(most)],\"healthcheck\":{\"cmd\":\"x\"}")
        #expect(healthcheck.count == 1)
        let notify = #""probes":[{"notify":true}],"environment":{"NOTIFY_SOCKET":"/x"}"#
        #expect(
            try complaints(notify) == [
                "services.web.environment.NOTIFY_SOCKET: regend sets it for the 'notify' probe; "
                    + "leave it out"
            ])
    }

    @Test("a socket's path fits into its address") func socketPath() throws {
        let most = "/" + String(repeating: "x", count: 106)
        #expect(try probe(#"{"unix":"\#(most)"}"#) == Probe(.unix(path: most)))
        for json in [
            #"{"unix":"\#(most)x"}"#, #"{"http":{"url":"http://h","socket":"\#(most)x"}}"#,
        ] {
            let found = try complaints("\"probes\":[\(json)]")
            #expect(found.count == 1 && found[0].contains("the path is longer than 107 bytes"))
        }
    }

    @Test("headers have bounds in number and in bytes") func headers() throws {
        func headers(_ count: Int, _ bytes: Int) -> String {
            let value = String(repeating: "x", count: bytes)
            let all = (0..<count).map { "\"H\($0)\":\"\(value)\"" }.joined(separator: ",")
            return #""probes":[{"http":{"url":"http://h","headers":{\#(all)}}}]"#
        }
        #expect(try complaints(headers(32, 1)) == [])
        #expect(try complaints(headers(33, 1)).count == 1)
        #expect(try complaints(headers(1, 8192 - 6)) == [])
        #expect(try complaints(headers(1, 8192 - 5)).count == 1)
    }

    @Test("what is allowed but unwise is a warning") func unwise() throws {
        let read = try warnings(
            #""probes":[{"tcp":"0.0.0.0:80"},{"http":"http://[::]:80/"},{"tcp":1,"strikes":1},"#
                + #"{"tcp":1,"timeout":"3s"},{"tcp":1,"timeout":"2s"},{"command":["a"]}]"#)
        #expect(
            read == [
                "services.web.probes[0].tcp: 0.0.0.0 is an address to listen at, not to connect to; "
                    + "write 127.0.0.1",
                "services.web.probes[1].http: :: is an address to listen at, not to connect to; "
                    + "write [::1]",
                "services.web.probes[2].strikes: with one strike, one lost packet restarts the "
                    + "service",
                "services.web.probes[3].timeout: the time-out of 3s is longer than the interval of "
                    + "2s: while one look lasts, no other begins",
                "services.web.probes[5].command: 'a' is looked up in PATH at each start; write the "
                    + "program's absolute path",
            ])
    }

    @Test(
        "a probe is another one when it looks at something else, and not when it looks more often")
    func fingerprint() throws {
        let before = try probe(#"{"http":"http://h"}"#).fingerprint
        #expect(
            try probe(#"{"http":"http://h","strikes":9,"interval":"9s"}"#).fingerprint == before)
        #expect(try probe(#"{"http":"http://h/"}"#).fingerprint != before)
        let header = #"{"http":{"url":"http://h","headers":{"A":"b"}}}"#
        #expect(try probe(header).fingerprint != before)
    }

    @Test("the port of a server on this machine is known, and no stranger's taken for one")
    func localPorts() throws {
        let cases: [(String, UInt16?)] = [
            (#"{"listening":8080}"#, 8080), (#"{"tcp":80}"#, 80), (#"{"tcp":"[::1]:80"}"#, 80),
            (#"{"tls":"localhost:443"}"#, 443), (#"{"http":"http://127.1.2.3/a"}"#, 80),
            (#"{"http":"https://localhost/"}"#, 443), (#"{"http":"http://127.0.0.1:81/"}"#, 81),
            (#"{"tcp":"127.0.0.1.example:80"}"#, nil), (#"{"tls":"h:443"}"#, nil),
            (#"{"http":"http://127.example/"}"#, nil),
            (#"{"http":{"url":"http://localhost/","socket":"/s"}}"#, nil),
        ]
        for (json, port) in cases { #expect(try probe(json).kind.localPort == port, "\(json)") }
    }

    @Test("a name is short and shows no secret") func names() throws {
        let cases = [
            (#"{"http":"http://127.0.0.1:3001/health"}"#, "http http://127.0.0.1:3001/health"),
            (#"{"http":"http://h/?token=secret"}"#, "http http://h/?…"),
            (#"{"http":{"url":"http://h","headers":{"A":"secret"}}}"#, "http http://h"),
            (#"{"tls":"h:443"}"#, "tls h:443"), (#"{"tcp":"[::1]:80"}"#, "tcp [::1]:80"),
            (#"{"listening":8080}"#, "listening 8080"),
            (#"{"command":"PW=secret curl -u a:secret http://h"}"#, "command curl …"),
            (#"{"command":["/bin/a"]}"#, "command /bin/a"),
            (#"{"memory":{"below":"512MiB"}}"#, "memory below 512MiB"),
            (#"{"cpu":{}}"#, "cpu below 95%"),
            (#"{"progress":{"number":"/n"}}"#, "progress /n"),
            (#"{"file":"/a\u001bb"}"#, #"file /a\u{1b}b"#), (#"{"notify":true}"#, "notify"),
        ]
        for (json, name) in cases { #expect(try probe(json).name == name) }
        let long = try probe("{\"file\":\"/\(String(repeating: "é", count: 90))\"}").name
        #expect(long.utf8.count <= Probe.longestName && long.hasSuffix("é…"))
    }
}
