import Supervision
import Testing

@Suite("restarts") struct RestartTests {
    @Test("after a run of a second it is restarted at once, and the record says by which rule")
    func atOnce() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.crash("web")
        #expect(
            machine.last.deeds == [
                .sweep(machine.id("web")), .spawn(machine.id("web"), attempt: 2),
            ])
        #expect(machine.last.rules == [.atOnce])
        #expect(machine.phase("web") == .starting(.spawning))
    }

    @Test("a run a nanosecond short of a second waits")
    func aLittleShort() {
        var machine = Machine(service("web"))
        machine.spawn("web")
        machine.wait(Interval(nanoseconds: 999_999_999))
        machine.crash("web")
        #expect(machine.last.spawns == [])
        #expect(machine.last.rules == [.backoff])
        #expect(machine.phase("web") == .backingOff)
    }

    @Test("short runs wait 200 ms, doubling to 30 s, less at most a quarter")
    func doubles() {
        var machine = Machine(service("web") { $0.crashLoop = nil })
        var milliseconds: Int64 = 200
        for _ in 1...12 {
            machine.crashQuickly("web")
            let pause = machine.pause("web") ?? .zero
            #expect(pause <= .milliseconds(milliseconds))
            #expect(pause >= .milliseconds(milliseconds * 3 / 4))
            machine.wait(pause)
            #expect(machine.last.spawns == [0])
            milliseconds = min(milliseconds * 2, 30_000)
        }
    }

    @Test("services that fall together do not rise together")
    func jitter() {
        var machine = Machine(service("a"), service("b"))
        machine.crashQuickly("a")
        machine.crashQuickly("b")
        #expect(machine.pause("a") != machine.pause("b"))
    }

    @Test("the same seed gives the same pauses, another one gives others")
    func seeds() {
        func pause(seed: UInt64) -> Interval? {
            var machine = Machine(service("a"), seed: seed)
            machine.crashQuickly("a")
            return machine.pause("a")
        }
        #expect(pause(seed: 1) == pause(seed: 1))
        #expect(pause(seed: 1) != pause(seed: 2))
    }

    @Test("a minute of health clears the doubling, less does not", arguments: [59, 60])
    func cleared(seconds: Int64) {
        var machine = Machine(service("web") { $0.crashLoop = nil })
        for _ in 1...6 {
            machine.crashQuickly("web")
            machine.wait(.seconds(30))
        }
        machine.spawn("web")
        machine.wait(.seconds(seconds))
        machine.crash("web")
        machine.crashQuickly("web")
        let pause = machine.pause("web") ?? .zero
        #expect((pause <= .milliseconds(200)) == (seconds == 60))
    }

    @Test("a run that was never slowed down wakes nobody for its health")
    func noIdleDeadline() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        #expect(machine.mind.nextDeadline() == nil)
    }

    @Test("a clean exit that nobody asked for is a crash where the policy is always")
    func alwaysMeansAlways() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.crash("web", .code(0))
        #expect(machine.last.openings == [.unexpectedCleanExit])
        #expect(machine.last.spawns == [0])
    }

    @Test(
        "a clean exit is the service's own end elsewhere",
        arguments: [RestartPolicy.onFailure, .never])
    func finished(policy: RestartPolicy) {
        var machine = Machine(service("job") { $0.restart = policy })
        machine.spawn("job")
        machine.crash("job", .code(0))
        #expect(machine.phase("job") == .stopped(.finished))
        #expect(machine.last.openings.isEmpty)
        #expect(machine.last.records.contains(.rested(machine.id("job"), .finished)))
        #expect(machine.mind.nextDeadline() == nil)
    }

    @Test("its own end resolves an incident")
    func finishResolves() {
        var machine = Machine(service("job") { $0.restart = .onFailure })
        machine.crashQuickly("job")
        machine.wait(.seconds(1))
        machine.spawn("job")
        machine.crash("job", .code(0))
        #expect(machine.last.resolutions == 1)
        #expect(machine.status("job").incident == nil)
    }

    @Test(
        "every other exit is a failure of its kind",
        arguments: [
            (Supervision.ExitStatus.code(3), FailureKind.exitCode),
            (.signal(11, outOfMemory: false), .signal),
            (.signal(9, outOfMemory: true), .outOfMemory), (.unknown, .unknown),
        ])
    func kinds(status: Supervision.ExitStatus, kind: FailureKind) {
        for policy in [RestartPolicy.always, .onFailure] {
            var machine = Machine(service("web") { $0.restart = policy })
            machine.bringUp("web")
            machine.crash("web", status)
            #expect(machine.last.openings == [kind])
            #expect(machine.last.spawns == [0])
            #expect(machine.status("web").lastExit == status)
        }
    }

    @Test("restart: never tells a human of a failure and rests")
    func never() {
        var machine = Machine(service("job") { $0.restart = .never })
        machine.bringUp("job")
        machine.crash("job")
        #expect(machine.last.openings == [.exitCode])
        #expect(machine.last.handovers == [.restartNever])
        #expect(machine.last.spawns == [])
        #expect(machine.phase("job") == .stopped(.failed))
    }

    @Test("what the ended main process left is swept, and the exit is recorded with its uptime")
    func exitRecord() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        let process = machine.status("web").process
        machine.wait(.seconds(4))
        machine.crash("web")
        #expect(machine.last.first == .sweep(machine.id("web")))
        #expect(
            machine.last.records.first
                == .processExited(
                    machine.id("web"), process ?? machine.freshProcess(), attempt: 1, .code(1),
                    uptime: .seconds(5), asked: false))
    }
}

@Suite("crash loops and incidents") struct IncidentTests {
    @Test("an incident opens with the first failure and is resolved by the next success")
    func resolved() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.crash("web")
        let incident = machine.status("web").incident
        #expect(incident == 1)
        machine.wait(.seconds(2))
        machine.bringUp("web")
        #expect(
            machine.last.records == [
                .incidentResolved(machine.id("web"), incident: 1, healing: .seconds(3))
            ])
        #expect(machine.status("web").incident == nil)
    }

    @Test("further failures belong to the open incident")
    func oneIncident() {
        var machine = Machine(service("web"))
        for _ in 1...3 {
            machine.crashQuickly("web")
            machine.wait(.seconds(1))
        }
        #expect(machine.all.openings.count == 1)
    }

    @Test("five crashes within a minute are handed over, four are not")
    func crashLoop() {
        var machine = Machine(service("web"))
        for _ in 1...4 {
            machine.crashQuickly("web")
            machine.wait(.seconds(2))
        }
        #expect(machine.all.handovers.isEmpty)
        machine.crashQuickly("web")
        #expect(machine.last.handovers == [.crashLoop])
        #expect(
            machine.last.records.contains(
                .crashLoopDetected(
                    machine.id("web"), rule: .crashes, count: 5, within: .minutes(1), incident: 1)))
        #expect(machine.phase("web") == .handedOver)
        #expect(machine.status("web").isHandedOver)
        #expect(machine.status("web").incident == nil)
    }

    @Test("five crashes in more than a minute are not a loop")
    func slowCrashes() {
        var machine = Machine(service("web"))
        for _ in 1...5 {
            machine.bringUp("web")
            machine.wait(.seconds(15))
            machine.crash("web")
        }
        #expect(machine.all.handovers.isEmpty)
    }

    @Test("the fifth crash counts up to the window's last nanosecond", arguments: [0, 1])
    func edge(excess: Int64) {
        var machine = Machine(
            service("web") { $0.crashLoop = CrashLoopPolicy(crashes: 2, within: .seconds(10)) })
        machine.crashQuickly("web")
        machine.wait(.seconds(1))
        machine.spawn("web")
        machine.wait(.seconds(9))
        machine.wait(Interval(nanoseconds: excess))
        machine.crash("web")
        #expect(machine.last.handovers == (excess == 0 ? [.crashLoop] : []))
    }

    @Test("after the hand-over it goes on at the slowest pace, and says nothing new")
    func slowestPace() {
        var machine = loopedMachine()
        for _ in 1...10 {
            #expect(machine.pause("web") == .seconds(30))
            machine.wait(.seconds(30))
            #expect(machine.last.spawns == [0])
            machine.crashQuickly("web")
            #expect(machine.last.rules == [.slowest])
        }
        #expect(machine.all.openings.count == 1)
        #expect(machine.all.handovers.count == 1)
    }

    @Test("a minute of health after the hand-over is a recovery, and the next crash a new incident")
    func recovery() {
        var machine = loopedMachine()
        machine.wait(.seconds(30))
        machine.spawn("web")
        machine.wait(Interval(nanoseconds: Interval.minutes(1).nanoseconds - 1))
        #expect(machine.last.records.isEmpty)
        #expect(machine.status("web").isHandedOver)
        machine.wait(Interval(nanoseconds: 1))
        #expect(machine.last.records == [.recovered(machine.id("web"))])
        #expect(machine.status("web").isHandedOver == false)
        machine.crash("web")
        #expect(machine.last.openings == [.exitCode])
        #expect(machine.last.rules == [.atOnce])
    }

    @Test("crash_loop: off never hands crashes over")
    func off() {
        var machine = Machine(service("web") { $0.crashLoop = nil })
        for _ in 1...50 {
            machine.crashQuickly("web")
            machine.wait(.seconds(30))
        }
        #expect(machine.all.handovers.isEmpty)
        #expect(machine.phase("web") == .starting(.spawning))
    }

    @Test("six incidents within an hour are a loop whatever their spacing, five are not")
    func sixIncidents() {
        var machine = Machine(service("web"))
        for _ in 1...5 {
            machine.bringUp("web")
            machine.wait(.minutes(9))
            machine.crash("web")
        }
        #expect(machine.all.handovers.isEmpty)
        machine.bringUp("web")
        machine.crash("web")
        #expect(machine.last.handovers == [.crashLoop])
        #expect(
            machine.last.records.contains(
                .crashLoopDetected(
                    machine.id("web"), rule: .incidents, count: 6, within: .hours(1), incident: 6)))
    }

    @Test("six incidents in more than an hour are not")
    func spreadIncidents() {
        var machine = Machine(service("web"))
        for _ in 1...8 {
            machine.bringUp("web")
            machine.wait(.minutes(13))
            machine.crash("web")
        }
        #expect(machine.all.handovers.isEmpty)
    }

    @Test("crashes that are older than the window do not make a failed start a loop")
    func staleCrashes() {
        var memory = Memory()
        var past = InstanceMemory()
        past.crashes = (1...5).map { Instant(nanoseconds: $0) }
        memory.instances["web"] = past
        var machine = Machine(service("web"), memory: memory)
        machine.tell("web", .spawnFailed(SpawnFailure(step: .execute, code: 2)))
        #expect(machine.last.handovers.isEmpty)
    }

    @Test("exits that somebody asked for do not count")
    func askedExits() {
        var machine = Machine(service("web"))
        for _ in 1...10 {
            machine.bringUp("web")
            machine.tell("web", .restartAsked)
            machine.goDown("web")
        }
        #expect(machine.all.openings.isEmpty)
        #expect(machine.status("web").crashes == 0)
    }

    @Test("an operator who asks for a start gives a new chance", arguments: [true, false])
    func forgiven(start: Bool) {
        var machine = loopedMachine()
        machine.tell("web", start ? .startAsked : .restartAsked)
        #expect(machine.last.spawns == [0])
        #expect(machine.last.records == [.startAsked(machine.id("web"))])
        #expect(machine.status("web").isHandedOver == false)
        #expect(machine.status("web").crashes == 0)
        machine.crashQuickly("web")
        #expect(machine.last.openings == [.exitCode])
        #expect((machine.pause("web") ?? .hours(1)) <= .milliseconds(200))
    }

    @Test("a new configuration gives a new chance on record, or none yet: a stop goes on as it was")
    func noSilentChance() {
        var machine = loopedMachine()
        machine.wait(machine.pause("web") ?? .zero)
        machine.spawn("web")
        machine.tell("web", .restartAsked)
        machine.configure([service("web", launch: 2)])
        #expect(machine.last.isEmpty)
        #expect(machine.status("web").isHandedOver)
        machine.goDown("web")
        machine.spawn("web")
        machine.wait(.hours(1))
        #expect(machine.all.contains(.record(.recovered(machine.id("web")))))
        #expect(!machine.status("web").isHandedOver)
    }

    @Test("an operator who cuts a back-off short starts it now")
    func cutShort() {
        var machine = Machine(service("web"))
        machine.crashQuickly("web")
        machine.tell("web", .startAsked)
        #expect(machine.last.spawns == [0])
        #expect(machine.mind.nextDeadline() == nil)
    }

    @Test("an operator's stop in an incident hands it over to them, in every phase")
    func operatorStop() {
        var waiting = Machine(service("web"))
        waiting.crashQuickly("web")
        waiting.tell("web", .stopAsked)
        #expect(waiting.last.handovers == [.operatorStopped])
        #expect(waiting.phase("web") == .stopped(.asked))
        #expect(waiting.mind.nextDeadline() == nil)

        var unproven = Machine(service("web"))
        unproven.crashQuickly("web")
        unproven.wait(.seconds(1))
        unproven.spawn("web")
        unproven.tell("web", .stopAsked)
        #expect(unproven.last.handovers.isEmpty)
        unproven.goDown("web")
        #expect(unproven.last.handovers == [.operatorStopped])

        var handedOver = loopedMachine()
        handedOver.tell("web", .stopAsked)
        #expect(handedOver.last.handovers.isEmpty)
        #expect(handedOver.phase("web") == .stopped(.asked))
    }

    private func loopedMachine() -> Machine {
        var machine = Machine(service("web"))
        for _ in 1...5 {
            machine.crashQuickly("web")
            if machine.phase("web") == .backingOff { machine.wait(machine.pause("web") ?? .zero) }
        }
        return machine
    }
}
