import Foundation
import Supervision
import Testing

/// The mind in a simulated machine. A failing seed prints the command that replays it with a trace.
@Suite("the mind in a simulated machine") struct SimulationTests {
    private static let environment = ProcessInfo.processInfo.environment

    private static func number(_ name: String) -> UInt64? {
        environment["REGEN_SIMULATION_\(name)"].flatMap { UInt64($0) }
    }

    /// The violation of that seed, if there is one.
    private static func violation(
        seed: UInt64, sabotage: Sabotage? = nil, trace: ((String) -> Void)? = nil
    ) -> Violation? {
        var machine = SimulatedMachine(seed: seed, sabotage: sabotage)
        machine.trace = trace
        do { try machine.run() } catch { return error }
        return nil
    }

    private static func actions(seed: UInt64, byLines: Bool = false) -> [Action] {
        var machine = SimulatedMachine(seed: seed)
        machine.remembersByLines = byLines
        machine.keepsActions = true
        try? machine.run()
        return machine.actions
    }

    @Test("what must always hold, holds for every seed") func everySeed() async {
        if let seed = Self.number("SEED") {
            let violation = Self.violation(seed: seed) { print($0) }
            #expect(violation == nil, "seed \(seed): \(violation.map { "\($0)" } ?? "")")
            return
        }
        let first = Self.number("FIRST_SEED") ?? 1
        let count = Self.number("SEEDS") ?? 10_000
        let cores = UInt64(ProcessInfo.processInfo.activeProcessorCount)
        let failures = await withTaskGroup(of: [(UInt64, Violation)].self) { group in
            for core in 0..<cores {
                group.addTask {
                    var failures: [(UInt64, Violation)] = []
                    var seed = first + core
                    while seed < first + count, failures.count < 5 {
                        if let violation = Self.violation(seed: seed) {
                            failures.append((seed, violation))
                        }
                        seed += cores
                    }
                    return failures
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        for (seed, violation) in failures.sorted(by: { $0.0 < $1.0 }) {
            Issue.record(
                """
                \(violation)
                REGEN_SIMULATION_SEED=\(seed) swift test -c release --filter SimulationTests
                """)
        }
    }

    @Test("what the real ledger's lines remember leads to the same deeds") func realLines() {
        guard Self.number("SEED") == nil else { return }
        for seed in UInt64(1)...100 {
            #expect(
                Self.actions(seed: seed) == Self.actions(seed: seed, byLines: true), "seed \(seed)")
        }
    }

    @Test("the same seed gives the same run") func reproducible() {
        guard Self.number("SEED") == nil else { return }
        for seed in stride(from: UInt64(50), through: 10_000, by: 50) {
            let once = Self.actions(seed: seed)
            #expect(!once.isEmpty)
            #expect(once == Self.actions(seed: seed), "seed \(seed)")
        }
    }

    @Test(
        "a planted fault is found, and for what it is",
        arguments: [
            (Sabotage.foldForgetsProcesses, Violation.Rule.startedTwice),
            (.foldForgetsIncidents, .incidents), (.handsLoseExits, .liveness),
            (.handsLoseDeadlines, .liveness), (.handsSpawnTwice, .startedTwice),
            (.handsSkipTree, .tree), (.ledgerLosesEnds, .incidents),
            (.adoptionMistakesLaunch, .unwantedStop), (.handsMistakeUnknown, .strikes),
            (.foldForgetsDetached, .startedTwice), (.handsTellDeadProbes, .strikes),
            (.foldForgetsRollbacks, .window), (.foldForgetsQuarantine, .target),
            (.foldForgetsFlight, .flights), (.handsSkipIntents, .intent),
            (.handsRunTwice, .twice), (.handsLoseAnswers, .answers),
            (.handsHideSwitches, .foreign), (.handsSkipDeeds, .agreement),
            (.handsMistakeDifferences, .evidence), (.handsSeeNothing, .justice),
            (.handsForgetEnds, .pairs), (.ledgerLosesLandings, .flights),
            (.feederForgets, .watchdog), (.feederIgnoresDisks, .watchdog),
        ])
    func planted(sabotage: Sabotage, rule: Violation.Rule) {
        guard Self.number("SEED") == nil else { return }
        var found: Set<String> = []
        for seed in UInt64(1)...1000 {
            guard let violation = Self.violation(seed: seed, sabotage: sabotage) else { continue }
            if violation.rule == rule { return }
            found.insert(violation.rule.rawValue)
        }
        Issue.record("found instead: \(found)")
    }
}
