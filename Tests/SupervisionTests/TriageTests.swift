import Supervision
import Testing

/// Where SafeSwitch is asked before a human is told: what the mind does until the answer, and after it.
@Suite("triage, as the mind sees it") struct TriageTests {
    /// A service whose first crash is a loop already.
    private static func looping(
        rollback: RollbackPolicy = .auto, _ change: (inout ServicePolicy) -> Void = { _ in }
    ) -> InstanceDefinition {
        service("web") {
            $0.crashLoop = CrashLoopPolicy(crashes: 1)
            $0.rollback = rollback
            change(&$0)
        }
    }

    /// Asked, and waiting for the answer.
    private static func asking() -> Machine {
        var machine = Machine(looping())
        machine.crashQuickly("web")
        return machine
    }

    @Test("SafeSwitch is asked before a human is told, and the incident stays open")
    func asks() {
        let machine = Self.asking()
        #expect(machine.last.contains(.triage(InstanceID(0), incident: 1, .crashLoop)))
        #expect(
            machine.last.records.contains { if case .restartDecided = $0 { true } else { false } })
        #expect(machine.all.handovers.isEmpty)
        #expect(machine.status("web").incident == 1)
        #expect(machine.phase("web") == .handedOver)
    }

    @Test("with rollback never a human is told at once") func never() {
        var machine = Machine(Self.looping(rollback: .never))
        machine.crashQuickly("web")
        #expect(machine.last.handovers == [.crashLoop])
        #expect(!machine.all.contains { if case .triage = $0 { true } else { false } })
    }

    @Test("it is asked once, however often the service fails meanwhile") func once() {
        var machine = Self.asking()
        for _ in 0..<20 {
            machine.wait(.seconds(30))
            machine.crashQuickly("web")
        }
        let asked = machine.all.count { if case .triage = $0 { true } else { false } }
        #expect(asked == 1)
        #expect(machine.all.handovers.isEmpty)
        #expect(Set(machine.all.rules) == [.slowest])
        let told = machine.all.records.count {
            if case .crashLoopDetected = $0 { true } else { false }
        }
        #expect(told == 1)
    }

    @Test("no: a human is told, for the reason that was asked with or a better one")
    func handOver() {
        var machine = Self.asking()
        machine.tell("web", .triaged(.handOver(nil)))
        #expect(machine.last.handovers == [.crashLoop])
        machine = Self.asking()
        machine.tell("web", .triaged(.handOver(.rollbackProposed)))
        #expect(machine.last.handovers == [.rollbackProposed])
        #expect(machine.status("web").incident == nil)
        #expect(machine.status("web").isHandedOver)
        #expect(machine.status("web").deadline != nil)
    }

    @Test("yes: it is started at once, its crashes forgotten, and resolves its incident")
    func retry() {
        var machine = Self.asking()
        machine.tell("web", .triaged(.retry))
        #expect(machine.last.rules == [.switched])
        #expect(machine.last.spawns == [0])
        #expect(machine.status("web").crashes == 0)
        machine.bringUp("web")
        #expect(machine.all.resolutions == 1)
        #expect(machine.all.handovers.isEmpty)
    }

    @Test("an answer that nobody has asked for, and a second one, change nothing") func stray() {
        var machine = Machine(Self.looping())
        machine.bringUp("web")
        machine.tell("web", .triaged(.retry))
        #expect(machine.last.isEmpty)
        machine.crash("web")
        machine.tell("web", .triaged(.handOver(nil)))
        machine.tell("web", .triaged(.handOver(nil)))
        #expect(machine.last.isEmpty)
    }

    @Test("what SafeSwitch has looked into by itself is started at once, too, when it has switched")
    func unaskedRetry() {
        var machine = Machine(Self.looping { $0.crashLoop = nil })
        machine.crashQuickly("web")
        #expect(machine.phase("web") == .backingOff)
        machine.tell("web", .triaged(.retry))
        #expect(machine.phase("web") == .starting(.spawning))
    }

    @Test("while the next attempt is under way, yes leaves that attempt alone")
    func retryWhileUp() {
        for steps in 0...2 {
            var machine = Self.asking()
            machine.wait(.seconds(30))
            if steps > 0 { machine.spawn("web") }
            if steps > 1 { machine.wait(.seconds(1)) }
            let phase = machine.phase("web")
            machine.tell("web", .triaged(.retry))
            #expect(machine.last.isEmpty, "\(phase)")
            #expect(machine.phase("web") == phase)
        }
    }

    @Test("one that came up again while it was weighed has resolved its incident: no is no news")
    func upBeforeAnswer() {
        var machine = Self.asking()
        machine.wait(.seconds(30))
        machine.bringUp("web")
        #expect(machine.all.resolutions == 1)
        machine.tell("web", .triaged(.handOver(nil)))
        #expect(machine.last.isEmpty)
        #expect(!machine.status("web").isHandedOver)
    }

    @Test("stopped by an operator meanwhile, its incident ends, and yes does not start it")
    func stopped() {
        for answer in [Triaged.retry, .handOver(nil)] {
            var machine = Self.asking()
            machine.tell("web", .stopAsked)
            #expect(machine.last.handovers == [.operatorStopped])
            machine.tell("web", .triaged(answer))
            #expect(machine.last.isEmpty)
            #expect(machine.phase("web") == .stopped(.asked))
        }
    }

    @Test("the answer for an incident that an operator has ended is none for the next one")
    func nextIncident() {
        var machine = Self.asking()
        machine.tell("web", .stopAsked)
        machine.tell("web", .startAsked)
        machine.crashQuickly("web")
        #expect(machine.last.contains(.triage(InstanceID(0), incident: 2, .crashLoop)))
        #expect(machine.status("web").incident == 2)
    }

    @Test("paused meanwhile, it is started when the pause is over") func paused() {
        var machine = Self.asking()
        machine.tell("web", .pauseAsked(until: machine.now + .minutes(10)))
        machine.tell("web", .triaged(.retry))
        #expect(machine.last.spawns.isEmpty)
        machine.tell("web", .resumeAsked)
        #expect(machine.last.spawns == [0])
    }

    @Test("removed from the configuration meanwhile, its incident ends, and the answer is nobody's")
    func removed() {
        var machine = Self.asking()
        let place = machine.id("web")
        machine.configure([])
        #expect(machine.last.handovers == [.removed])
        machine.tell(.instance(place, .triaged(.retry)))
        #expect(machine.last.isEmpty)
        machine.configure([service("other")])
        machine.tell(.instance(place, .triaged(.handOver(nil))))
        #expect(machine.last.isEmpty)
    }

    @Test("with restart never a human is told at once: there is nothing to retry")
    func restartNever() {
        var machine = Machine(Self.looping { $0.restart = .never })
        machine.crashQuickly("web")
        #expect(machine.last.handovers == [.restartNever])
        #expect(!machine.all.contains { if case .triage = $0 { true } else { false } })
    }

    @Test("failed starts and restarts that probes cause ask as well") func reasons() {
        var starts = Machine(
            service("web") {
                $0.start.retries = 1
                $0.crashLoop = nil
                $0.rollback = .auto
            })
        starts.tell("web", .spawnFailed(SpawnFailure(step: .clone, code: 11)))
        #expect(starts.last.contains(.triage(InstanceID(0), incident: 1, .startRetries)))
    }

    @Test("what ends while the system is switched is no crash that counts") func switching() {
        var machine = Machine(Self.looping())
        machine.bringUp("web")
        machine.tell(.switchBegan)
        machine.crash("web")
        #expect(machine.status("web").crashes == 0)
        #expect(!machine.all.contains { if case .triage = $0 { true } else { false } })
        machine.tell(.switchEnded)
        machine.bringUp("web")
        machine.crash("web")
        #expect(machine.last.contains { if case .triage = $0 { true } else { false } })
    }

    @Test("and no failed start, nor is what cannot be started meanwhile")
    func switchingStarts() {
        var machine = Machine(
            service("web") {
                $0.crashLoop = nil
                $0.start.retries = 2
                $0.rollback = .auto
            })
        let trouble = SpawnFailure(step: .execute, code: 2)
        machine.tell(.switchBegan)
        for _ in 0..<5 {
            machine.tell("web", .spawnFailed(trouble))
            machine.wait(machine.pause("web") ?? .zero)
        }
        #expect(!machine.all.contains { if case .triage = $0 { true } else { false } })
        machine.tell(.switchEnded)
        for _ in 0..<2 {
            machine.wait(machine.pause("web") ?? .zero)
            machine.tell("web", .spawnFailed(trouble))
        }
        #expect(machine.last.contains(.triage(InstanceID(0), incident: 1, .startRetries)))
    }

    @Test("crash loops are counted per generation") func perGeneration() {
        var machine = Machine(
            service("web") {
                $0.crashLoop = CrashLoopPolicy(crashes: 2)
                $0.rollback = .auto
            })
        machine.crashQuickly("web")
        machine.tell(.generationChanged)
        machine.wait(.seconds(1))
        machine.crashQuickly("web")
        #expect(!machine.all.contains { if case .triage = $0 { true } else { false } })
        machine.wait(.seconds(1))
        machine.crashQuickly("web")
        #expect(machine.last.contains(.triage(InstanceID(0), incident: 1, .crashLoop)))
    }

    @Test("an answer is bounded by nobody here, but the daemon's end needs none") func end() {
        var machine = Self.asking()
        machine.tell(.endAsked(stopping: true))
        #expect(machine.last.contains(.finish))
        machine.tell("web", .triaged(.retry))
        #expect(machine.last.isEmpty)
    }

    @Test("the new chance of a new configuration is on record where a human had been told")
    func newChance() {
        var machine = Self.asking()
        machine.tell("web", .triaged(.handOver(nil)))
        var changed = Self.looping()
        changed.launch = 2
        machine.configure([changed])
        #expect(machine.last.records.contains(.startAsked(InstanceID(0))))
        #expect(!machine.status("web").isHandedOver)
    }
}
