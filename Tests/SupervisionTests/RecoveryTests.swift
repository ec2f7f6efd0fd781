import Supervision
import Testing

@Suite("remedies") struct RemedyTests {
    private func machine(_ remedies: [RemedyKind]) -> Machine {
        var machine = Machine(
            service("web", probes: [probe()], remedies: remedies) { $0.crashLoop = nil })
        machine.find(.passed, "web")
        machine.spawn("web")
        machine.wait(.seconds(5))
        machine.find(nil, "web")
        machine.all = []
        return machine
    }

    /// The remedy under way had this outcome.
    private func answer(_ machine: inout Machine, _ outcome: RemedyOutcome) {
        var serial = -1
        for case .remedy(_, _, _, let told) in machine.all { serial = told }
        machine.tell("web", .remedied(serial: serial, outcome))
    }

    @Test("they are tried in their order, each attempt behind the one applied last")
    func order() {
        var machine = machine([.restart, .portConflict, .environment])
        machine.crash("web")
        #expect(machine.last.spawns == [0])
        #expect(machine.last.remedies == [])
        machine.spawn("web")
        machine.wait(.seconds(2))
        machine.crash("web")
        #expect(machine.last.deeds.count == 2)
        #expect(machine.last.remedies == [1])
        #expect(machine.phase("web") == .starting(.remedying))
        #expect(machine.status("web").remedy == .portConflict)
        answer(&machine, .applied)
        #expect(
            machine.last.records.contains(
                .remedied(machine.id("web"), .portConflict, place: 1, .applied, incident: 1)))
        #expect(machine.last.spawns == [0])
        machine.spawn("web")
        machine.wait(.seconds(2))
        machine.crash("web")
        #expect(machine.last.remedies == [2])
    }

    @Test("what mends nothing is the next one's turn; behind the last one it is just started")
    func notNeeded() {
        var machine = machine([.portConflict, .environment])
        machine.crash("web")
        #expect(machine.last.remedies == [0])
        answer(&machine, .notNeeded)
        #expect(machine.last.remedies == [1])
        answer(&machine, .failed)
        #expect(machine.last.spawns == [0])
        machine.spawn("web")
        machine.wait(.seconds(2))
        machine.crash("web")
        #expect(machine.last.remedies == [0])
    }

    @Test("an incident begins with the first of them")
    func afresh() {
        var machine = machine([.portConflict, .environment])
        for _ in 1...3 {
            machine.crash("web")
            #expect(machine.last.remedies == [0])
            answer(&machine, .applied)
            machine.find(.passed, "web")
            machine.spawn("web")
            machine.wait(.seconds(2))
            machine.find(nil, "web")
        }
        #expect(machine.all.resolutions == 3)
    }

    @Test("a refusal is told to a human; then plain starts at the slowest pace")
    func refused() {
        var machine = machine([.validateConfig])
        machine.crash("web")
        answer(&machine, .refused)
        #expect(machine.last.handovers == [.refused])
        #expect(machine.phase("web") == .handedOver)
        #expect(machine.pause("web") == .seconds(30))
        machine.wait(.seconds(30))
        #expect(machine.last.spawns == [0])
    }

    @Test("silence is taken for a failure after a minute and a half, and a late answer for nothing")
    func silence() {
        var machine = machine([.portConflict, .environment])
        machine.crash("web")
        let late = machine.last
        machine.wait(.seconds(89))
        #expect(machine.last.remedies == [])
        machine.wait(.seconds(1))
        #expect(machine.last.remedies == [1])
        for case .remedy(_, _, _, let serial) in late {
            machine.tell("web", .remedied(serial: serial, .refused))
        }
        #expect(machine.last.isEmpty)
        #expect(machine.phase("web") == .starting(.remedying))
    }

    @Test("a hang is remedied once the process is down")
    func hang() {
        var machine = machine([.portConflict])
        machine.strike("web", times: 3)
        #expect(machine.last.remedies == [])
        machine.goDown("web")
        #expect(machine.last.remedies == [0])
        answer(&machine, .applied)
        machine.spawn("web")
        machine.answer("web", .passed)
        #expect(machine.last.resolutions == 1)
    }

    @Test("an operator's stop ends it, and a start goes around it")
    func operators() {
        var machine = machine([.portConflict])
        machine.crash("web")
        var other = machine
        other.tell("web", .stopAsked)
        #expect(other.phase("web") == .stopped(.asked))
        #expect(other.last.handovers == [.operatorStopped])
        machine.tell("web", .startAsked)
        #expect(machine.last.spawns == [0])
    }

    // MARK: Healing by hand

    @Test("heal: what works is left alone")
    func healHealthy() {
        var machine = machine([.portConflict])
        machine.tell("web", .healAsked)
        #expect(machine.last.isEmpty)
    }

    @Test("heal: one strike is enough")
    func healStrikes() {
        var machine = machine([.restart])
        machine.strike("web")
        machine.tell("web", .healAsked)
        #expect(machine.last.terminations == [0])
        #expect(machine.last.openings == [.hang])
    }

    @Test("heal: what is down has a new chance, through its remedies from the first")
    func healDown() {
        var machine = machine([.portConflict, .environment])
        machine.crash("web")
        answer(&machine, .refused)
        machine.tell("web", .healAsked)
        #expect(machine.last.records.contains(.startAsked(machine.id("web"))))
        #expect(machine.last.remedies == [0])
        #expect(!machine.status("web").isHandedOver)
        answer(&machine, .applied)
        #expect(machine.last.spawns == [0])
    }

    @Test("heal: what starts is started anew")
    func healStarting() {
        var machine = Machine(service("web", probes: [probe()]))
        machine.spawn("web")
        machine.tell("web", .healAsked)
        #expect(machine.phase("web") == .stopping(.signalled, .heal))
    }
}

@Suite("services that detach") struct DetachTests {
    private let pm = service("pm", probes: [probe()], detaches: true)

    private func running() -> Machine {
        var machine = Machine(pm)
        machine.spawn("pm")
        machine.crash("pm", .code(0))
        machine.answer("pm", .passed)
        machine.all = []
        return machine
    }

    @Test("the end of the start command is no crash, and nothing of it is swept away")
    func detaches() {
        var machine = Machine(pm)
        machine.spawn("pm")
        machine.crash("pm", .code(0))
        #expect(machine.last.deeds == [])
        #expect(machine.last.records.contains(.detached(machine.id("pm"))))
        #expect(machine.phase("pm") == .starting(.unproven))
        #expect(machine.status("pm").process == nil)
        machine.answer("pm", .passed)
        #expect(machine.phase("pm") == .running)
        machine.crash("pm", .code(1))
        #expect(machine.last == [])
    }

    @Test("a start command that fails is a failed start")
    func fails() {
        var machine = Machine(pm)
        for failed in 1...5 {
            machine.spawn("pm")
            machine.crash("pm", .code(1))
            #expect(machine.last.handovers.isEmpty == (failed < 5))
            machine.wait(machine.pause("pm") ?? .zero)
        }
        #expect(machine.all.openings == [.exitCode])
    }

    @Test("without probes it runs as soon as the start command has ended")
    func withoutProbes() {
        var machine = Machine(service("pm", detaches: true))
        machine.spawn("pm")
        machine.crash("pm", .code(0))
        #expect(machine.phase("pm") == .running)
        #expect(machine.mind.nextDeadline() == nil)
    }

    @Test("strikes lead to a start and to no stop: nothing is Regen's")
    func strikes() {
        var machine = running()
        machine.strike("pm", times: 3)
        #expect(machine.all.terminations == [])
        #expect(machine.last.openings == [.hang])
        #expect(machine.last.rules == [.unhealthy])
        #expect(machine.last.spawns == [0])
    }

    @Test("a start command that still lives is stopped as any other")
    func startCommandLives() {
        var machine = Machine(pm)
        machine.spawn("pm")
        machine.answer("pm", .passed)
        machine.strike("pm", times: 3)
        #expect(machine.last.terminations == [0])
        machine.tell("pm", .exited(.signal(15, outOfMemory: false)))
        #expect(!machine.last.contains(.watchTree(machine.id("pm"))))
        #expect(machine.last.spawns == [0])
    }

    @Test("an operator's stop is done at once")
    func stop() {
        var machine = running()
        machine.tell("pm", .stopAsked)
        #expect(machine.last.deeds == [])
        #expect(machine.phase("pm") == .stopped(.asked))
        machine.tell("pm", .startAsked)
        #expect(machine.last.spawns == [0])
    }

    @Test("the next daemon does not start it again, and looks whether it lives")
    func nextDaemon() {
        var memory = Memory()
        memory.instances["pm"] = InstanceMemory()
        memory.instances["pm"]?.isDetached = true
        memory.instances["pm"]?.launch = 1
        var machine = Machine(pm, memory: memory)
        #expect(machine.all.spawns == [])
        #expect(machine.all.looks == [0])
        machine.answer("pm", .passed)
        #expect(machine.phase("pm") == .running)
        machine.strike("pm", times: 3)
        #expect(machine.all.spawns == [0])
    }

    @Test("one whose start command ended unseen is written down as detached before that end")
    func endedUnseen() {
        let left = ProcessIdentity(pid: 77, startTicks: 770)
        var memory = Memory()
        memory.instances["pm"] = InstanceMemory()
        memory.instances["pm"]?.process = left
        memory.instances["pm"]?.launch = 1
        var machine = Machine(pm, memory: memory, begun: false)
        machine.tell("pm", .vanished(left))
        // Were only the end written, the next daemon would start it again.
        #expect(
            machine.last.records == [
                .detached(machine.id("pm")),
                .processExited(
                    machine.id("pm"), left, attempt: 0, .unknown, uptime: .zero, asked: true),
            ])
    }

    @Test("the next daemon starts it again if its command has changed")
    func changed() {
        var memory = Memory()
        memory.instances["pm"] = InstanceMemory()
        memory.instances["pm"]?.isDetached = true
        memory.instances["pm"]?.launch = 2
        let machine = Machine(pm, memory: memory)
        #expect(machine.all.spawns == [0])
    }

    @Test("at the end of the daemon it is left, and the ledger goes on saying that it runs")
    func end() {
        var machine = running()
        machine.tell(.endAsked(stopping: true))
        #expect(machine.last == [.finish])
    }
}

@Suite("pauses") struct PauseTests {
    private func paused(_ definition: InstanceDefinition, for interval: Interval) -> Machine {
        var machine = Machine(definition)
        machine.find(.passed, "web")
        machine.spawn("web")
        machine.wait(.seconds(5))
        machine.all = []
        machine.tell("web", .pauseAsked(until: machine.now + interval))
        return machine
    }

    private let web = service("web", probes: [probe()])

    @Test("no looks and no strikes while it lasts, and both after it")
    func looks() {
        var machine = paused(web, for: .minutes(10))
        #expect(machine.last.records == [.paused(machine.id("web"), for: .minutes(10))])
        machine.find(.failed, "web")
        machine.wait(.seconds(599))
        #expect(machine.all.looks == [])
        machine.wait(.seconds(1))
        #expect(machine.last.records.first == .resumed(machine.id("web")))
        machine.wait(.seconds(5))
        #expect(machine.all.strikes == [1, 2, 3])
    }

    @Test("a crash is written down and waits for its end")
    func crash() {
        var machine = paused(web, for: .minutes(10))
        machine.crash("web")
        #expect(machine.last.spawns == [])
        #expect(machine.last.openings == [.exitCode])
        machine.wait(.seconds(599))
        #expect(machine.all.spawns == [])
        machine.wait(.seconds(1))
        #expect(machine.last.rules == [.resumed])
        #expect(machine.last.spawns == [0])
        machine.spawn("web")
        #expect(machine.all.resolutions == 1)
    }

    @Test("an operator can end it sooner, by a word or by a start")
    func sooner() {
        for event in [InstanceEvent.resumeAsked, .startAsked] {
            var machine = paused(web, for: .minutes(10))
            machine.crash("web")
            machine.tell("web", event)
            #expect(machine.last.records.contains(.resumed(machine.id("web"))))
            #expect(machine.last.spawns == [0])
            #expect(machine.status("web").pausedUntil == nil)
        }
    }

    @Test("stop and restart by hand work all the same")
    func byHand() {
        var machine = paused(web, for: .minutes(10))
        machine.tell("web", .restartAsked)
        machine.goDown("web")
        #expect(machine.last.spawns == [0])
        machine.spawn("web")
        #expect(machine.status("web").pausedUntil != nil)
        machine.tell("web", .stopAsked)
        machine.goDown("web")
        #expect(machine.phase("web") == .stopped(.asked))
        machine.wait(.minutes(10))
        #expect(machine.phase("web") == .stopped(.asked))
    }

    @Test("one whose end is past is none")
    func past() {
        var machine = paused(web, for: .minutes(10))
        machine.tell("web", .pauseAsked(until: machine.now))
        #expect(machine.status("web").pausedUntil == nil)
    }

    @Test("the next daemon goes on pausing, and starts nothing")
    func nextDaemon() {
        var memory = Memory()
        memory.instances["web"] = InstanceMemory()
        memory.instances["web"]?.pausedUntil = Instant(nanoseconds: 0) + .minutes(70)
        var machine = Machine(web, memory: memory)
        #expect(machine.all.spawns == [])
        #expect(machine.status("web").pausedUntil != nil)
        machine.wait(.minutes(10))
        #expect(machine.last.spawns == [0])
    }
}
