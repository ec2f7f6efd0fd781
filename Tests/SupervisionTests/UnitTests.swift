import Supervision
import Testing

@Suite("units: who starts them again") struct UnitStartTests {
    @Test("Regen starts no unit by itself, and takes up one that runs")
    func begin() {
        var machine = Machine(unit("web"), begun: false)
        machine.up("web")
        machine.tell(.begun)
        #expect(machine.last.deeds.isEmpty)
        #expect(
            machine.last.records.contains(
                .processAdopted(machine.id("web"), machine.main(1), attempt: 1)))
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("one that is down at the first sight is left so", arguments: [true, false])
    func down(isFailed: Bool) {
        var machine = Machine(unit("web"))
        if isFailed { machine.fails("web") } else { machine.see("web", .inactive, 0) }
        machine.wait(.hours(1))
        #expect(machine.all.deeds.isEmpty)
        #expect(machine.phase("web") == .stopped(isFailed ? .failed : .fresh))
        #expect(machine.all.handovers == (isFailed ? [.notOurs] : []))
    }

    /// A machine that has booted; the ledger knows a run of `web` before that.
    private func booted() -> Machine {
        var past = InstanceMemory()
        past.attempt = 4
        var memory = Memory()
        memory.instances["web"] = past
        return Machine(unit("web"), memory: memory)
    }

    @Test(
        "one that ran before the machine booted, and fails to come up, is started again",
        arguments: ["failed", "coming", "retrying"])
    func failsAtBoot(sight: String) {
        var machine = booted()
        if sight == "coming" { machine.see("web", .activating) }
        if sight == "retrying" { machine.retries("web") }
        machine.fails("web")
        #expect(machine.all.openings == [.exitCode])
        #expect(machine.all.exits == [false])
        machine.wait(.seconds(1))
        #expect(machine.all.spawns == [0])
        #expect(machine.all.handovers.isEmpty)
    }

    @Test("one that ran before the machine booted, and nobody brings up, is left so")
    func restsAtBoot() {
        var machine = booted()
        machine.see("web", .inactive, 0)
        machine.wait(.hours(1))
        #expect(machine.all.deeds.isEmpty)
        machine.fails("web")
        #expect(machine.all.handovers == [.notOurs])
    }

    @Test("one that was up and failed is started again, once systemd says that it is down")
    func failed() {
        var machine = running(unit("web"))
        machine.see("web", .deactivating, exit: .code(1), isFailure: true)
        #expect(machine.last.openings == [.exitCode])
        #expect(machine.last.exits == [false])
        #expect(machine.last.spawns == [])
        machine.fails("web")
        machine.wait(.milliseconds(200))
        #expect(machine.all.spawns == [0])
        #expect(machine.all.exits == [false])
        machine.done("web")
        machine.up("web", 2)
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.resolutions == 1)
        #expect(machine.status("web").attempt == 2)
    }

    @Test("after a long run it is started at once")
    func atOnce() {
        var machine = running(unit("web"))
        machine.wait(.minutes(1))
        machine.fails("web")
        #expect(machine.last.deeds == [.spawn(machine.id("web"), attempt: 2)])
        #expect(machine.last.rules == [.atOnce])
    }

    @Test("an end that systemd calls a success is its own, unless restart: always")
    func success() {
        var machine = running(unit("job"), unit("web") { $0.restart = .always })
        machine.wait(.minutes(1))
        machine.see("job", .inactive, exit: .code(0))
        #expect(machine.last.deeds.isEmpty)
        #expect(machine.phase("job") == .stopped(.finished))
        machine.see("web", .inactive, exit: .code(0))
        #expect(machine.last.spawns == [1])
        #expect(machine.last.openings == [.unexpectedCleanExit])
    }

    @Test("what goes down without a complaint is no crash before it is known where that leads")
    func goesDownWell() {
        var machine = running(unit("job"), unit("web") { $0.restart = .always })
        machine.wait(.minutes(1))
        for name in ["job", "web"] { machine.see(name, .deactivating, exit: .code(0)) }
        #expect(machine.all.records.isEmpty)
        machine.see("job", .inactive, exit: .code(0))
        #expect(machine.phase("job") == .stopped(.finished))
        #expect(machine.all.openings.isEmpty)
        machine.see("web", .inactive, exit: .code(0))
        #expect(machine.last.spawns == [1])
        #expect(machine.last.openings == [.unexpectedCleanExit])
    }

    @Test("what an earlier daemon did not live to hand over is handed over")
    func othersRecalled() {
        var past = InstanceMemory()
        past.isRestarting = true
        past.incident = OpenIncident(id: 4, opened: .init(nanoseconds: 0))
        var memory = Memory()
        memory.instances["backup"] = past
        var machine = Machine(unit("backup"), memory: memory)
        machine.fails("backup", starter: .nobody)
        #expect(machine.last.handovers == [.notOurs])
        #expect(machine.phase("backup") == .stopped(.failed))
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("what is another's to start is handed over and never asked for")
    func others() {
        var machine = Machine(unit("backup"))
        machine.up("backup", starter: .nobody)
        machine.wait(.minutes(1))
        machine.fails("backup", starter: .nobody)
        #expect(machine.last.handovers == [.notOurs])
        #expect(machine.phase("backup") == .stopped(.failed))
        machine.wait(.hours(1))
        #expect(machine.all.deeds.isEmpty)
        // Its timer's next turn.
        machine.see("backup", .activating, 2, starter: .nobody)
        machine.fails("backup", 2, starter: .nobody)
        machine.up("backup", 3, starter: .nobody)
        machine.wait(.seconds(1))
        #expect(machine.phase("backup") == .running)
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("what is another's to start and has ended well is told of again when it fails again")
    func othersAgain() {
        var machine = Machine(unit("backup"))
        for (run, status) in [(1, 1), (2, 1), (3, 0), (4, 1)] as [(UInt64, Int32)] {
            machine.see("backup", .activating, run, starter: .nobody)
            machine.see(
                "backup", status == 0 ? .inactive : .failed, run, exit: .code(status),
                isFailure: status != 0, starter: .nobody)
        }
        #expect(machine.all.handovers == [.notOurs, .notOurs])
        // So short that nobody saw it run.
        machine.see("backup", .inactive, 5, exit: .code(0), starter: .nobody)
        #expect(machine.last.records.first == .recovered(machine.id("backup")))
        #expect(machine.last.rests == [.finished])
        machine.fails("backup", 6, starter: .nobody)
        #expect(machine.all.handovers.count == 3)
    }

    @Test("so it is by the next daemon, which was not there when it ended well")
    func othersAgainRecalled() {
        var past = InstanceMemory()
        past.rest = .failed
        past.over = UnitSight.Invocation(high: 7, low: 1)
        past.isHandedOver = true
        var memory = Memory()
        memory.instances["backup"] = past
        var machine = Machine(unit("backup"), memory: memory)
        machine.see("backup", .inactive, 2, exit: .code(0), starter: .nobody)
        machine.fails("backup", 3, starter: .nobody)
        #expect(machine.all.handovers == [.notOurs])
    }

    @Test("an operator may have another's started all the same, once")
    func ordered() {
        var machine = Machine(unit("backup"))
        machine.see("backup", .inactive, 0, starter: .nobody)
        machine.tell("backup", .startAsked)
        #expect(machine.last.spawns == [0])
        machine.done("backup", .failed)
        machine.fails("backup", 1, starter: .nobody)
        #expect(machine.last.handovers == [.notOurs])
        machine.wait(.hours(1))
        #expect(machine.all.spawns == [0])
    }

    @Test("restart: never is told to a human")
    func never() {
        var machine = running(unit("web") { $0.restart = .never })
        machine.fails("web")
        #expect(machine.last.handovers == [.restartNever])
        machine.wait(.hours(1))
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("a start that fails is a failed start; after five a human is told")
    func failedStarts() {
        var machine = running(unit("web") { $0.crashLoop = nil })
        machine.fails("web")
        for run: UInt64 in 2...6 {
            machine.wait(.seconds(30))
            #expect(machine.phase("web") == .starting(.spawning))
            machine.done("web", .failed)
            machine.see("web", .failed, run, isFailure: true)
        }
        #expect(machine.all.handovers == [.startRetries])
        #expect(machine.phase("web") == .handedOver)
    }

    @Test("a job that was refused or lost is tried again, and that is no crash")
    func lost() {
        var machine = running(unit("web"))
        machine.fails("web")
        machine.wait(.milliseconds(200))
        for end in [UnitJobEnd.refused, .lost] {
            machine.done("web", end)
            #expect(machine.last.deeds.isEmpty)
            machine.fails("web")
            machine.wait(.seconds(2))
            #expect(machine.phase("web") == .starting(.spawning))
        }
        #expect(machine.all.exits == [false])
    }

    @Test("nothing is asked while its job is under way")
    func busy() {
        var machine = running(unit("web"))
        machine.fails("web")
        machine.wait(.milliseconds(200))
        machine.all = []
        machine.fails("web")
        machine.see("web", .activating, 2)
        machine.fails("web", 2)
        machine.tell("web", .restartAsked)
        machine.tell("web", .healAsked)
        machine.wait(.hours(1))
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("it waits for what it is after")
    func after() {
        var machine = running(unit("db"), unit("web", after: ["db"]))
        machine.fails("db")
        machine.fails("web")
        machine.wait(.seconds(5))
        #expect(machine.all.spawns == [0])
        #expect(machine.phase("web") == .starting(.parked))
        machine.done("db")
        machine.up("db", 2)
        machine.wait(.seconds(1))
        #expect(machine.all.spawns == [0, 1])
    }
}

@Suite("units: systemd's own restarts") struct UnitRestartTests {
    @Test("each is a crash, told when the process ends, and nothing is asked")
    func counted() {
        var machine = running(unit("web"))
        machine.retries("web")
        #expect(machine.last.exits == [false])
        #expect(machine.last.openings == [.exitCode])
        #expect(machine.phase("web") == .starting(.awaited))
        machine.retries("web")
        machine.see("web", .activating, 2, restarts: 1)
        machine.up("web", 2, restarts: 1)
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.resolutions == 1)
        #expect(machine.all.exits == [false])
        #expect(machine.status("web").crashes == 1)
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("those that nobody saw count too")
    func unseen() {
        var machine = running(unit("web"))
        machine.up("web", 4, restarts: 3)
        #expect(machine.last.exits == [false, false, false])
        #expect(machine.last.openings == [.unknown])
        #expect(machine.status("web").crashes == 3)
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        machine.up("web", 90, restarts: 300)
        #expect(machine.last.exits.count == 10)
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("of those as many count as make a loop")
    func unseenLoop() {
        var machine = running(
            unit("web") { $0.crashLoop = CrashLoopPolicy(crashes: 20, within: .minutes(1)) })
        machine.up("web", 30, restarts: 29)
        #expect(machine.last.exits.count == 20)
        #expect(machine.last.handovers == [.crashLoop])
    }

    @Test("they may be a loop; then a human is told, and systemd goes on")
    func loop() {
        var machine = running(unit("web"))
        for run: UInt64 in 1...5 {
            machine.up("web", run, restarts: Int(run) - 1)
            machine.retries("web", run, restarts: Int(run) - 1)
        }
        #expect(machine.all.handovers == [.crashLoop])
        machine.up("web", 6, restarts: 5)
        machine.wait(.minutes(2))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.deeds.isEmpty)
        #expect(machine.last.records.contains(.recovered(machine.id("web"))))
    }

    @Test("when systemd gives up, Regen starts it: a failed start")
    func gaveUp() {
        var machine = running(unit("web"))
        machine.retries("web")
        machine.see("web", .activating, 2, restarts: 1)
        machine.fails("web", 2, restarts: 1, starter: .systemd)
        machine.wait(.seconds(1))
        #expect(machine.all.spawns == [0])
        #expect(machine.all.exits == [false, false])
        machine.done("web")
        machine.up("web", 3)
        #expect(machine.status("web").crashes == 2)
    }

    @Test("stopped while it waits for systemd's next attempt, it stays down")
    func stoppedMeanwhile() {
        var machine = running(unit("web"))
        machine.retries("web")
        machine.see("web", .inactive, exit: .code(1), isFailure: true)
        #expect(machine.phase("web") == .stopped(.outside))
        #expect(machine.last.handovers == [.operatorStopped])
        machine.wait(.hours(1))
        #expect(machine.all.deeds.isEmpty)
    }
}

@Suite("units: what others do to them") struct UnitRespectTests {
    @Test("systemctl stop is respected until somebody starts it again")
    func stop() {
        var machine = running(unit("web"))
        machine.stopped("web")
        #expect(machine.phase("web") == .stopped(.outside))
        #expect(machine.last.exits == [true])
        machine.wait(.hours(1))
        #expect(machine.all.deeds.isEmpty)
        #expect(machine.all.openings.isEmpty)
        machine.see("web", .activating, 2)
        #expect(machine.phase("web") == .starting(.awaited))
        machine.up("web", 2)
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        machine.wait(.minutes(1))
        machine.fails("web", 2)
        #expect(machine.last.spawns == [0])
    }

    @Test("what was stopped, started again and has failed before it was seen up is healed")
    func stoppedAndFailed() {
        var machine = running(unit("web"))
        machine.stopped("web")
        #expect(machine.phase("web") == .stopped(.outside))
        machine.fails("web", 2)
        #expect(machine.all.handovers.isEmpty)
        #expect(machine.all.openings == [.exitCode])
        machine.wait(.minutes(1))
        #expect(machine.all.spawns == [0])
    }

    @Test("a run that was over before it rested does not fail later: it was refused another start")
    func refusedAtRest() {
        var machine = running(unit("web"))
        machine.stopped("web")
        machine.stopped("web", 2)
        machine.fails("web", 2, .signal(15, outOfMemory: false))
        machine.wait(.hours(1))
        #expect(machine.phase("web") == .stopped(.outside))
        #expect(machine.all.openings.isEmpty)
    }

    @Test("one that ended well and is refused another start is told to a human, and is no crash")
    func refusedWhereItEnded() {
        var machine = Machine(unit("backup"))
        machine.see("backup", .activating, 1, starter: .nobody)
        machine.see("backup", .inactive, 1, exit: .code(0), starter: .nobody)
        #expect(machine.phase("backup") == .stopped(.finished))
        for _ in 1...2 { machine.fails("backup", 1, .code(0), starter: .nobody) }
        #expect(machine.all.openings == [.spawn])
        #expect(machine.all.handovers == [.notOurs])
        #expect(machine.phase("backup") == .stopped(.failed))
        #expect(machine.all.exits.isEmpty)
        #expect(machine.all.deeds.isEmpty)
    }

    @Test(
        "so is one that had failed before a good run that nobody saw, also by the next daemon",
        arguments: [true, false])
    func refusedWhereItEndedUnseen(isRecalled: Bool) {
        var past = InstanceMemory()
        past.rest = .failed
        past.over = UnitSight.Invocation(high: 7, low: 1)
        past.isHandedOver = true
        var memory = Memory()
        if isRecalled { memory.instances["backup"] = past }
        var machine = Machine(unit("backup"), memory: memory)
        if !isRecalled { machine.fails("backup", 1, starter: .nobody) }
        machine.all = []
        machine.see("backup", .inactive, 2, exit: .code(0), starter: .nobody)
        #expect(machine.phase("backup") == .stopped(.finished))
        for _ in 1...2 { machine.fails("backup", 2, .code(0), starter: .nobody) }
        #expect(machine.all.openings == [.spawn])
        #expect(machine.all.handovers == [.notOurs])
        #expect(machine.phase("backup") == .stopped(.failed))
    }

    @Test("nor to the next daemon; another run that has failed does", arguments: [true, false])
    func recalledAtRest(isSame: Bool) {
        var past = InstanceMemory()
        past.rest = .outside
        past.over = UnitSight.Invocation(high: 7, low: 1)
        var memory = Memory()
        memory.instances["web"] = past
        var machine = Machine(unit("web"), memory: memory)
        machine.fails("web", isSame ? 1 : 2)
        machine.wait(.minutes(1))
        #expect(machine.all.openings == (isSame ? [] : [.exitCode]))
        #expect(machine.all.spawns == (isSame ? [] : [0]))
    }

    @Test("a rest tells which run was the last")
    func restTellsRun() {
        var machine = running(unit("web"))
        machine.stopped("web")
        let rest = Record.rested(machine.id("web"), .outside, run: machine.invocation(1))
        #expect(machine.last.records.contains(rest))
        machine.see("web", UnitSight(activity: .missing))
        machine.tell("web", .stopAsked)
        let asked = Record.rested(machine.id("web"), .asked, run: machine.invocation(1))
        #expect(machine.last.records == [asked])
    }

    @Test("a stop that timed out is one all the same")
    func stopFailed() {
        var machine = running(unit("web"))
        machine.see(
            "web", .failed, exit: .signal(9, outOfMemory: false), isFailure: true, wasStopped: true)
        #expect(machine.phase("web") == .stopped(.outside))
    }

    @Test("on_stop: heal starts again what somebody stopped, but not what an operator of Regen did")
    func healsStops() {
        var machine = running(unit("web", healsStops: true))
        machine.wait(.minutes(1))
        machine.stopped("web")
        #expect(machine.last.spawns == [0])
        machine.done("web")
        machine.up("web", 2)
        machine.wait(.seconds(1))
        machine.tell("web", .stopAsked)
        machine.done("web")
        machine.stopped("web", 2)
        machine.wait(.hours(1))
        #expect(machine.phase("web") == .stopped(.asked))
        #expect(machine.all.spawns == [0])
    }

    @Test("a restart by hand is no crash, however much of it is seen")
    func restart() {
        var machine = running(unit("web"))
        machine.see("web", .deactivating, wasStopped: true)
        machine.see("web", .activating, 2)
        machine.up("web", 2)
        machine.wait(.seconds(1))
        machine.up("web", 3)
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.exits == [true, true])
        #expect(machine.all.openings.isEmpty)
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("a restart by hand that fails is healed: it was up")
    func failedRestart() {
        var machine = running(unit("web"))
        machine.see("web", .activating, 2)
        machine.fails("web", 2)
        machine.wait(.seconds(1))
        #expect(machine.all.spawns == [0])
    }

    @Test("another main process in the same run is no end")
    func mainProcess() {
        var machine = running(unit("web"))
        machine.see(
            "web",
            UnitSight(
                activity: .active, invocation: machine.invocation(1), process: machine.main(9)))
        #expect(machine.phase("web") == .running)
        #expect(machine.status("web").process == machine.main(9))
        #expect(machine.all.exits.isEmpty)
    }

    @Test("one without a main process is up by systemd's word")
    func noProcess() {
        var machine = Machine(unit("mount"))
        machine.see("mount", .active)
        machine.wait(.seconds(1))
        #expect(machine.phase("mount") == .running)
        #expect(machine.status("mount").process == nil)
    }

    @Test("one that is gone, or masked, rests")
    func missing() {
        var machine = running(unit("web"))
        machine.see("web", .missing, 0)
        #expect(machine.phase("web") == .stopped(.outside))
        machine.tell("web", .startAsked)
        machine.done("web", .refused)
        machine.see("web", .missing, 0)
        #expect(machine.phase("web") == .stopped(.outside))
        #expect(machine.all.openings.isEmpty)
    }

    @Test("Regen's end, stop --all and leaving the configuration touch no unit")
    func untouched() {
        for way in 0...2 {
            var machine = running(unit("web"))
            switch way {
            case 0: machine.tell(.endAsked(stopping: true))
            case 1: machine.tell(.stopAllAsked)
            default: machine.configure([])
            }
            #expect(
                machine.last.deeds == (way == 0 ? [.finish] : way == 1 ? [] : [.forget(.init(0))]))
        }
    }

    @Test("an end in the middle of its restart finishes at once")
    func endMeanwhile() {
        var machine = running(unit("web") { $0.backoff.quick = .minutes(1) })
        machine.fails("web")
        machine.tell(.endAsked(stopping: true))
        #expect(machine.last.deeds == [.finish])
        machine.wait(.hours(1))
        #expect(machine.all.spawns.isEmpty)
    }

    @Test("removed while a job is under way, its place is free only after it")
    func removedBusy() {
        var machine = running(unit("web"))
        machine.tell("web", .restartAsked)
        machine.configure([unit("other")])
        #expect(machine.last.deeds.isEmpty)
        machine.done("web")
        #expect(machine.last.deeds == [.forget(InstanceID(0))])
    }
}

@Suite("units: switches of the system") struct UnitSwitchTests {
    @Test("what ends and begins during a switch is no crash, and nothing is asked")
    func restarted() {
        var machine = running(unit("web"))
        machine.tell(.switchBegan)
        machine.stopped("web")
        machine.fails("web", 2)
        machine.up("web", 3)
        machine.wait(.minutes(1))
        #expect(machine.all.records.isEmpty)
        machine.tell(.switchEnded)
        #expect(machine.last.exits == [true])
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.openings.isEmpty)
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("one that is failed after it is started again")
    func failed() {
        var machine = running(unit("web"), unit("notify"))
        machine.tell(.switchBegan)
        machine.fails("web", 2)
        // switch-to-configuration has reset it.
        machine.see("notify", .inactive, exit: .code(1))
        machine.tell(.switchEnded)
        machine.wait(.seconds(1))
        #expect(machine.all.spawns.sorted() == [0, 1])
        #expect(machine.status("notify").crashes == 0)
    }

    @Test("one that is down after it, or gone, is not")
    func down() {
        var machine = running(unit("web"), unit("gone", healsStops: true))
        machine.tell(.switchBegan)
        machine.stopped("web")
        machine.see("gone", .missing, 0)
        machine.tell(.switchEnded)
        machine.wait(.hours(1))
        #expect(machine.phase("web") == .stopped(.outside))
        #expect(machine.phase("gone") == .stopped(.outside))
        #expect(machine.all.deeds.isEmpty)
    }

    @Test("one that waited for its next start, went, came back and failed is started again")
    func backAndFailed() {
        var machine = running(unit("web") { $0.backoff.quick = .minutes(1) })
        machine.fails("web")
        machine.tell(.switchBegan)
        machine.see("web", .missing, 0)
        machine.fails("web", 2)
        #expect(machine.all.deeds.isEmpty)
        machine.tell(.switchEnded)
        machine.wait(.minutes(1))
        #expect(machine.all.spawns == [0])
        #expect(machine.all.rests.isEmpty)
    }

    @Test("what is due during it, and what an operator wants, is done after it")
    func later() {
        var machine = running(
            unit("web") { $0.backoff.quick = .minutes(1) }, unit("db"), unit("off"))
        machine.fails("web")
        machine.stopped("off")
        machine.tell(.switchBegan)
        machine.wait(.minutes(1))
        machine.tell("db", .stopAsked)
        machine.tell("off", .startAsked)
        #expect(machine.all.deeds.isEmpty)
        machine.see("web", .inactive, exit: .code(1))
        machine.tell(.switchEnded)
        #expect(machine.last.spawns.sorted() == [0, 2])
        #expect(machine.last.terminations == [1])
    }

    @Test("an answer during it is taken in, and weighed after it")
    func answered() {
        var machine = running(unit("web"))
        machine.fails("web")
        machine.wait(.milliseconds(200))
        machine.tell(.switchBegan)
        machine.done("web")
        machine.up("web", 2)
        machine.tell(.switchEnded)
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.spawns == [0])
    }
}

@Suite("units: hangs, operators, SafeSwitch") struct UnitHealingTests {
    private func probed(_ change: (inout ServicePolicy) -> Void = { _ in }) -> Machine {
        var machine = Machine(
            unit("web", probes: [probe()], remedies: [.environment, .restart], change))
        machine.find(.passed, "web")
        machine.up("web")
        machine.wait(.seconds(5))
        machine.find(nil, "web")
        machine.all = []
        return machine
    }

    @Test("a hang: the remedy, then one restart by systemd, and no stop of ours")
    func hang() {
        var machine = probed()
        machine.strike("web", times: 3)
        #expect(machine.all.openings == [.hang])
        #expect(machine.all.remedies == [0])
        var serial = -1
        for case .remedy(_, _, _, let told) in machine.all { serial = told }
        machine.tell("web", .remedied(serial: serial, .applied))
        #expect(machine.last.deeds == [.spawn(machine.id("web"), attempt: 2)])
        machine.see("web", .deactivating, wasStopped: true)
        machine.wait(.minutes(10))
        #expect(machine.all.terminations.isEmpty)
        machine.done("web")
        machine.up("web", 2)
        #expect(machine.last.exits == [true])
        machine.answer("web", .passed)
        #expect(machine.phase("web") == .running)
        #expect(machine.all.resolutions == 1)
    }

    @Test("one that hung when a switch began, and was stopped during it, is left so")
    func hungAndStopped() {
        var machine = probed()
        machine.strike("web", times: 3)
        #expect(machine.phase("web") == .starting(.remedying))
        machine.tell(.switchBegan)
        machine.stopped("web")
        machine.tell(.switchEnded)
        machine.wait(.hours(1))
        #expect(machine.phase("web") == .stopped(.outside))
        #expect(machine.all.spawns.isEmpty)
    }

    @Test("one that waits for its turn when a switch begins is started when it comes")
    func queued() {
        let names = ["a", "b", "c"]
        var machine = Machine(
            names.map { unit($0, probes: [probe()]) { $0.start.timeout = .seconds(5) } })
        for name in names {
            machine.find(.passed, name)
            machine.up(name)
        }
        machine.wait(.seconds(15))
        for name in names { machine.find(.failed, name) }
        machine.wait(.seconds(4))
        let first = names[machine.all.spawns[0]]
        machine.done(first)
        machine.up(first, 2)
        machine.wait(.seconds(6))
        let second = names[machine.all.spawns[1]]
        #expect(machine.phase(first) == .backingOff)
        #expect(machine.status(first).isQueued)
        machine.tell(.switchBegan)
        machine.tell(.switchEnded)
        #expect(machine.status(first).isQueued)
        for name in names { machine.find(.passed, name) }
        machine.done(second)
        machine.up(second, 2)
        machine.wait(.seconds(1))
        #expect(machine.all.spawns.map { names[$0] } == [first, second, first])
    }

    @Test("a restart that systemd did not do is tried again, and a human told in the end")
    func hangs() {
        var machine = probed()
        machine.configure([unit("web", probes: [probe()])])
        machine.find(.failed, "web")
        for _ in 1...40 {
            machine.wait(.minutes(1))
            if machine.phase("web") == .starting(.spawning) {
                machine.done("web", .lost)
                machine.up("web")
            }
        }
        #expect(machine.all.handovers == [.attempts])
        #expect(machine.all.terminations.isEmpty)
        #expect(machine.all.exits.isEmpty)
    }

    @Test("one that hangs and may not be restarted is told, and left")
    func others() {
        var machine = probed()
        machine.up("web", starter: .nobody)
        machine.strike("web", times: 3)
        #expect(machine.all.handovers == [.notOurs])
        #expect(machine.phase("web") == .running)
        machine.wait(.hours(1))
        #expect(machine.all.deeds.allSatisfy { if case .probe = $0 { true } else { false } })
    }

    @Test("a start that its probes do not confirm is restarted, not stopped")
    func unconfirmed() {
        var machine = probed()
        machine.configure([unit("web", probes: [probe()])])
        machine.find(.failed, "web")
        machine.up("web", 2)
        machine.wait(.seconds(90))
        #expect(machine.all.openings == [.startTimeout])
        machine.wait(.seconds(1))
        #expect(machine.all.spawns == [0])
        #expect(machine.all.terminations.isEmpty)
    }

    @Test("an operator's stop is one job, without a deadline of ours")
    func stop() {
        var machine = running(unit("web"))
        machine.tell("web", .stopAsked)
        #expect(machine.last.deeds == [.terminate(machine.id("web"), signal: 15)])
        machine.see("web", .deactivating, wasStopped: true)
        machine.wait(.hours(1))
        #expect(machine.last.isEmpty)
        machine.done("web")
        machine.stopped("web")
        #expect(machine.phase("web") == .stopped(.asked))
        #expect(machine.last.exits == [true])
    }

    @Test("a stop that was refused is asked for again")
    func refused() {
        var machine = running(unit("web"))
        machine.tell("web", .stopAsked)
        machine.done("web", .refused)
        machine.up("web")
        machine.wait(.seconds(30))
        #expect(machine.last.terminations == [0])
    }

    @Test("a start that was asked for while it came up is no excuse for a crash after it was up")
    func orderedWhileComing() {
        var machine = running(unit("web"))
        machine.tell("web", .restartAsked)
        machine.done("web", .lost)
        machine.tell("web", .startAsked)
        machine.up("web")
        machine.wait(.minutes(1))
        #expect(machine.phase("web") == .running)
        machine.fails("web")
        #expect(machine.all.openings == [.exitCode])
        #expect(machine.all.exits == [false])
        #expect(machine.last.spawns == [0])
    }

    @Test("an operator's restart is one job")
    func restart() {
        var machine = running(unit("web"))
        machine.tell("web", .restartAsked)
        #expect(machine.last.deeds == [.spawn(machine.id("web"), attempt: 2)])
        machine.done("web")
        machine.up("web", 2)
        #expect(machine.last.exits == [true])
        #expect(machine.all.openings.isEmpty)
    }

    @Test("a stop while it hangs and waits takes it down")
    func stopWaiting() {
        var machine = probed()
        machine.strike("web", times: 3)
        machine.tell("web", .stopAsked)
        #expect(machine.last.terminations == [0])
    }

    @Test("paused, it is left failed; resumed, it is started")
    func pause() {
        var machine = running(unit("web"))
        machine.tell("web", .pauseAsked(until: machine.now + .hours(1)))
        machine.fails("web")
        machine.wait(.minutes(59))
        #expect(machine.all.deeds.isEmpty)
        machine.wait(.minutes(1))
        #expect(machine.all.spawns == [0])
    }

    @Test("a loop is SafeSwitch's business; after the switch it is started at once")
    func triage() {
        var machine = running(
            unit("web") {
                $0.rollback = .auto
                $0.crashLoop = CrashLoopPolicy(crashes: 1, within: .minutes(1))
            })
        machine.fails("web")
        #expect(machine.last.deeds.count == 1)
        machine.tell(.switchBegan)
        machine.fails("web", 2)
        machine.tell(.switchEnded)
        machine.tell("web", .triaged(.retry))
        #expect(machine.last.spawns == [0])
    }
}

/// All of them up and proven.
private func running(_ definitions: InstanceDefinition...) -> Machine {
    var machine = Machine(definitions)
    for definition in definitions { machine.up(definition.name) }
    machine.wait(.seconds(1))
    machine.all = []
    return machine
}
