import Supervision
import Testing

@Suite("a new configuration") struct ConfigurationTests {
    @Test("does not touch what is unchanged")
    func unchanged() {
        var machine = Machine(service("a"), service("b"))
        machine.bringUp("a", "b")
        machine.configure([service("a"), service("b")])
        #expect(machine.last.isEmpty)
    }

    @Test("does not touch a process for its policy, which holds at once")
    func policyOnly() {
        var machine = Machine(service("a"))
        machine.bringUp("a")
        machine.configure([service("a") { $0.restart = .never }])
        #expect(machine.last.isEmpty)
        machine.crash("a")
        #expect(machine.phase("a") == .stopped(.failed))
    }

    @Test("stops what it lacks, and forgets it when its tree is gone")
    func removed() {
        var machine = Machine(service("a"), service("b"))
        machine.bringUp("a", "b")
        let b = machine.id("b")
        machine.configure([service("a")])
        #expect(machine.last.terminations == [1])
        machine.tell(.instance(b, .exited(.code(0))))
        #expect(!machine.last.contains(.forget(b)))
        machine.tell(.instance(b, .treeEnded))
        #expect(machine.last == [.record(.rested(b, .fresh)), .forget(b)])
        #expect(machine.mind.id(named: "b") == nil)
        #expect(machine.mind.all == [machine.id("a")])
    }

    @Test("takes what was not configured when this daemon began for a new one, on record")
    func belated() {
        var memory = Memory()
        memory.instances["b"] = InstanceMemory()
        memory.instances["b"]?.attempt = 4
        memory.instances["b"]?.isHandedOver = true
        var machine = Machine(service("a"), memory: memory)
        machine.configure([service("a"), service("b")])
        #expect(machine.last.records == [.rested(machine.id("b"), .fresh)])
        #expect(machine.last.deeds == [.spawn(machine.id("b"), attempt: 5)])
        #expect(!machine.status("b").isHandedOver)
        machine.bringUp("b")
        machine.configure([service("a"), service("b"), service("c")])
        #expect(machine.last.records.isEmpty)
    }

    @Test("forgets at once what has no process, and hands its incident over")
    func removedWhileWaiting() {
        var machine = Machine(service("a"))
        machine.crashQuickly("a")
        machine.configure([])
        #expect(machine.last.handovers == [.removed])
        #expect(machine.last.deeds == [.forget(InstanceID(0))])
        #expect(machine.mind.nextDeadline() == nil)
    }

    @Test("forgets what is just being made when it was made and stopped")
    func removedWhileSpawning() {
        var machine = Machine(service("a"))
        let a = machine.id("a")
        machine.configure([])
        #expect(machine.last.isEmpty)
        machine.tell(.instance(a, .spawned(machine.freshProcess())))
        #expect(machine.last.terminations == [0])
        machine.tell(.instance(a, .exited(.code(0))))
        machine.tell(.instance(a, .treeEnded))
        #expect(machine.last.contains(.forget(a)))
    }

    @Test("restarts what is launched differently")
    func changed() {
        var machine = Machine(service("a"))
        machine.bringUp("a")
        machine.configure([service("a", launch: 2)])
        #expect(machine.last.terminations == [0])
        #expect(machine.phase("a") == .stopping(.signalled, .restart))
        machine.goDown("a")
        #expect(machine.last.spawns == [0])
        #expect(machine.all.openings.isEmpty)
    }

    @Test("restarts what was just being made as it was before")
    func changedWhileSpawning() {
        var machine = Machine(service("a"))
        machine.configure([service("a", launch: 2)])
        machine.spawn("a")
        #expect(machine.last.terminations == [0])
        machine.goDown("a")
        #expect(machine.last.spawns == [0])
    }

    @Test("gives what is launched differently a new chance, even where restart is never")
    func newChance() {
        var waiting = Machine(service("a"))
        waiting.crashQuickly("a")
        waiting.configure([service("a", launch: 2)])
        #expect(waiting.last.spawns == [0])

        var failed = Machine(service("a") { $0.restart = .never })
        failed.crashQuickly("a")
        failed.configure([service("a", launch: 2) { $0.restart = .never }])
        #expect(failed.last.spawns == [0])
    }

    @Test("leaves at rest what an operator stopped")
    func stoppedStays() {
        var machine = Machine(service("a"))
        machine.bringUp("a")
        machine.tell("a", .stopAsked)
        machine.goDown("a")
        machine.configure([service("a", launch: 2)])
        #expect(machine.last.isEmpty)
    }

    @Test("starts what is new, and parks it for what it needs")
    func added() {
        var machine = Machine(service("a"))
        machine.configure([service("a"), service("b"), service("c", after: ["a"])])
        #expect(machine.last.spawns == [1])
        #expect(machine.phase("c") == .starting(.parked))
    }

    @Test("frees what waited for a service that it no longer has")
    func freed() {
        var machine = Machine(service("a"), service("b", after: ["a"]))
        machine.crashQuickly("a")
        machine.configure([service("b", after: ["a"])])
        #expect(machine.last.spawns == [1])
    }

    @Test("frees what is launched differently as it is now, and makes one process of it")
    func freedAndChanged() {
        var machine = Machine(service("a"), service("b", after: ["a"]))
        machine.crashQuickly("a")
        machine.configure([service("b", launch: 2, after: ["a"])])
        #expect(machine.last.spawns == [1])
        #expect(machine.phase("b") == .starting(.spawning))
    }

    @Test("brings back what the last one had removed, when it is down")
    func removedAndBack() {
        var machine = Machine(service("a"))
        machine.bringUp("a")
        machine.configure([])
        machine.configure([service("a")])
        #expect(machine.phase("a") == .stopping(.signalled, .restart))
        machine.goDown("a")
        #expect(machine.last.spawns == [0])
    }

    @Test("uses places again, and no stale deadline wakes their new owner")
    func vacancies() {
        var machine = Machine(service("a"))
        machine.crashQuickly("a")
        machine.configure([])
        machine.configure([service("b")])
        #expect(machine.id("b").index == 0)
        #expect(machine.last.spawns == [0])
        machine.wait(.hours(1))
        #expect(machine.last.isEmpty)
    }

    @Test("an event for a place that nobody has is nobody's")
    func vacantPlace() {
        var machine = Machine(service("a"))
        machine.crashQuickly("a")
        machine.configure([])
        machine.tell(.instance(InstanceID(0), .startAsked))
        machine.tell(.instance(InstanceID(7), .startAsked))
        machine.tell(.instance(InstanceID(-1), .startAsked))
        #expect(machine.all.spawns == [0])
    }

    @Test("attempts of a name go on after it was removed and came back: no number is used twice")
    func attemptsGoOn() {
        var machine = Machine(service("a"))
        machine.crashQuickly("a")
        machine.wait(.seconds(1))
        machine.crashQuickly("a")
        machine.configure([])
        machine.configure([service("a")])
        #expect(machine.last == [.spawn(machine.id("a"), attempt: 3)])
    }

    @Test("a start that now needs a confirmation has the whole time-out for it")
    func confirmationAdded() {
        var machine = Machine(service("a"))
        machine.spawn("a")
        machine.configure([service("a", confirmed: true)])
        machine.wait(.seconds(1))
        #expect(machine.last.terminations == [])
        #expect(machine.phase("a") == .starting(.unproven))
        machine.waitForLook("a")
        machine.answer("a", .passed)
        #expect(machine.phase("a") == .running)
    }

    @Test("a start that needs none any more is a success after a second")
    func confirmationDropped() {
        var machine = Machine(service("a", confirmed: true))
        machine.spawn("a")
        machine.configure([service("a")])
        machine.wait(.seconds(1))
        #expect(machine.phase("a") == .running)
    }

    @Test("ten thousand restarts leave no heap of old deadlines behind")
    func deadlinesAreBounded() {
        var machine = Machine(service("a"), service("b"))
        machine.spawn("b")
        for _ in 1...10_000 {
            machine.spawn("a")
            machine.crash("a")
            machine.tell("a", .startAsked)
        }
        let deadlines = Mirror(reflecting: machine.mind).descendant("deadlines", "entries")
        let count = (deadlines as? [Any])?.count
        #expect(count ?? .max <= 4 * 2 + 64)
    }
}
