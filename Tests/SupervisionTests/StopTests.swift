import Supervision
import Testing

@Suite("stops") struct StopTests {
    private let noSuchFile = SpawnFailure(step: .execute, code: 2)

    @Test("the policy's signal, the grace period, then SIGKILL")
    func grace() {
        var machine = Machine(
            service("web") { $0.stop = StopPolicy(signal: 3, grace: .seconds(7)) })
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        #expect(
            machine.last == [
                .terminate(machine.id("web"), signal: 3),
                .record(.stopBegan(machine.id("web"), .rest)),
            ])
        machine.wait(Interval(nanoseconds: Interval.seconds(7).nanoseconds - 1))
        #expect(machine.last.isEmpty)
        machine.wait(Interval(nanoseconds: 1))
        #expect(
            machine.last == [
                .kill(machine.id("web")), .record(.stopForced(machine.id("web"))),
            ])
        #expect(machine.phase("web") == .stopping(.killed, .rest))
    }

    @Test("a stop is over when the whole tree is gone, not when the main process is")
    func treeMustBeGone() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        machine.tell("web", .exited(.signal(15, outOfMemory: false)))
        #expect(machine.last.deeds == [.watchTree(machine.id("web"))])
        #expect(machine.phase("web") == .stopping(.signalled, .rest, mainEnded: true))
        #expect(machine.status("web").process == nil)
        machine.wait(.seconds(10))
        #expect(machine.last.deeds == [.kill(machine.id("web"))])
        machine.tell("web", .treeEnded)
        #expect(machine.last.records == [.rested(machine.id("web"), .asked)])
        #expect(machine.phase("web") == .stopped(.asked))
        #expect(machine.mind.nextDeadline() == nil)
    }

    @Test("a tree cannot have ended before its main process")
    func treeBeforeMain() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        machine.tell("web", .treeEnded)
        #expect(machine.phase("web") == .stopping(.signalled, .rest))
    }

    @Test("what SIGKILL does not end is told to a human once, and killed again at the slowest pace")
    func stuck() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        machine.wait(.seconds(10))
        machine.wait(Mind.killWait)
        #expect(machine.last.openings == [.unkillable])
        #expect(machine.last.handovers == [.unkillable])
        #expect(machine.phase("web") == .stopping(.stuck, .rest))
        for _ in 1...3 {
            machine.wait(.seconds(30))
            #expect(machine.last == [.kill(machine.id("web"))])
        }
        machine.goDown("web")
        #expect(machine.phase("web") == .stopped(.asked))
    }

    @Test("one that hangs in an incident is handed over in that incident")
    func stuckInIncident() {
        var machine = Machine(service("web"))
        machine.crashQuickly("web")
        machine.wait(.seconds(1))
        machine.spawn("web")
        machine.tell("web", .stopAsked)
        machine.wait(.minutes(1))
        #expect(machine.all.openings == [.exitCode])
        #expect(machine.all.handovers == [.unkillable])
        machine.goDown("web")
        #expect(machine.all.handovers == [.unkillable])
    }

    @Test("a restart that was asked for comes up again without an incident")
    func restart() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .restartAsked)
        #expect(machine.last.deeds == [.terminate(machine.id("web"), signal: 15)])
        machine.tell("web", .exited(.code(0)))
        #expect(machine.last.spawns == [])
        machine.tell("web", .treeEnded)
        #expect(machine.last.deeds == [.spawn(machine.id("web"), attempt: 2)])
        #expect(machine.all.openings.isEmpty)
    }

    @Test("an exit that was asked for is recorded as such")
    func askedExit() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        let process = machine.status("web").process ?? machine.freshProcess()
        machine.tell("web", .stopAsked)
        machine.tell("web", .exited(.code(0)))
        #expect(
            machine.last.records == [
                .processExited(
                    machine.id("web"), process, attempt: 1, .code(0), uptime: .seconds(1),
                    asked: true)
            ])
    }

    @Test("a start asked for during a stop follows it, and a stop asked for then wins again")
    func changesOfMind() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        machine.tell("web", .startAsked)
        #expect(machine.last == [.record(.stopBegan(machine.id("web"), .restart))])
        #expect(machine.phase("web") == .stopping(.signalled, .restart))
        machine.tell("web", .stopAsked)
        #expect(machine.last == [.record(.stopBegan(machine.id("web"), .rest))])
        #expect(machine.phase("web") == .stopping(.signalled, .rest))
        machine.tell("web", .restartAsked)
        machine.goDown("web")
        #expect(machine.last.spawns == [0])
    }

    @Test("a stop asked for while the process is being made follows its making")
    func stopWhileSpawning() {
        var machine = Machine(service("web"))
        machine.tell("web", .stopAsked)
        #expect(machine.last.isEmpty)
        #expect(machine.phase("web") == .stopping(.unspawned, .rest))
        machine.spawn("web")
        #expect(machine.last.deeds == [.terminate(machine.id("web"), signal: 15)])
        #expect(machine.phase("web") == .stopping(.signalled, .rest))
        machine.goDown("web")
        #expect(machine.phase("web") == .stopped(.asked))
    }

    @Test("a stop asked for while the making fails is over, without an incident")
    func stopWhileSpawnFails() {
        var machine = Machine(service("web"))
        machine.tell("web", .stopAsked)
        machine.tell("web", .spawnFailed(noSuchFile))
        #expect(machine.phase("web") == .stopped(.asked))
        #expect(machine.last.openings.isEmpty)
    }

    @Test("a start asked for after that keeps to one process")
    func stopAndStartWhileSpawning() {
        var machine = Machine(service("web"))
        machine.tell("web", .stopAsked)
        machine.tell("web", .startAsked)
        #expect(machine.last.spawns == [])
        machine.spawn("web")
        #expect(machine.last.spawns == [])
        machine.goDown("web")
        #expect(machine.last.spawns == [0])
    }

    @Test("a stop asked for while it waits is done at once")
    func stopWhileWaiting() {
        var parked = Machine(service("db"), service("web", after: ["db"]))
        parked.tell("web", .stopAsked)
        #expect(parked.phase("web") == .stopped(.asked))

        var backingOff = Machine(service("web"))
        backingOff.crashQuickly("web")
        backingOff.tell("web", .stopAsked)
        #expect(backingOff.phase("web") == .stopped(.asked))
        #expect(backingOff.last.deeds.isEmpty)
        backingOff.wait(.hours(1))
        #expect(backingOff.last.isEmpty)
    }

    @Test("a stop asked for at rest holds against a new configuration and frees dependents")
    func stopAtRest() {
        var machine = Machine(
            service("job") { $0.restart = .never }, service("web", after: ["job"]))
        machine.crashQuickly("job")
        #expect(machine.phase("job") == .stopped(.failed))
        machine.tell("job", .stopAsked)
        #expect(machine.last.records == [.rested(machine.id("job"), .asked)])
        #expect(machine.last.spawns == [1])
        machine.configure([service("job", launch: 2) { $0.restart = .never }])
        #expect(machine.last.spawns == [])
    }

    @Test("a crash in the very instant of the stop is the end that was asked for")
    func crashMeetsStop() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        machine.crash("web", .signal(11, outOfMemory: false))
        machine.tell("web", .treeEnded)
        #expect(machine.phase("web") == .stopped(.asked))
        #expect(machine.all.openings.isEmpty)
    }
}
