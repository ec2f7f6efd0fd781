import JSON
import Records
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
        (.incidentOpened(id, incident: 2, .signal), "incident.open"),
        (.incidentResolved(id, incident: 2, healing: .milliseconds(80)), "incident.resolve"),
        (.incidentHandedOver(id, incident: 2, .crashLoop), "incident.handover"),
        (.recovered(id), "service.recover"),
        (.startAsked(id), "service.start"),
        (.stopBegan(id, .restart), "service.stop"),
        (.stopForced(id), "service.kill"),
        (.rested(id, .asked), "service.rest"),
    ]

    static let entries: [(Entry, String)] =
        records.map { (.mind($0.0), $0.1) } + [
            (.daemonStarted(pid: 1, version: "1.0"), "daemon.start"),
            (.daemonStopped(reason: "asked", left: 0), "daemon.stop"),
            (
                .configurationLoaded(file: "/etc/regen.yaml", services: 2, instances: 5),
                "config.load"
            ),
            (.configurationRefused(file: "/etc/regen.yaml", errors: 3), "config.refuse"),
            (.booted, "boot"),
            (.clockStepped(by: -Diary.year), "clock.step"),
            (.asked(method: "Stop", services: ["web", "db"], uid: 0, pid: 12), "control.act"),
            (.logUnavailable(id, errno: 28), "log.unavailable"),
            (.logRotated(id, bytes: 16 << 20), "log.rotate"),
        ]

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
        }
    }

    /// The same for all entries.
    private func place(_ entry: Entry) -> Int {
        switch entry {
        case .mind(let record): place(record)
        case .daemonStarted: 14
        case .daemonStopped: 15
        case .configurationLoaded: 16
        case .configurationRefused: 17
        case .booted: 18
        case .clockStepped: 19
        case .asked: 20
        case .logUnavailable: 21
        case .logRotated: 22
        }
    }

    @Test("none is forgotten, and no two share an event")
    func complete() {
        #expect(Self.entries.map { place($0.0) } == Array(0...22))
        #expect(Set(Self.entries.map(\.1)).count == Self.entries.count)
        var diary = Diary()
        for (entry, event) in Self.entries { #expect(diary.write(entry) == event) }
    }

    @Test("a line is printable ASCII and reads back, whatever the names hold")
    func printable() throws {
        let nasty = InstanceFacts(
            name: "w\"e\\b\n\u{7f}\u{0}ü\u{1F600}", program: "\u{1}\u{2028}", launch: .max)
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
        let facts = InstanceFacts(name: name, program: "fifteen-letters", launch: .max)
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

    @Test("the number of the next incident is above all that were told")
    func incidents() {
        var diary = Diary()
        diary.write(.incidentOpened(Self.id, incident: 41, .signal))
        diary.write(.incidentOpened(Self.id, incident: 3, .signal))
        #expect(diary.memory.nextIncident == 42)
    }
}

extension JSONValue {
    fileprivate var real: Double? {
        guard case .real(let value) = self else { return nil }
        return value
    }
}
