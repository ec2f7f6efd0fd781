import Supervision
import Testing

@Suite("what an earlier daemon left") struct AdoptionTests {
    private let left = ProcessIdentity(pid: 77, startTicks: 770)

    private func memory(_ change: (inout InstanceMemory) -> Void) -> Memory {
        var memory = Memory()
        memory.nextIncident = 9
        var past = InstanceMemory()
        past.attempt = 4
        change(&past)
        memory.instances["web"] = past
        return memory
    }

    private func ago(_ interval: Interval) -> Instant {
        Instant(nanoseconds: Interval.hours(1).nanoseconds - interval.nanoseconds)
    }

    /// A machine whose kernel still has `left`, as attempt 4 unless told otherwise.
    private func adopting(
        _ definition: InstanceDefinition, memory: Memory, attempt: Int = 4, launch: UInt64 = 1,
        since: Interval = .minutes(10)
    ) -> Machine {
        var machine = Machine(definition, memory: memory, begun: false)
        machine.tell(
            "web", .adopted(left, attempt: attempt, since: ago(since), launch: launch))
        machine.tell(.begun)
        return machine
    }

    @Test("a healthy process goes on untouched")
    func untouched() {
        let machine = adopting(service("web"), memory: memory { $0.process = left })
        #expect(machine.all == [.record(.processAdopted(machine.id("web"), left, attempt: 4))])
        #expect(machine.phase("web") == .running)
        #expect(machine.status("web").process == left)
    }

    @Test("one that is younger than a second still has to live that long")
    func young() {
        var machine = adopting(
            service("web"), memory: memory { $0.process = left }, since: .milliseconds(300))
        #expect(machine.phase("web") == .starting(.unproven))
        #expect(machine.pause("web") == .milliseconds(700))
        machine.wait(.milliseconds(700))
        #expect(machine.phase("web") == .running)
    }

    @Test("one whose success an earlier daemon may have seen has a whole time-out to show it again")
    func confirmedEarlier() {
        var machine = adopting(
            service("web", confirmed: true), memory: memory { $0.process = left })
        machine.wait(.seconds(89))
        #expect(machine.all.terminations == [])
        machine.waitForLook("web")
        machine.answer("web", .passed)
        #expect(machine.phase("web") == .running)
    }

    @Test("one that was started differently is restarted, without an incident")
    func outdated() {
        var machine = adopting(
            service("web", launch: 2), memory: memory { $0.process = left }, launch: 1)
        #expect(machine.all.terminations == [0])
        machine.goDown("web")
        #expect(machine.last.deeds == [.spawn(machine.id("web"), attempt: 5)])
        #expect(machine.all.openings.isEmpty)
    }

    @Test("one whose stop was interrupted is stopped, and rests")
    func interruptedStop() {
        var machine = adopting(
            service("web"),
            memory: memory {
                $0.process = left
                $0.stopping = .rest
            })
        #expect(machine.all.terminations == [0])
        machine.goDown("web")
        #expect(machine.phase("web") == .stopped(.asked))
        machine.tell("web", .startAsked)
        #expect(machine.last.deeds == [.spawn(machine.id("web"), attempt: 5)])
    }

    @Test(
        "a stop for the daemon's end or for a removal is a restart where the service is wanted now",
        arguments: [Stopping.Aftermath.end, .remove, .restart])
    func interruptedOtherwise(aftermath: Stopping.Aftermath) {
        var machine = adopting(
            service("web"),
            memory: memory {
                $0.process = left
                $0.stopping = aftermath
            })
        #expect(machine.phase("web") == .stopping(.signalled, .restart))
        machine.goDown("web")
        #expect(machine.last.spawns == [0])
    }

    @Test("an interrupted stop is not for a process that was made after it")
    func newerProcess() {
        let machine = adopting(
            service("web"), memory: memory { $0.stopping = .rest }, attempt: 5)
        #expect(machine.all.terminations == [])
        #expect(machine.phase("web") == .running)
    }

    @Test("a process whose spawn the ledger never heard of is adopted with its own attempt")
    func unrecorded() {
        var machine = adopting(
            service("web"), memory: memory { $0.rest = .asked }, attempt: 5)
        #expect(machine.phase("web") == .running)
        machine.crash("web", .unknown)
        #expect(machine.last.deeds.last == .spawn(machine.id("web"), attempt: 6))
    }

    @Test("an adopted process's exit has no status and counts as a crash")
    func statusUnknown() {
        var machine = adopting(service("web"), memory: memory { $0.process = left })
        machine.crash("web", .unknown)
        #expect(machine.last.openings == [.unknown])
        #expect(machine.last.spawns == [0])
    }

    @Test("one that was up for long, and hangs, is healed after its strikes and no later")
    func hangsWhileNobodyLooks() {
        var machine = adopting(
            service("web", probes: [probe(1)]),
            memory: memory {
                $0.process = left
                $0.provenProbes = [1]
            })
        #expect(machine.phase("web") == .running)
        machine.strike("web", times: 3)
        #expect(machine.last.openings == [.hang])
        #expect(machine.last.terminations == [0])
    }

    @Test("one that is just starting keeps its time to come up")
    func startsWhileNobodyLooks() {
        var machine = adopting(
            service("web", probes: [probe(1)]) { $0.start.timeout = .hours(9) },
            memory: memory {
                $0.process = left
                $0.provenProbes = [1]
            })
        #expect(machine.phase("web") == .starting(.unproven))
        machine.answer("web", .failed)
        #expect(machine.last.strikes.isEmpty)
    }

    @Test("an open incident goes on, and ends once")
    func incidentGoesOn() {
        var machine = adopting(
            service("web"),
            memory: memory {
                $0.process = left
                $0.incident = OpenIncident(id: 8, opened: ago(.minutes(11)))
            })
        #expect(
            machine.all.records.contains(
                .incidentResolved(machine.id("web"), incident: 8, healing: .minutes(11))))
        machine.crash("web", .unknown)
        #expect(
            machine.last.records.contains(
                .incidentOpened(machine.id("web"), incident: 9, .unknown, probe: nil))
        )
    }

    @Test("one that ended unseen is a crash in the open window")
    func vanished() {
        var machine = Machine(
            service("web"),
            memory: memory {
                $0.process = left
                $0.crashes = (1...4).map { ago(.seconds(20 - $0)) }
            }, begun: false)
        machine.tell("web", .vanished(left))
        #expect(machine.last.openings == [.unknown])
        #expect(machine.last.handovers == [.crashLoop])
        #expect(machine.last.contains(.sweep(machine.id("web"))))
        machine.tell(.begun)
        #expect(machine.last.isEmpty)
        #expect(machine.phase("web") == .handedOver)
    }

    @Test("crashes that are too old by now do not count")
    func oldCrashes() {
        var machine = Machine(
            service("web"),
            memory: memory {
                $0.process = left
                $0.crashes = (1...4).map { ago(.seconds(80 - $0)) }
            }, begun: false)
        machine.tell("web", .vanished(left))
        #expect(machine.last.handovers.isEmpty)
        #expect(machine.status("web").crashes == 1)
    }

    @Test("one that ended unseen while it was being stopped is stopped when its tree is gone")
    func vanishedInStop() {
        var machine = Machine(
            service("web"),
            memory: memory {
                $0.process = left
                $0.stopping = .rest
            }, begun: false)
        machine.tell("web", .vanished(left))
        machine.tell(.begun)
        #expect(machine.all.contains(.watchTree(machine.id("web"))))
        #expect(machine.all.openings.isEmpty)
        #expect(machine.all.spawns == [])
        machine.tell("web", .treeEnded)
        #expect(machine.phase("web") == .stopped(.asked))
    }

    @Test("a stop whose main process had ended is finished, and its incident with it")
    func endedInStop() {
        var machine = Machine(
            service("web"),
            memory: memory {
                $0.stopping = .rest
                $0.incident = OpenIncident(id: 8, opened: ago(.minutes(11)))
            })
        #expect(machine.all.spawns == [])
        #expect(machine.all.contains(.watchTree(machine.id("web"))))
        machine.tell("web", .treeEnded)
        #expect(machine.phase("web") == .stopped(.asked))
        #expect(machine.all.handovers == [.operatorStopped])
    }

    @Test("a restart whose main process had ended comes up in its turn, after what it needs")
    func endedInRestart() {
        var machine = Machine(
            service("web", after: ["db"]), service("db"), memory: memory { $0.stopping = .restart })
        machine.tell("web", .treeEnded)
        #expect(machine.all.spawns == [1])
        #expect(machine.phase("web") == .starting(.parked))
    }

    @Test("nothing that ended unseen starts before what it needs is known")
    func vanishedBeforeBegun() {
        var machine = Machine(
            service("web", after: ["db"]) { $0.backoff.first = .zero }, service("db"),
            memory: memory { $0.process = left }, begun: false)
        machine.tell("web", .vanished(left))
        #expect(machine.last.spawns == [])
        machine.tell(.begun)
        #expect(machine.last.spawns == [1])
    }

    @Test(
        "what rested still rests, except for the daemon's end",
        arguments: [(Rest.asked, false), (.finished, false), (.failed, false), (.ended, true)])
    func rests(rest: Rest, starts: Bool) {
        let machine = Machine(service("web"), memory: memory { $0.rest = rest })
        #expect(machine.all.spawns == (starts ? [0] : []))
    }

    @Test("a restart that was decided on is made, even where an operator had started the service")
    func decidedRestart() {
        let machine = Machine(
            service("web") { $0.autostart = false },
            memory: memory {
                $0.isRestarting = true
                $0.incident = OpenIncident(id: 8, opened: ago(.minutes(1)))
            })
        #expect(machine.all.deeds == [.spawn(machine.id("web"), attempt: 5)])
    }

    @Test("an incident of a service that is not started any more goes to a human")
    func orphanedIncident() {
        let machine = Machine(
            service("web") { $0.autostart = false },
            memory: memory { $0.incident = OpenIncident(id: 8, opened: ago(.minutes(1))) })
        #expect(machine.all.handovers == [.operatorStopped])
    }

    @Test(
        "after a hand-over it still goes at the slowest pace, and a minute of health is a recovery")
    func handedOver() {
        var machine = Machine(service("web"), memory: memory { $0.isHandedOver = true })
        machine.crashQuickly("web")
        #expect(machine.last.openings.isEmpty)
        #expect(machine.pause("web") == .seconds(30))
        machine.wait(.seconds(30))
        machine.spawn("web")
        machine.wait(.minutes(1))
        #expect(machine.last.records == [.recovered(machine.id("web"))])
    }

    @Test("five failed starts in a row count across the daemon's death")
    func failedStarts() {
        var machine = Machine(service("web"), memory: memory { $0.failedStarts = 4 })
        machine.tell("web", .spawnFailed(SpawnFailure(step: .execute, code: 2)))
        #expect(machine.last.handovers == [.startRetries])
    }

    @Test("six incidents within an hour count across the daemon's death")
    func incidents() {
        var machine = Machine(
            service("web"),
            memory: memory { $0.incidents = (1...5).map { ago(.minutes(50 - $0)) } })
        machine.bringUp("web")
        machine.crash("web")
        #expect(machine.last.handovers == [.crashLoop])
    }

    @Test("a leftover that is no longer configured is adopted by its old definition, and stopped")
    func leftover() {
        var machine = adopting(service("web"), memory: memory { $0.process = left })
        let id = machine.id("web")
        machine.configure([service("other")])
        #expect(machine.last.terminations == [0])
        machine.tell(.instance(id, .exited(.unknown)))
        machine.tell(.instance(id, .treeEnded))
        #expect(machine.last.deeds == [.forget(id)])
    }
}
