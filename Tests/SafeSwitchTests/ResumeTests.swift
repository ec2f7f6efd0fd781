import SafeSwitch
import Supervision
import Testing

/// Killed at any instant, the next daemon finishes or reports; and nothing is done twice.
struct ResumeTests {
    /// How many actions a whole rollback takes, from the change on.
    private static let actions = 60

    private func run(
        diesBefore: Int, losesRecords: Bool, answersActivations: Bool = true
    ) -> World {
        var world = World()
        world.losesRecords = losesRecords
        world.breaks["web"] = ["/b"]
        world.answersActivations = answersActivations
        world.diesBefore = diesBefore
        world.deploy("/b")
        world.wait(.minutes(1))
        world.answersActivations = true
        world.finishActivation()
        world.wait(.minutes(20))
        world.diesBefore = nil
        world.wait(.minutes(10))
        return world
    }

    @Test("killed between any two actions: switched in the end, once, and not left half done")
    func anywhere() {
        for losesRecords in [false, true] {
            for place in 0..<Self.actions {
                check(run(diesBefore: place, losesRecords: losesRecords), place)
            }
        }
    }

    @Test("killed while switch-to-configuration runs: it is watched, not run beside")
    func whileActivating() {
        for losesRecords in [false, true] {
            for place in 0..<Self.actions {
                let world = run(
                    diesBefore: place, losesRecords: losesRecords, answersActivations: false)
                check(world, place)
            }
        }
    }

    @Test(
        "a run that is not on record is made within five minutes, and then no more",
        arguments: [(Interval.minutes(4), true), (.minutes(6), false)])
    func lateRun(away: Interval, goesOn: Bool) {
        resumes(after: away, goesOn)
    }

    @Test(
        "one that a power cut ended goes on at once, and once; else the profile is set back",
        arguments: [
            (Interval.minutes(4), 0, true), (.minutes(4), 1, true), (.minutes(4), 2, false),
            (.minutes(6), 0, false), (.minutes(6), 1, false),
        ])
    func cut(away: Interval, runs: Int, goesOn: Bool) {
        resumes(after: away, booted: true, runs: runs, goesOn)
    }

    private func resumes(
        after away: Interval, booted: Bool = false, runs: Int = 0, _ goesOn: Bool
    ) {
        var world = World()
        var flight = Flight(
            id: 1, purpose: .rollback(incident: 1), from: "/b", to: "/a", generation: 1,
            mode: .live, began: world.now)
        flight.step = .activate
        flight.formerDefault = 2
        flight.runs = runs
        world.memory.isNewBoot = booted
        world.landscape.add("/b")
        world.landscape.current = "/b"
        if booted { world.landscape.booted = "/b" }
        world.landscape.defaultGeneration = 1
        world.memory.current = "/b"
        world.memory.flight = flight
        world.now = world.now + away
        world.switcher = SwitchMind(memory: world.memory)
        world.configure { _ in }
        world.tell(.ledger(isSound: true))
        world.tell(SwitchEvent.begun)
        world.wait(.minutes(1))
        #expect(world.activated == (goesOn ? ["switch /a"] : []))
        #expect(world.landscape.defaultGeneration == (goesOn ? 1 : 2))
        #expect(world.records.ends.first == (goesOn ? .succeeded : .notActivated(current: "/b")))
    }

    @Test("an accusation on one system is not held against the next one")
    func anotherChance() {
        var world = World()
        world.breaks["web"] = ["/b"]
        world.deploy("/b")
        world.beforeLook = { world in
            world.landscape.add("/c")
            world.landscape.current = "/c"
        }
        world.loop("web")
        #expect(world.replies.first == .retry)
        world.wait(.minutes(12))
        #expect(world.landscape.current == "/c")
        #expect(world.records.intents.isEmpty)
        #expect(world.standing("web") == .healthy)
    }

    @Test("a service that failed just before a daemon died was healthy before the change that came")
    func baselineOverDeath() {
        for isOld in [false, true] {
            var world = World()
            var memory = world.memory
            var web = ServiceHistory()
            let heard = world.now
            web.healthyUntil = Instant(
                nanoseconds: heard.nanoseconds - (isOld ? 10_000_000_000 : 1_000_000_000))
            web.lastIncident = 1
            memory.services["web"] = web
            memory.lastHeard = heard
            world.wait(.minutes(2))
            world.breaks["web"] = ["/b"]
            world.landscape.add("/b")
            world.landscape.current = "/b"
            world.crash("web")
            world.switcher = SwitchMind(memory: memory)
            world.configure { _ in }
            world.tell(.ledger(isSound: true))
            world.tell(SwitchEvent.begun)
            world.wait(.minutes(10))
            #expect(world.landscape.current == (isOld ? "/b" : "/a"))
            #expect(
                world.records.verdicts.first == (isOld ? .human(.notHealthyBefore) : .generation))
        }
    }

    @Test(
        "a switch that an earlier daemon saw is another than the one that the first look finds",
        arguments: [true, false])
    func anotherSwitch(isAnother: Bool) {
        var world = World()
        var memory = world.memory
        memory.foreign = ForeignSwitch(began: world.now, pid: 98)
        world.wait(.hours(1))
        world.records = []
        world.landscape.switchHolder = isAnother ? 99 : 98
        world.switcher = SwitchMind(memory: memory)
        world.configure { _ in }
        world.tell(.ledger(isSound: true))
        world.tell(SwitchEvent.begun)
        world.wait(.minutes(2))
        let ends = world.records.filter { if case .foreignSwitchEnded = $0 { true } else { false } }
        let lasts = world.records.filter {
            if case .foreignSwitchLasts = $0 { true } else { false }
        }
        #expect(ends.count == (isAnother ? 1 : 0))
        #expect(lasts.count == (isAnother ? 0 : 1))
        #expect(world.told.filter { $0 == .switchEnded }.isEmpty)
    }

    @Test("what failed before a switch that the first look finds under way is not held against it")
    func failuresBeforeSwitch() {
        for isFirst in [false, true] {
            var world = World()
            if isFirst { world.memory = SwitchMemory() }
            world.answersSurveys = false
            world.die()
            world.records = []
            for _ in 1...2 {
                world.wait(.seconds(5))
                world.crash("web")
            }
            world.wait(.minutes(1))
            world.landscape.switchHolder = 99
            world.answersSurveys = true
            world.wait(.minutes(2))
            #expect(world.records.contains(.foreignSwitchBegan(pid: 99)))
            world.deploy("/b")
            world.landscape.switchHolder = nil
            world.tell(.changed)
            for _ in 1...2 {
                world.wait(.seconds(5))
                world.crash("web")
            }
            world.wait(.minutes(1))
            #expect(world.landscape.current == "/b")
            #expect(world.records.intents.isEmpty)
            // And the third one is.
            world.crash("web")
            world.wait(.minutes(1))
            #expect(world.records.intents.count == 1)
        }
    }

    private func check(_ world: World, _ place: Int) {
        #expect(world.landscape.current == "/a", "killed before action \(place)")
        #expect(world.landscape.defaultGeneration == 1, "killed before action \(place)")
        #expect(world.standing("web") == .healthy, "killed before action \(place)")
        #expect(world.activated.count <= 2, "killed before action \(place)")
        #expect(world.memory.flight == nil, "killed before action \(place)")
        #expect(Set(world.records.intents.map(\.id)).count <= 2, "killed before action \(place)")
        #expect(world.running == nil, "killed before action \(place)")
    }

    @Test(
        "killed anywhere on the way to a reboot: the machine reboots once, and ends on the target")
    func rebooting() {
        for place in 0..<40 {
            var world = World([service("web")]) { $0.allowReboot = true }
            world.landscape.add("/b")
            world.landscape.change("/b") { $0.initInterface = "2" }
            world.breaks["web"] = ["/b"]
            world.diesBefore = place
            world.deploy("/b")
            world.wait(.minutes(2))
            #expect(world.landscape.current == "/b")
            world.boot()
            world.wait(.minutes(20))
            world.diesBefore = nil
            world.wait(.minutes(10))
            let reboots = world.performed.filter {
                if case .reboot = $0 { true } else { false }
            }
            #expect(reboots.count <= 2, "killed before action \(place)")
            #expect(world.landscape.current == "/a", "killed before action \(place)")
            #expect(world.memory.flight == nil, "killed before action \(place)")
            #expect(world.records.intents.count == 1, "killed before action \(place)")
        }
    }

    @Test("killed anywhere in a trial that fails: the machine ends where it was")
    func failingTrial() {
        for place in 0..<40 {
            var world = World.undeployed()
            world.breaks["web"] = ["/b"]
            world.diesBefore = place
            world.tell(
                .asked(request: 1, .trial(path: "/b", generation: 2, confirm: nil, uid: 0)))
            world.crash("web")
            world.wait(.minutes(30))
            world.diesBefore = nil
            world.wait(.minutes(10))
            #expect(world.landscape.current == "/a", "killed before action \(place)")
            #expect(world.landscape.defaultGeneration == 1, "killed before action \(place)")
            #expect(world.memory.flight == nil, "killed before action \(place)")
        }
    }

    @Test("killed anywhere in a trial that passes: it stays, as the boot default")
    func passingTrial() {
        for place in 3..<40 {
            var world = World.undeployed()
            world.diesBefore = place
            world.tell(
                .asked(request: 1, .trial(path: "/b", generation: 2, confirm: nil, uid: 0)))
            world.wait(.minutes(30))
            world.diesBefore = nil
            world.wait(.minutes(20))
            #expect(world.landscape.current == "/b", "killed before action \(place)")
            #expect(world.landscape.defaultGeneration == 2, "killed before action \(place)")
            #expect(world.memory.flight == nil, "killed before action \(place)")
        }
    }

    @Test("an intent that is old by now is not acted upon")
    func old() {
        var world = World()
        world.deploy("/b")
        world.remember()
        world.wait(.minutes(6))
        world.die()
        world.wait(.minutes(1))
        #expect(world.activated == [])
        #expect(world.records.ends == [.abandoned(.unseen("regend was away for too long"))])
    }

    @Test(
        "a process of an earlier daemon that has gone, and whose target does not run, is run again")
    func goneProcess() {
        var world = World()
        world.deploy("/b")
        world.remember(.activate, runs: 1)
        world.memory.flight?.process = ProcessIdentity(pid: 9, startTicks: 9)
        world.landscape.defaultGeneration = 1
        world.die()
        world.wait(.minutes(1))
        #expect(world.activated == ["switch /a"])
        #expect(world.landscape.current == "/a")
        #expect(world.told.filter { $0 == .switchBegan }.count == 2)
        #expect(world.told.filter { $0 == .switchEnded }.count == 2)
    }

    @Test(
        "what an earlier daemon had begun to activate is under way until somebody has looked",
        arguments: Flight.Step.allCases)
    func blindMoment(step: Flight.Step) {
        for isNewBoot in [false, true] {
            var world = World()
            world.landscape.add("/b")
            world.remember(step)
            world.memory.isNewBoot = isNewBoot
            var switcher = SwitchMind(memory: world.memory)
            let isHeld = step == .activate && !isNewBoot
            #expect(world.told(by: &switcher, .begun) == (isHeld ? [.switchBegan] : []))
            let failure = SwitchEvent.surveyFailed(serial: 1, "no answer")
            #expect(world.told(by: &switcher, failure) == (isHeld ? [.switchEnded] : []))
        }
    }

    @Test("a switch whose profile somebody else has set since is not finished over their head")
    func disturbed() {
        var world = World()
        world.deploy("/b")
        world.remember(.activate, runs: 1)
        world.landscape.add("/c")
        world.die()
        world.wait(.minutes(1))
        #expect(world.activated == [])
        #expect(world.records.ends == [.notActivated(current: "/b")])
    }

    @Test("killed while the probes have the word, a rollback that does not help is not called one")
    func unhelpedAcrossDeath() {
        // So slow in failing that no loop is certain before the others have been well for long enough.
        let slow = service("web") {
            $0.backoff.first = .seconds(25)
            $0.backoff.most = .seconds(25)
        }
        var world = World([slow, service("db")])
        world.breaks["web"] = ["/a", "/b"]
        world.deploy("/b")
        for _ in 0..<300 where world.records.steps.last != .confirm { world.wait(.seconds(1)) }
        #expect(world.records.steps.last == .confirm)
        world.die()
        world.wait(.minutes(10))
        #expect(world.records.ends == [.notHelped])
        #expect(world.memory.quarantined == [])
    }

    @Test("a reboot that an earlier daemon has asked for in vain, long ago, is not asked for again")
    func oldReboot() {
        var world = World { $0.allowReboot = true }
        world.deploy("/b")
        world.remember(.reboot, mode: .reboot)
        world.memory.lastReboot = world.now
        world.landscape.defaultGeneration = 1
        world.wait(.hours(3))
        world.die()
        world.wait(.minutes(1))
        #expect(world.performed.allSatisfy { if case .reboot = $0 { false } else { true } })
        #expect(world.records.ends == [.notActivated(current: "/b")])
    }
}

extension World {
    /// A rollback to `/a` that an earlier daemon began just now, and how far it came.
    fileprivate mutating func remember(
        _ step: Flight.Step = .intent, runs: Int = 0, mode: SwitchMode = .live
    ) {
        var flight = Flight(
            id: 1, purpose: .rollback(incident: 1), from: "/b", to: "/a", generation: 1,
            mode: mode, began: now)
        flight.step = step
        flight.runs = runs
        memory.flight = flight
    }

    /// What `switcher` tells the mind when it hears of this.
    fileprivate func told(by switcher: inout SwitchMind, _ event: SwitchEvent) -> [Event] {
        var actions: [SwitchAction] = []
        switcher.handle(event, at: now, wall: 0, services: mind, into: &actions)
        return actions.compactMap { if case .tell(let event) = $0 { event } else { nil } }
    }
}
