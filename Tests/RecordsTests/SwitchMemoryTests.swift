import Records
import SafeSwitch
import Supervision
import Testing

@Suite("what SafeSwitch remembers") struct SwitchMemoryTests {
    private static let id = InstanceID(0)
    private static let process = ProcessIdentity(pid: 4711, startTicks: 99)
    private static let hour = 3600 * Diary.second

    private static func flight(_ number: Int, _ purpose: Flight.Purpose) -> Flight {
        Flight(
            id: number, purpose: purpose, from: "/bad", to: "/good", generation: 41, mode: .live,
            began: .seconds(100))
    }

    private static let started = Supervision.Record.processStarted(id, process, attempt: 1)
    private static let opened = Supervision.Record.incidentOpened(
        id, incident: 2, .signal, probe: nil)

    private static func exited(_ status: Supervision.ExitStatus) -> Supervision.Record {
        .processExited(
            id, process, attempt: 1, status, uptime: .seconds(1), asked: false)
    }

    private static let changed = SwitchRecord.generationChanged(
        from: "/good", to: "/bad", generation: 42, by: .other)
    private static let began = SwitchRecord.probationBegan(
        system: "/bad", generation: 42, previous: "/good", previousGeneration: 41,
        lasts: .minutes(10))

    @Test("a switch under way is remembered with its step, its process and its runs")
    func flight() throws {
        var diary = Diary()
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.pass(Diary.second)
        diary.write(.stepBegan(flight: 7, .profile))
        diary.write(.stepBegan(flight: 7, .activate))
        diary.write(.activationBegan(flight: 7, Self.process, .switch, run: 1))
        var memory = diary.switchMemory
        var expected = Self.flight(7, .rollback(incident: 2))
        expected.step = .activate
        expected.process = Self.process
        expected.runs = 1
        #expect(memory.flight == expected)
        #expect(memory.nextFlight == 8)
        #expect(memory.rollbacks == [.seconds(100)])
        #expect(memory.rolledBack == [2])
        #expect(
            diary.switchMemory(of: diary.carried(diary.recollection(of: diary.lines))) == memory)

        diary.write(.activationEnded(flight: 7, .code(4)))
        diary.write(.stepBegan(flight: 7, .verify))
        #expect(diary.switchMemory.flight?.process == nil)
        diary.write(.flightEnded(flight: 7, .succeeded))
        memory = diary.switchMemory
        #expect(memory.flight == nil)
        #expect(memory.rolledBack == [2])
    }

    @Test(
        "a rollback that was given up before anything was done does not count, an operator's never")
    func counted() {
        var diary = Diary()
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.write(.flightEnded(flight: 7, .abandoned(.switching)))
        for purpose: Flight.Purpose in [.asked(uid: 0), .trial(uid: 0, confirm: nil), .retreat] {
            diary.write(.intended(Self.flight(8, purpose)))
            diary.write(.flightEnded(flight: 8, .abandoned(.switching)))
        }
        #expect(diary.switchMemory.rollbacks == [])
        #expect(diary.switchMemory.rolledBack == [])
        #expect(diary.switchMemory.nextFlight == 9)
    }

    @Test("the end of a trial does not end the switch that follows it")
    func follow() {
        var diary = Diary()
        diary.write(.intended(Self.flight(7, .trial(uid: 0, confirm: .minutes(5)))))
        diary.write(.trialConfirmed(flight: 7, uid: 0))
        #expect(diary.switchMemory.isConfirmed)
        diary.write(.intended(Self.flight(8, .settle)))
        diary.write(.flightEnded(flight: 7, .succeeded))
        #expect(diary.switchMemory.flight?.id == 8)
        #expect(!diary.switchMemory.isConfirmed)
    }

    @Test("after a boot the switch is of an earlier one, until it is heard of again")
    func newBoot() {
        var diary = Diary()
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.write(.activationBegan(flight: 7, Self.process, .boot, run: 1))
        diary.write(.stepBegan(flight: 7, .reboot))
        #expect(!diary.switchMemory.isNewBoot)
        #expect(diary.switchMemory.lastReboot == .seconds(100))
        diary.reboot(after: 20 * Diary.second)
        #expect(diary.switchMemory.isNewBoot)
        #expect(diary.switchMemory.flight?.process == nil)
        #expect(diary.switchMemory.lastReboot == .seconds(-10))
        // A daemon that dies before it has looked: the next one must not reboot a second time.
        diary.write(.booted(BootReport(cause: .unknown, evidence: "")))
        diary.write(.daemonStarted(pid: 1, version: "1"))
        #expect(diary.switchMemory.isNewBoot)
        let carried = diary.carried(diary.recollection(of: diary.lines))
        #expect(diary.switchMemory(of: carried) == diary.switchMemory)
        diary.write(.stepBegan(flight: 7, .confirm))
        #expect(!diary.switchMemory.isNewBoot)
    }

    @Test("without a switch, any record of this boot makes it known")
    func knownBoot() {
        var diary = Diary()
        #expect(!diary.switchMemory.isNewBoot)
        diary.write(.daemonStarted(pid: 1, version: "1"))
        diary.reboot()
        #expect(diary.switchMemory.isNewBoot)
        diary.write(.booted(BootReport(cause: .unknown, evidence: "")))
        #expect(!diary.switchMemory.isNewBoot)
    }

    @Test("marked systems are kept, the latest last, and so many")
    func systems() {
        var diary = Diary()
        for number in 0..<40 {
            let system = SwitchExamples.system(number) + "\(number)"
            diary.write(
                .probationEnded(system: system, generation: nil, .knownGood, culprit: nil))
            diary.write(
                .quarantined(system: system, generation: nil, culprit: "/culprit", incident: 1))
            diary.write(.generationChanged(from: nil, to: system, generation: nil, by: .boot))
        }
        let memory = diary.switchMemory
        let last = SwitchExamples.system(39) + "39"
        #expect(memory.knownGood.count == SwitchMemory.mostSystems)
        #expect(memory.knownGood.last == last)
        #expect(memory.quarantined.suffix(2) == [last, "/culprit"])
        #expect(memory.booted.last == last)
        #expect(memory.current == last)
        let carried = diary.carried(diary.recollection(of: diary.lines))
        #expect(diary.switchMemory(of: carried) == memory)
        #expect(carried.allSatisfy { $0.count <= 4096 })
    }

    @Test("a probation is remembered with who was healthy when it began")
    func baseline() throws {
        var diary = Diary()
        diary.write(Self.started)
        diary.write(.mind(.processStarted(Self.id, Self.process, attempt: 1)), facts: Self.ill)
        diary.write(.mind(Self.opened), facts: Self.ill)
        diary.pass(Self.hour)
        diary.write(Self.changed)
        diary.write(Self.began)
        let memory = diary.switchMemory
        #expect(memory.services["web"]?.wasHealthyBefore == true)
        #expect(memory.services["ill"]?.wasHealthyBefore == false)
        let now = Instant.seconds(3700)
        #expect(
            memory.probation
                == ProbationMemory(
                    system: "/bad", generation: 42, previous: "/good", previousGeneration: 41,
                    began: now, ends: now + .minutes(10)))
        diary.write(.probationEnded(system: "/bad", generation: 42, .unproven, culprit: nil))
        #expect(diary.switchMemory.probation == nil)
        #expect(diary.switchMemory.knownGood == [])
    }

    private static let ill = InstanceFacts(name: "ill", program: "x", launch: 1)

    @Test("who failed since the switch that made the change began was healthy before it")
    func failedMeanwhile() {
        var diary = Diary()
        diary.write(Self.started)
        diary.pass(100 * Diary.second)
        diary.write(.foreignSwitchBegan(pid: 9))
        diary.pass(5 * Diary.second)
        diary.write(Self.opened)
        diary.pass(5 * Diary.second)
        diary.write(.foreignSwitchEnded(after: .seconds(10)))
        diary.write(Self.changed)
        diary.write(Self.began)
        #expect(diary.switchMemory.services["web"]?.wasHealthyBefore == true)
        #expect(diary.switchMemory.services["web"]?.isHealthy == false)
        #expect(diary.switchMemory.probation?.began == .seconds(200))
    }

    @Test("who is well again has no incident that its health ended with")
    func wellAgain() {
        var diary = Diary()
        diary.write(Self.started)
        diary.pass(100 * Diary.second)
        diary.write(Self.opened)
        #expect(diary.switchMemory.services["web"]?.healthyUntil == .seconds(200))
        // An operator has ended it, so nothing says that it was resolved.
        diary.write(
            Supervision.Record.incidentHandedOver(Self.id, incident: 2, .operatorStopped))
        diary.write(Self.started)
        diary.pass(100 * Diary.second)
        #expect(diary.switchMemory.services["web"]?.isHealthy == true)
        #expect(diary.switchMemory.services["web"]?.healthyUntil == nil)
    }

    @Test("a daemon that dies in the middle of somebody's switch leaves it to the next one")
    func diedMeanwhile() {
        var diary = Diary()
        diary.write(Self.started)
        diary.pass(100 * Diary.second)
        diary.write(.foreignSwitchBegan(pid: 9))
        diary.pass(5 * Diary.second)
        diary.write(Self.opened)
        var memory = diary.switchMemory
        #expect(memory.foreign == ForeignSwitch(began: .seconds(200), pid: 9))
        #expect(memory.services["web"]?.healthyUntil == .seconds(205))
        #expect(memory.services["web"]?.lastIncident == 2)
        diary.pass(60 * Diary.second)
        diary.write(.daemonStarted(pid: 2, version: "1"))
        #expect(diary.switchMemory(of: carried(diary)) == diary.switchMemory)
        diary.pass(5 * Diary.second)
        diary.write(Self.began)
        diary.write(Self.changed)
        diary.write(.foreignSwitchEnded(after: .seconds(70)))
        memory = diary.switchMemory
        #expect(memory.services["web"]?.wasHealthyBefore == true)
        #expect(memory.probation?.began == .seconds(200))
        #expect(memory.foreign == nil)
    }

    @Test(
        "what fails between a daemon's last word and the next one's first look was healthy before")
    func unseen() {
        var diary = Diary()
        diary.write(Self.started)
        diary.pass(100 * Diary.second)
        diary.write(Self.opened)
        diary.write(.mind(.incidentHandedOver(Self.id, incident: 2, .crashLoop)))
        diary.pass(Self.hour)
        for _ in 0..<2 {
            // The first of these dies before it has looked.
            diary.write(.daemonStarted(pid: 2, version: "1"))
            diary.pass(Diary.second)
        }
        let memory = diary.switchMemory
        #expect(memory.lastHeard == .seconds(200))
        #expect(memory.unseenSince == .seconds(3800))
        #expect(memory.services["web"]?.lastIncident == 2)
        #expect(diary.switchMemory(of: carried(diary)) == memory)
        var calm = diary
        calm.write(.unchanged(system: "/good"))
        calm.pass(Self.hour)
        for isCalm in [false, true] {
            var diary = isCalm ? calm : diary
            diary.write(Self.began)
            #expect(diary.switchMemory.services["web"]?.wasHealthyBefore == !isCalm)
            #expect(diary.switchMemory.unseenSince == nil)
        }
    }

    @Test("a chain of changes is remembered with its first one") func chain() {
        var diary = Diary()
        diary.write(Self.began)
        diary.pass(Diary.second)
        for _ in 0..<2 {
            diary.write(
                .probationEnded(system: "/bad", generation: 42, .replaced, culprit: nil))
            #expect(diary.switchMemory(of: carried(diary)) == diary.switchMemory)
            diary.write(Self.began)
            diary.pass(Diary.second)
        }
        #expect(diary.switchMemory.probation?.chainBegan == .seconds(100))
        #expect(diary.switchMemory(of: carried(diary)).probation?.chainBegan == .seconds(100))
        diary.write(.probationEnded(system: "/bad", generation: 42, .knownGood, culprit: nil))
        diary.write(Self.began)
        #expect(diary.switchMemory.probation?.chainBegan == nil)
    }

    private func carried(_ diary: Diary) -> [[UInt8]] {
        diary.carried(diary.recollection(of: diary.lines))
    }

    @Test("a start alone is no health: a daemon that died after it leaves nothing to blame by")
    func startedOnly() {
        var diary = Diary()
        diary.write(Self.started)
        diary.pass(5 * Diary.second)
        #expect(diary.switchMemory.services["web"]?.isHealthy == false)
        diary.write(Self.changed)
        diary.write(Self.began)
        #expect(diary.switchMemory.services["web"]?.wasHealthyBefore == false)
        diary.pass(90 * Diary.second)
        #expect(diary.switchMemory.services["web"]?.isHealthy == true)
        #expect(
            diary.switchMemory(of: diary.carried(diary.recollection(of: diary.lines)))
                .services["web"]?.isHealthy == true)
    }

    @Test("neither the time that the machine was off nor that of another process is lived through")
    func startedAndGone() {
        var diary = Diary()
        diary.write(Self.started)
        diary.pass(5 * Diary.second)
        diary.write(Self.changed)
        diary.pass(20 * Diary.second)
        diary.reboot(after: 100 * Diary.second)
        diary.pass(100 * Diary.second)
        #expect(diary.switchMemory.services["web"]?.isHealthy == false)
        #expect(
            diary.switchMemory(of: diary.carried(diary.recollection(of: diary.lines)))
                .services["web"]?.isHealthy == false)
        diary.write(Self.changed)
        #expect(diary.switchMemory.services["web"]?.isHealthy == false)
        diary.write(Self.started)
        diary.pass(80 * Diary.second)
        diary.write(.stopBegan(Self.id, .restart))
        diary.pass(Diary.second)
        diary.write(Self.started)
        diary.pass(80 * Diary.second)
        #expect(diary.switchMemory.services["web"]?.isHealthy == false)
        diary.pass(10 * Diary.second)
        #expect(diary.switchMemory.services["web"]?.isHealthy == true)
        diary.write(.stopBegan(Self.id, .restart))
        diary.reboot()
        #expect(diary.switchMemory.services["web"]?.isHealthy == true)
    }

    @Test("one that the configuration had no more comes back as a new one") func fresh() {
        var diary = Diary()
        diary.write(Self.started)
        diary.pass(100 * Diary.second)
        diary.write(Self.changed)
        diary.write(Self.began)
        #expect(diary.switchMemory.services["web"]?.wasHealthyBefore == true)
        diary.write(.rested(Self.id, .fresh))
        #expect(diary.switchMemory.services["web"]?.wasHealthyBefore == false)
        #expect(diary.switchMemory.services["web"]?.isHealthy == false)
    }

    @Test("a change that Regen made to help somebody takes no new baseline")
    func noBaseline() {
        var diary = Diary()
        diary.write(Self.started)
        diary.pass(Diary.second * 100)
        diary.write(Self.changed)
        diary.write(Self.began)
        diary.write(Self.opened)
        diary.pass(Diary.second * 60)
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.write(.generationChanged(from: "/bad", to: "/good", generation: 41, by: .regen))
        diary.write(.probationEnded(system: "/bad", generation: 42, .unproven, culprit: "web"))
        diary.write(
            .probationBegan(
                system: "/good", generation: 41, previous: nil, previousGeneration: nil,
                lasts: .minutes(10)))
        #expect(diary.switchMemory.services["web"]?.wasHealthyBefore == true)
    }

    @Test("failures are crashes and restarts that probes caused, but not while a switch runs")
    func failures() {
        var diary = Diary()
        func count() -> Int { diary.switchMemory.services["web"]?.failures.count ?? 0 }
        diary.write(Self.started)
        diary.write(Self.exited(.code(1)))
        #expect(count() == 1)
        diary.write(
            .restartDecided(Self.id, attempt: 2, rule: .unhealthy, wait: .zero, incident: 2))
        #expect(count() == 2)
        diary.write(
            .restartDecided(Self.id, attempt: 2, rule: .backoff, wait: .zero, incident: 2))
        #expect(count() == 2)
        // Its own end.
        diary.write(Self.exited(.code(0)))
        diary.write(.rested(Self.id, .finished))
        #expect(count() == 2)
        diary.write(.foreignSwitchBegan(pid: 9))
        diary.write(Self.exited(.code(1)))
        #expect(count() == 2)
        diary.write(.foreignSwitchEnded(after: .zero))
        diary.write(Self.exited(.code(1)))
        #expect(count() == 3)
    }

    @Test("crashes are counted per generation, and not while a switch runs")
    func crashes() {
        var diary = Diary()
        func count() -> Int { diary.memory.instances["web"]?.crashes.count ?? 0 }
        diary.write(Self.exited(.code(1)))
        diary.write(Self.opened)
        #expect(count() == 1)
        diary.write(.generationChanged(from: "/good", to: "/good", generation: 41, by: .boot))
        #expect(count() == 1)
        diary.write(Self.changed)
        #expect(count() == 0)
        #expect(diary.memory.instances["web"]?.incidents == [])
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.write(.stepBegan(flight: 7, .activate))
        diary.write(Self.exited(.code(1)))
        diary.write(.rested(Self.id, .asked))
        #expect(count() == 0)
        diary.write(.activationEnded(flight: 7, .code(0)))
        diary.write(Self.exited(.code(1)))
        #expect(count() == 1)
        diary.write(
            .restartDecided(Self.id, attempt: 2, rule: .switched, wait: .zero, incident: 2))
        #expect(count() == 0)
    }

    @Test("somebody's switch that ended while no daemon looked hides no crash")
    func forgottenSwitch() {
        var diary = Diary()
        diary.write(.foreignSwitchBegan(pid: 9))
        diary.write(.daemonStarted(pid: 1, version: "1"))
        diary.write(Self.exited(.code(1)))
        #expect(diary.memory.instances["web"]?.crashes.count == 1)
    }

    // MARK: Clocks

    @Test("a rollback of an earlier boot is aged by the wall clock, and is never of this one")
    func aged() {
        var diary = Diary()
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.reboot(after: Self.hour)
        #expect(diary.switchMemory.rollbacks == [.seconds(10 - 3600)])
        diary.wall -= Diary.year
        #expect(diary.switchMemory.rollbacks == [.seconds(0)])
    }

    @Test("what failed before a change did so after each boot, whatever the clock says then")
    func orderOverBoots() throws {
        var diary = Diary()
        diary.write(Self.exited(.code(1)))
        diary.pass(30 * Diary.second)
        diary.wall -= Diary.year
        diary.write(Self.began)
        diary.pass(5 * Diary.second)
        diary.write(Self.exited(.code(1)))
        func check(_ memory: SwitchMemory) throws {
            let began = try #require(memory.probation?.began)
            let failures = try #require(memory.services["web"]?.failures)
            #expect(failures.map { $0 - began } == [.seconds(-30), .seconds(5)])
            #expect(failures.allSatisfy { $0 <= .seconds(0) })
        }
        for step in [-Diary.year, 2 * Diary.year, -2 * Diary.year] {
            diary.reboot(after: step)
            try check(diary.switchMemory)
            let carried = diary.carried(diary.recollection(of: diary.lines))
            try check(diary.switchMemory(of: carried))
            diary.write(.daemonStarted(pid: 1, version: "1"))
            diary.pass(Self.hour)
            try check(diary.switchMemory)
        }
    }

    @Test("a clock set forward makes no rollback old: from then on it ages by uptime")
    func steppedForward() {
        var diary = Diary()
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.write(.stepBegan(flight: 7, .reboot))
        diary.write(Self.began)
        diary.reboot(after: Self.hour)
        diary.write(.daemonStarted(pid: 1, version: "1"))
        // Not recorded yet: the clock was set while nobody looked.
        diary.wall += Diary.year
        let hourAgo = [Instant.seconds(10 - 3600)]
        #expect(diary.switchMemory.rollbacks == hourAgo)
        let carried = diary.carried(diary.recollection(of: diary.lines))
        #expect(diary.switchMemory(of: carried).rollbacks == hourAgo)
        diary.write(.clockStepped(by: Diary.year))
        #expect(diary.switchMemory.rollbacks == hourAgo)
        #expect(diary.switchMemory.lastReboot == hourAgo[0])
        #expect(diary.switchMemory.probation?.began == hourAgo[0])
        diary.pass(Self.hour)
        #expect(diary.switchMemory.rollbacks == hourAgo)
        // Over the next boot by the wall clock again, which is right now.
        diary.reboot(after: Self.hour)
        #expect(diary.switchMemory.rollbacks == [.seconds(10 - 3 * 3600)])
    }

    @Test("a machine that lost its clock counts from when the clock was right again")
    func lostClock() {
        var diary = Diary()
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.reboot(after: Self.hour)
        diary.wall -= 20 * Diary.year
        diary.write(.daemonStarted(pid: 1, version: "1"))
        diary.wall += 20 * Diary.year
        diary.write(.clockStepped(by: 20 * Diary.year))
        #expect(diary.switchMemory.rollbacks == [.seconds(0)])
        diary.pass(Self.hour)
        #expect(diary.switchMemory.rollbacks == [.seconds(0)])
    }

    @Test("a clock set back makes no rollback older")
    func steppedBack() {
        var diary = Diary()
        diary.write(.intended(Self.flight(7, .rollback(incident: 2))))
        diary.reboot(after: Self.hour)
        diary.wall += Diary.year
        diary.write(.daemonStarted(pid: 1, version: "1"))
        diary.wall -= Diary.year
        diary.write(.clockStepped(by: -Diary.year))
        #expect(diary.switchMemory.rollbacks == [.seconds(10 - 3600)])
    }
}
