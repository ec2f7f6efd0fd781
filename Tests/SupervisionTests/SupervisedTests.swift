import Supervision
import Testing

/// Word of every process would come, and of every one that is being made.
private func everything(_ id: InstanceID, _ debt: Debt) -> Bool { true }
private func nothing(_ id: InstanceID, _ debt: Debt) -> Bool { false }

private func critical(_ name: String, after: [String] = []) -> InstanceDefinition {
    service(name, after: after) { $0.critical = true }
}

@Suite("whether critical services are supervised") struct SupervisedTests {
    @Test("one that runs is, as long as its end would be heard of") func running() {
        var machine = Machine(critical("web"))
        machine.bringUp("web")
        #expect(machine.mind.abandoned(isOwed: everything) == nil)
        #expect(machine.mind.abandoned(isOwed: nothing) == machine.id("web"))
    }

    @Test("one that is not critical is nobody's business here") func others() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        #expect(machine.mind.abandoned(isOwed: nothing) == nil)
    }

    @Test("one that a critical one is started after is looked at like it") func dependency() {
        var machine = Machine(
            service("disk"), service("db", after: ["disk"]), critical("web", after: ["db"]))
        machine.bringUp("disk")
        #expect(
            machine.mind.abandoned { $0 != machine.id("disk") || $1 != .exit } == machine.id("disk")
        )
        machine.tell(.configured([service("disk"), service("db"), critical("web", after: ["db"])]))
        #expect(machine.mind.abandoned { $0 != machine.id("disk") || $1 != .exit } == nil)
    }

    @Test("unhealthy is not abandoned: one that crashes again and again is supervised")
    func unhealthy() {
        var machine = Machine(critical("web"))
        for _ in 0..<12 {
            machine.crashQuickly("web")
            #expect(machine.phase("web") != .running)
            // It waits for a deadline, and no process is owed to anybody.
            #expect(machine.mind.abandoned(isOwed: nothing) == nil)
            machine.wait(machine.pause("web") ?? .zero)
        }
        #expect(machine.status("web").isHandedOver)
    }

    @Test("a start whose answer never comes is found") func spawning() {
        let machine = Machine(critical("web"))
        #expect(machine.phase("web") == .starting(.spawning))
        #expect(machine.mind.abandoned { $1 == .spawn } == nil)
        #expect(machine.mind.abandoned { $1 == .exit } == machine.id("web"))
    }

    @Test("what an operator has stopped or paused, and what is being stopped, is left in peace")
    func operators() {
        var machine = Machine(critical("web"), critical("db"))
        machine.bringUp("web")
        machine.bringUp("db")
        machine.tell("web", .stopAsked)
        #expect(machine.mind.abandoned { id, _ in id == machine.id("db") } == nil)
        machine.tell("web", .exited(.signal(15, outOfMemory: false)))
        machine.tell("web", .treeEnded)
        #expect(machine.phase("web") == .stopped(.asked))
        machine.tell("db", .pauseAsked(until: machine.now + .hours(1)))
        machine.tell("db", .exited(.code(1)))
        #expect(machine.mind.abandoned(isOwed: nothing) == nil)
    }

    @Test("one that waits for another is moved by that one") func parked() {
        var machine = Machine(service("db"), critical("web", after: ["db"]))
        #expect(machine.phase("web") == .starting(.parked))
        #expect(machine.mind.abandoned(isOwed: everything) == nil)
        machine.crashQuickly("db")
        #expect(machine.mind.abandoned(isOwed: nothing) == nil)
        machine.tell("db", .stopAsked)
        #expect(machine.phase("web") != .starting(.parked))
    }

    @Test("probes are part of it: what is running and confirmed is looked at again and again")
    func probed() {
        var machine = Machine([
            service("web", confirmed: true) { $0.critical = true }
        ])
        machine.find(.passed, "web")
        machine.spawn("web")
        for _ in 0..<100 {
            machine.wait(.milliseconds(500))
            #expect(machine.mind.abandoned { $1 == .exit } == nil)
        }
        #expect(machine.phase("web") == .running)
    }

    @Test("one that was removed is not asked about") func removed() {
        var machine = Machine(critical("web"), service("db"))
        machine.bringUp("web")
        machine.tell(.configured([service("db")]))
        machine.tell(
            .instance(InstanceID(0), .exited(.signal(15, outOfMemory: false))))
        machine.tell(.instance(InstanceID(0), .treeEnded))
        #expect(machine.mind.abandoned(isOwed: nothing) == nil)
    }

    @Test("a daemon that ends has nothing more to answer for") func ending() {
        var machine = Machine(critical("web"))
        machine.bringUp("web")
        machine.tell(.endAsked(stopping: false))
        #expect(machine.mind.abandoned(isOwed: nothing) == nil)
    }
}
