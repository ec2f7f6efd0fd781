import SafeSwitch
import Supervision
import Testing

/// Changes of generation, and what becomes of them.
struct ProbationTests {
    @Test("whoever switches: it is recorded, told, read again, and put on probation")
    func change() {
        var world = World()
        world.deploy("/b")
        #expect(
            world.records == [
                .probationBegan(
                    system: "/b", generation: 2, previous: "/a", previousGeneration: 1,
                    lasts: .minutes(10)),
                .generationChanged(from: "/a", to: "/b", generation: 2, by: .other),
            ])
        #expect(world.told == [.generationChanged])
        #expect(world.reloads == 1)
    }

    @Test("a change that nobody told of is found within a minute")
    func poll() {
        var world = World()
        world.landscape.add("/b")
        world.landscape.current = "/b"
        world.wait(.minutes(1))
        #expect(world.records.changes == [.other])
    }

    @Test("idle, it looks once a minute")
    func idle() {
        var world = World()
        world.wait(.hours(1))
        #expect(world.looks <= 61)
        #expect(world.records == [])
    }

    @Test("the configuration is read again after a foreign switch, not in the middle of it")
    func reload() {
        var world = World()
        world.landscape.switchHolder = 7
        world.deploy("/b")
        #expect(world.records.changes == [.other])
        #expect(world.reloads == 0)
        world.landscape.switchHolder = nil
        world.wait(.seconds(3))
        #expect(world.reloads == 1)
    }

    @Test("who was healthy before and is so throughout makes it known good, in Nix too")
    func knownGood() {
        var world = World()
        world.deploy("/b")
        world.wait(.minutes(9))
        #expect(world.records.probations == [])
        world.wait(.minutes(1))
        #expect(world.records.probations == [.knownGood])
        #expect(world.performed == [.markKnownGood(path: "/b")])
        #expect(world.records.last == .knownGoodMarked(system: "/b", trouble: nil))
        #expect(world.landscape.knownGoodProfile == "/b")
    }

    @Test("one failure of a probed service, and it is not: the culprit is named")
    func unproven() {
        var world = World()
        world.deploy("/b")
        world.wait(.minutes(5))
        world.crash("web")
        world.wait(.minutes(5))
        #expect(
            world.records.last
                == .probationEnded(system: "/b", generation: 2, .unproven, culprit: "web"))
        #expect(world.performed == [])
    }

    @Test("services without probes prove nothing")
    func nothingToSay() {
        var world = World([service("web", probed: false)])
        world.deploy("/b")
        world.wait(.minutes(10))
        #expect(world.records.probations == [.nothingToSay])
    }

    @Test("a profile last-known-good that cannot be set is told, after some tries")
    func markTrouble() {
        var world = World()
        world.deedTroubles = Array(
            repeating: .failed("locked", isTransient: true), count: 500)
        world.deploy("/b")
        world.wait(.minutes(12))
        #expect(world.records.last == .knownGoodMarked(system: "/b", trouble: "locked"))
        #expect(world.performed.count < 100)
    }

    @Test("another change replaces it; back to what ran before ends it")
    func replaced() {
        var world = World()
        world.deploy("/b")
        world.deploy("/c")
        #expect(world.records.previous == ["/a", "/b"])
        var returned = World()
        returned.deploy("/b")
        returned.deploy("/a")
        #expect(returned.records.probations == [.replaced])
        #expect(returned.records.previous == ["/a"])
    }

    @Test("what is quarantined is told when somebody switches to it again")
    func quarantineEntered() {
        var world = World()
        world.breakAfterChange("web")
        world.breaks = [:]
        world.deploy("/b")
        #expect(
            world.records.contains(.quarantineEntered(system: "/b", generation: 2, culprit: nil)))
    }

    @Test("so is another system with the part of it that has failed, once; and no other one")
    func culpritEntered() {
        var world = World()
        world.breakAfterChange("web")
        world.breaks = [:]
        world.parts["/c"] = "/new"
        world.deploy("/c")
        let entered = SwitchRecord.quarantineEntered(
            system: "/c", generation: 3, culprit: "/new")
        #expect(world.records.contains(entered))
        world.deploy("/d")
        world.wait(.minutes(5))
        #expect(
            world.records.count { if case .quarantineEntered = $0 { true } else { false } } == 1)
    }

    @Test("and where that could not be looked at, the next look at the machine is early enough")
    func culpritUnseen() {
        var world = World()
        world.breakAfterChange("web")
        world.breaks = [:]
        world.parts["/c"] = "/new"
        world.questionTrouble = ["busy", "busy"]
        world.deploy("/c")
        let entered = SwitchRecord.quarantineEntered(
            system: "/c", generation: 3, culprit: "/new")
        #expect(!world.records.contains(entered))
        world.wait(.minutes(3))
        #expect(world.records.contains(entered))
        let looks = world.looks
        world.wait(.minutes(10))
        #expect(world.looks <= looks + 11)
    }

    @Test("on the very first day what runs is taken as it is, and nothing can be blamed")
    func firstDay() {
        var world = World()
        world.memory = SwitchMemory()
        world.records = []
        world.die()
        #expect(world.records.changes == [.boot])
        #expect(world.records.previous == [nil])
        world.breaks["web"] = ["/a"]
        world.crash("web")
        world.wait(.minutes(3))
        #expect(world.activated == [])
    }

    @Test("a boot into a system that is not known good opens a probation, one into a good one none")
    func boot() {
        var world = World()
        world.deploy("/b")
        world.crash("web")
        world.wait(.minutes(11))
        #expect(world.records.probations == [.unproven])
        world.records = []
        world.boot()
        world.wait(.seconds(1))
        #expect(world.records.previous == [nil])
        var good = World()
        good.boot()
        good.wait(.minutes(1))
        #expect(good.records == [])
    }

    @Test("a boot into what was set by `boot` is a change, with a baseline from before it")
    func bootChange() {
        var world = World()
        world.landscape.add("/b")
        world.breaks["web"] = ["/b"]
        world.wait(.minutes(1))
        world.boot()
        world.wait(.minutes(2))
        #expect(world.records.changes.first == .boot)
        #expect(world.landscape.current == "/a")
    }

    @Test("a machine that did not boot its default is told of")
    func bootedElsewhere() {
        var world = World()
        world.deploy("/b")
        world.boot("/a")
        #expect(
            world.records.contains(
                .bootedElsewhere(
                    expected: "/b", expectedGeneration: 2, booted: "/a", generation: 1)))
    }

    @Test("a specialisation and a system that is in no profile are changes as others are")
    func unusual() {
        var world = World()
        world.landscape.add("/b")
        world.landscape.change("/b") { $0.specialisations = [.init(name: "s", path: "/b-s")] }
        world.landscape.systems.append(NixSystem(path: "/b-s"))
        world.landscape.current = "/b-s"
        world.tell(.changed)
        world.landscape.current = "/test"
        world.tell(.changed)
        let generations = world.records.compactMap { record -> Int?? in
            if case .generationChanged(_, _, let number, _) = record { number } else { nil }
        }
        #expect(generations == [2, nil])
    }

    @Test("of several numbers on one path, the profile's own counts")
    func severalNumbers() {
        var world = World()
        for _ in 1...3 { world.landscape.add("/b") }
        world.landscape.defaultGeneration = 3
        world.landscape.current = "/b"
        world.tell(.changed)
        #expect(
            world.records.last
                == .generationChanged(from: "/a", to: "/b", generation: 3, by: .other))
    }

    @Test("a probation survives the death of regend")
    func survives() {
        var world = World()
        world.deploy("/b")
        world.wait(.minutes(3))
        world.die()
        world.breaks["web"] = ["/b"]
        world.crash("web")
        world.wait(.minutes(2))
        #expect(world.landscape.current == "/a")
    }
}
