import Foundation
import Glibc
import JSON
import Testing

@Suite("what a hostile or careless surrounding does to the daemon") struct ReviewTests {
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
