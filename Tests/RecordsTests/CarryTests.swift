import Records
import SafeSwitch
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
        default:
            let run = UnitSight.Invocation(
                high: .random(in: 0...9, using: &chance),
                low: .random(in: 0 ... .max, using: &chance))
            return .rested(
                id, Rest.allCases.randomElement(using: &chance)!,
                run: Bool.random(using: &chance) ? run : nil)
        }
    }

    private func switching(_ chance: inout Chance) -> SwitchRecord {
        let flight = Int.random(in: 1...3, using: &chance)
        let incident = Int.random(in: 1...20, using: &chance)
        let system = "/nix/store/\(Int.random(in: 1...30, using: &chance))"
        let previous = Bool.random(using: &chance) ? "/nix/store/1" : nil
        let generation = Int.random(in: 1...99, using: &chance)
        switch Int.random(in: 0..<18, using: &chance) {
        case 0, 1:
            return .generationChanged(
                from: previous, to: system, generation: generation,
                by: ChangeOrigin.allCases.randomElement(using: &chance)!)
        case 2, 3, 4:
            return .probationBegan(
                system: system, generation: generation, previous: previous,
                previousGeneration: previous == nil ? nil : 1, lasts: .minutes(10))
        case 5, 6:
            return .probationEnded(
                system: system, generation: nil,
                ProbationOutcome.allCases.randomElement(using: &chance)!, culprit: nil)
        case 7:
            return .quarantined(
                system: system, generation: nil, culprit: previous, incident: incident)
        case 8: return .foreignSwitchBegan(pid: 7)
        case 9: return .foreignSwitchEnded(after: .zero)
        case 10, 11:
            let purposes: [Flight.Purpose] = [
                .rollback(incident: incident), .trial(uid: 0, confirm: .minutes(5)), .retreat,
            ]
            return .intended(
                Flight(
                    id: flight, purpose: purposes.randomElement(using: &chance)!, from: "/a",
                    to: system, generation: generation, mode: .live,
                    began: Instant(nanoseconds: 0)))
        case 12, 13:
            return .stepBegan(
                flight: flight, Flight.Step.allCases.randomElement(using: &chance)!)
        case 14:
            return .activationBegan(
                flight: flight, ProcessIdentity(pid: 5, startTicks: 6), .switch, run: 1)
        case 15: return .activationEnded(flight: flight, .code(4))
        case 16: return .trialConfirmed(flight: flight, uid: 0)
        default:
            return .flightEnded(
                flight: flight, Bool.random(using: &chance) ? .succeeded : .abandoned(.switching))
        }
    }

    /// Whole milliseconds, as carry records count. `steps`: the wall clock is set at times.
    private func live(_ diary: inout Diary, _ count: Int, _ chance: inout Chance, steps: Bool) {
        for _ in 0..<count {
            diary.pass(.random(in: 0...90_000, using: &chance) * 1_000_000)
            if Int.random(in: 0..<25, using: &chance) == 0 { diary.reboot() }
            if steps, Int.random(in: 0..<10, using: &chance) == 0 {
                let step =
                    Int64.random(in: -Diary.year...Diary.year, using: &chance) / 1_000_000
                    * 1_000_000
                diary.wall += step
                diary.write(.clockStepped(by: step))
            }
            if Int.random(in: 0..<3, using: &chance) == 0 {
                diary.write(.switching(switching(&chance)))
                continue
            }
            if Int.random(in: 0..<30, using: &chance) == 0 {
                diary.write(.daemonStarted(pid: 1, version: "1"))
            }
            let name = Self.names.randomElement(using: &chance)!
            diary.write(
                .mind(record(&chance)),
                facts: InstanceFacts(name: name, program: "x", launch: chance.next()))
        }
    }

    /// But for the last word: what is carried over is a later one.
    private func remembered(_ diary: Diary, _ lines: [[UInt8]]) -> SwitchMemory {
        var memory = diary.switchMemory(of: lines)
        if memory.unseenSince == nil { memory.lastHeard = nil }
        return memory
    }

    @Test("what a segment carries over says the same as all that came before", arguments: seeds)
    func roundTrip(seed: UInt64) {
        var chance = Chance(state: seed)
        var diary = Diary()
        live(&diary, .random(in: 1...120, using: &chance), &chance, steps: true)
        diary.pass(.random(in: 0...4_000_000, using: &chance) * 1_000_000)
        let carried = diary.carried(diary.recollection(of: diary.lines))
        #expect(diary.memory(of: carried) == diary.memory)
        #expect(remembered(diary, carried) == remembered(diary, diary.lines))
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
        #expect(remembered(diary, second) == remembered(diary, diary.lines))
        let again = diary.carried(diary.recollection(of: second))
        diary.pass(.random(in: 0...4_000_000, using: &chance) * 1_000_000)
        #expect(diary.memory(of: again) == diary.memory)
        #expect(remembered(diary, again) == remembered(diary, diary.lines))
    }
}
