import Supervision
import Testing

@Suite("dependencies") struct DependencyTests {
    @Test("a dependent is parked until what it needs is up, and says for what it waits")
    func parked() {
        var machine = Machine(service("web", after: ["db"]), service("db"))
        #expect(machine.all.spawns == [1])
        #expect(machine.phase("web") == .starting(.parked))
        #expect(machine.status("web").waitsFor == "db")
        machine.spawn("db")
        #expect(machine.last.spawns == [])
        machine.wait(.seconds(1))
        #expect(machine.last.spawns == [0])
        #expect(machine.status("web").waitsFor == nil)
    }

    @Test("every instance of a service must be up")
    func everyInstance() {
        var machine = Machine(
            service("db@1", of: "db"), service("db@2", of: "db"), service("web", after: ["db"]))
        machine.bringUp("db@1")
        #expect(machine.phase("web") == .starting(.parked))
        #expect(machine.status("web").waitsFor == "db@2")
        machine.bringUp("db@2")
        #expect(machine.last.spawns == [2])
    }

    @Test("a dependent whose own restart falls into its dependency's outage waits for the recovery")
    func recovery() {
        var machine = Machine(service("db"), service("web", after: ["db"]))
        machine.bringUp("db", "web")
        machine.crash("db")
        #expect(machine.phase("web") == .running)
        machine.crash("web")
        #expect(machine.phase("web") == .starting(.parked))
        machine.bringUp("db")
        #expect(machine.last.spawns == [1])
    }

    @Test("a dependency that is handed over parks its dependents, and its success frees them")
    func handedOver() {
        var machine = Machine(service("db"), service("web", after: ["db"]))
        for _ in 1...5 {
            machine.crashQuickly("db")
            machine.wait(.seconds(3))
        }
        #expect(machine.phase("db") == .handedOver)
        #expect(machine.status("web").waitsFor == "db")
        machine.wait(.seconds(30))
        machine.bringUp("db")
        #expect(machine.last.spawns == [1])
    }

    @Test("a dependency that an operator stopped holds nobody back")
    func stoppedHoldsNobody() {
        var machine = Machine(service("db"), service("web", after: ["db"]))
        machine.spawn("db")
        machine.tell("db", .stopAsked)
        machine.goDown("db")
        #expect(machine.last.spawns == [1])
    }

    @Test("nor does one that is not started by itself, or one that finished")
    func restingHoldsNobody() {
        var machine = Machine(
            service("manual") { $0.autostart = false }, service("job") { $0.restart = .onFailure },
            service("web", after: ["manual", "job"]))
        #expect(machine.status("web").waitsFor == "job")
        machine.spawn("job")
        machine.crash("job", .code(0))
        #expect(machine.last.spawns == [2])
    }

    @Test("one that failed and may not restart does, until an operator starts it")
    func failedHoldsBack() {
        var machine = Machine(
            service("job") { $0.restart = .never }, service("web", after: ["job"]))
        machine.spawn("job")
        machine.crash("job")
        #expect(machine.phase("web") == .starting(.parked))
        machine.tell("web", .startAsked)
        #expect(machine.phase("web") == .starting(.parked))
        machine.tell("job", .startAsked)
        machine.spawn("job")
        machine.crash("job", .code(0))
        #expect(machine.last.spawns == [1])
    }

    @Test("a start asked for is recorded although it has to wait")
    func parkedStart() {
        var machine = Machine(service("db"), service("web", after: ["db"]))
        machine.tell("web", .stopAsked)
        machine.tell("web", .startAsked)
        #expect(machine.last == [.record(.startAsked(machine.id("web")))])
        #expect(machine.phase("web") == .starting(.parked))
    }

    @Test("one that is being restarted does; one that is being removed does not")
    func stoppingHoldsBack() {
        var machine = Machine(service("db"), service("web", after: ["db"]))
        machine.bringUp("db", "web")
        machine.tell("db", .restartAsked)
        machine.crash("web")
        #expect(machine.phase("web") == .starting(.parked))
        machine.configure([service("web", after: ["db"])])
        #expect(machine.last.spawns == [1])
    }

    @Test("a name in after that no service has holds nobody back")
    func unknownName() {
        let machine = Machine(service("web", after: ["nobody"]))
        #expect(machine.last.spawns == [0])
    }
}

@Suite("stop all, and the end") struct EndTests {
    private let chain = [
        service("db"), service("app", after: ["db"]), service("web", after: ["app"]),
    ]

    private func runningChain() -> Machine {
        var machine = Machine(chain[0], chain[1], chain[2])
        machine.bringUp("db", "app", "web")
        return machine
    }

    @Test("stop all goes down in the reverse order of dependencies, each tree before the next")
    func reverseOrder() {
        var machine = runningChain()
        machine.tell(.stopAllAsked)
        #expect(machine.last.terminations == [2])
        machine.tell("web", .exited(.code(0)))
        #expect(machine.last.terminations == [])
        machine.tell("web", .treeEnded)
        #expect(machine.last.terminations == [1])
        machine.goDown("app")
        #expect(machine.last.terminations == [0])
        machine.goDown("db")
        #expect(chain.allSatisfy { machine.phase($0.name) == .stopped(.asked) })
        #expect(!machine.all.contains(.finish))
    }

    @Test("stop all starts nobody on the way")
    func startsNobody() {
        var machine = Machine(chain[0], chain[1], chain[2])
        machine.crashQuickly("db")
        machine.tell(.stopAllAsked)
        #expect(machine.last.spawns == [])
        #expect(chain.allSatisfy { machine.phase($0.name) == .stopped(.asked) })
        #expect(machine.last.handovers == [.operatorStopped])
    }

    @Test("a crash on the way down is not restarted, and frees what it held")
    func crashOnTheWay() {
        var machine = runningChain()
        machine.tell(.stopAllAsked)
        machine.crash("app")
        #expect(machine.phase("app") == .stopped(.asked))
        #expect(machine.last.spawns == [])
        #expect(machine.last.terminations == [0])
    }

    @Test("what an operator wanted down is down for him, although the daemon ends meanwhile")
    func endOnTheWay() {
        var machine = runningChain()
        machine.tell(.stopAllAsked)
        machine.tell(.endAsked(stopping: true))
        machine.crash("app")
        #expect(machine.phase("app") == .stopped(.asked))
    }

    @Test("one that hangs in the kernel does not hold up the rest")
    func stuckHoldsNobody() {
        var machine = runningChain()
        machine.tell(.stopAllAsked)
        machine.wait(.seconds(15))
        #expect(machine.phase("web") == .stopping(.stuck, .rest))
        #expect(machine.last.terminations == [1])
    }

    @Test("a start-up that times out on the way down is stopped, not retried")
    func timeoutOnTheWay() {
        var machine = Machine(
            service("db", confirmed: true) { $0.start = StartPolicy(timeout: .seconds(5)) },
            service("web", after: ["db"]))
        machine.spawn("db")
        machine.answer("db", .passed)
        machine.bringUp("web")
        machine.find(.failed, "db")
        machine.crash("db")
        machine.spawn("db")
        machine.tell(.stopAllAsked)
        #expect(machine.last.terminations == [1])
        machine.wait(.seconds(5))
        machine.goDown("web")
        machine.goDown("db")
        #expect(machine.phase("db") == .stopped(.asked))
    }

    @Test("a reload that takes the dependency away lets the stop go on")
    func dependencyTakenAway() {
        var machine = Machine(service("db"), service("web", after: ["db"]))
        machine.bringUp("db", "web")
        machine.tell(.stopAllAsked)
        machine.configure([service("db"), service("web")])
        #expect(machine.last.terminations == [0])
    }

    @Test("an operator who keeps one of them up does not keep up what it was held for")
    func keptUp() {
        var machine = runningChain()
        machine.tell(.stopAllAsked)
        machine.tell("app", .startAsked)
        #expect(machine.last.terminations == [0])
        machine.goDown("web")
        #expect(machine.phase("app") == .running)
    }

    @Test("one that is still unproven is kept up just so")
    func keptUpUnproven() {
        var machine = Machine(service("db"), service("web", after: ["db"]))
        machine.bringUp("db", "web")
        machine.crash("db")
        machine.spawn("db")
        machine.tell(.stopAllAsked)
        machine.tell("db", .startAsked)
        machine.goDown("web")
        #expect(machine.phase("db") == .starting(.unproven))
        #expect(machine.last.terminations == [])
    }

    @Test("the end stops in the same order and says when all is down")
    func end() {
        var machine = runningChain()
        machine.tell(.endAsked(stopping: true))
        #expect(machine.last.terminations == [2])
        machine.goDown("web")
        machine.goDown("app")
        #expect(!machine.all.contains(.finish))
        machine.goDown("db")
        #expect(machine.last.last == .finish)
        #expect(machine.phase("db") == .stopped(.ended))
        machine.tell(.endAsked(stopping: true))
        machine.wait(.hours(1))
        #expect(machine.all.count { $0 == .finish } == 1)
    }

    @Test("an end that leaves the services to the next daemon is over at once")
    func leaves() {
        var machine = runningChain()
        machine.tell(.endAsked(stopping: false))
        #expect(machine.last == [.finish])
        #expect(machine.phase("web") == .running)
    }

    @Test(
        "on_exit decides, and auto does what this end says",
        arguments: [
            (ExitPolicy.auto, true, true), (.auto, false, false), (.stop, false, true),
            (.stop, true, true), (.leave, true, false), (.leave, false, false),
        ])
    func onExit(policy: ExitPolicy, stopping: Bool, stops: Bool) {
        var machine = Machine(service("web") { $0.onExit = policy })
        machine.bringUp("web")
        machine.tell(.endAsked(stopping: stopping))
        #expect(machine.last.terminations == (stops ? [0] : []))
        #expect(machine.last.contains(.finish) != stops)
    }

    @Test("the end waits for a process that is being made, and ends or leaves it")
    func endWhileSpawning() {
        var left = Machine(service("web"))
        left.tell(.endAsked(stopping: false))
        #expect(!left.last.contains(.finish))
        left.spawn("web")
        #expect(left.last.contains(.finish))
        #expect(left.last.terminations == [])

        var stopped = Machine(service("web"))
        stopped.tell(.endAsked(stopping: true))
        stopped.spawn("web")
        #expect(stopped.last.terminations == [0])
        stopped.goDown("web")
        #expect(stopped.last.contains(.finish))
    }

    @Test("nothing comes up once the end has begun")
    func nothingComesUp() {
        var machine = Machine(
            service("web") { $0.onExit = .leave }, service("job") { $0.autostart = false },
            service("late"))
        machine.bringUp("web", "late")
        machine.crashQuickly("late")
        machine.tell(.endAsked(stopping: true))
        machine.tell("job", .startAsked)
        machine.crash("web")
        machine.wait(.hours(1))
        machine.configure([service("new")])
        let afterwards = machine.all.drop { $0 != .finish }
        #expect(Array(afterwards).spawns == [])
        #expect(machine.last.spawns == [])
    }

    @Test("a configuration that comes after the end has begun is the next daemon's")
    func lateConfiguration() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell(.endAsked(stopping: false))
        machine.configure([service("web", launch: 2)])
        #expect(machine.last.isEmpty)
        #expect(machine.phase("web") == .running)
    }

    @Test("no operator keeps up what the end must stop")
    func noReprieve() {
        var machine = runningChain()
        machine.tell(.endAsked(stopping: true))
        machine.tell("db", .startAsked)
        machine.tell("app", .restartAsked)
        machine.goDown("web")
        machine.goDown("app")
        #expect(!machine.all.contains(.finish))
        machine.goDown("db")
        #expect(machine.last.contains(.finish))
    }

    @Test("the end leaves an open incident to the next daemon, and the ledger keeps it")
    func incidentSurvives() {
        var machine = Machine(service("web"))
        machine.crashQuickly("web")
        machine.tell(.endAsked(stopping: true))
        #expect(machine.last == [.finish])
        #expect(machine.all.handovers.isEmpty)
    }

    @Test("an operator's stop all is not forgotten over the end")
    func stopAllThenEnd() {
        var machine = runningChain()
        machine.tell(.stopAllAsked)
        machine.tell(.endAsked(stopping: true))
        machine.goDown("web")
        machine.goDown("app")
        machine.goDown("db")
        #expect(chain.allSatisfy { machine.phase($0.name) == .stopped(.asked) })
        #expect(machine.last.contains(.finish))
    }

    @Test("one that hangs in the kernel does not hold up the end")
    func stuckEnd() {
        var machine = Machine(service("web"))
        machine.bringUp("web")
        machine.tell(.endAsked(stopping: true))
        machine.wait(.seconds(10))
        #expect(!machine.all.contains(.finish))
        machine.wait(Mind.killWait)
        #expect(machine.last.contains(.finish))
    }
}
