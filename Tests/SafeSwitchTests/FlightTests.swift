import SafeSwitch
import Supervision
import Testing

/// The steps of a switch, and what goes wrong in them.
struct FlightTests {
    @Test("a target that is collected between plan and switch is not switched to")
    func collected() throws {
        var world = World.broken()
        let serial = try world.holdIntent()
        world.landscape.change("/a") { $0.defects = [.missing] }
        world.diskWorks = true
        world.tell(.durable(serial: serial))
        world.wait(.minutes(1))
        #expect(world.records.ends == [.abandoned(.gone(generation: 1))])
        #expect(world.performed == [])
        #expect(world.activated == [])
        #expect(world.replies.last == .handOver(nil))
    }

    @Test("a deployment between plan and switch goes first")
    func overtaken() throws {
        var world = World.broken()
        let serial = try world.holdIntent()
        world.landscape.add("/c")
        world.landscape.current = "/c"
        world.diskWorks = true
        world.tell(.durable(serial: serial))
        world.wait(.minutes(1))
        #expect(world.records.ends == [.abandoned(.switching)])
        #expect(world.landscape.current == "/c")
        #expect(world.activated == [])
    }

    @Test("a look that comes after a newer one is taken by what that one saw")
    func lateLook() throws {
        var world = World.broken()
        let serial = try world.holdIntent()
        let early = world.landscape
        world.answersSurveys = false
        world.tell(.durable(serial: serial))
        world.answersSurveys = true
        world.landscape.switchHolder = 99
        world.tell(.changed)
        #expect(world.records.contains(.foreignSwitchBegan(pid: 99)))
        world.tell(.surveyed(serial: serial + 1, early, nil))
        #expect(world.records.ends == [.abandoned(.switching)])
        #expect(world.performed == [])
    }

    @Test("a profile lock that is held is waited for")
    func lockHeld() {
        var world = World()
        world.deedTroubles = Array(
            repeating: .failed("the lock is held", isTransient: true), count: 5)
        world.breakAfterChange("web")
        #expect(world.landscape.current == "/a")
        #expect(world.performed.count == 6)
        #expect(
            world.records.filter { if case .stepFailed = $0 { true } else { false } }.count == 1)
    }

    @Test("but not for ever: then nothing is activated, and a human is told")
    func lockHeldForEver() {
        var world = World()
        world.deedTroubles = Array(
            repeating: .failed("the lock is held", isTransient: true), count: 500)
        world.breakAfterChange("web")
        world.wait(.minutes(2))
        #expect(world.records.ends == [.notActivated(current: "/b")])
        #expect(world.activated == [])
        #expect(world.replies.last == .handOver(nil))
    }

    @Test("a profile that cannot be set ends the switch at once")
    func readOnly() {
        var world = World()
        world.deedTroubles = [.failed("read-only", isTransient: false)]
        world.breakAfterChange("web")
        #expect(world.records.ends == [.notActivated(current: "/b")])
        #expect(world.performed.count == 1)
        #expect(world.activated == [])
    }

    @Test("where switch-to-configuration refuses, the profile is set back, as a step of the switch")
    func setBack() {
        var world = World()
        world.activations = [.exits(1, switches: false)]
        world.breakAfterChange("web")
        #expect(world.landscape.defaultGeneration == 2)
        #expect(
            world.performed == [
                .setProfile(generation: 1, path: "/a"), .setProfile(generation: 2, path: "/b"),
            ])
        #expect(world.records.steps == [.profile, .activate, .verify, .restore])
        #expect(world.records.ends == [.notActivated(current: "/b")])
        #expect(world.replies.last == .handOver(nil))
    }

    @Test("killed anywhere on that way, it is set back all the same")
    func setBackAfterDeath() {
        for place in 0..<60 {
            var world = World()
            world.activations = Array(repeating: .exits(1, switches: false), count: 9)
            world.breaks["web"] = ["/b"]
            world.diesBefore = place
            world.deploy("/b")
            world.wait(.minutes(30))
            #expect(world.landscape.defaultGeneration == 2, "killed before action \(place)")
            #expect(world.landscape.current == "/b", "killed before action \(place)")
            #expect(world.memory.flight == nil, "killed before action \(place)")
        }
    }

    @Test("it stays where somebody else has set it, and where the code says something else")
    func notSetBack() {
        var world = World()
        world.activations = [.exits(1, switches: false)]
        world.answersActivations = false
        world.breakAfterChange("web")
        world.landscape.add("/c")
        world.finishActivation(.exits(1, switches: false))
        #expect(world.records.ends.last == .notActivated(current: "/b"))
        #expect(world.landscape.defaultGeneration == 3)
        #expect(world.performed.count == 1)
        var other = World()
        other.activations = [.exits(4, switches: false)]
        other.breakAfterChange("web")
        #expect(other.records.ends == [.notActivated(current: "/b")])
        #expect(other.performed.count == 1)
    }

    @Test("one that cannot be set back is tried again for a minute, and told")
    func cannotBeSetBack() {
        var world = World()
        world.activations = [.exits(1, switches: false)]
        world.deedTroubles =
            [.done] + Array(repeating: .failed("held", isTransient: true), count: 500)
        world.breakAfterChange("web")
        world.wait(.minutes(2))
        #expect(world.records.ends == [.notActivated(current: "/b")])
        #expect(world.landscape.defaultGeneration == 1)
        let told = world.records.count {
            if case .stepFailed(_, .restore, _) = $0 { true } else { false }
        }
        #expect(told == 2)
    }

    @Test("exit codes are evidence: the target that runs is a success", arguments: [0, 1, 2, 4, 5])
    func evidence(code: Int) {
        var world = World()
        world.activations = [.exits(Int32(code), switches: true)]
        world.breakAfterChange("web")
        #expect(world.records.ends == [.succeeded])
        #expect(world.activated.count == 1)
    }

    @Test(
        "and a target that does not run is none, whatever the exit code", arguments: [0, 1, 4, 100])
    func noEvidence(code: Int) {
        var world = World()
        world.activations = [.exits(Int32(code), switches: false)]
        world.breakAfterChange("web")
        #expect(world.records.ends == [.notActivated(current: "/b")])
        #expect(world.activated.count == 1)
        #expect(world.replies.last == .handOver(nil))
    }

    @Test("a switch-to-configuration that dies is run again, once, to the same target")
    func diesOnce() {
        for switches in [false, true] {
            var world = World()
            world.activations = [.dies(switches: switches)]
            world.breakAfterChange("web")
            #expect(world.activated == ["switch /a", "switch /a"])
            #expect(world.records.ends == [.succeeded])
            #expect(world.records.intents.count == 1)
        }
    }

    @Test("one that dies twice is not run a third time")
    func diesTwice() {
        var world = World()
        world.activations = [.dies(switches: false), .dies(switches: false)]
        world.breakAfterChange("web")
        #expect(world.activated.count == 2)
        #expect(world.records.ends == [.notActivated(current: "/b")])
    }

    @Test("exit 11 says that another one held the lock: run again once it is free")
    func busy() {
        var world = World()
        world.activations = [.exits(11, switches: false)]
        world.breakAfterChange("web")
        #expect(world.activated.count == 2)
        #expect(world.records.ends == [.succeeded])
    }

    @Test("what could not be begun is tried again where that may help")
    func cannotBegin() {
        var world = World()
        world.activations = [.cannotBegin(isTransient: true)]
        world.breakAfterChange("web")
        #expect(world.records.ends == [.succeeded])
        var hopeless = World()
        hopeless.activations = [.cannotBegin(isTransient: false)]
        hopeless.breakAfterChange("web")
        #expect(hopeless.records.ends == [.notActivated(current: "/b")])
        #expect(hopeless.activated == [])
    }

    @Test("a time-out kills nothing: a human is told once, and the switch is watched to its end")
    func lasts() {
        var world = World()
        world.answersActivations = false
        world.breakAfterChange("web")
        world.wait(.minutes(40))
        let told = world.records.filter { if case .flightLasts = $0 { true } else { false } }
        #expect(told.count == 1)
        #expect(world.replies.last == .handOver(.switchLasts))
        #expect(world.records.ends == [])
        #expect(world.activated.count == 1)
        world.answersActivations = true
        world.finishActivation()
        world.wait(.minutes(6))
        #expect(world.landscape.current == "/a")
        #expect(world.records.ends == [.succeeded])
    }

    @Test("while the switch runs the mind is told so, and told when it ends")
    func pairs() {
        var world = World()
        world.answersActivations = false
        world.breakAfterChange("web")
        #expect(world.told.contains(.switchBegan))
        #expect(!world.told.contains(.switchEnded))
        world.finishActivation()
        #expect(world.told.filter { $0 == .switchBegan }.count == 1)
        #expect(world.told.filter { $0 == .switchEnded }.count == 1)
    }

    @Test("a foreign switch is waited for, and then looked at again")
    func foreign() {
        var world = World.broken()
        world.landscape.switchHolder = 7
        goesOn(&world)
    }

    @Test("one that begins while the profile is set is waited for, too")
    func foreignMeanwhile() {
        var world = World.broken()
        world.answersDeeds = false
        world.wait(.minutes(2))
        #expect(world.performed == [.setProfile(generation: 1, path: "/a")])
        world.landscape.switchHolder = 7
        world.tell(.changed)
        world.tellDeeds()
        goesOn(&world)
    }

    /// Nothing is activated before the foreign switch has ended.
    private func goesOn(_ world: inout World) {
        world.wait(.minutes(2))
        #expect(world.activated == [])
        world.landscape.switchHolder = nil
        world.wait(.minutes(2))
        #expect(world.activated == ["switch /a"])
        #expect(world.landscape.current == "/a")
    }

    @Test("a foreign switch that heals the service ends the matter")
    func foreignHeals() {
        var world = World.broken()
        world.landscape.switchHolder = 7
        world.wait(.minutes(2))
        world.landscape.add("/c")
        world.landscape.current = "/c"
        world.landscape.switchHolder = nil
        world.wait(.minutes(2))
        #expect(world.activated == [])
        #expect(world.replies.last == .retry)
        #expect(world.standing("web") == .healthy)
    }

    @Test("one that is overdue is told, and is no licence to act")
    func foreignLasts() {
        var world = World.broken()
        world.landscape.switchHolder = 7
        world.wait(.minutes(40))
        let told = world.records.filter {
            if case .foreignSwitchLasts = $0 { true } else { false }
        }
        #expect(told.count == 1)
        #expect(world.replies.last == .handOver(nil))
        #expect(world.activated == [])
    }

    @Test("somebody who switches while the probes are watched has the last word")
    func superseded() {
        var world = World.broken()
        world.breaks["web"] = ["/a", "/b"]
        for _ in 0..<100 where world.records.steps.last != .confirm {
            world.wait(.milliseconds(50))
        }
        world.deploy("/c")
        world.wait(.minutes(10))
        #expect(world.records.ends.first == .notActivated(current: "/c"))
        #expect(world.landscape.current == "/c")
        #expect(world.records.intents.count == 1)
    }

    // MARK: Reboots

    /// A machine whose last change can only be left by a reboot.
    private func inhibited(_ change: (inout SafeSwitchPolicy) -> Void = { _ in }) -> World {
        var world = World([service("web")], change)
        world.landscape.add("/b")
        world.landscape.change("/a") { $0.initInterface = "1" }
        world.landscape.change("/b") { $0.initInterface = "2" }
        world.breakAfterChange("web")
        return world
    }

    @Test("where only a reboot leads back and none is allowed, it is refused")
    func needsReboot() {
        let world = inhibited()
        #expect(world.records.refusals.last == .needsReboot(generation: 1, inhibitors: []))
        #expect(world.activated == [])
    }

    @Test("where it is allowed: boot default first, its own record on the disk, then the reboot")
    func reboots() {
        var world = inhibited { $0.allowReboot = true }
        #expect(world.activated == ["boot /a"])
        #expect(world.records.steps == [.profile, .activate, .verify, .reboot])
        #expect(world.performed.last == .reboot(command: world.policy.rebootCommand))
        #expect(world.certain.flight?.step == .reboot)
        world.boot()
        world.wait(.minutes(10))
        #expect(world.landscape.current == "/a")
        #expect(world.records.ends == [.succeeded])
        #expect(world.records.intents.count == 1)
        #expect(world.memory.quarantined.contains("/b"))
    }

    @Test("a machine that boots something else is told of, and nothing is tried again")
    func bootsElsewhere() {
        var world = inhibited { $0.allowReboot = true }
        world.boot("/b")
        world.wait(.minutes(10))
        #expect(world.records.ends == [.notActivated(current: "/b")])
        #expect(
            world.records.contains(
                .bootedElsewhere(
                    expected: "/a", expectedGeneration: 1, booted: "/b", generation: 2)))
        #expect(world.records.intents.count == 1)
    }

    @Test("a machine that does not go down is not waited for, for ever")
    func staysUp() {
        var world = inhibited { $0.allowReboot = true }
        world.wait(.minutes(10))
        #expect(world.records.ends == [.notActivated(current: "/b")])
    }

    // MARK: The last resort

    private func exhausted(_ change: (inout SafeSwitchPolicy) -> Void) -> World {
        var world = World.broken(change)
        world.breaks["web"] = ["/a", "/b"]
        world.wait(.minutes(10))
        return world
    }

    @Test("when nothing is left, and only where both keys say so, the machine reboots: once a day")
    func lastResort() {
        var world = exhausted {
            $0.onExhausted = .rebootIntoKnownGood
            $0.allowReboot = true
        }
        #expect(world.records.intents.map(\.mode) == [.live, .reboot])
        world.boot()
        world.wait(.hours(2))
        #expect(world.records.intents.count == 2)
        let stays = exhausted { $0.allowReboot = true }
        #expect(stays.records.intents.count == 1)
        let forbidden = exhausted { $0.onExhausted = .rebootIntoKnownGood }
        #expect(forbidden.records.intents.count == 1)
    }
}
