import Supervision
import Testing

@Suite("strikes") struct StrikeTests {
    private let web = service("web", probes: [probe()])

    private func running(_ definitions: InstanceDefinition...) -> Machine {
        var machine = Machine(definitions)
        for definition in definitions {
            machine.find(.passed, definition.name)
            machine.spawn(definition.name)
            machine.wait(.seconds(1))
        }
        machine.wait(.seconds(12))
        machine.all = []
        return machine
    }

    @Test("after a strike the next look begins a confirm interval after the last one ended")
    func confirmInterval() {
        var machine = running(web)
        machine.find(nil, "web")
        machine.waitForLook("web")
        machine.wait(.milliseconds(800))
        machine.answer("web", .failed)
        machine.wait(.milliseconds(249))
        #expect(machine.last.looks == [])
        machine.wait(.milliseconds(1))
        #expect(machine.last.looks == [0])
    }

    @Test("one pass clears the strikes; a blip restarts nothing")
    func blip() {
        var machine = running(web)
        machine.find(nil, "web")
        for _ in 1...5 {
            machine.strike("web", times: 2)
            machine.waitForLook("web")
            machine.answer("web", .passed)
            #expect(
                machine.last.records == [
                    .probeCleared(machine.id("web"), probe: 0, strikes: 2)
                ])
        }
        machine.waitForLook("web")
        machine.answer("web", .passed)
        #expect(machine.last.records == [])
        #expect(machine.all.terminations == [])
        #expect(machine.all.openings == [])
    }

    @Test("that nobody could look changes nothing")
    func unknown() {
        var machine = running(web)
        machine.find(nil, "web")
        machine.strike("web", times: 2)
        for _ in 1...50 {
            machine.waitForLook("web")
            machine.answer("web", .unknown)
        }
        #expect(machine.status("web").probes[0].strikes == 2)
        #expect(machine.all.terminations == [])
        machine.strike("web")
        #expect(machine.all.terminations == [0])
    }

    @Test("three strikes, and it is ended as one that hangs and started at once")
    func threeStrikes() {
        var machine = running(web)
        machine.find(nil, "web")
        machine.strike("web", times: 3)
        #expect(machine.all.strikes == [1, 2, 3])
        #expect(machine.last.openings == [.hang])
        #expect(
            machine.last.records.contains(
                .incidentOpened(machine.id("web"), incident: 1, .hang, probe: 0)))
        #expect(machine.phase("web") == .stopping(.signalled, .heal))
        #expect(machine.pause("web") == .seconds(2))
        machine.goDown("web")
        #expect(machine.last.rules == [.unhealthy])
        #expect(machine.last.spawns == [0])
        machine.spawn("web")
        machine.answer("web", .passed)
        #expect(machine.last.resolutions == 1)
    }

    @Test("one strike is enough where the configuration says so")
    func oneStrike() {
        var machine = running(service("web", probes: [probe { $0.strikes = 1 }]))
        machine.find(nil, "web")
        machine.strike("web")
        #expect(machine.last.terminations == [0])
    }

    @Test("restarts by probes are no crash loop, but six within an hour are one")
    func sixIncidents() {
        var machine = running(
            service("web", probes: [probe()]) {
                $0.crashLoop = CrashLoopPolicy(crashes: 2, within: .hours(1))
            })
        for round in 1...6 {
            machine.find(.failed, "web")
            machine.wait(.seconds(5))
            machine.goDown("web")
            machine.find(.passed, "web")
            if round < 6 {
                #expect(machine.last.rules == [.unhealthy])
                machine.spawn("web")
            }
        }
        #expect(machine.all.handovers == [.crashLoop])
        #expect(machine.phase("web") == .handedOver)
        machine.wait(.seconds(30))
        #expect(machine.last.spawns == [0])
    }

    @Test("restart: never is told to a human and not touched")
    func never() {
        var machine = running(service("web", probes: [probe()]) { $0.restart = .never })
        machine.find(.failed, "web")
        machine.wait(.minutes(10))
        #expect(machine.all.openings == [.hang])
        #expect(machine.all.handovers == [.restartNever])
        #expect(machine.all.strikes == [1, 2, 3])
        #expect(machine.all.deeds.terminations == [])
        #expect(machine.phase("web") == .running)
        #expect(machine.status("web").isHandedOver)
        machine.find(.passed, "web")
        machine.wait(.minutes(3))
        #expect(machine.all.records.contains(.recovered(machine.id("web"))))
        #expect(!machine.status("web").isHandedOver)
    }

    @Test("three restarts that are not confirmed are told to a human; then the slowest pace")
    func attempts() {
        var machine = running(web)
        machine.find(.failed, "web")
        machine.wait(.seconds(5))
        for _ in 1...3 {
            machine.goDown("web")
            #expect(machine.all.handovers == [])
            machine.wait(machine.pause("web") ?? .zero)
            machine.spawn("web")
            machine.wait(machine.pause("web") ?? .zero)
        }
        #expect(machine.status("web").attempts == 3)
        machine.goDown("web")
        #expect(machine.last.handovers == [.attempts])
        #expect(machine.pause("web") == .seconds(30))
        machine.wait(.seconds(30))
        machine.find(.passed, "web")
        machine.spawn("web")
        machine.wait(.minutes(2))
        #expect(machine.all.openings == [.hang])
        #expect(machine.all.records.contains(.recovered(machine.id("web"))))
    }

    // MARK: Dependencies

    @Test("a service whose dependency is unhealthy is not restarted for its own strikes")
    func held() {
        var machine = running(
            service("db"), service("app", after: ["db"]),
            service("web", probes: [probe()], after: ["app"]))
        machine.crash("db", .code(1))
        machine.spawn("db")
        machine.crash("db", .code(1))
        #expect(machine.phase("db") == .backingOff)
        machine.tell("db", .pauseAsked(until: machine.now + .hours(1)))
        machine.find(.failed, "web")
        machine.wait(.minutes(10))
        let held = Record.probeHeld(machine.id("web"), probe: 0, dependency: machine.id("db"))
        #expect(machine.all.records.count { $0 == held } == 1)
        #expect(machine.all.strikes == [1, 2, 3])
        #expect(machine.status("web").heldBy == "db")
        #expect(machine.all.terminations == [])
        #expect(machine.status("web").incident == nil)
        machine.tell("db", .resumeAsked)
        machine.bringUp("db")
        machine.wait(.seconds(10))
        #expect(machine.all.strikes == [1, 2, 3, 1, 2, 3])
        #expect(machine.all.terminations == [2])
    }

    @Test("strikes of the dependency itself hold it too, and a crash is restarted all the same")
    func dependencyStrikes() {
        var machine = running(
            service("db", probes: [probe { $0.strikes = 100 }]),
            service("web", probes: [probe()], after: ["db"]))
        machine.find(.failed, "db", "web")
        machine.wait(.seconds(20))
        #expect(machine.status("web").heldBy == "db")
        #expect(machine.all.terminations == [])
        machine.crash("web")
        #expect(machine.last.spawns == [1])
    }

    @Test("one that a human was told of is held too, and is healed once the dependency is well")
    func heldAfterHandover() {
        var memory = Memory()
        memory.instances["web"] = InstanceMemory()
        memory.instances["web"]?.isHandedOver = true
        var machine = Machine(
            service("db", probes: [probe()]) { $0.restart = .never },
            service("web", probes: [probe()], after: ["db"]), memory: memory)
        machine.find(.passed, "db", "web")
        machine.spawn("db")
        machine.spawn("web")
        machine.find(.failed, "db", "web")
        machine.wait(.hours(1))
        #expect(machine.phase("web") == .running)
        #expect(machine.status("web").isHandedOver)
        #expect(machine.status("web").heldBy == "db")
        #expect(machine.all.terminations == [])
        machine.find(.passed, "db")
        machine.wait(.seconds(10))
        #expect(machine.all.terminations == [1])
        #expect(machine.all.openings == [.hang])
    }

    // MARK: Stalls

    @Test("what fails while the machine stalls is no strike, and is looked at again at once")
    func stall() {
        var machine = running(web)
        machine.find(nil, "web")
        machine.waitForLook("web")
        machine.tell(.machineStalled)
        machine.answer("web", .failed)
        #expect(machine.last.looks == [0])
        #expect(machine.last.strikes == [])
        machine.answer("web", .failed)
        #expect(machine.last.strikes == [1])
    }

    @Test("a machine that slept is no hang")
    func slept() {
        var machine = running(web)
        machine.find(nil, "web")
        machine.strike("web", times: 2)
        machine.waitForLook("web")
        machine.now = machine.now + .hours(8)
        machine.answer("web", .failed)
        #expect(machine.all.strikes == [1, 2])
        #expect(machine.all.terminations == [])
        machine.answer("web", .passed)
        #expect(machine.status("web").probes[0].strikes == 0)
    }

    @Test("a pass during a stall counts")
    func passDuringStall() {
        var machine = running(web)
        machine.find(nil, "web")
        machine.strike("web")
        machine.waitForLook("web")
        machine.tell(.machineStalled)
        machine.answer("web", .passed)
        #expect(machine.status("web").probes[0].strikes == 0)
    }

    @Test("a start-up that the machine slept through has as much time left as before")
    func sleptThroughStart() {
        var machine = Machine(web)
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(10))
        machine.now = machine.now + .hours(8)
        machine.tell(.deadlineReached)
        #expect(machine.phase("web") == .starting(.unproven))
        machine.wait(.seconds(79))
        #expect(machine.phase("web") == .starting(.unproven))
        machine.wait(.seconds(2))
        #expect(machine.phase("web") == .stopping(.signalled, .failStart))
    }

    @Test("what was lost is given back once, in however many pieces it comes to be known")
    func lostOnce() {
        var machine = Machine(web, service("db", probes: [probe()]))
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.spawn("db")
        machine.wait(.seconds(10))
        machine.now = machine.now + .hours(8)
        machine.answer("db", .passed)
        machine.now = machine.now + .milliseconds(1)
        machine.tell("db", .pauseAsked(until: machine.now + .hours(1)))
        machine.tell(.deadlineReached)
        machine.wait(.seconds(81))
        #expect(machine.phase("web") == .stopping(.signalled, .failStart))
    }

    @Test("after a stall an answer is heard that comes behind that of another probe")
    func answersTogether() {
        var machine = Machine(service("web", probes: [probe(1), probe(2)]))
        machine.spawn("web")
        machine.now = machine.now + .hours(8)
        machine.answer("web", probe: 1, .passed)
        machine.answer("web", probe: 0, .passed)
        #expect(machine.phase("web") == .running)
    }
}
