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
            process.waitUntilExit()
            return nil
        }
    }

    private func says(_ words: String) throws -> Bool {
        try output.fileHandleForReading.read(upToCount: words.utf8.count) == Data(words.utf8)
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

@Suite("execs that take long") struct SlowExecTests {
    @Test(
        "a turn begins no more of them than fit into its time: regend answers before all have begun",
        .enabled(if: SlowExec.obstacle == nil, "\(SlowExec.obstacle ?? "")"))
    func slow() throws {
        // Fewer than a turn may begin where they are fast; together they take two seconds and more.
        let names = (0..<40).map { "s\($0)" }
        let services = names.map { "  \($0): { command: [@DIR@/slow, '1000'], log: none }" }
        let installation = try Installation(
            "cgroup: off\nservices:\n\(services.joined(separator: "\n"))")
        let program = "\(installation.directory)/slow"
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
        let gate = try #require(try SlowExec(of: program, seconds: 0.06))
        try installation.launch()
        var begun: Int?
        try installation.until("it answers") {
            let services = try? installation.status()["services"]?.array
            begun = services.flatMap { $0 }?.count { $0["pid"]?.integer != nil }
            return begun != nil
        }
        let first = try #require(begun)
        #expect(first < names.count, "\(first) had begun when it answered")
        try installation.until("all run") {
            try installation.status()["services"]?.array?.count { $0["phase"]?.string == "running" }
                == names.count
        }
        withExtendedLifetime(gate) {}
        #expect(try installation.end() == 0)
    }

    @Test(
        "a watchdog is fed while the loop waits for an exec, which comes to its end all the same",
        .enabled(if: SlowExec.obstacle == nil, "\(SlowExec.obstacle ?? "")"),
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
        let program = "\(installation.directory)/slow"
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: program)
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
        gate = nil
        try installation.until("slow runs again") {
            try installation.pid(of: "slow").map { $0 != first } ?? false
        }
        try installation.until("slow", is: "running")
        #expect(try installation.records("watchdog.starve").isEmpty)
        #expect(try installation.records("process.start", of: "slow").count == 2)
        #expect(try installation.end() == 0)
    }
}
