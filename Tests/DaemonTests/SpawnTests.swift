import Foundation
import Glibc
import JSON
import Testing

@Suite("what a service is given, by the daemon") struct ServiceSpawnTests {
    /// A configuration whose `web` runs that command and gives up soon, beside one that is well.
    private func installation(_ web: String) throws -> Installation {
        try Installation(
            """
            defaults:
              backoff: { first: 10ms, most: 20ms }
              start: { retries: 2 }
            services:
              good: { command: [/bin/sleep, '1000'] }
              web: { \(web) }
            """)
    }

    /// The service cannot start: it says so, with these words, hands over, and others run.
    private func expectRefusal(_ installation: Installation, _ message: String) throws {
        try installation.start()
        try installation.untilSaid("web: cannot start: \(message)")
        try installation.untilSaid(
            "web: needs a human (incident 1, start-retries); see: regen status web")
        try installation.until("good", is: "running")
        let web = try #require(try installation.instance("web"))
        #expect(web["phase"]?.string == "handed-over" || web["phase"]?.string == "starting")
        #expect(try installation.records("process.fail", of: "web").count >= 2)
        #expect(try installation.records("process.exit", of: "web").isEmpty)
        let text = try installation.regen("status", "web").output
        #expect(text.contains(message), "\(text)")
        #expect(try installation.end() == 0)
    }

    @Test("a command that does not exist")
    func missing() throws {
        try expectRefusal(
            installation("command: [/no/such/program]"),
            "its command: No such file or directory, or the interpreter it names is missing")
    }

    @Test("a script whose interpreter does not exist")
    func interpreter() throws {
        let installation = try installation("command: [@DIR@/bin/lost]")
        try installation.make("lost", "#!/no/such/interpreter\n")
        try expectRefusal(
            installation,
            "its command: No such file or directory, or the interpreter it names is missing")
    }

    @Test("a command that may not be executed")
    func deaf() throws {
        let installation = try installation("command: [@DIR@/bin/deaf]")
        try installation.make("deaf", "#!/bin/sh\n", mode: 0o644)
        try expectRefusal(installation, "its command: Permission denied")
    }

    @Test("a command that is a directory")
    func directoryAsCommand() throws {
        try expectRefusal(installation("command: [/usr]"), "its command: Permission denied")
    }

    @Test("a text that is no program")
    func text() throws {
        let installation = try installation("command: [@DIR@/bin/text]")
        try installation.make("text", "just text\n")
        try expectRefusal(installation, "its command: Exec format error")
    }

    @Test("a working directory that does not exist")
    func directory() throws {
        try expectRefusal(
            installation("command: [/bin/sleep, '9'], directory: /no/such/directory"),
            "its directory: No such file or directory")
    }

    @Test("a user or a group that does not exist", .enabled(if: geteuid() == 0, "needs root"))
    func account() throws {
        for account in ["user: no-such-user", "user: nobody, group: no-such-group"] {
            try expectRefusal(
                installation("command: [/bin/sleep, '9'], \(account)"),
                "no such user or group on this machine")
        }
    }

    @Test("and when the program comes, so does the service")
    func comes() throws {
        let installation = try installation("command: [@DIR@/bin/nap, '1000']")
        try installation.start()
        try installation.untilSaid("needs a human")
        try installation.makeNap()
        try installation.until("web", is: "running")
        #expect(try installation.end() == 0)
    }

    @Test(
        "user, groups, umask, limits, directory, environment, nice value and OOM score arrive",
        .enabled(if: geteuid() == 0, "needs root"))
    func arrives() throws {
        let installation = try Installation(
            """
            services:
              web:
                command: [@DIR@/bin/web]
                user: nobody
                group: "65532"
                groups: ["7", "12"]
                umask: "027"
                nice: 7
                oom_score_adjust: 250
                directory: /usr
                environment: { COLOUR: blue green }
                limits: { nofile: "100:200", core: 0 }
                log: { path: @DIR@/open/out, size: 1MiB }
            """)
        try FileManager.default.createDirectory(
            atPath: "\(installation.directory)/open", withIntermediateDirectories: true)
        chmod("\(installation.directory)/open", 0o777)
        try installation.script(
            "web",
            """
            id -u; id -g; id -G; umask; nice; pwd; ulimit -Sn; ulimit -Hn; ulimit -c
            cat /proc/self/oom_score_adj
            grep -E '^Sig(Blk|Ign)' /proc/self/status
            sh -c 'ls /proc/$$/fd'
            env | grep -v '^_=' | sort
            echo end
            exec sleep 1000
            """)
        try installation.start()
        try installation.until("the script is through") {
            installation.text("open/out").hasSuffix("end\n")
        }
        var lines = installation.text("open/out").split(separator: "\n").map(String.init)
        #expect(
            Array(lines.prefix(15)) == [
                "65534", "65532", "65532 7 12", "0027", "7", "/usr", "100", "200", "0", "250",
                "SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "0", "1", "2",
            ])
        lines.removeFirst(15)
        let names = lines.compactMap { $0.split(separator: "=").first.map(String.init) }
        #expect(
            names == [
                "COLOUR", "HOME", "LOGNAME", "PATH", "PWD", "REGEN_ATTEMPT", "REGEN_LAUNCH",
                "REGEN_SERVICE", "REGEN_STATE", "SHELL", "USER", "end",
            ])
        #expect(lines.contains("COLOUR=blue green"))
        #expect(lines.contains("USER=nobody"))
        #expect(try installation.end() == 0)
    }

    @Test(
        "an OOM score of the daemon's own is not the service's, nor are its ignored signals",
        .enabled(if: geteuid() == 0, "needs root"))
    func notInherited() throws {
        let installation = try Installation(
            """
            services:
              web: { command: [@DIR@/bin/web], log: { path: @DIR@/out } }
            """)
        try installation.script(
            "web",
            """
            cat /proc/self/oom_score_adj
            grep -E '^SigIgn' /proc/self/status
            ulimit -Sn
            echo end
            exec sleep 1000
            """)
        // What regen inherits it hands on to regend: a shell in between sets it.
        try installation.launch(
            below: "echo 500 > /proc/self/oom_score_adj; trap '' HUP USR1 QUIT; ulimit -Sn 512")
        try installation.until("the script is through") {
            installation.text("out").hasSuffix("end\n")
        }
        let own = try String(
            contentsOfFile: "/proc/\(installation.pid)/oom_score_adj", encoding: .utf8)
        #expect(own == "500\n")
        #expect(installation.text("out") == "0\nSigIgn:\t0000000000000000\n512\nend\n")
        #expect(try installation.end() == 0)
    }
}
