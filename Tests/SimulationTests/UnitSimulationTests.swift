import Foundation
import Supervision
import Testing

/// The mind and a simulated systemd. A failing seed prints the command that replays it with a trace.
@Suite("the mind and the units of a simulated systemd") struct UnitSimulationTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment["REGEN_SIMULATION_\(name)"].flatMap { UInt64($0) }
    }

    private static func violation(
        seed: UInt64, sabotage: UnitSabotage? = nil, trace: ((String) -> Void)? = nil
    ) -> UnitViolation? {
        var machine = UnitMachine(seed: seed, sabotage: sabotage)
        machine.trace = trace
        do { try machine.run() } catch { return error }
        return nil
    }

    @Test("what must always hold, holds for every seed") func everySeed() {
        if let seed = Self.number("UNIT_SEED") {
            let violation = Self.violation(seed: seed) { print($0) }
            #expect(violation == nil, "seed \(seed): \(violation.map { "\($0)" } ?? "")")
            return
        }
        guard Self.number("SEED") == nil else { return }
        let first = Self.number("FIRST_SEED") ?? 1
        var failures = 0
        for seed in first..<first + (Self.number("SEEDS") ?? 10_000) where failures < 5 {
            guard let violation = Self.violation(seed: seed) else { continue }
            failures += 1
            Issue.record(
                """
                \(violation)
                REGEN_SIMULATION_UNIT_SEED=\(seed) swift test -c release --filter SimulationTests
                """)
        }
    }

    @Test(
        "a planted fault is found, and for what it is",
        arguments: [
            (UnitSabotage.handsHideStops, UnitViolation.Rule.stopped),
            (.handsHideSwitches, .switching), (.handsHideSights, .liveness),
            (.handsMistakeStarters, .others), (.handsMistakeProbes, .healthy),
            (.handsInventRestarts, .counted), (.foldForgetsProcesses, .healed),
            (.foldForgetsIncidents, .incidents), (.foldForgetsWork, .healed),
            (.foldForgetsBoots, .healed),
        ])
    func planted(sabotage: UnitSabotage, rule: UnitViolation.Rule) {
        var found: Set<String> = []
        for seed in UInt64(1)...1000 {
            guard let violation = Self.violation(seed: seed, sabotage: sabotage) else { continue }
            if violation.rule == rule { return }
            found.insert(violation.rule.rawValue)
        }
        Issue.record("found instead: \(found)")
    }
}
