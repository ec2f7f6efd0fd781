import SafeSwitch
import Supervision
import Testing

/// What operators ask for: trials, rollbacks by hand, and what there is.
struct TrialTests {
    private func trial(
        confirm: Interval? = nil, of path: String = "/b", generation: Int? = 2,
        in world: inout World
    ) {
        world.tell(
            .asked(
                request: 1, .trial(path: path, generation: generation, confirm: confirm, uid: 0)))
    }

    @Test("a trial activates with test, watches the probes, and only then becomes the boot default")
    func passes() {
        var world = World.undeployed()
        trial(in: &world)
        #expect(world.activated == ["test /b"])
        #expect(world.answers == [.began(flight: 1, nil)])
        world.wait(.minutes(9))
        #expect(world.landscape.defaultGeneration == 1)
        world.wait(.minutes(2))
        #expect(world.activated == ["test /b", "boot /b"])
        #expect(world.landscape.defaultGeneration == 2)
        #expect(world.records.ends == [.succeeded, .succeeded])
        #expect(world.memory.knownGood.contains("/b"))
    }

    @Test("a path that is in no profile gets a generation once it has passed")
    func newPath() {
        var world = World()
        world.built = [NixSystem(path: "/new")]
        trial(of: "/new", generation: nil, in: &world)
        world.wait(.minutes(11))
        #expect(world.performed.first == .addGeneration(path: "/new"))
        #expect(world.landscape.generations.last?.path == "/new")
        #expect(world.records.ends == [.succeeded, .succeeded])
    }

    @Test("one that a generation leads to already gets no second one, however it was named")
    func knownPath() {
        var world = World.undeployed()
        trial(generation: nil, in: &world)
        #expect(world.records.intents.map(\.generation) == [2])
        world.wait(.minutes(11))
        #expect(world.performed.first == .setProfile(generation: 2, path: "/b"))
        #expect(world.landscape.generations.map(\.number) == [1, 2])
        #expect(world.landscape.defaultGeneration == 2)
    }

    @Test("what is no generation, not whole or not to be reached live is not even begun")
    func unfit() {
        var world = World.undeployed()
        world.landscape.change("/a") {
            $0.initInterface = "systemd 2"
            $0.inhibitors = [.init(key: "dbus", value: "broker")]
        }
        world.built = ["/whole", "/half", "/init", "/dbus"].map { NixSystem(path: $0) }
        for place in world.built.indices { world.built[place].initInterface = "systemd 2" }
        world.built[1].defects = [.cannotSwitch]
        world.built[2].initInterface = "systemd 3"
        world.built[3].inhibitors = [.init(key: "dbus", value: "dbus")]
        trial(of: "/b", generation: 9, in: &world)
        for path in ["/gone", "/half", "/init", "/dbus"] {
            trial(of: path, generation: nil, in: &world)
        }
        let reboot = ", and a trial is without one: nixos-rebuild boot, and reboot"
        #expect(
            world.answers == [
                .unable("there is no generation 9 that leads to /b: see regen generations"),
                .unable("/gone is incomplete: its store path is gone; build it again"),
                .unable(
                    "/half is incomplete: it has no bin/switch-to-configuration; build it again"),
                .unable(
                    "/init can only be reached by a reboot (another init interface)" + reboot),
                .unable("/dbus can only be reached by a reboot (dbus)" + reboot),
            ])
        #expect(world.records.intents == [] && world.activated == [])
        trial(of: "/whole", generation: nil, in: &world)
        #expect(world.activated == ["test /whole"])
    }

    @Test("one that goes between the question and the switch is not run")
    func goneMeanwhile() {
        var world = World()
        world.built = [NixSystem(path: "/new")]
        world.diskWorks = false
        trial(of: "/new", generation: nil, in: &world)
        world.built = []
        guard case .recordDurably(_, let serial)? = world.held.last else {
            Issue.record("\(world.held)")
            return
        }
        world.tell(.durable(serial: serial))
        #expect(world.activated == [])
        #expect(world.records.ends == [.abandoned(.gone(generation: 0))])
    }

    @Test("a trial that breaks a service is left with test; the profile is not touched")
    func fails() {
        var world = World.undeployed()
        world.breaks["web"] = ["/b"]
        trial(in: &world)
        world.crash("web")
        world.wait(.minutes(2))
        #expect(world.activated == ["test /b", "test /a"])
        #expect(world.landscape.current == "/a")
        #expect(world.performed == [])
        #expect(world.records.ends == [.notHelped, .succeeded])
        #expect(world.standing("web") == .healthy)
        #expect(world.memory.rollbacks == [])
        #expect(world.memory.quarantined == [])
    }

    @Test("the way back from a trial is neither limited nor counted")
    func notCounted() {
        var world = World.undeployed()
        world.breakAfterChange("db", to: "/c")
        #expect(world.records.intents.count == 1)
        world.breaks["web"] = ["/b"]
        trial(in: &world)
        world.crash("web")
        world.wait(.minutes(2))
        #expect(world.landscape.current == "/a")
        #expect(world.memory.rollbacks.count == 1)
    }

    @Test("without a human's word in time the trial is left: nobody is locked out")
    func notConfirmed() {
        var world = World.undeployed()
        trial(confirm: .minutes(5), in: &world)
        world.wait(.minutes(4))
        #expect(world.landscape.current == "/b")
        world.wait(.minutes(2))
        #expect(world.landscape.current == "/a")
        #expect(world.records.ends == [.notConfirmed, .succeeded])
    }

    @Test("even where the ledger's disk has failed meanwhile")
    func notConfirmedNorDurable() {
        var world = World.undeployed()
        trial(confirm: .minutes(5), in: &world)
        world.diskWorks = false
        world.wait(.minutes(6))
        #expect(world.landscape.current == "/a")
    }

    @Test("with it, the trial becomes the boot default at once")
    func confirmed() {
        var world = World.undeployed()
        trial(confirm: .minutes(5), in: &world)
        world.wait(.minutes(1))
        world.tell(.asked(request: 2, .confirm(uid: 7)))
        #expect(world.answers.last == .confirmed(flight: 1))
        #expect(world.landscape.defaultGeneration == 2)
        #expect(world.records.contains(.trialConfirmed(flight: 1, uid: 7)))
        world.wait(.minutes(20))
        #expect(world.landscape.current == "/b")
    }

    @Test("a confirmation that nothing waits for is refused")
    func nothingToConfirm() {
        var world = World.undeployed()
        world.tell(.asked(request: 2, .confirm(uid: 7)))
        guard case .unable? = world.answers.last else {
            Issue.record("\(world.answers)")
            return
        }
    }

    @Test("a trial that is refused before anything was done leaves everything as it is")
    func refusedByCheck() {
        var world = World.undeployed()
        world.activations = [.exits(1, switches: false)]
        trial(in: &world)
        #expect(world.activated == ["test /b"])
        #expect(world.records.ends == [.notActivated(current: "/a")])
    }

    @Test("one that died half way is left by activating what ran before once more")
    func diedHalfWay() {
        var world = World.undeployed()
        world.activations = [.dies(switches: false), .dies(switches: false)]
        trial(in: &world)
        #expect(world.activated == ["test /b", "test /b", "test /a"])
        #expect(world.records.ends == [.notActivated(current: "/a"), .succeeded])
    }

    @Test("a trial that survives a kill of regend is not made longer by it")
    func killed() {
        var world = World.undeployed()
        trial(confirm: .minutes(5), in: &world)
        world.wait(.minutes(4))
        world.die()
        world.wait(.minutes(2))
        #expect(world.landscape.current == "/a")
        #expect(world.records.ends == [.notConfirmed, .succeeded])
    }

    @Test("a power cut ends a trial: the boot default was never touched")
    func powerCut() {
        var world = World.undeployed()
        trial(confirm: .minutes(5), in: &world)
        world.boot()
        world.wait(.minutes(20))
        #expect(world.landscape.current == "/a")
        #expect(world.records.ends == [.notActivated(current: "/a")])
        #expect(world.activated == ["test /b"])
    }

    @Test("no trial without a sound ledger, beside another switch, or of what runs already")
    func refused() {
        var world = World.undeployed()
        world.tell(.ledger(isSound: false))
        trial(in: &world)
        world.tell(.ledger(isSound: true))
        world.landscape.switchHolder = 7
        trial(in: &world)
        world.landscape.switchHolder = nil
        trial(of: "/a", in: &world)
        #expect(
            world.answers == [
                .refused(.noLedger), .refused(.switching), .unable("it runs already"),
            ])
    }

    // MARK: Rollbacks by hand

    @Test("a rollback by hand goes where the plan that was shown leads, and is not limited")
    func rollback() {
        var world = World()
        world.deploy("/b")
        world.tell(.asked(request: 1, .plan(.anywhere)))
        guard case .planned(_, .go(let plan))? = world.answers.last else {
            Issue.record("\(world.answers)")
            return
        }
        #expect(world.activated == [])
        world.tell(
            .asked(request: 2, .rollback(.anywhere, expected: plan.target.path, uid: 7)))
        #expect(world.answers.last == .began(flight: 1, plan))
        world.wait(.minutes(1))
        #expect(world.landscape.current == "/a")
        #expect(world.records.ends == [.succeeded])
        #expect(world.memory.rollbacks == [])
        #expect(world.memory.quarantined == [])
    }

    @Test("one that would lead elsewhere by now is not made")
    func planChanged() {
        var world = World()
        world.deploy("/b")
        world.tell(.asked(request: 1, .rollback(.anywhere, expected: "/x", uid: 7)))
        guard case .unable? = world.answers.last else {
            Issue.record("\(world.answers)")
            return
        }
        #expect(world.records.intents == [])
    }

    @Test("beside a switch that is under way nothing is begun, but plans are shown")
    func oneAtATime() {
        var world = World()
        world.answersActivations = false
        world.deploy("/b")
        world.tell(.asked(request: 1, .rollback(.anywhere, expected: nil, uid: 7)))
        world.tell(.asked(request: 2, .rollback(.anywhere, expected: nil, uid: 7)))
        #expect(world.answers.last == .unable("switch 1 is under way (activate)"))
        world.tell(.asked(request: 3, .plan(.anywhere)))
        guard case .planned(_, .refuse(.switching))? = world.answers.last else {
            Issue.record("\(world.answers)")
            return
        }
    }

    @Test("generations are shown with how a rollback to each would go")
    func generations() {
        var world = World { $0.fence = 1 }
        world.deploy("/b")
        world.tell(.asked(request: 1, .generations))
        guard case .generations(_, let standings)? = world.answers.last else {
            Issue.record("\(world.answers)")
            return
        }
        #expect(standings.map(\.generation) == [1, 2])
        #expect(standings.map(\.isKnownGood) == [true, false])
        guard case .go = standings[0].rollback, case .refuse = standings[1].rollback else {
            Issue.record("\(standings)")
            return
        }
    }

    @Test("too many questions at once, and one that cannot be looked into, are answered")
    func bounded() {
        var world = World()
        world.answersSurveys = false
        for k in 0...SwitchMind.mostRequests { world.tell(.asked(request: k, .generations)) }
        #expect(world.answers.count == 1)
        world.wait(.minutes(1))
        #expect(world.answers.count == SwitchMind.mostRequests + 1)
    }

    @Test("who switches just when a trial is to be left delays that, and no more")
    func leftBesideAnother() {
        var world = World.undeployed()
        trial(confirm: .minutes(5), in: &world)
        world.wait(.minutes(4))
        #expect(world.landscape.current == "/b")
        world.landscape.switchHolder = 77
        world.wait(.minutes(2))
        #expect(world.landscape.current == "/b")
        world.landscape.switchHolder = nil
        world.wait(.minutes(1))
        #expect(world.landscape.current == "/a")
        #expect(world.records.ends == [.notConfirmed, .succeeded])
    }

    @Test("a trial is left also where the generations cannot be looked at")
    func leftUnseen() {
        var world = World.undeployed()
        trial(confirm: .minutes(5), in: &world)
        world.wait(.minutes(4))
        world.answersSurveys = false
        world.wait(.seconds(100))
        world.answersSurveys = true
        world.wait(.minutes(1))
        #expect(world.landscape.current == "/a")
        #expect(world.activated == ["test /b", "test /a"])
    }
}
