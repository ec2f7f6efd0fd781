import Control
import JSON
import Ledger
import Linux
import Records
import Supervision

/// What is to be written down: gathered while the loop acts, encoded and handed to the ledger's
/// writer when there is time. Restarts never wait for it.
final class Chronicle {
    private(set) var pending: [(entry: Entry, stamp: Stamp)] = []
    private var encoder = Encoder()
    private var clocks: ClockWatch
    private let writer: LedgerWriter?
    /// Why there is no ledger, or none that is sound.
    private(set) var trouble: String?
    /// What no new record mends: the old ledger was damaged, and a new one has begun.
    private let scar: String?

    /// How long the end waits for the disk.
    static let patience: Int64 = 5_000_000_000

    /// `writer` is `nil` when the ledger could not be opened, for the reason in `trouble`.
    /// `scar` is what was wrong with the ledger's past.
    init(
        _ writer: LedgerWriter?, trouble: String?, scar: String?, clocks: ClockWatch,
        generation: Int?
    ) {
        self.writer = writer
        self.trouble = trouble
        self.scar = scar
        self.clocks = clocks
        encoder.generation = generation
    }

    /// The NixOS generation in force: part of what is told of every attempt.
    var generation: Int? {
        get { encoder.generation }
        set { encoder.generation = newValue }
    }

    /// Records that found no place, and never reach the disk.
    var lost: UInt64 { writer?.status.lost ?? 0 }

    /// Since when the disk has owed an answer, in nanoseconds since boot; `nil`: it owes none.
    var atDiskSince: Int64? { writer?.status.atDiskSince }

    /// What is appended is kept, and so was the past.
    var isSound: Bool { writer != nil && trouble == nil && scar == nil }

    /// Readable when the ledger's state has changed.
    var descriptor: Int32? { writer?.wakeUp.raw }

    /// Records that may wait while the loop is busy with deaths, and for how long.
    static let mostPending = 4096
    /// See `mostPending`.
    static let longestPending: Int64 = 250_000_000

    var hasPending: Bool { !pending.isEmpty }

    /// What is pending must not wait any longer.
    func isUrgent(at now: Int64) -> Bool {
        guard let first = pending.first else { return false }
        return pending.count >= Self.mostPending || now - first.stamp.boot >= Self.longestPending
    }

    /// Remembers an entry until `write`.
    func note(_ entry: Entry, at stamp: Stamp) { pending.append((entry, stamp)) }

    /// Tells people and the ledger what is pending: one group of the ledger. True: it was a storm.
    func write(
        _ narrator: inout Narrator, running: (InstanceID) -> ProcessHand.Running?,
        facts: (InstanceID) -> InstanceFacts
    ) -> Bool {
        guard !pending.isEmpty else { return false }
        guard let writer else { return writeAll(&narrator, running, facts) }
        return writer.together { writeAll(&narrator, running, facts) }
    }

    private func writeAll(
        _ narrator: inout Narrator, _ running: (InstanceID) -> ProcessHand.Running?,
        _ facts: (InstanceID) -> InstanceFacts
    ) -> Bool {
        for (entry, stamp) in pending {
            if let step = clocks.step(to: stamp) {
                let event = append(.clockStepped(by: step), stamp, facts)
                narrator.say(
                    .warning, "the clock was set by \(step / 1_000_000) ms", event: event)
            }
            var entry = entry
            if case .mind(let record) = entry { entry = .mind(identified(record, running)) }
            let event = append(entry, stamp, facts)
            if narrator.wantsTopics { narrator.topic = topic(of: event) }
            narrator.tell(entry, facts)
        }
        narrator.topic = Narrator.Topic()
        return pending.empty()
    }

    @discardableResult
    private func append(
        _ entry: Entry, _ stamp: Stamp, _ facts: (InstanceID) -> InstanceFacts
    ) -> String {
        let event = encoder.encode(entry, facts: facts)
        encoder.fields.withUnsafeBytes { fields in
            _ = writer?.append(event: event, fields: fields, stamp: stamp)
        }
        return "\(event)"
    }

    /// What the record just encoded is about: the same words as in the ledger.
    private func topic(of event: String) -> Narrator.Topic {
        let members = [UInt8(ascii: "{")] + encoder.fields + [UInt8(ascii: "}")]
        let record = try? JSONValue.parse(members, limit: members.count)
        return Narrator.Topic(
            event: event, service: record?["service"]?.string,
            incident: record?["incident"]?.integer)
    }

    /// Adds what was left out while it was urgent: when the process began.
    private func identified(
        _ record: Supervision.Record, _ running: (InstanceID) -> ProcessHand.Running?
    ) -> Supervision.Record {
        switch record {
        case .processStarted(let id, let process, let attempt):
            guard let running = running(id), running.pid == process.pid else { return record }
            let identity = ProcessIdentity(pid: process.pid, startTicks: running.startTicks)
            return .processStarted(id, identity, attempt: attempt)
        default: return record
        }
    }

    /// Stands for everything that was handed to the writer so far.
    var ticket: UInt64 { writer?.status.appended ?? 0 }

    /// Whether that is on the disk, or there is no disk to wait for. Where not, `descriptor` will
    /// tell.
    func isDurable(_ ticket: UInt64) -> Bool {
        guard let writer, trouble == nil else { return true }
        return writer.notify(at: ticket)
    }

    /// The writer says that something has changed.
    func takeNotice(_ narrator: inout Narrator) {
        guard let writer else { return }
        _ = writer.wakeUp.clear()
        let before = trouble
        trouble = writer.status.trouble
        guard trouble != before else { return }
        if let trouble {
            narrator.say(
                .error, "the ledger is degraded: \(trouble); services go on being healed",
                event: "ledger.degraded")
        } else {
            narrator.say(.notice, "the ledger is sound again", event: "ledger.sound")
        }
    }

    /// How the ledger stands, for status.
    var report: LedgerCondition {
        guard let writer else { return LedgerCondition(state: "off", detail: trouble) }
        let status = writer.status
        let trouble = status.trouble ?? scar
        return LedgerCondition(
            state: trouble == nil ? "sound" : "degraded", detail: trouble, records: status.next)
    }

    /// Waits, but not for ever, until everything is on the disk.
    func close() { _ = writer?.close(within: Self.patience) }
}

extension LedgerStatus {
    /// What keeps records from the disk; `nil`: nothing does.
    fileprivate var trouble: String? {
        switch state {
        case .sound: nil
        case .degraded(let error): error.description
        }
    }
}
