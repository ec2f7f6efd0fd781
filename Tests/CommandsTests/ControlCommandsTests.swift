import Control
import Foundation
import JSON
import Linux
import Testing

@Suite("commands that talk to the daemon") struct ControlCommandsTests {
    @Test("status is a calm table, and the answer is no while something is not running")
    func status() throws {
        let told = try regen("status") { request in
            #expect(request == .status(service: nil))
            return .status([
                .service("web", "running") {
                    $0.pid = 1234
                    $0.uptimeMilliseconds = 11_100_000
                    $0.restarts = 2
                    $0.lastExit = .code(1)
                },
                .service("worker@0", "backing-off") {
                    $0.restarts = 12
                    $0.lastExit = .signal(11, oom: false)
                    $0.incident = 3
                    $0.nextStartMilliseconds = 12_400
                },
                .service("db", "handed-over") {
                    $0.lastExit = .signal(9, oom: true)
                    $0.note = "crash loop"
                },
                .service("batch", "stopped", wanted: false),
            ])
        }
        #expect(
            told.output == """
                regend 7 is ready, pid 4711, up 2h 5m
                configuration /etc/regen.yaml
                ledger sound, 1024 records

                SERVICE   PHASE        PID   UPTIME  RESTARTS  LAST EXIT                NOTE
                web       running      1234  3h 5m   2         code 1
                worker@0  backing-off  -     -       12        SIGSEGV                  \
                incident 3; next start in 12s
                db        handed-over  -     -       0         SIGKILL (out of memory)  crash loop
                batch     stopped      -     -       0         -

                1 of 3 that should run are running; handed over to you: db

                """)
        #expect(told.code == 1)
        #expect(told.error == "")
    }

    @Test("all well is 0; what should not run may be down") func allWell() throws {
        let told = try regen("status", "web") { request in
            #expect(request == .status(service: "web"))
            return .status([.service("web", "running"), .service("x", "stopped", wanted: false)])
        }
        #expect(told.code == 0)
    }

    @Test("--json is what the daemon said") func statusJSON() throws {
        let told = try regen("status", "--json") { _ in .status([.service("web", "running")]) }
        let json = try JSONValue.parse(Array(told.output.utf8), limit: 10_000)
        let reply = try #require(StatusReply(json))
        #expect(reply.services == [.service("web", "running")])
        #expect(reply.daemon.pid == 4711)
        #expect(told.output.last == "\n")
    }

    @Test("control characters reach no terminal") func controlCharacters() throws {
        let told = try regen("status") { _ in
            .status(
                [.service("web", "running") { $0.note = "\u{1B}[2J\u{7}\nboo\u{202E}" }],
                ledger: LedgerCondition(state: "degraded", detail: "\u{1B}c"))
        }
        let unwanted = told.output.unicodeScalars.filter {
            $0.value < 32 && $0 != "\n" || $0 == "\u{202E}"
        }
        #expect(unwanted.isEmpty)
        #expect(told.output.contains("boo"))
        #expect(told.output.contains("degraded"))
    }

    @Test("without a daemon the exit code is 2, and the text says what to do") func noDaemon()
        throws
    {
        let directory = try Folder()
        let told = try run(["status", "--runtime-directory", directory.url.path])
        #expect(told.code == 2)
        #expect(told.output == "")
        #expect(told.error.contains("no regend answers at \(directory.url.path)/io.regen.Control"))
        #expect(told.error.contains("Start it with regen run"))
    }

    @Test("start tells what came of it") func start() throws {
        let fine = try regen("start", "web") { request in
            #expect(request == .start(["web"]))
            return .services(.service("web", "running") { $0.pid = 7 })
        }
        #expect(fine.output == "web: running, pid 7\n")
        #expect(fine.code == 0)
        let broken = try regen("restart", "web", "db") { request in
            #expect(request == .restart(["web", "db"]))
            return .services(
                .service("web", "running") { $0.pid = 7 },
                .service("db", "backing-off") {
                    $0.lastExit = .code(2)
                    $0.nextStartMilliseconds = 200
                })
        }
        #expect(
            broken.output == """
                web: running, pid 7
                db: backing-off, last exit code 2: next start in 200ms

                """)
        #expect(broken.code == 1)
    }

    @Test("stop wants names or --all, not both and not neither") func stop() throws {
        let one = try regen("stop", "web") { request in
            #expect(request == .stop(["web"]))
            return .services(.service("web", "stopped", wanted: false))
        }
        #expect(one.output == "web: stopped\n")
        #expect(one.code == 0)
        let all = try regen("stop", "--all") { request in
            #expect(request == .stopAll)
            return .services(.service("web", "stopping", wanted: false))
        }
        #expect(all.code == 1)
        #expect(try run(["stop"]).code == 2)
        #expect(try run(["stop", "--all", "web"]).code == 2)
    }

    @Test(
        "each refusal has its exit code and its text",
        arguments: [
            (ControlError.noSuchService(name: "web"), Int32(2), "there is no service \"web\""),
            (.notNow(reason: "regend is stopping"), 1, "regend is stopping"),
            (.permissionDenied, 2, "become root"),
            (.tooManyClients, 2, "64 clients"),
            (.methodNotFound(method: "x"), 2, "older than this regen"),
        ])
    func refusals(_ error: ControlError, _ status: Int32, _ text: String) throws {
        let told = try regen("restart", "web") { _ in .failure(error) }
        #expect(told.code == status)
        #expect(told.error.contains(text))
        #expect(told.output == "")
    }

    @Test("reload names what changed; a broken configuration is told in full") func reload()
        throws
    {
        let fine = try regen("reload") { request in
            #expect(request == .reload)
            return .reply(ReloadReply(added: ["a"], changed: [], removed: ["b", "c"]).write)
        }
        #expect(fine.output == "reloaded: added a; removed b, c\n")
        #expect(fine.code == 0)
        let nothing = try regen("reload") { _ in
            .reply(ReloadReply(added: [], changed: [], removed: []).write)
        }
        #expect(nothing.output == "reloaded: nothing changed\n")
        let broken = try regen("reload") { _ in
            .failure(.invalidConfiguration(errors: "web.yaml:3:1: first\nweb.yaml:4:1: second"))
        }
        #expect(broken.code == 2)
        #expect(broken.error.contains("\nweb.yaml:3:1: first\nweb.yaml:4:1: second\n"))
    }

    @Test(
        "log shows the last lines",
        arguments: [
            ("10", "1\n2\n3\n"), ("3", "1\n2\n3\n"), ("2", "2\n3\n"), ("1", "3\n"), ("0", ""),
        ])
    func log(_ number: String, _ expected: String) throws {
        let directory = try Folder()
        let path = try directory.write("web.log", "1\n2\n3\n").path
        let told = try regen("log", "web", "-n", number) { request in
            #expect(request == .logPath(service: "web"))
            return .reply { $0.object { $0.string("path", path) } }
        }
        #expect(told.output == expected)
        #expect(told.code == 0)
    }

    @Test("log finds lines across pieces, and a last line without its end") func longLog() throws {
        let directory = try Folder()
        let line = String(repeating: "x", count: 100_000)
        let path = try directory.write("web.log", "first\n\(line)\n\nopen").path
        let two = try regen("log", "web", "-n", "3") { _ in
            .reply { $0.object { $0.string("path", path) } }
        }
        #expect(two.output == "\(line)\n\nopen")
        let one = try regen("log", "web", "-n", "1") { _ in
            .reply { $0.object { $0.string("path", path) } }
        }
        #expect(one.output == "open")
    }

    @Test("a log that is not there is told") func noLog() throws {
        let told = try regen("log", "web") { _ in
            .reply { $0.object { $0.string("path", "/nonexistent/web.log") } }
        }
        #expect(told.code == 2)
        #expect(told.error.contains("/nonexistent/web.log: No such file"))
    }

    @Test("log follows what is written, a truncation, and a new file of that name")
    func follow() throws {
        let directory = try Folder()
        let path = try directory.write("web.log", "old\n").path
        let daemon = try FakeDaemon { _ in .reply { $0.object { $0.string("path", path) } } }
        defer { daemon.end() }
        let output = Pipe()
        let process = Process()
        process.executableURL = regen
        process.arguments = ["log", "web", "-f", "--runtime-directory", daemon.directory]
        process.standardOutput = output
        try process.run()
        defer {
            // It may have inherited a mask that blocks every other signal.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        func next() throws -> String {
            String(decoding: try output.next(), as: UTF8.self)
        }
        #expect(try next() == "old\n")
        let file = try #require(FileHandle(forWritingAtPath: path))
        file.seekToEndOfFile()
        file.write(Data("appended\n".utf8))
        #expect(try next() == "appended\n")
        try file.truncate(atOffset: 0)
        file.write(Data("cut\n".utf8))
        #expect(try next() == "cut\n")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        file.write(Data("late\n".utf8))
        #expect(try next() == "late\n")
        _ = try directory.write("web.log", "new\n")
        #expect(try next() == "new\n")
    }
}
