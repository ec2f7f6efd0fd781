import Supervision
import Testing

@Suite("starts") struct StartTests {
    private let noSuchFile = SpawnFailure(step: .execute, code: 2)

    @Test("a start without confirmation is a success after a second")
    func livesLongEnough() {
        var machine = Machine(service("web"))
        #expect(machine.last == [.spawn(machine.id("web"), attempt: 1)])
        machine.spawn("web")
        let process = machine.status("web").process ?? machine.freshProcess()
        #expect(machine.last == [.record(.processStarted(machine.id("web"), process, attempt: 1))])
        #expect(machine.phase("web") == .starting(.unproven))
        #expect(machine.pause("web") == .seconds(1))
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
    }

    @Test("a start with confirmation is a success when it is confirmed, not before")
    func confirmed() {
        var machine = Machine(service("web", confirmed: true))
        machine.spawn("web")
        machine.wait(.seconds(89))
        #expect(machine.phase("web") == .starting(.unproven))
        machine.waitForLook("web")
        machine.answer("web", .passed)
        #expect(machine.phase("web") == .running)
        #expect(machine.status("web").deadline == nil)
    }

    @Test("a start that is not confirmed in time is ended as hung, and counted")
    func startTimeout() {
        var machine = Machine(service("web", confirmed: true))
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(90))
        #expect(machine.last.terminations == [0])
        #expect(machine.phase("web") == .stopping(.signalled, .failStart))
        #expect(machine.pause("web") == .seconds(2))
        machine.goDown("web")
        #expect(machine.last.openings == [.startTimeout])
        #expect(machine.last.rules == [.startTimeout])
        #expect(machine.phase("web") == .backingOff)
    }

    @Test("each failed start doubles the time-out, to a quarter of an hour")
    func timeoutDoubles() {
        var machine = Machine(
            service("web", confirmed: true) {
                $0.start = StartPolicy(retries: 100)
                $0.escalation = EscalationPolicy(attempts: 100)
            })
        machine.find(.failed, "web")
        for seconds: Int64 in [90, 180, 360, 720, 900, 900] {
            machine.spawn("web")
            #expect(machine.pause("web") == .seconds(seconds))
            machine.wait(.seconds(seconds))
            machine.goDown("web")
            machine.wait(.seconds(30))
        }
    }

    @Test("a configured time-out above a quarter of an hour is kept")
    func longTimeout() {
        var machine = Machine(
            service("web", confirmed: true) { $0.start = StartPolicy(timeout: .hours(2)) })
        machine.spawn("web")
        #expect(machine.pause("web") == .hours(2))
    }

    @Test("a success makes the time-out short again")
    func timeoutShrinks() {
        var machine = Machine(service("web", confirmed: true))
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(90))
        machine.goDown("web")
        machine.wait(.seconds(1))
        machine.find(.passed, "web")
        machine.spawn("web")
        machine.wait(.seconds(1))
        machine.crash("web")
        machine.find(nil, "web")
        machine.spawn("web")
        #expect(machine.pause("web") == .seconds(90))
    }

    @Test("five failed starts in a row go to a human, and on at the slowest pace")
    func retries() {
        var machine = Machine(service("web"))
        for failed in 1...5 {
            machine.tell("web", .spawnFailed(noSuchFile))
            #expect(
                machine.last.records.first
                    == .spawnFailed(machine.id("web"), attempt: failed, noSuchFile))
            #expect(machine.last.handovers == (failed == 5 ? [.startRetries] : []))
            if failed < 5 { machine.wait(machine.pause("web") ?? .zero) }
        }
        #expect(machine.all.openings == [.spawn])
        #expect(machine.status("web").lastFailure == noSuchFile)
        #expect(machine.pause("web") == .seconds(30))
        machine.wait(.seconds(30))
        #expect(machine.last.spawns == [0])
    }

    @Test("a failed start waits like a short run, even without a crash loop")
    func spawnFailureWaits() {
        var machine = Machine(service("web") { $0.crashLoop = nil })
        machine.tell("web", .spawnFailed(noSuchFile))
        #expect(machine.last.rules == [.failedStart])
        let first = machine.pause("web") ?? .zero
        #expect(first <= .milliseconds(200) && first >= .milliseconds(150))
        machine.wait(first)
        machine.tell("web", .spawnFailed(noSuchFile))
        let second = machine.pause("web") ?? .zero
        #expect(second <= .milliseconds(400) && second >= .milliseconds(300))
    }

    @Test("restart: never has one attempt at making the process")
    func neverTriesOnce() {
        var machine = Machine(service("job") { $0.restart = .never })
        machine.tell("job", .spawnFailed(noSuchFile))
        #expect(machine.last.handovers == [.restartNever])
        #expect(machine.phase("job") == .stopped(.failed))
    }

    @Test("a service that crashes again and again before it is confirmed goes to a human")
    func crashesBeforeConfirmation() {
        var machine = Machine(service("web", confirmed: true))
        for _ in 1...5 {
            machine.spawn("web")
            machine.wait(.seconds(30))
            machine.crash("web")
        }
        #expect(machine.all.handovers == [.startRetries])
        #expect(machine.pause("web") == .seconds(30))
    }

    @Test("a crash before the confirmation still waits by the length of its run alone")
    func crashBeforeConfirmationAtOnce() {
        var machine = Machine(service("web", confirmed: true))
        machine.spawn("web")
        machine.wait(.seconds(30))
        machine.crash("web")
        #expect(machine.last.rules == [.atOnce])
    }

    @Test("autostart: false waits for an operator")
    func noAutostart() {
        var machine = Machine(service("job") { $0.autostart = false })
        #expect(machine.last.isEmpty)
        #expect(machine.phase("job") == .stopped(.fresh))
        machine.tell("job", .startAsked)
        #expect(machine.last.spawns == [0])
    }

    @Test("critical services are started first, each kind in the order of the configuration")
    func criticalFirst() {
        let machine = Machine(
            service("a"), service("b") { $0.critical = true }, service("c"),
            service("d") { $0.critical = true })
        #expect(machine.last.spawns == [1, 3, 0, 2])
    }

    @Test("nothing starts before it is known what an earlier daemon left")
    func beforeBegun() {
        var machine = Machine(service("a"), begun: false)
        #expect(machine.all.isEmpty)
        #expect(machine.mind.nextDeadline() == nil)
        machine.tell(.begun)
        #expect(machine.last.spawns == [0])
    }

    @Test("while the process is being made, status tells of none")
    func noProcessYet() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.crash("web")
        #expect(machine.phase("web") == .starting(.spawning))
        #expect(machine.status("web").process == nil)
    }
}
