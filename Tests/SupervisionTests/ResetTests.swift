import Supervision
import Testing

@Suite("why the machine has booted") struct ResetCauseTests {
    private typealias Facts = ResetFacts
    static let devices: [ResetFacts.Device] = [.silent, .denies, .confirms("watchdog0")]
    static let words: [ResetFacts.LastWord] = [
        .none, .running, .starving("the loop"), .rebooting, .stopped(withMachine: true),
        .stopped(withMachine: false),
    ]

    /// By last word, and there by device: with a watchdog that was not running, and with one.
    static let table: [[(ResetCause, ResetCause)]] = [
        // No earlier boot.
        [(.unknown, .unknown), (.unknown, .unknown), (.watchdog, .watchdog)],
        // It ran.
        [(.powerLoss, .unknown), (.powerLoss, .powerLoss), (.watchdog, .watchdog)],
        // It starved the watchdog.
        [(.watchdog, .watchdog), (.watchdog, .watchdog), (.watchdog, .watchdog)],
        // It had asked for a reboot.
        [(.unknown, .unknown), (.unknown, .unknown), (.watchdog, .watchdog)],
        // It ended with the machine.
        [(.clean, .clean), (.clean, .clean), (.watchdog, .watchdog)],
        // Somebody had stopped it.
        [(.unknown, .unknown), (.unknown, .unknown), (.watchdog, .watchdog)],
    ]

    @Test("every combination of facts has its cause, and says from what")
    func whole() {
        for (row, word) in Self.words.enumerated() {
            for (column, device) in Self.devices.enumerated() {
                for isArmed in [false, true] {
                    var facts = ResetFacts(
                        device: device, dump: nil, lastWord: word, wasArmed: isArmed)
                    let (unarmed, armed) = Self.table[row][column]
                    #expect(facts.judge().cause == (isArmed ? armed : unarmed), "\(facts)")
                    #expect(!facts.judge().evidence.isEmpty)
                    facts.dump = "dmesg-efi-1"
                    #expect(facts.judge().cause == .panic, "\(facts)")
                    #expect(facts.judge().evidence.contains("dmesg-efi-1"))
                }
            }
        }
    }

    @Test("the evidence names the device, and the condition that starved it")
    func evidence() {
        var facts = ResetFacts(
            device: .confirms("watchdog1"), dump: nil, lastWord: .running, wasArmed: true)
        #expect(facts.judge().evidence.contains("watchdog1"))
        facts.device = .denies
        facts.lastWord = .starving("ledger-stall")
        #expect(facts.judge().evidence.contains("ledger-stall"))
    }
}

@Suite("how often the watchdog has reset the machine") struct ResetHistoryTests {
    private func minutes(_ n: Int64) -> Instant { Instant(nanoseconds: n * 60_000_000_000) }

    private func verdict(_ resets: [Int64], at now: Int64) -> ResetVerdict {
        ResetHistory(resets.map(minutes)).verdict(at: minutes(now))
    }

    @Test("two resets are borne, a third within the hour is not, until an hour after the first")
    func third() {
        #expect(verdict([], at: 0) == .mayArm)
        #expect(verdict([-20, -10], at: 0) == .mayArm)
        #expect(verdict([-20, -10, 0], at: 0) == .staysOff(until: minutes(40)))
        #expect(verdict([-20, -10, 0], at: 39) == .staysOff(until: minutes(40)))
        #expect(verdict([-20, -10, 0], at: 40) == .mayArm)
        #expect(verdict([-60, -10, 0], at: 0) == .mayArm)
        #expect(verdict([-59, -10, 0], at: 0) == .staysOff(until: minutes(1)))
    }

    @Test("only the latest three count")
    func latest() {
        #expect(verdict([-200, -190, -180, -20], at: 0) == .mayArm)
        #expect(verdict([-200, -30, -20, -10], at: 0) == .staysOff(until: minutes(30)))
        var history = ResetHistory([minutes(-200), minutes(-30), minutes(-20)])
        history.note(minutes(0))
        #expect(history.verdict(at: minutes(0)) == .staysOff(until: minutes(30)))
        #expect(history.resets.count == 3)
    }

    @Test("what seems to lie ahead has only just happened")
    func ahead() {
        #expect(verdict([500, 600, 700], at: 0) == .staysOff(until: minutes(60)))
    }

    @Test("a verdict against it says why")
    func reason() {
        #expect(ResetVerdict.mayArm.reason == nil)
        #expect(ResetVerdict.staysOff(until: minutes(1)).reason?.contains("3 times") == true)
    }
}
