import JSON
import Records
import SafeSwitch
import Supervision
import Testing

@Suite("every record as a line") struct EncoderTests {
    private static let id = InstanceID(0)
    private static let process = ProcessIdentity(pid: 4711, startTicks: 1 << 60)

    /// One of each, with the event that it must become. A new record does not compile until it has
    /// its place here: see `place`.
    static let records: [(Supervision.Record, String)] = [
        (.processStarted(id, process, attempt: 3), "process.start"),
        (.processAdopted(id, process, attempt: 3), "daemon.adopt"),
        (
            .processExited(
                id, process, attempt: 3, .signal(9, outOfMemory: true), uptime: .seconds(5),
                asked: false), "process.exit"
        ),
        (.spawnFailed(id, attempt: 4, SpawnFailure(step: .execute, code: 2)), "process.fail"),
        (
            .restartDecided(
                id, attempt: 4, rule: .backoff, wait: .milliseconds(200), incident: 2),
            "restart.attempt"
        ),
        (
            .crashLoopDetected(id, rule: .crashes, count: 5, within: .seconds(60), incident: 2),
            "crashloop.detected"
        ),
        (.incidentOpened(id, incident: 2, .hang, probe: 1), "incident.open"),
        (.incidentResolved(id, incident: 2, healing: .milliseconds(80)), "incident.resolve"),
        (.incidentHandedOver(id, incident: 2, .crashLoop), "incident.handover"),
        (.recovered(id), "service.recover"),
        (.startAsked(id), "service.start"),
        (.stopBegan(id, .restart), "service.stop"),
        (.stopForced(id), "service.kill"),
        (.rested(id, .asked), "service.rest"),
        (.detached(id), "service.detach"),
        (.paused(id, for: .seconds(60)), "service.pause"),
        (.resumed(id), "service.resume"),
        (.probeProven(id, probe: 0, fingerprint: .max), "probe.proven"),
        (.probeSuspected(id, probe: 0, fingerprint: 1 << 63), "probe.suspect"),
        (.probeStruck(id, probe: 0, strike: 2, of: 3), "probe.strike"),
        (.probeCleared(id, probe: 0, strikes: 2), "probe.clear"),
        (.probeHeld(id, probe: 0, dependency: InstanceID(1)), "probe.held"),
        (
            .remedied(id, .portConflict, place: 1, .notNeeded, incident: 2),
            "remedy.end"
        ),
        (.commonCauseBegan(incident: 3, services: 4, of: 9), "commoncause.begin"),
        (.commonCauseEnded(incident: 3, after: .seconds(20)), "commoncause.end"),
        (.commonCauseHandedOver(incident: 3), "commoncause.handover"),
    ]

    /// As long as a diagnosis may get.
    private static let cause = {
        var cause = Cause(
            kind: "hang", text: String(repeating: "\u{1F600}", count: 9999),
            evidence: Array(repeating: String(repeating: "\u{1}", count: 9999), count: 99),
            output: (4096, String(repeating: "0", count: 64)))
        cause.unit = (String(repeating: "\\", count: 255), String(repeating: "f", count: 32))
        cause.cursor = String(repeating: "a", count: 192)
        return cause
    }()

    private static let notice = ToldNotice(
        id: "1790000000000-7", event: "incident.handover", instance: "web@1")

    private static let gate: BootGateFacts = {
        var facts = BootGateFacts()
        facts.system = SwitchExamples.system(1)
        facts.generation = 7
        facts.services = (0..<99).map {
            .init(
                name: String(repeating: "s", count: 60) + "@\($0)", wasHealthyBefore: true,
                standing: .unhealthy)
        }
        return facts
    }()

    static let entries: [(Entry, String)] =
        records.map { (.mind($0.0), $0.1) } + [
            (.daemonStarted(pid: 1, version: "1.0"), "daemon.start"),
            (.daemonStopped(reason: "asked", left: 0), "daemon.stop"),
            (
                .configurationLoaded(file: "/etc/regen.yaml", services: 2, instances: 5),
                "config.load"
            ),
            (.configurationRefused(file: "/etc/regen.yaml", errors: 3), "config.refuse"),
            (
                .booted(
                    BootReport(cause: .powerLoss, evidence: String(repeating: "\u{1}", count: 9999))
                ),
                "boot"
            ),
            (.clockStepped(by: -Diary.year), "clock.step"),
            (.asked(method: "Stop", services: ["web", "db"], uid: 0, pid: 12), "control.act"),
            (.logUnavailable(id, errno: 28), "log.unavailable"),
            (.logRotated(id, bytes: 16 << 20), "log.rotate"),
            (.workerFailed(role: "probe", pid: 9, reason: "it has ended"), "worker.fail"),
            (
                .stepEnded(id, step: "preflight", number: 0, .failed("no shell"), took: .zero),
                "step.end"
            ),
            (.diagnosed(id, incident: 2, cause), "incident.diagnose"),
            (
                .noticeDelivered(
                    route: "ops", notice, attempts: 2,
                    reason: String(repeating: "\u{1}", count: 9999)), "notice.deliver"
            ),
            (
                .noticeGivenUp(
                    route: "ops", notice, attempts: 1,
                    reason: String(repeating: "\u{1}", count: 9999)), "notice.giveup"
            ),
            (.noticesDropped(route: "ops", count: 9), "notice.drop"),
            (.routeFailed(route: "ops", reason: "HTTP 500"), "route.fail"),
            (.routeRefused(route: "ops", reason: "no such file"), "route.refuse"),
            (.systemdLost(reason: "no such socket"), "systemd.lost"),
            (.systemdFound, "systemd.found"),
            (
                .watchdogOpened(
                    ArmedWatchdog(
                        device: "/dev/watchdog0", identity: "i6300ESB timer", asked: .seconds(30),
                        timeout: .seconds(32), pretimeout: .seconds(5), isNoWayOut: false,
                        disarmsAtDeath: true, bootStatus: 32)), "watchdog.open"
            ),
            (
                .watchdogBusy(
                    device: "/dev/watchdog0", holder: "systemd (pid 1)", watchedEvery: .seconds(15)),
                "watchdog.busy"
            ),
            (
                .watchdogStarving(
                    .ledgerAnswered, detail: String(repeating: "\u{1}", count: 9999)),
                "watchdog.starve"
            ),
            (.watchdogFed(after: .seconds(2)), "watchdog.fed"),
            (
                .watchdogClosed(device: "/dev/watchdog0", magic: true, timeout: .seconds(30)),
                "watchdog.close"
            ),
            (
                .watchdogOff(
                    device: String(repeating: "\u{1}", count: 4095), reason: "it is a directory"),
                "watchdog.off"
            ),
            (.bootChecked(gate, .failed, after: .minutes(5)), "boot.check"),
        ] + SwitchExamples.records.map { (.switching($0.0), $0.1) }

    /// Each kind's place in `records`. Exhaustive, so that none is forgotten.
    private func place(_ record: Supervision.Record) -> Int {
        switch record {
        case .processStarted: 0
        case .processAdopted: 1
        case .processExited: 2
        case .spawnFailed: 3
        case .restartDecided: 4
        case .crashLoopDetected: 5
        case .incidentOpened: 6
        case .incidentResolved: 7
        case .incidentHandedOver: 8
        case .recovered: 9
        case .startAsked: 10
        case .stopBegan: 11
        case .stopForced: 12
        case .rested: 13
        case .detached: 14
        case .paused: 15
        case .resumed: 16
        case .probeProven: 17
        case .probeSuspected: 18
        case .probeStruck: 19
        case .probeCleared: 20
        case .probeHeld: 21
        case .remedied: 22
        case .commonCauseBegan: 23
        case .commonCauseEnded: 24
        case .commonCauseHandedOver: 25
        }
    }

    /// The same for all entries.
    private func place(_ entry: Entry) -> Int {
        switch entry {
        case .mind(let record): place(record)
        case .daemonStarted: 26
        case .daemonStopped: 27
        case .configurationLoaded: 28
        case .configurationRefused: 29
        case .booted: 30
        case .clockStepped: 31
        case .asked: 32
        case .logUnavailable: 33
        case .logRotated: 34
        case .workerFailed: 35
        case .stepEnded: 36
        case .diagnosed: 37
        case .noticeDelivered: 38
        case .noticeGivenUp: 39
        case .noticesDropped: 40
        case .routeFailed: 41
        case .routeRefused: 42
        case .systemdLost: 43
        case .systemdFound: 44
        case .watchdogOpened: 45
        case .watchdogBusy: 46
        case .watchdogStarving: 47
        case .watchdogFed: 48
        case .watchdogClosed: 49
        case .watchdogOff: 50
        case .bootChecked: 51
        case .switching(let record): 52 + SwitchExamples.place(record)
        }
    }

    @Test("none is forgotten, and no two share an event")
    func complete() {
        #expect(Self.entries.map { place($0.0) } == Array(0...73))
        #expect(Set(Self.entries.map(\.1)).count == Self.entries.count)
        var diary = Diary()
        for (entry, event) in Self.entries { #expect(diary.write(entry) == event) }
    }

    @Test("a line is printable ASCII and reads back, whatever the names hold")
    func printable() throws {
        let nasty = InstanceFacts(
            name: "w\"e\\b\n\u{7f}\u{0}ü\u{1F600}", program: "\u{1}\u{2028}", launch: .max,
            probeNames: ["\u{0}\u{1F600}", "ü"], probeReasons: ["\r\n\u{7f}", "\"\\"])
        var diary = Diary()
        for (entry, event) in Self.entries {
            diary.write(entry, facts: nasty)
            let line = diary.lines.last!
            #expect(line.dropLast().allSatisfy { $0 >= 0x20 && $0 <= 0x7e }, "\(event)")
            // The reader refuses a key that is there twice, the ledger's own included.
            let json = try JSONValue.parse(line, limit: 4096)
            #expect(json["ev"]?.string == event)
            #expect(json.object?.contains { $0.value.real != nil } == false, "\(event)")
        }
    }

    @Test("the longest names leave a line within the ledger's 4,096 bytes")
    func short() {
        let name = String(repeating: "x", count: 64)
        let facts = InstanceFacts(
            name: name, program: "fifteen-letters", launch: .max,
            probeNames: Array(repeating: String(repeating: "\u{1}", count: 9999), count: 2),
            probeReasons: Array(repeating: String(repeating: "ü\u{1F600}", count: 9999), count: 2))
        var diary = Diary()
        for (entry, _) in Self.entries { diary.write(entry, facts: facts) }
        diary.write(
            .asked(
                method: "Restart", services: Array(repeating: name, count: 1000), uid: .max,
                pid: .max))
        #expect(diary.lines.allSatisfy { $0.count <= 4096 })
    }

    @Test("what the mind needs of each record is remembered")
    func remembered() throws {
        func memory(_ records: Supervision.Record...) throws -> InstanceMemory {
            var diary = Diary()
            for record in records { diary.write(record) }
            return try #require(diary.memory.instances["web"])
        }
        let records = Self.records.map(\.0)
        let (started, adopted, exited) = (records[0], records[1], records[2])

        #expect(try memory(started).process == Self.process)
        #expect(try memory(started).attempt == 3)
        #expect(try memory(started).launch == 7)
        #expect(try memory(adopted).process == Self.process)
        #expect(try memory(started, exited).process == nil)
        #expect(try memory(started, exited).crashes == [.seconds(100)])
        #expect(try memory(started, exited).isRestarting)
        #expect(try memory(records[3]).attempt == 4)
        #expect(try memory(records[3]).isRestarting)
        #expect(try memory(records[4]).isRestarting)
        #expect(try memory(records[6]).incident == OpenIncident(id: 2, opened: .seconds(100)))
        #expect(try memory(records[6]).incidents == [.seconds(100)])
        #expect(try memory(records[6], records[7]).incident == nil)
        #expect(try memory(records[6], records[8]).isHandedOver)
        #expect(try memory(records[6], records[8]).incident == nil)
        #expect(try memory(records[8], records[9]).isHandedOver == false)
        #expect(try memory(records[8], records[10]).isHandedOver == false)
        #expect(try memory(records[10]).isRestarting)
        #expect(try memory(started, records[11]).stopping == .restart)
        #expect(try memory(started, records[11], records[12]).stopping == .restart)
        #expect(try memory(started, records[11], records[13]).stopping == nil)
        #expect(try memory(started, records[13]).rest == .asked)
        #expect(
            try memory(
                .restartDecided(Self.id, attempt: 2, rule: .failedStart, wait: .zero, incident: 9)
            )
            .failedStarts == 1)
    }

    @Test("a strike and the incident it opens name the probe and the reason")
    func reasons() throws {
        let facts = InstanceFacts(
            name: "web", program: "web", launch: 7, probeNames: ["tcp", "http"],
            probeReasons: ["", "status 500"])
        var diary = Diary()
        for record in [
            Supervision.Record.probeStruck(Self.id, probe: 1, strike: 3, of: 3),
            .incidentOpened(Self.id, incident: 1, .hang, probe: 1),
        ] {
            diary.write(.mind(record), facts: facts)
            let json = try JSONValue.parse(diary.lines.last!, limit: 4096)
            #expect(json["probe"]?.integer == 1)
            #expect(json["probe_name"]?.string == "http")
            #expect(json["reason"]?.string == "status 500")
        }
        diary.write(.mind(.probeStruck(Self.id, probe: 5, strike: 1, of: 3)), facts: facts)
        let json = try JSONValue.parse(diary.lines.last!, limit: 4096)
        #expect(json["probe_name"]?.string == "probe 5")
        #expect(json["reason"] == nil)
    }

    @Test("what a recovery needs is remembered")
    func recovery() throws {
        func memory(_ records: Supervision.Record...) throws -> InstanceMemory {
            var diary = Diary()
            for record in records { diary.write(record) }
            return try #require(diary.memory.instances["web"])
        }
        let started = Supervision.Record.processStarted(Self.id, Self.process, attempt: 3)
        let opened = Supervision.Record.incidentOpened(Self.id, incident: 2, .hang, probe: 0)
        func restart(_ rule: RestartRule) -> Supervision.Record {
            .restartDecided(Self.id, attempt: 4, rule: rule, wait: .zero, incident: 2)
        }
        #expect(try memory(started, .detached(Self.id)).isDetached)
        #expect(try !memory(started, .detached(Self.id), opened, restart(.unhealthy)).isDetached)
        #expect(try !memory(.detached(Self.id), .rested(Self.id, .asked)).isDetached)
        let run = UnitSight.Invocation(high: 1, low: .max)
        #expect(run.hexadecimal == "0000000000000001ffffffffffffffff")
        #expect(try memory(.rested(Self.id, .outside, run: run)).over == run)
        #expect(try memory(.rested(Self.id, .asked)).over == nil)
        #expect(try memory(.paused(Self.id, for: .seconds(60))).pausedUntil == .seconds(160))
        #expect(
            try memory(.paused(Self.id, for: .seconds(60)), .resumed(Self.id)).pausedUntil == nil)
        #expect(try memory(opened, restart(.unhealthy), restart(.startTimeout)).attempts == 2)
        #expect(try memory(restart(.unhealthy), opened).attempts == 0)
        #expect(try memory(opened, restart(.startTimeout)).failedStarts == 1)
        // Whoever stops it ends the row of failed starts: once it is up again, nothing would say so.
        #expect(
            try memory(
                opened, restart(.startTimeout),
                .incidentHandedOver(Self.id, incident: 2, .operatorStopped)
            ).failedStarts == 0)
        #expect(try memory(opened, restart(.atOnce)).attempts == 0)
        let remedied = Supervision.Record.remedied(
            Self.id, .environment, place: 4, .failed, incident: 2)
        #expect(try memory(opened, remedied).nextRemedy == 5)
        #expect(try memory(remedied, opened).nextRemedy == 0)
        let suspected = Supervision.Record.probeSuspected(Self.id, probe: 0, fingerprint: 1 << 63)
        let proven = Supervision.Record.probeProven(Self.id, probe: 0, fingerprint: 1 << 63)
        #expect(try memory(suspected).suspectedProbes == [1 << 63])
        #expect(try memory(suspected, proven).suspectedProbes == [])
        #expect(try memory(suspected, proven, proven).provenProbes == [1 << 63])
    }

    @Test("of fingerprints the latest are remembered, and a carry of them all fits a line")
    func fingerprints() throws {
        var diary = Diary()
        for number in 0..<100 {
            let fingerprint = UInt64.max - UInt64(number)
            diary.write(.probeProven(Self.id, probe: 0, fingerprint: fingerprint))
            diary.write(.probeSuspected(Self.id, probe: 0, fingerprint: fingerprint / 2))
            diary.pass(Diary.year / 100)
            diary.write(
                .processExited(
                    Self.id, Self.process, attempt: 3, .code(1), uptime: .zero, asked: false))
        }
        let memory = try #require(diary.memory.instances["web"])
        #expect(memory.provenProbes.count == InstanceMemory.mostFingerprints)
        #expect(memory.provenProbes.last == UInt64.max - 99)
        #expect(diary.carried(diary.recollection(of: diary.lines)).allSatisfy { $0.count <= 4096 })
    }

    @Test("a pause goes on over a boot, by the wall clock")
    func pauseOverBoot() throws {
        var diary = Diary()
        diary.write(.paused(Self.id, for: .seconds(60)))
        diary.reboot(after: 20 * Diary.second)
        #expect(diary.memory.instances["web"]?.pausedUntil == .seconds(50))
    }

    @Test("a common cause is remembered until it ends, one way or the other")
    func commonCause() {
        let began = Supervision.Record.commonCauseBegan(incident: 9, services: 3, of: 3)
        for end in [
            Supervision.Record.commonCauseEnded(incident: 9, after: .zero),
            .commonCauseHandedOver(incident: 9),
        ] {
            var diary = Diary()
            diary.write(began)
            #expect(diary.memory.commonCause == OpenIncident(id: 9, opened: .seconds(100)))
            #expect(diary.memory.nextIncident == 10)
            let carried = diary.carried(diary.recollection(of: diary.lines))
            #expect(diary.memory(of: carried) == diary.memory)
            diary.write(end)
            #expect(diary.memory.commonCause == nil)
        }
    }

    @Test("the number of the next incident is above all that were told")
    func incidents() {
        var diary = Diary()
        diary.write(.incidentOpened(Self.id, incident: 41, .signal, probe: nil))
        diary.write(.incidentOpened(Self.id, incident: 3, .signal, probe: nil))
        #expect(diary.memory.nextIncident == 42)
    }
}

extension JSONValue {
    fileprivate var real: Double? {
        guard case .real(let value) = self else { return nil }
        return value
    }
}
