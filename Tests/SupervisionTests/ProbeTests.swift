import Supervision
import Testing

@Suite("looks") struct ProbeTests {
    private let web = service("web", probes: [probe()])

    /// From now to the next look.
    private func pause(_ machine: inout Machine) -> Interval? {
        machine.mind.nextDeadline().map { $0 - machine.now }
    }

    @Test("the first look comes at once after the process began, and none before")
    func first() {
        var machine = Machine(web)
        #expect(machine.all.looks == [])
        machine.spawn("web")
        #expect(machine.last.looks == [0])
    }

    @Test("each look comes an interval after the one before began, on a grain of 10 ms")
    func interval() {
        var machine = Machine(web)
        machine.bringUpProbed("web")
        machine.waitForLook("web")
        let begun = machine.now
        #expect(begun.nanoseconds % 10_000_000 == 0)
        machine.wait(.milliseconds(700))
        machine.answer("web", .passed)
        #expect(pause(&machine) == .milliseconds(1300))
        machine.waitForLook("web")
        #expect(machine.now - begun == .seconds(2))
    }

    @Test("a thousand services do not look at one instant")
    func spread() {
        let names = (0..<1000).map { "s\($0)" }
        var machine = Machine(names.map { service($0, probes: [probe()]) })
        for name in names {
            machine.find(.passed, name)
            machine.spawn(name)
        }
        machine.wait(.seconds(2))
        var times: [Int64: Int] = [:]
        let end = machine.now + .seconds(2)
        while let deadline = machine.mind.nextDeadline(), deadline <= end {
            machine.wait(deadline - machine.now)
            times[machine.now.nanoseconds, default: 0] += machine.last.looks.count
        }
        #expect(times.values.reduce(0, +) == 1000)
        #expect(times.count <= 200)
        #expect(times.values.max() ?? .max < 30)
    }

    @Test("missed looks do not pile up")
    func missed() {
        var machine = Machine(web)
        machine.bringUpProbed("web")
        machine.waitForLook("web")
        machine.wait(.milliseconds(5900))
        machine.answer("web", .passed)
        #expect(machine.last.looks == [0])
        machine.answer("web", .passed)
        #expect(machine.last.looks == [])
    }

    @Test("one look of a probe is under way, and its silence says nothing of the service")
    func silence() {
        var machine = Machine(web)
        machine.bringUpProbed("web")
        machine.waitForLook("web")
        machine.wait(.milliseconds(5990))
        #expect(machine.last.looks == [])
        machine.wait(.milliseconds(10))
        #expect(machine.last.looks == [0])
        #expect(machine.status("web").probes[0].lastOutcome == .unknown)
        #expect(machine.all.strikes == [])
    }

    @Test("an old answer is not believed")
    func oldAnswer() {
        var machine = Machine(web)
        machine.bringUpProbed("web")
        machine.tell("web", .probed(probe: 0, serial: 1, .failed))
        machine.waitForLook("web")
        machine.tell("web", .probed(probe: 0, serial: 1, .failed))
        machine.tell("web", .probed(probe: 7, serial: 2, .failed))
        #expect(machine.all.strikes == [])
        machine.answer("web", .failed)
        machine.answer("web", .failed)
        #expect(machine.all.strikes == [1])
    }

    @Test("nothing is looked at while there is no process")
    func noProcess() {
        var machine = Machine(web)
        machine.bringUpProbed("web")
        machine.tell("web", .stopAsked)
        machine.wait(.seconds(9))
        machine.goDown("web")
        machine.wait(.minutes(1))
        machine.tell("web", .startAsked)
        #expect(machine.all.looks == [0])
        #expect(machine.mind.nextDeadline() == nil)
    }

    @Test("services without probes have nothing to wake up for")
    func idle() {
        var machine = Machine(service("a"), service("b"))
        machine.bringUp("a", "b")
        #expect(machine.mind.nextDeadline() == nil)
    }

    @Test("a start is confirmed once every probe that counts has passed")
    func allPass() {
        var machine = Machine(service("web", probes: [probe(1), probe(2)]))
        machine.spawn("web")
        machine.answer("web", probe: 0, .passed)
        #expect(machine.phase("web") == .starting(.unproven))
        machine.answer("web", probe: 1, .failed)
        machine.waitForLook("web", probe: 1)
        machine.answer("web", probe: 1, .passed)
        #expect(machine.phase("web") == .running)
    }

    @Test("until a start is confirmed failed looks are no strikes, and come often")
    func startingUp() {
        var machine = Machine(web)
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(30))
        #expect(machine.all.strikes == [])
        #expect(machine.all.looks.count > 100)
        machine.find(.passed, "web")
        machine.wait(.milliseconds(260))
        #expect(machine.phase("web") == .running)
    }

    @Test("healing counts when the probes say so, not before")
    func healingIsConfirmed() {
        var machine = Machine(web)
        machine.bringUpProbed("web")
        machine.wait(.seconds(5))
        machine.crash("web")
        machine.spawn("web")
        machine.find(.failed, "web")
        machine.wait(.seconds(20))
        #expect(machine.all.resolutions == 0)
        machine.find(.passed, "web")
        machine.wait(.milliseconds(260))
        #expect(machine.all.resolutions == 1)
        #expect(machine.status("web").incident == nil)
    }

    // MARK: Probes that never passed

    @Test("a probe that never passed causes nothing, and is told once")
    func neverPassed() {
        var machine = Machine(web, proven: false)
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(89))
        #expect(machine.phase("web") == .starting(.unproven))
        machine.wait(.hours(5))
        #expect(machine.phase("web") == .running)
        #expect(
            machine.all.records.count {
                $0 == .probeSuspected(machine.id("web"), probe: 0, fingerprint: 1)
            } == 1)
        #expect(machine.all.strikes == [])
        #expect(machine.all.openings == [])
        #expect(machine.all.terminations == [])
    }

    @Test("a suspicious probe delays no later start")
    func suspectDelaysNothing() {
        var machine = Machine(web, proven: false)
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(90))
        machine.crash("web")
        machine.spawn("web")
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.resolutions == 1)
    }

    @Test("a suspicious probe is remembered as such by the next daemon")
    func suspectIsRemembered() {
        var memory = Memory()
        memory.instances["web"] = InstanceMemory()
        memory.instances["web"]?.suspectedProbes = [1]
        var machine = Machine(web, memory: memory, proven: false)
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .running)
        machine.wait(.minutes(10))
        #expect(
            !machine.all.records.contains(
                .probeSuspected(machine.id("web"), probe: 0, fingerprint: 1)))
    }

    @Test("a suspicious probe counts from its first pass on, which is written down once")
    func suspectPasses() {
        var machine = Machine(web, proven: false)
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(90))
        machine.find(.passed, "web")
        machine.wait(.seconds(10))
        let proven = Record.probeProven(machine.id("web"), probe: 0, fingerprint: 1)
        #expect(machine.all.records.count { $0 == proven } == 1)
        machine.find(.failed, "web")
        machine.wait(.seconds(10))
        #expect(machine.all.strikes == [1, 2, 3])
        #expect(machine.all.terminations == [0])
    }

    @Test("one that never passed does not hide one that counts")
    func onlyOneNeverPassed() {
        var memory = Memory()
        memory.instances["web"] = InstanceMemory()
        memory.instances["web"]?.provenProbes = [1]
        var machine = Machine(
            service("web", probes: [probe(1), probe(2)]), memory: memory, proven: false)
        machine.spawn("web")
        machine.answer("web", probe: 0, .passed)
        machine.answer("web", probe: 1, .failed)
        #expect(machine.phase("web") == .starting(.unproven))
        machine.wait(.seconds(90))
        #expect(machine.phase("web") == .running)
        #expect(machine.status("web").probes.map(\.isSuspect) == [false, true])
        #expect(machine.status("web").probes.map(\.hasPassed) == [true, false])
    }

    @Test("a changed probe has never passed; changed back, it has")
    func changed() {
        var machine = Machine(web)
        machine.bringUpProbed("web")
        machine.configure([service("web", probes: [probe(2)])])
        machine.find(.failed, "web")
        machine.wait(.minutes(5))
        #expect(machine.all.strikes == [])
        machine.configure([web])
        machine.wait(.seconds(10))
        #expect(machine.all.strikes == [1, 2, 3])
    }

    // MARK: The start time-out

    @Test("a probe that has passed before and fails at the start time-out is a failed start")
    func startTimeout() {
        var machine = Machine(web)
        machine.find(.failed, "web")
        machine.spawn("web")
        machine.wait(.seconds(90))
        #expect(machine.phase("web") == .stopping(.signalled, .failStart))
        #expect(machine.pause("web") == .seconds(2))
        machine.goDown("web")
        let opened = Record.incidentOpened(
            machine.id("web"), incident: 1, .startTimeout, probe: 0)
        #expect(machine.last.records.contains(opened))
    }

    @Test("that nobody could look is no failed start", arguments: [ProbeOutcome.unknown, nil])
    func couldNotLook(finding: ProbeOutcome?) {
        var machine = Machine(web)
        machine.find(finding, "web")
        machine.spawn("web")
        machine.wait(.seconds(90))
        #expect(machine.phase("web") == .running)
        #expect(machine.all.openings == [])
    }

    @Test("with an incident open it is waited until somebody can look")
    func waitsOn() {
        var machine = Machine(web)
        machine.spawn("web")
        machine.crash("web")
        machine.wait(.seconds(1))
        machine.find(.unknown, "web")
        machine.spawn("web")
        machine.wait(.hours(1))
        #expect(machine.phase("web") == .starting(.unproven))
        #expect(machine.all.terminations == [])
        machine.find(.passed, "web")
        machine.wait(.milliseconds(260))
        #expect(machine.all.resolutions == 1)
    }
}
