import Records
import Supervision
import Testing

@Suite("a segment that stands for itself") struct CarryTests {
    private static let names = ["web", "db", "mail@2"]
    static let seeds: [UInt64] = Array(1...300)

    /// SplitMix64 (Steele, Lea, Flood 2014).
    private struct Chance: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private func record(_ chance: inout Chance) -> Supervision.Record {
        let id = InstanceID(0)
        let process = ProcessIdentity(
            pid: .random(in: 2...9, using: &chance), startTicks: .random(in: 1...99, using: &chance)
        )
        let attempt = Int.random(in: 1...40, using: &chance)
        let incident = Int.random(in: 1...20, using: &chance)
        switch Int.random(in: 0..<26, using: &chance) {
        case 0, 1: return .processStarted(id, process, attempt: attempt)
        case 2: return .processAdopted(id, process, attempt: attempt)
        case 3, 4, 5:
            return .processExited(
                id, process, attempt: attempt, .code(1), uptime: .seconds(1),
                asked: Bool.random(using: &chance))
        case 6: return .spawnFailed(id, attempt: attempt, SpawnFailure(step: .execute, code: 2))
        case 7:
            return .restartDecided(
                id, attempt: attempt, rule: RestartRule.allCases.randomElement(using: &chance)!,
                wait: .zero, incident: incident)
        case 8: return .incidentResolved(id, incident: incident, healing: .zero)
        case 9, 10:
            return .incidentOpened(
                id, incident: incident, FailureKind.allCases.randomElement(using: &chance)!,
                probe: nil)
        case 11:
            return .incidentHandedOver(
                id, incident: incident, HandoverReason.allCases.randomElement(using: &chance)!)
        case 12: return .recovered(id)
        case 13: return .startAsked(id)
        case 14: return .stopBegan(id, Stopping.Aftermath.allCases.randomElement(using: &chance)!)
        case 15: return .detached(id)
        case 16: return .paused(id, for: .milliseconds(.random(in: 0...9_000_000, using: &chance)))
        case 17: return .resumed(id)
        case 18, 19:
            return .probeProven(
                id, probe: 0, fingerprint: .random(in: 0...60, using: &chance))
        case 20, 21:
            return .probeSuspected(
                id, probe: 0, fingerprint: .random(in: 0...60, using: &chance))
        case 22:
            return .remedied(
                id, .restart, place: .random(in: 0...5, using: &chance), .applied,
                incident: incident)
        case 23: return .commonCauseBegan(incident: incident, services: 3, of: 4)
        case 24: return .commonCauseEnded(incident: incident, after: .zero)
        default: return .rested(id, Rest.allCases.randomElement(using: &chance)!)
        }
    }

    /// Whole milliseconds, as carry records count. `steps`: the wall clock is set at times.
    private func live(_ diary: inout Diary, _ count: Int, _ chance: inout Chance, steps: Bool) {
        for _ in 0..<count {
            diary.pass(.random(in: 0...90_000, using: &chance) * 1_000_000)
            if Int.random(in: 0..<25, using: &chance) == 0 { diary.reboot() }
            if steps, Int.random(in: 0..<10, using: &chance) == 0 {
                diary.wall +=
                    .random(in: -Diary.year...Diary.year, using: &chance) / 1_000_000
                    * 1_000_000
            }
            let name = Self.names.randomElement(using: &chance)!
            diary.write(
                .mind(record(&chance)),
                facts: InstanceFacts(name: name, program: "x", launch: chance.next()))
        }
    }

    @Test("what a segment carries over says the same as all that came before", arguments: seeds)
    func roundTrip(seed: UInt64) {
        var chance = Chance(state: seed)
        var diary = Diary()
        live(&diary, .random(in: 1...120, using: &chance), &chance, steps: true)
        diary.pass(.random(in: 0...4_000_000, using: &chance) * 1_000_000)
        let carried = diary.carried(diary.recollection(of: diary.lines))
        #expect(diary.memory(of: carried) == diary.memory)
    }

    @Test("and so it does when it goes on, and is carried again", arguments: seeds)
    func goesOn(seed: UInt64) {
        var chance = Chance(state: seed)
        var diary = Diary()
        live(&diary, .random(in: 1...60, using: &chance), &chance, steps: false)
        let split = diary.lines.count
        let carried = diary.carried(diary.recollection(of: diary.lines))
        live(&diary, .random(in: 1...60, using: &chance), &chance, steps: false)
        let second = carried + diary.lines[split...]
        #expect(diary.memory(of: second) == diary.memory)
        let again = diary.carried(diary.recollection(of: second))
        diary.pass(.random(in: 0...4_000_000, using: &chance) * 1_000_000)
        #expect(diary.memory(of: again) == diary.memory)
    }
}
