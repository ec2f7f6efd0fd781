import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("people are told") struct NoticeTests {
    private static let secret = "hooks-3f9a"
    private static let token = "Bearer 77c1e0"

    /// One that needs a human as soon as it ends, a healthy one, and a hook that takes notices.
    private func installation(
        on occasions: String = "all", timeout: String = "2s", more: String = ""
    ) throws -> (Installation, port: Int) {
        let port = try Installation.freePort()
        let installation = try Installation(
            """
            cgroup: off
            notices:
              ops:
                webhook:
                  url_file: @DIR@/url
                  authorization_file: @DIR@/token
                  headers: { X-Team: ops }
                  timeout: \(timeout)
                on: \(occasions)
            \(more)
            services:
              job: { command: [/bin/sh, -c, 'until [ -e @DIR@/end ]; do sleep 0.02; done; exit 1'],
                     restart: never }
              well: { command: [/bin/sleep, '1000'] }
            """)
        try installation.keepSecret("url", "http://127.0.0.1:\(port)/\(Self.secret)\n")
        try installation.keepSecret("token", Self.token + "\n")
        return (installation, port)
    }

    /// `bin/hook DIR PORT`: each request is a line of JSON in DIR/got; the answer has the status of
    /// the file DIR/answer, 204 where there is none; `body`: and never ends; `hang`: never comes.
    private static let hook = #"""
        #!/usr/bin/python3 -SE
        import http.server, json, os, sys, time
        place = sys.argv[1]
        class Hook(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                try: answer = open(place + "/answer").read().split()
                except FileNotFoundError: answer = ["204"]
                line = {"path": self.path, "body": json.loads(body)}
                line["headers"] = {name.lower(): value for name, value in self.headers.items()}
                with open(place + "/got", "a") as got: got.write(json.dumps(line) + "\n")
                if "hang" in answer: time.sleep(1000)
                self.send_response(int(answer[0]))
                if answer[0] == "302": self.send_header("Location", "/elsewhere")
                if "body" not in answer: self.send_header("Content-Length", "0")
                self.end_headers()
                while "body" in answer: self.wfile.write(b"x" * 65536)
            def log_message(self, *_): pass
            def handle(self):
                try: super().handle()
                except OSError: pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Hook)
        open(place + "/hooked", "w").close()
        server.serve_forever()
        """#

    func hook(_ installation: Installation, _ port: Int) throws -> Process {
        try installation.make("hook", Self.hook)
        let hook = try installation.run(
            ["\(installation.programs)/hook", installation.directory, "\(port)"])
        try installation.until("the hook listens") {
            access("\(installation.directory)/hooked", F_OK) == 0
        }
        return hook
    }

    /// The hook listens, and answers this where it is given; the daemon runs, and one of its services
    /// needs a human.
    private func handOver(
        on occasions: String = "[incident.handover]", answering answer: String? = nil,
        timeout: String = "2s"
    ) throws -> (Installation, hook: Process) {
        let (installation, port) = try installation(on: occasions, timeout: timeout)
        try answer?.write(
            toFile: "\(installation.directory)/answer", atomically: true, encoding: .utf8)
        let hook = try hook(installation, port)
        try installation.start()
        installation.touch("end")
        return (installation, hook)
    }

    /// What the hook got.
    private func got(_ installation: Installation) throws -> [JSONValue] {
        try installation.jsonLines("got")
    }

    private func untilGot(_ installation: Installation, _ count: Int) throws {
        try installation.until("the hook got \(count)", seconds: 60) {
            try self.got(installation).count >= count
        }
    }

    @Test("a hand-over is posted as JSON, with headers and secret, by a user without rights")
    func delivered() throws {
        let (installation, hook) = try handOver(on: "all")
        defer { hook.end() }
        try installation.until("notice.deliver", count: 2)
        let got = try got(installation)
        #expect(got.map { $0["path"]?.string } == ["/\(Self.secret)", "/\(Self.secret)"])
        let headers = try #require(got[1]["headers"])
        #expect(headers["authorization"]?.string == Self.token)
        #expect(headers["x-team"]?.string == "ops")
        #expect(headers["content-type"]?.string == "application/json")
        let told = try #require(got[1]["body"])
        #expect(told["event"]?.string == "incident.handover")
        #expect(told["severity"]?.string == "critical")
        #expect(told["service"]?.string == "job")
        #expect(told["incident"]?.integer == 1)
        #expect(told["sequence"]?.integer == 2)
        #expect(told["host"]?.string == HostName.current)
        #expect(told["text"]?.string?.hasPrefix("job: needs a human") == true)
        let record = try #require(try installation.records("notice.deliver").last)
        #expect(record["route"]?.string == "ops")
        #expect(record["notice"]?.string == told["id"]?.string)
        #expect(record["about"]?.string == "incident.handover")
        #expect(record["instance"]?.string == "job")

        let worker = try #require(try installation.worker("notify"))
        let status = try String(contentsOfFile: "/proc/\(worker)/status", encoding: .utf8)
        #expect(status.contains("\nNoNewPrivs:\t1\n"))
        #expect(status.contains("\nSeccomp:\t2\n"))
        #expect(status.contains("\nCapEff:\t0000000000000000\n"))
        if getuid() == 0 {
            let own = getpwnam("regen-notify") ?? getpwnam("nobody")
            let user = try #require(own).pointee.pw_uid
            #expect(status.contains("\nUid:\t\(user)\t\(user)\t\(user)\t\(user)\n"))
        }
    }

    @Test(
        "a rollback is told: that it begins and how it ends; or that it needs a human's word",
        arguments: [
            ("automatic", ["switch.intent", "switch.end"], ["warning", "info"]),
            ("propose", ["rollback.plan", "incident.handover"], ["critical", "critical"]),
        ])
    func rollback(_ policy: String, _ events: [String], _ severities: [String]) throws {
        let port = try Installation.freePort()
        let scene = try SwitchingScene(
            safeSwitch: "{ policy: \(policy) }",
            more: "notices: { ops: { webhook: { url: 'http://127.0.0.1:\(port)/' } } }")
        let installation = scene.installation
        let hook = try hook(installation, port)
        defer { hook.end() }
        try scene.start()
        try scene.deployBad()
        try untilGot(installation, 2)
        let told = try got(installation).compactMap { $0["body"] }
        #expect(told.map { $0["event"]?.string } == events)
        #expect(told.map { $0["severity"]?.string } == severities)
        #expect(told.allSatisfy { $0["incident"]?.integer == 1 })
        let words = policy == "propose" ? "regen rollback --to 1" : "back to generation 1"
        #expect(told[0]["text"]?.string?.contains(words) == true, "\(told[0])")
    }

    @Test("secrets are in no command line, environment, status, log or ledger")
    func discreet() throws {
        let (installation, hook) = try handOver(on: "all", answering: "500")
        defer { hook.end() }
        try installation.until("route.fail")
        let worker = try #require(try installation.worker("notify"))
        var places = try FileManager.default.subpathsOfDirectory(atPath: installation.state)
            .map { "\(installation.state)/\($0)" }
        for pid in [worker, installation.pid] {
            places += ["/proc/\(pid)/cmdline", "/proc/\(pid)/environ"]
        }
        for place in places {
            let bytes = FileManager.default.contents(atPath: place) ?? Data()
            #expect(bytes.range(of: Data(Self.secret.utf8)) == nil, "\(place)")
            #expect(bytes.range(of: Data(Self.token.utf8)) == nil, "\(place)")
        }
        let status = try installation.regen("status", "--json").output
        for text in [status, installation.messages] {
            #expect(!text.contains(Self.secret) && !text.contains(Self.token))
        }
        // Nobody but regend holds the routes: a worker closes its own once it has read it.
        let well = try #require(try installation.pid(of: "well"))
        for pid in [worker, well] { #expect(try !holdsRoutes(pid)) }
        #expect(try holdsRoutes(installation.pid))
    }

    private func holdsRoutes(_ pid: Int32) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").contains { name in
            let path = "/proc/\(pid)/fd/\(name)"
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path)
            return target?.contains("regen-route") == true
        }
    }

    @Test("a server that is down is told when it is up, in order, and nothing is lost")
    func later() throws {
        let (installation, port) = try installation()
        try installation.start()
        installation.touch("end")
        try installation.until("route.fail")
        let hook = try hook(installation, port)
        defer { hook.end() }
        try installation.until("notice.deliver", count: 2)
        let records = try installation.records("notice.deliver")
        #expect((records[0]["attempts"]?.integer ?? 0) > 1)
        #expect(
            try got(installation).compactMap { $0["body"]?["event"]?.string }
                == ["incident.open", "incident.handover"])
        let failure = try #require(try installation.records("route.fail").first)
        #expect(failure["reason"]?.string == "connection refused")
        try installation.expect("well", ["process.start"])
    }

    @Test("what will pass is tried again", arguments: ["500", "503", "429", "408", "204 hang"])
    func again(_ answer: String) throws {
        let (installation, hook) = try handOver(answering: answer)
        defer { hook.end() }
        try installation.until("route.fail")
        #expect(try installation.records("notice.giveup").isEmpty)
        unlink("\(installation.directory)/answer")
        try installation.until("notice.deliver")
        let told = try got(installation).compactMap { $0["body"]?["id"]?.string }
        #expect(told.count >= 2 && Set(told).count == 1, "\(told)")
        #expect(try installation.records("route.fail").count == 1)
    }

    @Test(
        "what will not pass is given up at once, and no redirect is followed",
        arguments: ["400", "401", "404", "410", "302"])
    func never(_ answer: String) throws {
        let (installation, hook) = try handOver(answering: answer)
        defer { hook.end() }
        try installation.until("notice.giveup")
        let record = try #require(try installation.records("notice.giveup").first)
        #expect(record["attempts"]?.integer == 1)
        #expect(record["reason"]?.string?.hasPrefix("HTTP \(answer)") == true)
        #expect(try got(installation).map { $0["path"]?.string } == ["/\(Self.secret)"])
        #expect(try installation.records("notice.deliver").isEmpty)
    }

    @Test("an answer whose body never ends has been taken, once")
    func endless() throws {
        let (installation, hook) = try handOver(answering: "200 body")
        defer { hook.end() }
        try installation.until("notice.deliver")
        #expect(try got(installation).count == 1)
    }

    @Test("the worker killed in the middle is a fault of its own, and people are told all the same")
    func killed() throws {
        let (installation, hook) = try handOver(answering: "204 hang")
        defer { hook.end() }
        try untilGot(installation, 1)
        unlink("\(installation.directory)/answer")
        kill(try #require(try installation.worker("notify")), SIGKILL)
        try installation.until("worker.fail")
        try installation.until("notice.deliver")
        #expect(try installation.records("worker.fail").first?["role"]?.string == "notify")
        #expect(try installation.records("route.fail").isEmpty)
        try installation.expect("well", ["process.start"])
    }

    @Test("a worker killed again and again is a route that fails, until people are told")
    func killedAgain() throws {
        let (installation, hook) = try handOver(answering: "204 hang", timeout: "10s")
        defer { hook.end() }
        for count in 1...2 {
            try untilGot(installation, count)
            kill(try #require(try installation.worker("notify")), SIGKILL)
            try installation.until("worker.fail", count: count)
        }
        try installation.until("route.fail")
        let record = try #require(try installation.records("route.fail").first)
        #expect(record["reason"]?.string == "the worker failed: it has ended")
        let told = try installation.regen("status").output
        #expect(told.contains("route ops is failing for "), "\(told)")
        unlink("\(installation.directory)/answer")
        try installation.until("notice.deliver")
        #expect(try installation.records("route.fail").count == 1)
    }

    @Test("a worker that is stopped is replaced, and people are told all the same")
    func stopped() throws {
        let (installation, hook) = try handOver(
            on: "[incident.open, incident.handover]", answering: "204 hang")
        defer { hook.end() }
        try untilGot(installation, 1)
        unlink("\(installation.directory)/answer")
        kill(try #require(try installation.worker("notify")), SIGSTOP)
        try installation.until("worker.fail")
        try installation.until("notice.deliver", count: 2)
        try installation.expect("well", ["process.start"])
    }

    @Test(
        "a worker that talks nonsense or ends at once delays no restart, and is not started in a rush",
        arguments: ["exec cat /dev/zero >&3", "exit 0"])
    func broken(_ script: String) throws {
        let (installation, port) = try installation(on: "[incident.handover]")
        let hook = try hook(installation, port)
        defer { hook.end() }
        try installation.makeOwnPrograms()
        try installation.replaceOwn("regen-net", by: script)
        try installation.start()
        installation.touch("end")
        try installation.until("worker.fail", count: 2)
        let well = try #require(try installation.pid(of: "well"))
        kill(well, SIGKILL)
        try installation.until("well is back") {
            let pid = try installation.pid(of: "well")
            return pid != nil && pid != well
        }
        #expect(try installation.records("worker.fail").count <= 5)
        try installation.restoreOwn("regen-net")
        try installation.until("notice.deliver")
    }

    @Test(
        "a secret that cannot be used is told at once, the rest works, and a reload mends it",
        arguments: ["missing", "open to all", "too large", "a directory", "no URL", "a FIFO"])
    func defects(_ defect: String) throws {
        let (installation, port) = try installation(on: "[incident.handover]")
        let hook = try hook(installation, port)
        defer { hook.end() }
        let path = "\(installation.directory)/url"
        let words: String
        switch defect {
        case "missing":
            unlink(path)
            words = "No such file"
        case "open to all":
            chmod(path, 0o644)
            words = "may be read or written by everybody (mode 644)"
        case "too large":
            try installation.keepSecret("url", String(repeating: "x", count: 8193))
            words = "is longer than 8192 bytes"
        case "a directory":
            unlink(path)
            mkdir(path, 0o700)
            words = "is not a regular file"
        case "a FIFO":
            unlink(path)
            mkfifo(path, 0o600)
            words = "is not a regular file"
        default:
            try installation.keepSecret("url", "hooks.example/\(Self.secret)")
            words = "does not hold a URL"
        }
        try installation.start()
        try installation.until("route.refuse")
        let record = try #require(try installation.records("route.refuse").first)
        #expect(record["route"]?.string == "ops")
        let reason = try #require(record["reason"]?.string)
        #expect(reason.contains(path) && reason.contains(words), "\(reason)")
        #expect(!reason.contains(Self.secret))
        try installation.untilSaid(words)
        installation.touch("end")
        try installation.until("incident.handover", of: "job")
        try installation.expect("well", ["process.start"])
        #expect(try installation.worker("notify") == nil)
        rmdir(path)
        unlink(path)
        try installation.keepSecret("url", "http://127.0.0.1:\(port)/\(Self.secret)")
        #expect(try installation.regen("reload").status == 0)
        try installation.until("notice.deliver")
    }

    @Test("after a reload the new secret is used, by another worker")
    func rotated() throws {
        let (installation, hook) = try handOver(on: "[incident.open, service.recover]")
        defer { hook.end() }
        try installation.until("notice.deliver")
        let before = try #require(try installation.worker("notify"))
        #expect(try installation.regen("reload").status == 0)
        #expect(try installation.worker("notify") == before)
        try installation.keepSecret("token", "Bearer new")
        #expect(try installation.regen("reload").status == 0)
        try installation.until("the old worker has ended") { kill(before, 0) != 0 }
        kill(try #require(try installation.pid(of: "well")), SIGKILL)
        try installation.until("notice.deliver", count: 2)
        let last = try #require(try got(installation).last)
        #expect(last["headers"]?["authorization"]?.string == "Bearer new")
        #expect(last["body"]?["service"]?.string == "well")
        #expect(try installation.records("worker.fail").isEmpty)
    }

    @Test("by hand a route is tried, and tells what came of it") func byHand() throws {
        let (installation, port) = try installation()
        let hook = try hook(installation, port)
        defer { hook.end() }
        try installation.start()
        try installation.until("the hook listens") {
            try installation.regen("notify", "ops").status == 0
        }
        let told = try #require(try got(installation).last?["body"])
        #expect(told["event"]?.string == "test" && told["severity"]?.string == "info")
        try "404".write(
            toFile: "\(installation.directory)/answer", atomically: true, encoding: .utf8)
        let refused = try installation.regen("notify", "ops")
        #expect(refused.status == 1)
        #expect(refused.output.contains("refused") && refused.output.contains("HTTP 404"))
        let unknown = try installation.regen("notify", "nobody")
        #expect(unknown.status == 1)
        #expect(unknown.errors.contains("there is no route 'nobody'; there are: ops"))
        chmod("\(installation.directory)/url", 0o644)
        #expect(try installation.regen("reload").status == 0)
        let unusable = try installation.regen("notify", "ops")
        #expect(unusable.status == 1)
        #expect(unusable.output.contains("may be read or written by everybody"))
        #expect(try installation.regen("status").output.contains("route ops is unusable"))
    }

    @Test("status tells of a route that fails, until it does not") func status() throws {
        let (installation, port) = try installation(on: "[incident.handover]")
        try installation.start()
        installation.touch("end")
        try installation.until("route.fail")
        let text = try installation.regen("status").output
        #expect(text.contains("route ops is failing for "), "\(text)")
        #expect(text.contains(", 1 notice waits: "), "\(text)")
        let hook = try hook(installation, port)
        defer { hook.end() }
        try installation.until("notice.deliver")
        let route = try installation.status()["daemon"]?["routes"]?.array?.first
        #expect(route?["state"]?.string == "ready" && route?["waiting"]?.integer == 0)
        #expect(route?["delivered_unix_ms"]?.integer != nil)
    }

    @Test("an open hand-over is told again by the next daemon, and nothing else is")
    func nextLife() throws {
        let (installation, hook) = try handOver(on: "all")
        defer { hook.end() }
        try installation.until("notice.deliver", count: 2)
        installation.killDaemon()
        try installation.start()
        try installation.until("notice.deliver", count: 3)
        let texts = try got(installation).compactMap { $0["body"]?["text"]?.string }
        #expect(texts.count == 3)
        #expect(texts.last?.hasPrefix("job: still needs a human") == true, "\(texts)")
    }
}

extension Installation {
    /// What a server has noted in that file, a line each; the last may be half written.
    func jsonLines(_ name: String) throws -> [JSONValue] {
        let text = text(name)
        return try text[..<(text.lastIndex(of: "\n") ?? text.startIndex)].split(separator: "\n")
            .map { try JSONValue.parse(Array($0.utf8), limit: 65536) }
    }

    /// Writes a file that only its owner may read.
    func keepSecret(_ name: String, _ text: String) throws {
        let path = "\(directory)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o600)
    }
}
