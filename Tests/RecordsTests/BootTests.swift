import Records
import SafeSwitch
import Supervision
import Testing

@Suite("what the ledger remembers of boots") struct BootTests {
    private func report(_ cause: ResetCause) -> Entry {
        .booted(BootReport(cause: cause, evidence: "seen"))
    }

    private func memory(_ diary: Diary, of lines: [[UInt8]]? = nil) -> BootMemory {
        diary.recollection(of: lines ?? diary.lines).bootMemory(
            wall: diary.wall, boottime: diary.boottime, boot: diary.bootID)
    }

    /// The memory, and the same one after a rotation right now, once and once more.
    private func both(_ diary: Diary) -> BootMemory {
        let direct = memory(diary)
        let carried = diary.carried(diary.recollection(of: diary.lines))
        #expect(memory(diary, of: carried) == direct)
        let again = diary.carried(diary.recollection(of: carried))
        #expect(memory(diary, of: again) == direct)
        return direct
    }

    private func raw(_ diary: inout Diary, _ event: String, _ members: String) {
        diary.append(diary.line(event, Array(members.utf8)))
    }

    private func begin(_ diary: inout Diary, _ cause: ResetCause = .unknown) {
        diary.write(.daemonStarted(pid: 1, version: "1"))
        diary.write(report(cause))
    }

    @Test("an empty ledger knows of no earlier boot")
    func empty() {
        let memory = both(Diary())
        #expect(memory == BootMemory())
        #expect(memory.isNew && memory.lastWord == .none && memory.lastHeard == nil)
    }

    @Test("the last word is that of the boot before, and of no other")
    func lastWord() {
        var diary = Diary()
        begin(&diary)
        #expect(!both(diary).isNew)
        #expect(both(diary).report == BootReport(cause: .unknown, evidence: "seen"))
        #expect(both(diary).lastWord == .none)
        let heard = diary.wall
        diary.reboot()
        #expect(both(diary).isNew)
        #expect(both(diary).lastWord == .running)
        #expect(both(diary).lastHeard == heard)
        #expect(both(diary).report == nil)
        begin(&diary, .powerLoss)
        diary.write(.daemonStopped(reason: "asked", left: 0, withMachine: true))
        diary.reboot()
        #expect(both(diary).lastWord == .stopped(withMachine: true))
        begin(&diary, .clean)
        diary.write(.daemonStopped(reason: "asked", left: 2))
        diary.reboot()
        #expect(both(diary).lastWord == .stopped(withMachine: false))
    }

    @Test("who was started again after a stop runs")
    func startedAgain() {
        var diary = Diary()
        begin(&diary)
        diary.write(.daemonStopped(reason: "asked", left: 0))
        diary.write(.daemonStarted(pid: 2, version: "1"))
        diary.reboot()
        #expect(both(diary).lastWord == .running)
    }

    @Test("a reboot that was asked for, and a watchdog that starved or was fed again")
    func otherWords() {
        var diary = Diary()
        begin(&diary)
        diary.write(.stepBegan(flight: 1, .reboot))
        var asked = diary
        asked.reboot()
        #expect(both(asked).lastWord == .rebooting)
        raw(&diary, "watchdog.starve", "\"condition\":\"loop\",\"detail\":\"x\"")
        var starved = diary
        starved.reboot()
        #expect(both(starved).lastWord == .starving("loop"))
        raw(&diary, "watchdog.fed", "\"after_ms\":7")
        diary.reboot()
        #expect(both(diary).lastWord == .running)
    }

    @Test(
        "a watchdog runs from its opening, or while another holds it, until it is closed for good")
    func armed() {
        var diary = Diary()
        begin(&diary)
        func wasArmed(_ events: [(String, String)]) -> Bool {
            var copy = diary
            for (event, members) in events { raw(&copy, event, members) }
            copy.reboot()
            return both(copy).wasArmed
        }
        let open = ("watchdog.open", "\"device\":\"/dev/watchdog0\",\"bootstatus\":0")
        #expect(!wasArmed([]))
        #expect(wasArmed([open]))
        #expect(wasArmed([("watchdog.busy", "\"device\":\"/dev/watchdog0\"")]))
        #expect(!wasArmed([open, ("watchdog.close", "\"magic\":true")]))
        #expect(wasArmed([open, ("watchdog.close", "\"magic\":false")]))
    }

    @Test("a daemon that died before it told of the boot leaves that to the next one")
    func unfinished() {
        var diary = Diary()
        begin(&diary)
        diary.write(.daemonStopped(reason: "asked", left: 0, withMachine: true))
        let heard = diary.wall
        diary.reboot()
        diary.write(.daemonStarted(pid: 2, version: "1"))
        let memory = both(diary)
        #expect(memory.isNew)
        #expect(memory.lastWord == .stopped(withMachine: true))
        #expect(memory.lastHeard == heard)
    }

    @Test("the ledger's own lines of a new boot are no word of Regen's")
    func ledgersOwn() {
        var diary = Diary()
        begin(&diary)
        diary.write(.daemonStopped(reason: "asked", left: 0, withMachine: true))
        diary.reboot()
        raw(&diary, "ledger.repair", "\"bytes\":7")
        raw(&diary, "segment.open", "\"v\":1")
        #expect(both(diary).lastWord == .stopped(withMachine: true))
        // But a seal is a sign of life.
        begin(&diary)
        diary.pass(3600 * Diary.second)
        raw(&diary, "seal", "\"epoch\":1")
        let heard = diary.wall
        diary.reboot()
        #expect(memory(diary).lastHeard == heard)
    }

    @Test("an older Regen's record of a boot says no cause")
    func older() {
        var diary = Diary()
        diary.write(.daemonStarted(pid: 1, version: "0"))
        diary.append(diary.line("boot", []))
        #expect(!both(diary).isNew)
        #expect(both(diary).report == nil)
    }

    // MARK: Resets

    /// Three resets, ten minutes apart, and one minute of this boot.
    private var thrice: Diary {
        var diary = Diary()
        begin(&diary, .clean)
        for _ in 1...3 {
            diary.pass(540 * Diary.second)
            diary.reboot(after: 50 * Diary.second)
            begin(&diary, .watchdog)
        }
        diary.pass(60 * Diary.second)
        return diary
    }

    private func verdict(_ diary: Diary) -> ResetVerdict {
        both(diary).resets.verdict(at: Instant(nanoseconds: diary.boottime))
    }

    @Test("three resets within an hour are remembered over boots and rotations, for an hour")
    func resets() {
        var diary = thrice
        #expect(verdict(diary).reason != nil)
        diary.pass(2359 * Diary.second)
        #expect(verdict(diary).reason != nil)
        diary.pass(Diary.second)
        #expect(verdict(diary).reason == nil)
    }

    @Test("other causes do not count, and neither do two")
    func fewer() {
        var diary = Diary()
        for cause in [ResetCause.watchdog, .powerLoss, .panic, .unknown, .clean, .watchdog] {
            begin(&diary, cause)
            diary.reboot()
        }
        #expect(verdict(diary) == .mayArm)
    }

    @Test("a clock that is set, recorded or not, makes no reset older or younger")
    func steps() {
        for step in [-Diary.year, Diary.year] {
            var diary = thrice
            diary.wall += step
            #expect(verdict(diary).reason != nil)
            diary.write(.clockStepped(by: step))
            #expect(verdict(diary).reason != nil)
            diary.reboot()
            begin(&diary, .clean)
            #expect(memory(diary).resets.resets.count == 3)
            #expect(verdict(diary).reason != nil)
            diary.pass(3600 * Diary.second)
            #expect(verdict(diary) == .mayArm)
        }
    }

    @Test("a machine whose clock begins anew at each boot keeps the watchdog off, for an hour")
    func lostClock() {
        var diary = Diary()
        let start = diary.wall
        for _ in 1...3 {
            begin(&diary, .watchdog)
            diary.pass(60 * Diary.second)
            diary.wall += Diary.year
            diary.write(.clockStepped(by: Diary.year))
            diary.reboot()
            diary.wall = start
        }
        begin(&diary, .clean)
        #expect(verdict(diary).reason != nil)
        diary.pass(3600 * Diary.second)
        #expect(verdict(diary) == .mayArm)
    }

    @Test("a driver that tells only whoever opens it counts once, and not against what is certain")
    func lateWord() {
        let open = "\"device\":\"/dev/watchdog0\",\"bootstatus\":32"
        for (cause, count) in [
            (ResetCause.powerLoss, 1), (.unknown, 1), (.watchdog, 1), (.clean, 0), (.panic, 0),
        ] {
            var diary = Diary()
            begin(&diary, cause)
            raw(&diary, "watchdog.open", open)
            raw(&diary, "watchdog.open", open)
            let memory = both(diary)
            #expect(memory.resets.resets.count == count, "\(cause)")
            #expect(memory.report?.cause == (count == 1 ? .watchdog : cause))
        }
    }

    // MARK: The gate

    @Test("a boot that was failed is never forgotten soon; one that passed is not one")
    func gate() {
        var diary = Diary()
        begin(&diary)
        var facts = BootGateFacts()
        for number in 0..<20 {
            facts.system = "/nix/store/\(number)-nixos-system"
            diary.write(.bootChecked(facts, .failed, after: .seconds(3)))
        }
        facts.system = "/nix/store/good-nixos-system"
        diary.write(.bootChecked(facts, .passed(.healthy), after: .seconds(3)))
        let failed = both(diary).failed
        #expect(failed.count == BootMemory.mostFailed)
        #expect(failed.last == "/nix/store/19-nixos-system")
    }
}
