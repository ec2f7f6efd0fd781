import Foundation
import Testing

/// A configuration with a little of everything.
let sample = #"""
    # What a person would write.
    state_directory: /var/lib/regen
    cgroup: off
    control: { allow: [1000, ops] }
    defaults:
      stop: { signal: SIGTERM, grace: 10s }
      crash_loop: { crashes: 5, within: 60s }
      log: { size: 16MiB }
      probe: { interval: 2s, timeout: 1s, strikes: 3, confirm_interval: 250ms }
      escalation: { attempts: 3 }
    services:
      web:
        command: &command [/usr/bin/node, "server.js", '*']
        user: web
        environment: { PORT: "3001", GREETING: "grüß * dich 🙂" }
        umask: 022
        limits: { nofile: "1024:4096", core: 0 }
        probes:
          - http: { url: "http://127.0.0.1:3001/h", status: [200, "300-399"], headers: { A: b } }
            interval: 1s
          - tls: { server: "[::1]:443", days: 7, names: [localhost] }
          - tcp: 80
          - unix: /run/web.sock
          - listening: 3001
          - command: [/bin/true, '*']
          - memory: { below: 80%, of: cgroup }
          - cpu: { below: 95%, for: 30s }
          - progress: { number: /srv/n, within: 30s }
          - file: { path: /srv/f, fresh: 1h, owner: web, mode: 0640 }
          - notify: { watchdog: 10s }
        remedies:
          - port_conflict
          - validate_config: { command: /bin/check -t, timeout: 5s }
          - dependencies:
              - { directory: /srv/web/cache, create: true, mode: 0750 }
              - { base: /srv/web, path: a/b, kind: link, to: c/d }
          - environment: [{ file: /srv/web/.env, keys: [PORT] }]
          - restart
      legacy:
        user: web
        run: { preflight: [make], start: run it, postflight: [], timeout: 1m }
        healthcheck: { cmd: curl localhost, test: fine, interval: 30s }
      worker:
        command: *command
        user: web
        instances: 3
        after: [web]
        crash_loop: off
        nice: -5
    """#

@Suite("regen check") struct CheckTests {
    @Test("a good configuration is counted") func fine() throws {
        let folder = try Folder()
        try folder.write("regen.yaml", sample)
        let outcome = try run(["check", "regen.yaml"], in: folder.url)
        let summary = "regen.yaml: fine: 3 services (5 instances), 0 warnings\n"
        #expect(outcome == Outcome(code: 0, output: summary, error: ""))
    }

    @Test("every error is told at once, with its place") func errors() throws {
        let text = """
            services:
              web:
                comand: [/bin/web]
                stop: { grace: 10 }
              db:
                command: [db]
                after: [wob]
            """
        let outcome = try run(["check", "-"], input: Data(text.utf8))
        #expect(outcome.code == 2)
        #expect(outcome.output == "")
        #expect(
            outcome.error == """
                standard input:6:5: warning: services.db: runs as root when regend is root; set 'user:'
                standard input:6:14: warning: services.db.command: 'db' is looked up in PATH at each \
                start; write the program's absolute path
                standard input:3:5: error: unknown key 'comand' in services.web; did you mean 'command'?
                standard input:3:5: error: services.web: there is no command; add \
                'command: [/path/to/program, argument]', or 'unit: name.service'
                standard input:4:20: error: services.web.stop.grace: '10' is not a duration; write a \
                whole number and ms, s, m, h or d, such as 250ms or 10m
                standard input:7:12: error: services.db.after: there is no service 'wob'; did you mean \
                'web'?

                """)
    }

    @Test("an error or a warning is one object in JSON") func json() throws {
        let text = "services: { a: { command: [/a], nice: x } }"
        let outcome = try run(["check", "--json", "-"], input: Data(text.utf8))
        #expect(outcome.code == 2)
        #expect(
            outcome.output == """
                {"file":"standard input","fine":false,"errors":[{"line":1,"column":39,\
                "path":"services.a.nice","message":"services.a.nice: 'x' is not a whole number from \
                -20 to 19"}],"errors_omitted":0,"warnings":[{"line":1,"column":16,"path":"services.a",\
                "message":"services.a: runs as root when regend is root","hint":"set 'user:'"}]}

                """)
        #expect(outcome.error == "")
    }

    @Test("canonical JSON is a configuration with the same canonical JSON") func canonical() throws
    {
        let first = try run(
            ["check", "--canonical", "-"], input: Data(sample.replacing(" 🙂", with: "").utf8))
        #expect(first.code == 0)
        let second = try run(["check", "--canonical", "-"], input: Data(first.output.utf8))
        #expect(second.output == first.output)
        #expect(first.output.contains(#""GREETING":"gr\u00fc\u00df * dich""#))
        #expect(first.output.contains(#""worker":{"command":["/usr/bin/node","server.js","*"]"#))
    }

    @Test(
        "the examples are good configurations",
        arguments: ["probes.yaml", "deploy-tool.yaml", "safeswitch.yaml"])
    func examples(name: String) throws {
        let folder = URL(filePath: #filePath).appending(path: "../../../examples").standardized
        let outcome = try run(["check", name], in: folder)
        #expect(outcome.code == 0)
        #expect(outcome.output.hasPrefix("\(name): fine: "))
        #expect(outcome.error == "")
    }

    @Test("a misspelt probe is told with its place, and its secrets are not") func probes() throws {
        let text = """
            services:
              web:
                command: [/bin/web]
                user: web
                probes:
                  - htpp: http://localhost
                  - http: { url: "http://ops:hunter2@localhost/" }
                  - http: { url: http://h, headers: { Authorization: "hunter2\\u0007" } }
                remedies: [restat]
            """
        let outcome = try run(["check", "-"], input: Data(text.utf8))
        #expect(outcome.code == 2)
        #expect(
            outcome.error == """
                standard input:6:9: error: unknown key 'htpp' in services.web.probes[0]; did you mean \
                'http'?
                standard input:7:22: error: services.web.probes[1].http.url: a user or a password in a \
                URL ends up in logs; take it out, and write an Authorization header below 'headers'
                standard input:8:58: error: services.web.probes[2].http.headers.Authorization: a \
                header's value has no line breaks and no control characters
                standard input:9:16: error: services.web.remedies[0]: 'restat' is not a remedy; did you \
                mean 'restart'?

                """)
    }

    @Test("colour is for terminals only") func colour() throws {
        let outcome = try run(["check", "/nonexistent"], environment: ["TERM": "xterm"])
        #expect(outcome.error == "/nonexistent: error: No such file or directory\n")
        let script = { (wish: String) in
            "\(wish) script -qec \"'\(regen.path)' check /nonexistent\" /dev/null; true"
        }
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/script") else { return }
        let shell = URL(filePath: "/bin/sh")
        let terminal = ["TERM": "xterm"]
        let coloured = try run(["-c", script("")], by: shell, environment: terminal)
        #expect(coloured.output.contains("\u{1B}[31merror\u{1B}[0m"))
        let plain = try run(["-c", script("NO_COLOR=1")], by: shell, environment: terminal)
        #expect(plain.output.contains(": error: "))
    }

    @Test(
        "what is no configuration is refused with its reason",
        arguments: [
            ("", "1:1: error: there is no configuration in this file"),
            ("# nothing\n", "1:1: error: there is no configuration in this file"),
            ("a: b\nc: \u{0}", "2:4: error: there is a character that is not text (U+0)"),
            ("services: [", "2:1: error: not valid YAML"),
            ("services: {a: 1, a: 2}", "1:12: error: the key 'a' is there twice"),
            ("services: *x", "1:11: error: '*x' is an alias of nothing above it"),
            ("? [a]\n: b", "1:3: error: a key must be a single word"),
            ("a: &x b\n*x : c", "2:1: error: a key must be a single word"),
            ("a: \u{E000}", "1:4: error: there is a character that is not text (U+E000)"),
            ("a: 1\n---\nb: 1", "2:1: error: not valid YAML: but found another document"),
            ("services: null", "1:1: error: there are no services"),
        ])
    func refused(text: String, message: String) throws {
        let outcome = try run(["check", "-"], input: Data(text.utf8))
        #expect(outcome.code == 2)
        #expect(outcome.output == "")
        #expect(outcome.error.contains("standard input:" + message), "\(outcome.error)")
    }

    @Test("files that cannot be read are told") func unreadable() throws {
        let folder = try Folder()
        for (path, reason) in [
            (folder.url.path, "Is a directory"), ("missing", "No such file or directory"),
            ("/dev/zero", "File too large; a configuration has at most 16777216 bytes"),
        ] {
            let outcome = try run(["check", path], in: folder.url)
            #expect(outcome == Outcome(code: 2, output: "", error: "\(path): error: \(reason)\n"))
        }
        try folder.write("bytes", Data([0x61, 0x3A, 0x20, 0xFF]))
        let outcome = try run(["check", "bytes"], in: folder.url)
        #expect(outcome.error.hasPrefix("bytes:1:4: error: there is a byte that is not UTF-8 text"))
    }

    @Test("small texts that would unfold without end are refused") func bombs() throws {
        let links = (1...400).map { "- &a\($0) [*a\($0 - 1),*a\($0 - 1)]\n" }.joined()
        for text in [
            "- &a0 [x]\n" + links, "- &a0 [x]\n" + links + "- ? *a400\n  : x\n",
            String(repeating: "[", count: 1 << 20), String(repeating: "- ", count: 900) + "x",
            String(repeating: "? ", count: 900) + "x", String(repeating: "{a: ", count: 900),
            String(repeating: "[", count: 70) + String(repeating: "]", count: 70),
            String(repeating: ",", count: 4 << 20), "a: " + String(repeating: "x", count: 2 << 20),
            "a: &a \(String(repeating: "x", count: 1 << 20))\nb: [\(String(repeating: "*a,", count: 40))]",
        ] {
            let outcome = try run(["check", "-"], input: Data(text.utf8))
            #expect(outcome.code == 2)
            #expect(outcome.error.hasPrefix("standard input:"))
            #expect(outcome.error.contains(": error: "))
        }
    }
}
