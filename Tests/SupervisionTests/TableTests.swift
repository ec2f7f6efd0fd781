import Supervision
import Testing

/// Phase × event: the cells in which nothing may happen. The others have a sentence of their own.
@Suite("what comes too late changes nothing") struct TableTests {
    private static let process = ProcessIdentity(pid: 9, startTicks: 9)
    private static let failure = SpawnFailure(step: .clone, code: 11)

    private static let answers: [InstanceEvent] = [
        .spawned(process), .spawnFailed(failure), .exited(.code(1)), .treeEnded,
        .dependencyChanged,
        .adopted(process, attempt: 9, since: Instant(nanoseconds: 0), launch: 9),
        .vanished(process), .probed(probe: 0, serial: 1, .failed), .remedied(serial: 0, .refused),
    ]

    private func nothingHappens(
        _ machine: Machine, _ name: String, except allowed: [InstanceEvent] = [],
        but also: [InstanceEvent] = []
    ) {
        let phase = machine.phase(name)
        let deadline = machine.status(name).deadline
        for event in Self.answers + also where !allowed.contains(event) {
            var machine = machine
            machine.tell(name, event)
            #expect(machine.last.isEmpty, "\(phase) \(event)")
            #expect(machine.phase(name) == phase, "\(event)")
            #expect(machine.status(name).deadline == deadline, "\(event)")
        }
    }

    private let adoption: [InstanceEvent] = [
        .adopted(process, attempt: 9, since: Instant(nanoseconds: 0), launch: 9),
        .vanished(process),
    ]

    @Test("at rest") func stopped() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        machine.goDown("web")
        nothingHappens(machine, "web", except: adoption, but: [.stopAsked, .due])
    }

    @Test("parked") func parked() {
        let machine = Machine(service("db"), service("web", after: ["db"]))
        nothingHappens(machine, "web", but: [.due])
    }

    @Test("while the process is being made") func spawning() {
        let machine = Machine(service("web"))
        nothingHappens(
            machine, "web", except: [.spawned(Self.process), .spawnFailed(Self.failure)],
            but: [.startAsked, .restartAsked, .due])
    }

    @Test("while a remedy is tried") func remedying() {
        var machine = Machine(service("web", remedies: [.environment]))
        machine.crashQuickly("web")
        machine.wait(.seconds(1))
        #expect(machine.phase("web") == .starting(.remedying))
        nothingHappens(machine, "web", but: [.resumeAsked])
    }

    @Test("unproven") func unproven() {
        var machine = Machine(service("web"))
        machine.spawn("web")
        nothingHappens(
            machine, "web", except: [.exited(.code(1))], but: [.startAsked])
    }

    @Test("running") func running() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        nothingHappens(machine, "web", except: [.exited(.code(1))], but: [.startAsked, .due])
    }

    @Test("backing off") func backingOff() {
        var machine = Machine(service("web"))
        machine.crashQuickly("web")
        nothingHappens(machine, "web")
    }

    @Test("handed over") func handedOver() {
        var machine = Machine(
            service("web") { $0.crashLoop = CrashLoopPolicy(crashes: 1) })
        machine.crashQuickly("web")
        #expect(machine.phase("web") == .handedOver)
        nothingHappens(machine, "web")
    }

    @Test("stopping, before the process is made") func unspawned() {
        var machine = Machine(service("web"))
        machine.tell("web", .stopAsked)
        nothingHappens(
            machine, "web", except: [.spawned(Self.process), .spawnFailed(Self.failure)],
            but: [.stopAsked, .due])
    }

    @Test("stopping") func stopping() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        nothingHappens(machine, "web", except: [.exited(.code(1))], but: [.stopAsked])
    }

    @Test("stopping, after the main process has ended") func mainEnded() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell("web", .stopAsked)
        machine.tell("web", .exited(.code(0)))
        nothingHappens(machine, "web", except: [.treeEnded], but: [.stopAsked])
    }

    @Test("in every phase, a deadline that is told too early") func early() {
        var machine = Machine(service("web"))
        machine.crashQuickly("web")
        machine.tell(.deadlineReached)
        #expect(machine.last.isEmpty)
        #expect(machine.phase("web") == .backingOff)
    }

    @Test("a deadline that is told late is told once, and leaves none in the past") func late() {
        var machine = Machine(service("a"), service("b"))
        machine.spawn("a")
        machine.crashQuickly("b")
        machine.now = machine.now + .hours(5)
        machine.tell(.deadlineReached)
        #expect(machine.phase("a") == .running)
        #expect(machine.phase("b") == .starting(.spawning))
        #expect(machine.mind.nextDeadline() == nil)
    }
}
