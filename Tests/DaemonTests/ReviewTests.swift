import Foundation
import Glibc
import JSON
import Testing

@Suite("what a hostile or careless surrounding does to the daemon") struct ReviewTests {
    @Test("a limit below the daemon's own descriptors keeps no service from its log or its score")
    func fewDescriptors() throws {
        let installation = try Installation(
            """
            services:
              web:
                command: [/bin/sh, -c, 'cat /proc/self/oom_score_adj; exec /bin/sleep 1000']
                limits: { nofile: 5 }
                oom_score_adjust: 300
                log: { path: @DIR@/web.log }
            """)
        try installation.start()
        try installation.until("its log says what it was given") {
            (try? String(contentsOfFile: "\(installation.directory)/web.log", encoding: .utf8))
                == "300\n"
        }
        #expect(try installation.end() == 0)
    }

    @Test("started with SIGCHLD ignored, the daemon still sees deaths")
    func ignoredChildSignal() throws {
        let installation = try Installation("services: { web: { command: [/bin/sleep, '1000'] } }")
        let daemon = Process()
        daemon.executableURL = URL(fileURLWithPath: "/bin/sh")
        let run = "exec \(Installation.programs)/regen run --config \(installation.configuration)"
        daemon.arguments = ["-c", "trap '' CHLD; \(run) 2>/dev/null"]
        try daemon.run()
        defer {
            kill(daemon.processIdentifier, SIGKILL)
            daemon.waitUntilExit()
        }
        try installation.until("web runs") {
            (try? installation.phase("web")) == "running"
        }
        let first = try #require(try installation.pid(of: "web"))
        kill(first, SIGKILL)
        try installation.until("web has another pid") {
            let pid = try installation.pid(of: "web")
            return pid != nil && pid != first
        }
    }
}

@Suite("directories that somebody else can change", .enabled(if: getuid() == 0))
struct ForeignDirectoryTests {
    @Test("are none for root's state")
    func foreignState() throws {
        let installation = try Installation("services: { web: { command: [/bin/sleep, '1000'] } }")
        mkdir(installation.state, 0o755)
        chown(installation.state, 2, 2)
        try installation.launch()
        try installation.until("it says why it does not start") {
            installation.messages.contains("\(installation.state) belongs to user 2")
        }
        #expect(installation.survivors().isEmpty)
    }
}

@Suite("marks that somebody else has written", .enabled(if: getuid() == 0)) struct FakeMarkTests {
    /// A process of another user with such a mark, in its own session, whose parent has ended.
    private func fake(
        _ service: String, _ attempt: String, in installation: Installation
    ) throws -> Int32 {
        var status = stat()
        stat(installation.state, &status)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let file = "\(installation.directory)/fake-\(attempt)"
        let user = "setpriv --reuid=2 --regid=2 --clear-groups"
        process.arguments = ["-c", "\(user) setsid /bin/sleep 1000 & echo $! > \(file)"]
        process.environment = [
            "PATH": "/usr/bin:/bin", "REGEN_SERVICE": service, "REGEN_ATTEMPT": attempt,
            "REGEN_STATE": "\(String(status.st_dev, radix: 16)):\(status.st_ino)",
        ]
        try process.run()
        var pid: Int32 = 0
        try installation.until("the fake sleeps") {
            let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
            pid = Int32(text.dropLast()) ?? 0
            return (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) == "sleep\n"
        }
        return pid
    }

    private static let yaml = "services: { web: { command: [/bin/sleep, '1000'], user: '1' } }"

    @Test("cannot take the place of what runs")
    func usurpRunning() throws {
        let installation = try Installation(Self.yaml)
        try installation.start()
        try installation.until("web runs") { try installation.phase("web") == "running" }
        let web = try #require(try installation.pid(of: "web"))
        installation.killDaemon()
        let fake = try fake("web", "999", in: installation)
        try installation.start()
        #expect(try installation.pid(of: "web") == web)
        try installation.until("the fake is ended") { kill(fake, 0) != 0 }
    }

    @Test("cannot take the place of what has ended")
    func usurpEnded() throws {
        let installation = try Installation(Self.yaml)
        try installation.start()
        try installation.until("web runs") { try installation.phase("web") == "running" }
        let web = try #require(try installation.pid(of: "web"))
        installation.killDaemon()
        kill(web, SIGKILL)
        let fake = try fake("web", "9223372036854775807", in: installation)
        let other = try self.fake("web", "999", in: installation)
        try installation.start()
        try installation.until("web runs again") { try installation.phase("web") == "running" }
        let pid = try #require(try installation.pid(of: "web"))
        #expect(pid != web && pid != fake && pid != other)
        kill(fake, SIGKILL)
    }

    @Test("cannot keep the daemon from starting by a name that is none")
    func unspeakableName() throws {
        let installation = try Installation(Self.yaml)
        try installation.start()
        installation.killDaemon()
        let fake = try fake("../../web", "1", in: installation)
        try installation.start()
        try installation.until("web runs") { try installation.phase("web") == "running" }
        #expect(try installation.status()["services"]?.array?.count == 1)
        kill(fake, SIGKILL)
    }
}
