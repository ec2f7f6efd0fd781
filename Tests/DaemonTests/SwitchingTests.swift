import Foundation
import Glibc
import JSON
import Linux
import Testing

/// A machine with one good generation and a service of its, and what comes after that.
final class SwitchingScene {
    let installation: Installation
    let good: String
    let bad: String

    /// Crashes follow fast, and five are a loop.
    static let service = """
            command: [@DIR@/run/current-system/sw/bin/web]
            backoff: { quick: 200ms, first: 10ms, most: 20ms }

        """

    init(
        safeSwitch: String = "{}", service: String = "", bad script: String = "exit 1"
    ) throws {
        installation = try Installation(
            """
            cgroup: off
            safeswitch: \(safeSwitch)
            services:
              web:
                command: [@DIR@/run/current-system/sw/bin/web]
                backoff: { quick: 200ms, first: 10ms, most: 20ms }
            \(service)
            """, root: .scratch)
        good = try installation.system("good", web: "exec sleep 1000")
        bad = try installation.system("bad", web: script)
        try installation.generation(good)
        try installation.boot()
    }

    /// The daemon runs and has seen what the machine runs, and the service is well.
    func start() throws {
        try installation.start()
        try installation.until("web", is: "running")
        try installation.until("generation.change")
    }

    /// A deployment of the bad generation, which restarts the service.
    func deployBad() throws {
        try installation.generation(bad)
        try installation.deploy(bad)
        try installation.until("generation.change", count: 2)
        let pid = try #require(try installation.pid(of: "web"))
        kill(pid, SIGKILL)
    }

    /// What SafeSwitch has recorded, and of the service what matters for it, in order.
    func story() throws -> [String] {
        try installation.records().compactMap { record in
            guard let event = record["ev"]?.string else { return nil }
            switch event {
            case "switch.step": return "step \(record["step"]?.string ?? "?")"
            case "switch.end": return "switch.end \(record["outcome"]?.string ?? "?")"
            case "triage.verdict": return "verdict \(record["verdict"]?.string ?? "?")"
            case "rollback.plan": return "plan \(record["outcome"]?.string ?? "?")"
            case "generation.change", "probation.begin", "probation.end", "switch.intent",
                "switch.run", "switch.exit", "switch.falter", "quarantine.add",
                "crashloop.detected", "incident.handover", "incident.resolve",
                "generation.acquit":
                return event
            default: return nil
            }
        }
    }
}

@Suite("a generation breaks a service") struct SwitchingTests {
    @Test("a bad generation crash-loops, and the machine goes back to the one before it")
    func goesBack() throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try scene.start()
        try scene.deployBad()
        try installation.until("switch.end")
        print(try scene.story())
        print(installation.messages)
        #expect(installation.currentSystem == scene.good)
        #expect(installation.profile == 1)
        try installation.until("web", is: "running")
        #expect(try scene.story().suffix(3) == [])
    }
}
