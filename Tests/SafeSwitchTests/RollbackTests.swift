import SafeSwitch
import Supervision
import Testing

extension World {
    /// A system comes on which these services crash, and the loop is certain.
    mutating func breakAfterChange(_ names: String..., to system: String = "/b") {
        for name in names { breaks[name, default: []].append(system) }
        deploy(system)
        wait(.minutes(1))
    }
}

/// From a change that breaks a service to the system before it, and every guard on the way.
struct RollbackTests {
    @Test("a crash loop after a change takes the machine back, and the service comes up again")
    func wholeWay() {
        var world = World()
        world.breakAfterChange("web")
        #expect(world.landscape.current == "/a")
        #expect(world.landscape.defaultGeneration == 1)
        #expect(world.records.verdicts == [.generation])
        #expect(world.records.steps == [.profile, .activate, .verify, .confirm])
        #expect(world.performed == [.setProfile(generation: 1, path: "/a")])
        #expect(world.activated == ["switch /a"])
        #expect(world.records.ends == [.succeeded])
        #expect(world.standing("web") == .healthy)
        #expect(world.replies.contains(.retry))
        #expect(world.memory.quarantined == ["/b", "/new"])
        #expect(world.records.changes == [.other, .regen])
        #expect(world.reloads == 2)
    }

    @Test("a service that went to a human at its first failure is weighed again at its third")
    func weighedAgain() {
        var world = World([
            service("web") {
                $0.crashLoop = nil
                $0.start.retries = 1
            },
            service("db"),
        ])
        world.breakAfterChange("web")
        #expect(world.records.verdicts.first == .human(.tooFew))
        #expect(world.replies.first == .handOver(nil))
        world.wait(.minutes(3))
        #expect(world.records.verdicts.last == .generation)
        #expect(world.landscape.current == "/a")
        #expect(world.standing("web") == .healthy)
    }

    @Test("it is so too where an earlier daemon saw the incident begin") func weighedAfterDeath() {
        let web = service("web") {
            $0.crashLoop = nil
            $0.start.retries = 1
        }
        var world = World([web, service("db")])
        world.deploy("/b")
        world.breaks = ["web": ["/b"]]
        world.answersSurveys = false
        world.crash("web")
        for _ in 0..<300 where world.accusations == 0 { world.wait(.milliseconds(100)) }
        let id = InstanceID(0)
        let incident = world.mind.status(id, at: world.now).incident
        #expect(incident != nil)
        world.answersSurveys = true
        world.switcher = SwitchMind(memory: world.memory)
        let subjects = world.definitions.map { Subject(service: $0.name, paths: ["/bin/x"]) }
        world.tell(.configured(world.policy, subjects))
        world.tell(.ledger(isSound: true))
        world.tell(SwitchEvent.begun)
        world.tell(.accused(id, incident: incident ?? 0, .startRetries))
        #expect(world.replies == [.handOver(nil)])
        world.wait(.minutes(3))
        #expect(world.records.verdicts.last == .generation)
        #expect(world.landscape.current == "/a")
    }

    @Test("from the certain crash loop to the running target it takes no time of its own")
    func atOnce() {
        var world = World()
        world.breaks["web"] = ["/b"]
        world.deploy("/b")
        world.loop("web")
        #expect(world.landscape.current == "/a")
        #expect(world.standing("web") == .healthy)
        #expect(world.records.ends == [.succeeded])
    }

    @Test("who is healthy when a deployment begins was healthy before, however young the daemon is")
    func youngDaemon() {
        var world = World()
        world.landscape.switchHolder = 7
        world.tell(.changed)
        world.breaks["web"] = ["/a", "/b"]
        world.crash("web")
        world.landscape.switchHolder = nil
        world.breaks["web"] = ["/b"]
        world.deploy("/b")
        world.wait(.minutes(1))
        #expect(world.records.verdicts == [.generation])
        #expect(world.landscape.current == "/a")
    }

    @Test("the third failure within a probation is looked into before there is a crash loop")
    func thirdFailure() {
        var world = World([service("web") { $0.crashLoop = nil }])
        world.deploy("/b")
        for _ in 1...3 {
            world.wait(.seconds(70))
            #expect(world.landscape.current == "/b")
            world.crash("web")
        }
        #expect(world.accusations == 0)
        #expect(world.records.verdicts == [.generation])
        #expect(world.landscape.current == "/a")
    }

    @Test("who failed as often before the change is not brought to triage by its failures")
    func asOftenBefore() {
        var world = World([service("web") { $0.crashLoop = nil }])
        for _ in 1...3 {
            world.crash("web")
            world.wait(.seconds(70))
        }
        world.deploy("/b")
        for _ in 1...3 {
            world.wait(.seconds(70))
            world.crash("web")
        }
        #expect(world.records.verdicts == [])
        #expect(world.landscape.current == "/b")
    }

    @Test("without a change of generation a crash loop goes to a human")
    func noChange() {
        var world = World()
        world.loop("web")
        for _ in 1...5 { world.crash("web") }
        #expect(world.records.verdicts.allSatisfy { $0 == .human(.noChange) })
        #expect(world.replies.allSatisfy { $0 == .handOver(nil) })
        #expect(world.activated == [])
    }

    @Test("what is the same in both systems is not the change's fault")
    func unchanged() {
        var world = World()
        world.comparison = .same
        world.breakAfterChange("web")
        #expect(Set(world.records.verdicts.map { "\($0)" }).count == 1)
        #expect(world.records.verdicts.last == .human(.unchanged))
        #expect(world.landscape.current == "/b")
    }

    @Test("a service that is new, or was not healthy before, causes no rollback")
    func notHealthyBefore() {
        var world = World()
        world.breaks["web"] = ["/a", "/b"]
        world.crash("web")
        world.wait(.minutes(5))
        world.replies = []
        world.records = []
        world.deploy("/b")
        world.wait(.minutes(5))
        #expect(world.activated == [])
        #expect(world.records.verdicts.allSatisfy { $0 == .human(.notHealthyBefore) })
    }

    @Test("what crashed between the change and the look at it was healthy before it")
    func crashBeforeLook() {
        var world = World()
        world.breaks["web"] = ["/b"]
        world.wait(.minutes(2))
        // Nothing is told of the change: the poll finds it, when the service has crashed already.
        world.landscape.add("/b")
        world.landscape.current = "/b"
        world.crash("web")
        world.wait(.minutes(3))
        #expect(world.landscape.current == "/a")
    }

    @Test("failures while somebody else switches do not count")
    func foreignFailures() {
        var world = World([service("web") { $0.crashLoop = nil }])
        world.landscape.switchHolder = 7
        world.deploy("/b")
        for _ in 1...4 {
            world.crash("web")
            world.wait(.seconds(20))
        }
        world.landscape.switchHolder = nil
        world.tell(.changed)
        world.crash("web")
        world.crash("web")
        #expect(world.records.verdicts == [])
        #expect(world.told.filter { if case .switchBegan = $0 { true } else { false } }.count == 1)
        #expect(world.told.filter { if case .switchEnded = $0 { true } else { false } }.count == 1)
    }

    // MARK: Guards

    @Test("within the limit there is no second rollback")
    func limit() {
        var world = World()
        world.breakAfterChange("web")
        world.wait(.minutes(30))
        world.breakAfterChange("db", to: "/c")
        #expect(world.records.intents.count == 1)
        guard case .limit? = world.records.refusals.last else {
            Issue.record("\(world.records.refusals)")
            return
        }
        #expect(world.landscape.current == "/c")
        #expect(world.replies.last == .handOver(nil))
    }

    @Test("after the limit there may be another one")
    func afterLimit() {
        var world = World()
        world.breakAfterChange("web")
        world.wait(.hours(7))
        world.breakAfterChange("db", to: "/c")
        #expect(world.records.intents.count == 2)
        #expect(world.landscape.current == "/a")
    }

    @Test("without a sound ledger there is none")
    func noLedger() {
        var world = World()
        world.tell(.ledger(isSound: false))
        world.breakAfterChange("web")
        #expect(world.records.refusals.last == .noLedger)
        #expect(world.records.intents.isEmpty)
        #expect(world.landscape.current == "/b")
        #expect(world.replies.last == .handOver(nil))
    }

    @Test("an intent that is not durable in time does nothing, even if it is durable later")
    func notDurable() {
        var world = World()
        world.diskWorks = false
        world.breakAfterChange("web")
        #expect(world.records.ends.allSatisfy { $0 == .abandoned(.notDurable) })
        #expect(world.replies.allSatisfy { $0 == .handOver(nil) })
        guard case .recordDurably(_, let serial)? = world.held.first else {
            Issue.record("no intent")
            return
        }
        world.tell(.durable(serial: serial))
        world.wait(.minutes(1))
        #expect(world.activated == [])
        #expect(world.performed == [])
    }

    @Test("policy propose, a service's propose, and a maintenance window leave it to a human")
    func propose() {
        var proposed = World { $0.mode = .propose }
        var wished = World([service("web") { $0.rollback = .propose }])
        var maintained = World {
            $0.maintenance = [MaintenanceWindow(days: Array(0...6), begin: 0, end: 1439)]
        }
        for world in 0...2 {
            switch world {
            case 0: proposed.breakAfterChange("web")
            case 1: wished.breakAfterChange("web")
            default: maintained.breakAfterChange("web")
            }
        }
        for world in [proposed, wished, maintained] {
            #expect(world.replies.last == .handOver(.rollbackProposed))
            #expect(world.activated == [])
            guard case .propose? = world.records.plans.last else {
                Issue.record("\(world.records.plans)")
                return
            }
        }
    }

    @Test("policy off looks at nothing and answers at once")
    func off() {
        var world = World { $0.mode = .off }
        world.breakAfterChange("web")
        #expect(world.looks == 0)
        #expect(world.replies == [.handOver(nil)])
        #expect(world.switcher.nextDeadline() == nil)
    }

    @Test("below the fence, quarantined, incomplete: there is no target")
    func noTarget() {
        var fenced = World { $0.fence = 2 }
        fenced.breakAfterChange("web")
        var incomplete = World()
        incomplete.landscape.change("/a") { $0.defects = [.noKernel] }
        incomplete.breakAfterChange("web")
        for world in [fenced, incomplete] {
            #expect(world.activated == [])
            guard case .noTarget? = world.records.refusals.last else {
                Issue.record("\(world.records.refusals)")
                return
            }
        }
    }

    @Test("a look that fails again and again refuses the rollback, and says why")
    func unseen() {
        var world = World()
        world.breaks["web"] = ["/b"]
        world.deploy("/b")
        world.surveyTrouble = Array(repeating: "no /nix", count: 8)
        world.wait(.minutes(1))
        #expect(world.records.refusals.last == .unseen("no /nix"))
        #expect(world.replies.last == .handOver(nil))
    }

    @Test("a look that is never answered is one that has failed")
    func silent() {
        var world = World()
        world.breaks["web"] = ["/b"]
        world.deploy("/b")
        world.answersSurveys = false
        world.wait(.minutes(2))
        #expect(world.records.refusals.count == 1)
        #expect(world.replies == [.handOver(nil)])
    }

    @Test("one look that fails does not cost the rollback")
    func unseenOnce() {
        var world = World()
        world.breaks["web"] = ["/b"]
        world.deploy("/b")
        world.surveyTrouble = ["busy"]
        world.wait(.minutes(1))
        #expect(world.landscape.current == "/a")
    }

    @Test("two services that fail at once have one rollback, and both are tried again")
    func several() {
        var world = World()
        world.breakAfterChange("web", "db")
        #expect(world.records.intents.count == 1)
        #expect(world.landscape.current == "/a")
        #expect(world.standing("web") == .healthy)
        #expect(world.standing("db") == .healthy)
        #expect(world.replies.allSatisfy { $0 == .retry })
    }

    @Test("of more accusations than the queue holds, each is answered all the same")
    func flood() {
        let names = (0..<(SwitchMind.mostCases + 6)).map { "s\($0)" }
        var world = World(names.map { service($0, probed: false) })
        world.answersSurveys = false
        for name in names { world.breaks[name] = ["/a"] }
        for name in names { world.crash(name) }
        world.wait(.minutes(30))
        #expect(world.accusations >= names.count)
        #expect(world.replies.count == world.accusations)
    }

    @Test("whatever does not answer, each accusation is answered", arguments: 0...5)
    func answered(mishap: Int) {
        var world = World()
        world.breaks = ["web": ["/b"], "db": ["/b"]]
        world.deploy("/b")
        switch mishap {
        case 0: world.answersActivations = false
        case 1: world.diskWorks = false
        case 2: world.answersSurveys = false
        case 3: world.landscape.switchHolder = 7
        case 4:
            world.deedTroubles = Array(
                repeating: .failed("locked", isTransient: true), count: 10_000)
        default: world.surveyTrouble = Array(repeating: "broken", count: 10_000)
        }
        world.loop("web")
        world.wait(.minutes(20))
        // What ends while a switch runs does not count; that the switch lasts is told.
        let isTold = world.records.contains {
            switch $0 {
            case .flightLasts, .foreignSwitchLasts: true
            default: false
            }
        }
        #expect(world.accusations > 0 || isTold)
        #expect(world.replies.count >= world.accusations)
        #expect(world.landscape.current == "/b")
    }

    @Test("a rollback that does not help is told, and there is no second one")
    func notHelped() {
        var world = World()
        world.breaks["web"] = ["/b"]
        world.deploy("/b")
        world.breaks["web"] = ["/a", "/b"]
        world.wait(.minutes(10))
        #expect(world.records.ends == [.notHelped])
        #expect(world.records.contains(.notTheGeneration(incident: 1)))
        #expect(world.replies.contains(.handOver(.rollbackDidNotHelp)))
        #expect(world.records.intents.count == 1)
        #expect(world.memory.quarantined == [])
    }

    @Test("another service that the rollback breaks makes it one that did not help")
    func breaksOther() {
        let web = service("web") {
            $0.crashLoop = nil
            $0.start.retries = 100
        }
        var world = World([web, service("db")])
        world.deploy("/b")
        for round in 1...3 {
            world.wait(.seconds(70))
            if round == 3 { world.breaks = ["web": ["/a", "/b"], "db": ["/a"]] }
            world.crash("web")
        }
        #expect(world.records.steps.last == .confirm)
        world.loop("db")
        #expect(world.records.ends == [.notHelped])
        #expect(world.replies.contains(.handOver(nil)))
        world.wait(.hours(1))
        #expect(world.records.intents.count == 1)
    }

    @Test("a kernel that differs is no obstacle, and is told as degraded")
    func degraded() {
        var world = World()
        world.landscape.change("/a") { $0.kernel.kernel = "/k1" }
        world.landscape.add("/b")
        world.landscape.change("/b") { $0.kernel.kernel = "/k2" }
        world.landscape.booted = "/b"
        world.breakAfterChange("web")
        #expect(world.records.ends == [.degraded])
    }

    @Test("a bad change on top of a bad one is gone back from to what was good before both")
    func chain() {
        var world = World()
        world.breaks["web"] = ["/b", "/c"]
        world.comparison = .same
        world.deploy("/b")
        world.wait(.minutes(1))
        world.comparison = .differing
        world.deploy("/c")
        world.wait(.minutes(2))
        #expect(world.records.previous.prefix(2) == ["/a", "/a"])
        #expect(world.landscape.current == "/a")
    }

    @Test("whoever goes forward again while a rollback is watched gets no reboot for it")
    func forwardAgain() {
        let slow = service("web") {
            $0.backoff.first = .seconds(25)
            $0.backoff.most = .seconds(25)
        }
        var world = World([slow, service("db")]) {
            $0.allowReboot = true
            $0.onExhausted = .rebootIntoKnownGood
        }
        world.breaks["web"] = ["/a", "/b"]
        world.deploy("/b")
        for _ in 0..<300 where world.records.steps.last != .confirm { world.wait(.seconds(1)) }
        #expect(world.records.steps.last == .confirm)
        world.deploy("/b")
        world.wait(.seconds(5))
        #expect(world.records.ends == [.notActivated(current: "/b")])
        #expect(world.records.intents.count == 1)
    }
}
