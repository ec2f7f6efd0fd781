import Supervision
import Testing

@Suite("common causes") struct CommonCauseTests {
    /// So many probed services, all up and well; the last ones critical.
    private func running(
        _ count: Int, critical: Int = 0, unprobed: Int = 0,
        _ change: (inout ServicePolicy) -> Void = { _ in }
    ) -> Machine {
        var definitions = (0..<count).map { number in
            service("s\(number)", probes: [probe()]) {
                $0.critical = number >= count - critical
                change(&$0)
            }
        }
        definitions += (0..<unprobed).map { service("u\($0)") }
        var machine = Machine(definitions)
        for definition in definitions {
            machine.find(.passed, definition.name)
            machine.spawn(definition.name)
        }
        machine.wait(.seconds(15))
        machine.all = []
        return machine
    }

    private func names(_ range: Range<Int>) -> [String] { range.map { "s\($0)" } }

    /// Lets time pass; what is to be ended ends, and what is to be made is made.
    private func drive(_ machine: inout Machine, for interval: Interval) {
        let end = machine.now + interval
        while machine.now < end {
            machine.wait(.milliseconds(100))
            for id in machine.mind.all {
                let name = machine.mind.definition(id).name
                if case .stopping(let stopping) = machine.phase(name), !stopping.mainEnded {
                    machine.goDown(name)
                }
                if machine.phase(name) == .starting(.spawning) { machine.spawn(name) }
            }
        }
    }

    private func begin(_ machine: Machine) -> [Record] {
        machine.all.records.filter { if case .commonCauseBegan = $0 { true } else { false } }
    }

    @Test("more than a third of the probed services, and at least three, are one")
    func third() {
        for (count, failing, isOne) in [(9, 3, false), (9, 4, true), (3, 2, false), (3, 3, true)] {
            var machine = running(count, unprobed: 20)
            for name in names(0..<failing) { machine.find(.failed, name) }
            machine.wait(.seconds(5))
            #expect(begin(machine).isEmpty != isOne, "\(failing) of \(count)")
            #expect((machine.mind.commonCause(at: machine.now) != nil) == isOne)
        }
    }

    @Test("services are counted, not their instances")
    func instances() {
        let web = (1...10).map { service("web@\($0)", of: "web", probes: [probe()]) }
        var machine = Machine(
            web + [service("a", probes: [probe()]), service("b", probes: [probe()])])
        for definition in web + [service("a"), service("b")] {
            machine.find(.passed, definition.name)
            machine.spawn(definition.name)
        }
        machine.wait(.seconds(15))
        for definition in web { machine.find(.failed, definition.name) }
        machine.wait(.seconds(5))
        #expect(begin(machine).isEmpty)
        #expect(machine.all.terminations.count == 10)
    }

    @Test("strikes that are ten seconds apart are no common cause")
    func apart() {
        var machine = running(4) { _ in }
        for name in names(0..<4) {
            machine.find(nil, name)
            machine.strike(name)
            machine.find(.passed, name)
            machine.wait(.seconds(11))
        }
        #expect(begin(machine).isEmpty)
    }

    @Test("restarts by probes are made one at a time, critical services first, each confirmed")
    func oneAtATime() {
        var machine = running(6, critical: 2)
        for name in names(0..<6) { machine.find(.failed, name) }
        machine.wait(.seconds(4))
        #expect(begin(machine).count == 1)
        #expect(machine.all.terminations.count == 1)
        var order = machine.all.terminations
        for _ in 1...6 {
            let i = order.last ?? 0
            let name = "s\(i)"
            machine.goDown(name)
            #expect(machine.last.rules == [.unhealthy])
            #expect(machine.last.terminations == [])
            machine.wait(.seconds(3))
            #expect(machine.last.terminations == [])
            machine.find(.passed, name)
            machine.spawn(name)
            #expect(machine.last.terminations == [])
            machine.wait(.seconds(1))
            order += machine.last.terminations
        }
        #expect(order.count == 6)
        #expect(Set(order) == Set(0..<6))
        // Whoever was first was alone when the others had not struck often enough yet.
        #expect(Set(order[1...2]).union([order[0]]).isSuperset(of: [4, 5]))
    }

    @Test("one that fails to come up gives way to the next")
    func failsToComeUp() {
        var machine = running(3)
        for name in names(0..<3) { machine.find(.failed, name) }
        machine.wait(.seconds(4))
        let first = machine.all.terminations[0]
        machine.goDown("s\(first)")
        machine.tell("s\(first)", .spawnFailed(SpawnFailure(step: .clone, code: 11)))
        machine.wait(.seconds(1))
        #expect(machine.last.terminations.count == 1)
    }

    @Test("one whose probes change while it waits for its turn to be started is started in turn")
    func probesChangeInQueue() {
        var machine = running(3) { $0.start = StartPolicy(timeout: .seconds(5)) }
        for name in names(0..<3) { machine.find(.failed, name) }
        machine.wait(.seconds(4))
        let first = machine.all.terminations[0]
        machine.goDown("s\(first)")
        machine.spawn("s\(first)")
        machine.wait(.seconds(5))
        machine.goDown("s\(first)")
        machine.wait(.seconds(1))
        #expect(machine.phase("s\(first)") == .backingOff)
        #expect(machine.status("s\(first)").isQueued)
        var definitions = machine.mind.all.map { machine.mind.definition($0) }
        definitions[first].probes = [probe(2)]
        machine.configure(definitions)
        #expect(machine.status("s\(first)").isQueued)
        for name in names(0..<3) { machine.find(.passed, name) }
        drive(&machine, for: .seconds(30))
        #expect(names(0..<3).allSatisfy { machine.phase($0) == .running })
        #expect(machine.mind.commonCause(at: machine.now) == nil)
    }

    @Test("who recovers by itself leaves the queue, and nothing was done to it")
    func recovers() {
        var machine = running(4)
        for name in names(0..<4) { machine.find(.failed, name) }
        machine.wait(.seconds(4))
        let first = machine.all.terminations[0]
        #expect(machine.mind.commonCause(at: machine.now)?.waiting == 3)
        for name in names(0..<4) { machine.find(.passed, name) }
        machine.wait(.seconds(2))
        machine.goDown("s\(first)")
        machine.spawn("s\(first)")
        machine.wait(.seconds(30))
        #expect(machine.all.terminations.count == 1)
        #expect(machine.mind.commonCause(at: machine.now) == nil)
    }

    @Test("it has an incident of its own, which ends ten seconds after the last strike")
    func incident() {
        var machine = running(3)
        for name in names(0..<3) {
            machine.find(nil, name)
            machine.strike(name)
        }
        let began = machine.now
        #expect(begin(machine) == [.commonCauseBegan(incident: 1, services: 3, of: 3)])
        for name in names(0..<3) { machine.find(.passed, name) }
        for name in names(0..<3) {
            machine.waitForLook(name)
            machine.answer(name, .passed)
        }
        let ended = Record.commonCauseEnded(incident: 1, after: .seconds(10))
        machine.wait(began + .milliseconds(9_999) - machine.now)
        #expect(!machine.all.records.contains(ended))
        machine.wait(.milliseconds(1))
        #expect(machine.last.records == [ended])
        #expect(machine.all.openings == [])
    }

    @Test("its number is in the restarts of those that have none of their own")
    func number() {
        var machine = running(3)
        for name in names(0..<3) { machine.find(.failed, name) }
        machine.wait(.seconds(4))
        let id = machine.mind.commonCause(at: machine.now)?.incident ?? 0
        let first = machine.all.terminations[0]
        machine.goDown("s\(first)")
        #expect(machine.all.openings == [])
        #expect(
            machine.last.records.contains {
                if case .restartDecided(_, _, .unhealthy, _, let incident) = $0 {
                    incident == id && id > 0
                } else {
                    false
                }
            })
    }

    @Test("a crash is restarted as ever")
    func crash() {
        var machine = running(4)
        for name in names(0..<3) { machine.find(.failed, name) }
        machine.wait(.seconds(4))
        machine.crash("s3")
        #expect(machine.last.rules == [.atOnce])
        #expect(machine.last.spawns == [3])
    }

    @Test("after a quarter of an hour a human is told, once, and no other begins until it is calm")
    func lasts() {
        var machine = running(20)
        for name in names(0..<20) { machine.find(.failed, name) }
        drive(&machine, for: .minutes(14))
        let handedOver = Record.commonCauseHandedOver(incident: begun(machine))
        #expect(!machine.all.records.contains(handedOver))
        drive(&machine, for: .minutes(10))
        #expect(machine.all.records.count { $0 == handedOver } == 1)
        #expect(begin(machine).count == 1)
        #expect(machine.mind.commonCause(at: machine.now)?.isHandedOver == true)
    }

    private func begun(_ machine: Machine) -> Int {
        machine.mind.commonCause(at: machine.now)?.incident ?? 0
    }

    @Test("one that an earlier daemon left ends once it is calm")
    func recalled() {
        var memory = Memory()
        memory.commonCause = OpenIncident(id: 7, opened: Instant(nanoseconds: 0))
        memory.nextIncident = 8
        var machine = Machine(service("web"), memory: memory)
        #expect(machine.mind.commonCause(at: machine.now)?.incident == 7)
        machine.wait(.seconds(10))
        #expect(
            machine.last.records.contains(.commonCauseEnded(incident: 7, after: .seconds(3610))))
    }

    // MARK: Looking around

    @Test("one that strikes alone is restarted at once")
    func alone() {
        var machine = running(9)
        machine.find(nil, "s0")
        machine.strike("s0", times: 3)
        #expect(machine.last.terminations == [0])
    }

    @Test("when another one struck too, it is looked around for two seconds first")
    func lookAround() {
        var machine = running(9)
        machine.find(nil, "s0", "s1")
        machine.strike("s1")
        machine.find(.passed, "s1")
        machine.strike("s0", times: 3)
        #expect(machine.all.terminations == [])
        machine.find(.failed, "s0")
        machine.wait(.milliseconds(1999))
        #expect(machine.all.terminations == [])
        machine.wait(.milliseconds(1))
        #expect(machine.all.terminations == [0])
    }

    @Test("what passes while it is looked around is not restarted")
    func passesMeanwhile() {
        var machine = running(9)
        machine.find(nil, "s0", "s1")
        machine.strike("s1")
        machine.find(.passed, "s1")
        machine.strike("s0", times: 3)
        machine.find(.passed, "s0")
        machine.waitForLook("s0")
        machine.answer("s0", .passed)
        machine.wait(.seconds(20))
        #expect(machine.all.terminations == [])
    }

    @Test("a hundred services behind a database that dies for 30 s are not restarted as a herd")
    func herd() {
        var machine = running(100)
        for name in names(0..<100) { machine.find(.failed, name) }
        drive(&machine, for: .seconds(30))
        #expect(machine.all.terminations.count <= 2)
        for name in names(0..<100) { machine.find(.passed, name) }
        drive(&machine, for: .minutes(1))
        #expect(machine.all.terminations.count <= 2)
        #expect(machine.mind.commonCause(at: machine.now) == nil)
        #expect(names(0..<100).allSatisfy { machine.phase($0) == .running })
    }

    @Test("for ten seconds after a stall restarts by probes are made one at a time")
    func serialAfterStall() {
        var machine = running(9)
        machine.tell(.machineStalled)
        machine.find(nil, "s0", "s1")
        machine.strike("s0", times: 3)
        #expect(begin(machine).count == 1)
        #expect(machine.all.terminations == [0])
        machine.strike("s1", times: 3)
        #expect(machine.all.terminations == [0])
        machine.goDown("s0")
        machine.spawn("s0")
        machine.answer("s0", .passed)
        #expect(machine.last.terminations == [])
        machine.strike("s1")
        #expect(machine.last.terminations == [1])
    }

    @Test("a machine that is always busy delays a start time-out by minutes, not for ever")
    func endlessStall() {
        var machine = Machine(service("web", probes: [probe(1)]))
        machine.spawn("web")
        machine.find(.failed, "web")
        for _ in 0..<120 {
            machine.tell(.machineStalled)
            machine.wait(.seconds(5))
        }
        #expect(machine.all.terminations == [0])
    }

    @Test("a stall with which nobody fails is no incident")
    func quietStall() {
        var machine = running(9)
        machine.tell(.machineStalled)
        machine.wait(.minutes(1))
        #expect(begin(machine).isEmpty)
    }
}
