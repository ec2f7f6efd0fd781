import Foundation
import Glibc
import JSON
import Testing

/// Makes each exec of a program slow, as an overloaded machine does: by fanotify, which asks
/// slow-exec.py before the kernel goes on.
private final class SlowExec {
    private let process = Process()
    private let output = Pipe()

    /// Nil where the kernel does not let us.
    init?(of path: String, seconds: Double) throws {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "\(here)/slow-exec.py", path, "\(seconds)"]
        process.standardOutput = output
        try process.run()
        guard try says("ready\n") else {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            return nil
        }
    }

    private func says(_ words: String) throws -> Bool {
        let reader = output.fileHandleForReading
        var entry = pollfd(fd: reader.fileDescriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 30_000) == 1 else { return false }
        return try reader.read(upToCount: words.utf8.count) == Data(words.utf8)
    }

    /// Waits until an exec waits.
    func untilAsked() throws { try #require(try says("asked\n")) }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    static var obstacle: String? {
        guard geteuid() == 0 else { return "fanotify needs root" }
        let isThere = (try? SlowExec(of: "/bin/true", seconds: 0)) != nil
        return isThere ? nil : "needs python3 and a kernel whose fanotify asks before an exec"
    }
}

/// A service manager, as far as it listens.
private final class Manager {
    private let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    private let path: String
    private var heard = ""

    init(in directory: String) throws {
        path = "\(directory)/notify"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
    }

    /// What a shell does before it starts regend: a sign of life is wanted each second.
    var shell: String { "export NOTIFY_SOCKET=\(path) WATCHDOG_USEC=2000000" }

    /// All it was told, a line each.
    func told() -> [Substring] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT)),
            count > 0
        { heard += String(decoding: bytes[..<count], as: UTF8.self) + "\n" }
        return heard.split(separator: "\n")
    }

    deinit { close(descriptor) }
}

extension Installation {
    /// A program that sleeps, at `@DIR@/slow`; its path.
    fileprivate func makeSlow() throws -> String {
        let program = "\(directory)/slow"
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
        return program
    }

    fileprivate func untilSlowRunsAgain(after first: Int32) throws {
        try until("slow runs again") { try pid(of: "slow").map { $0 != first } ?? false }
    }
}

@Suite(
    "execs that take long",
    .enabled(if: SlowExec.obstacle == nil, "\(SlowExec.obstacle ?? "")"))
struct SlowExecTests {
    @Test(
        "a turn begins no more of them than fit into its time: regend answers before all have begun"
    )
    func slow() throws {
        // Fewer than a turn may begin where they are fast; together they take twelve seconds.
        let names = (0..<40).map { "s\($0)" }
        let services = names.map { "  \($0): { command: [@DIR@/slow, '1000'], log: none }" }
        let installation = try Installation(
            "cgroup: off\nservices:\n\(services.joined(separator: "\n"))")
        let program = try installation.makeSlow()
        var gate = try SlowExec(of: program, seconds: 0.3)
        try #require(gate != nil)
        try installation.launch()
        var begun: Int?
        try installation.until("it answers") {
            let services = try? installation.status()["services"]?.array
            begun = services.flatMap { $0 }?.count { $0["pid"]?.integer != nil }
            return begun != nil
        }
        gate = nil
        let first = try #require(begun)
        #expect(first < names.count, "\(first) had begun when it answered")
        try installation.until("all run") {
            try installation.status()["services"]?.array?.count { $0["phase"]?.string == "running" }
                == names.count
        }
        #expect(try installation.end() == 0)
    }

    @Test(
        "a watchdog is fed while the loop waits for an exec, which comes to its end all the same",
        .enabled(if: FakeWatchdog.library != nil, "no C compiler"))
    func fed() throws {
        let installation = try Installation(
            """
            cgroup: off
            watchdog: { device: '@DIR@/watchdog', timeout: 10s }
            services:
              slow: { command: [@DIR@/slow, '1000'], critical: true, log: none }
            """)
        let device = FakeWatchdog(in: installation.directory)
        let program = try installation.makeSlow()
        try installation.start(below: device.shell)
        try installation.until("slow", is: "running")
        try installation.until("it is fed") { device.feedings > 0 }
        let first = try #require(try installation.pid(of: "slow"))
        var gate = try SlowExec(of: program, seconds: 1000)
        kill(first, SIGKILL)
        try gate?.untilAsked()
        let before = device.feedings
        try installation.until("it is fed all the same", seconds: 60) {
            device.feedings >= before + 2
        }
        try installation.until("it is told") {
            installation.messages.contains("a program could not be executed for ")
        }
        gate = nil
        try installation.untilSlowRunsAgain(after: first)
        try installation.until("slow", is: "running")
        #expect(try installation.records("watchdog.starve").isEmpty)
        #expect(try installation.records("process.start", of: "slow").count == 2)
        #expect(try installation.end() == 0)
    }

    @Test(
        "started again where an exec takes long, regend first takes the device that goes on counting",
        .enabled(if: FakeWatchdog.library != nil, "no C compiler"))
    func startedAgain() throws {
        let installation = try Installation(
            """
            cgroup: off
            watchdog: { device: '@DIR@/watchdog', timeout: 10s }
            services:
              slow: { command: [@DIR@/slow, '1000'], log: none }
            """)
        let device = FakeWatchdog(in: installation.directory)
        let program = try installation.makeSlow()
        var gate = try SlowExec(of: program, seconds: 1000)
        try installation.launch(below: device.shell)
        try gate?.untilAsked()
        try installation.until("it is fed", seconds: 60) { device.feedings >= 3 }
        gate = nil
        try installation.until("slow", is: "running")
        #expect(try installation.end() == 0)
    }

    @Test(
        "where systemd is the watchdog, it is told that regend is up and alive while an exec lasts")
    func managed() throws {
        let installation = try Installation(
            """
            cgroup: off
            services:
              slow: { command: [@DIR@/slow, '1000'], log: none }
            """)
        let manager = try Manager(in: installation.directory)
        let program = try installation.makeSlow()
        var gate = try SlowExec(of: program, seconds: 1000)
        try installation.launch(below: manager.shell)
        try gate?.untilAsked()
        try installation.until("it is alive") {
            manager.told().count { $0 == "WATCHDOG=1" } >= 3
        }
        #expect(manager.told().contains("READY=1"))
        gate = nil
        try installation.until("slow", is: "running")
        #expect(try installation.end() == 0)
    }

    @Test(
        "what a worker has answered while an exec lasts is not late after it")
    func answered() throws {
        let port = try Installation.freePort()
        let installation = try Installation(
            """
            cgroup: off
            defaults: { probe: { interval: 200ms, timeout: 1s } }
            services:
              web:
                command: [@DIR@/bin/serve, web, '\(port)']
                probes: [ { http: "http://127.0.0.1:\(port)/health" } ]
              slow: { command: [@DIR@/slow, '1000'], log: none }
            """)
        try installation.makeServer()
        let manager = try Manager(in: installation.directory)
        let program = try installation.makeSlow()
        try installation.start(below: manager.shell)
        try installation.until("slow", is: "running")
        try installation.untilAsked("web", times: 2)
        let first = try #require(try installation.pid(of: "slow"))
        // Longer than the time-out of a look and what regend adds to it.
        let gate = try #require(try SlowExec(of: program, seconds: 5))
        installation.touch("web.slow")
        try installation.until("a look is under way") {
            access("\(installation.directory)/web.held", F_OK) == 0
        }
        kill(first, SIGKILL)
        try gate.untilAsked()
        unlink("\(installation.directory)/web.slow")
        try installation.untilSlowRunsAgain(after: first)
        try installation.untilAsked("web", times: 2)
        #expect(try installation.records("worker.fail").isEmpty)
        #expect(try installation.end() == 0)
    }
}
