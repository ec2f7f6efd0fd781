public import JSON

/// What a verification found.
public struct LedgerReport: Sendable {
    /// The answer in one word; the raw value is the exit code.
    public enum Verdict: Int32, Sendable {
        /// Nothing is wrong.
        case sound = 0
        /// Wrong usage, or the ledger cannot be read.
        case unreadable = 1
        /// Lines are not as they were written.
        case tampered = 2
        /// A tail that a crash left behind, which the next start repairs.
        case torn = 3
        /// Not sealed or witnessed as asked for, or trust begins later than at the first record.
        case unanchored = 4
        /// The last seal is too old.
        case stale = 5
        /// Shorter than, or forked from, what a witness saw.
        case forked = 6
        /// Records were lost while the disk refused them, and the ledger says so.
        case gap = 7

        /// The worst first.
        static let order: [Verdict] = [
            .unreadable, .tampered, .forked, .gap, .torn, .unanchored, .stale, .sound,
        ]
    }

    /// A place that is not as it was written.
    public struct Fault: Equatable, Sendable {
        /// The record: the damaged one if that is certain, else the one before the break.
        public var sequence: Int64
        /// The segment's file name.
        public var file: String
        /// Where the record's line begins in it.
        public var offset: Int64
        /// What should be there.
        public var expected: String
        /// What is there.
        public var found: String
    }

    /// A stretch of bytes that is no part of the chain.
    public struct Stretch: Equatable, Sendable {
        /// The segment's file name.
        public var file: String
        /// Where it begins.
        public var offset: Int64
        /// How long it is.
        public var bytes: Int64
    }

    /// A record that a reader of the report should see.
    public struct Remark: Equatable, Sendable {
        /// The record.
        public var sequence: Int64
        /// Its event: `ledger.gap`, `ledger.repair`, `ledger.enospc` or `ledger.broken`.
        public var event: String
        /// The segment's file name.
        public var file: String
        /// Where its line begins.
        public var offset: Int64
    }

    /// The ledger's identity, as its first segment says.
    public var origin: String?
    /// How many records are in the chain.
    public var records: Int64 = 0
    /// The first of them; not 0 when older segments are gone.
    public var first: Int64?
    /// The last of them.
    public var last: Int64?
    /// The last line's digest: who keeps it can tell later whether the past was changed.
    public var head: Digest = .zero
    /// How many records no seal covers.
    public var unsealed: Int64 { records }
    /// What is wrong, in order; at most `LedgerLimits.listedFaults`.
    public var faults: [Fault] = []
    /// How much is wrong, listed or not.
    public var faultCount = 0
    /// Records that tell of losses and repairs; at most `LedgerLimits.listedFaults`.
    public var remarks: [Remark] = []
    /// How many `ledger.gap` records there are.
    public var gaps = 0
    /// The tail that the next start will cut, if there is one.
    public var torn: Stretch?
    /// Whether it is one line without its end, as a write in progress shows it too.
    var tornIsOneLine = false
    /// Whether the tail is of a line that a writer is just writing.
    public var isBeingWritten = false
    /// Lines that a disk error made the writer number anew in the next segment.
    public var abandoned: [Stretch] = []
    /// Records whose clocks stand before their predecessor's. No sign of tampering.
    public var clocksBack: Int64 = 0
    /// Records whose first keys are not in the writer's order. No sign of tampering.
    public var unusualKeys: Int64 = 0

    mutating func add(_ fault: Fault) {
        if let before = faults.last, before.sequence == fault.sequence, before.file == fault.file,
            before.offset == fault.offset
        {
            return
        }
        faultCount += 1
        if faults.count < LedgerLimits.listedFaults { faults.append(fault) }
    }

    /// The worst of what was found.
    public var verdict: Verdict {
        Verdict.order.first { holds($0) } ?? .sound
    }

    private func holds(_ verdict: Verdict) -> Bool {
        switch verdict {
        case .tampered: faultCount > 0
        case .gap: gaps > 0
        case .torn: torn != nil && !isBeingWritten
        case .unanchored: (first ?? 0) > 0
        case .unreadable, .forked, .stale: false
        case .sound: true
        }
    }

    /// Adds the report as one JSON object.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.string("verdict", "\(verdict)")
        writer.integer("exit_code", Int64(verdict.rawValue))
        writer.key("origin")
        if let origin { writer.string(origin) } else { writer.null() }
        writer.integer("records", records)
        for (key, value) in [("first", first), ("last", last)] as [(StaticString, Int64?)] {
            writer.key(key)
            if let value { writer.integer(value) } else { writer.null() }
        }
        writer.string("head", head.text)
        writer.integer("unsealed", unsealed)
        writer.integer("fault_count", Int64(faultCount))
        write("faults", faults, to: &writer) { fault, writer in
            writer.integer("seq", fault.sequence)
            writer.string("file", fault.file)
            writer.integer("offset", fault.offset)
            writer.string("expected", fault.expected)
            writer.string("found", fault.found)
        }
        writer.integer("gaps", Int64(gaps))
        write("remarks", remarks, to: &writer) { remark, writer in
            writer.integer("seq", remark.sequence)
            writer.string("event", remark.event)
            writer.string("file", remark.file)
            writer.integer("offset", remark.offset)
        }
        writer.key("torn")
        if let torn {
            writer.beginObject()
            torn.write(to: &writer)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.bool("being_written", isBeingWritten)
        write("abandoned", abandoned, to: &writer) { $0.write(to: &$1) }
        writer.key("notes")
        writer.beginObject()
        writer.integer("clocks_back", clocksBack)
        writer.integer("unusual_keys", unusualKeys)
        writer.endObject()
        writer.endObject()
    }

    /// A list of objects.
    private func write<Item>(
        _ key: StaticString, _ items: [Item], to writer: inout JSONWriter,
        _ members: (Item, inout JSONWriter) -> Void
    ) {
        writer.key(key)
        writer.beginArray()
        for item in items {
            writer.beginObject()
            members(item, &writer)
            writer.endObject()
        }
        writer.endArray()
    }
}

extension LedgerReport.Stretch {
    /// Writes the members.
    fileprivate func write(to writer: inout JSONWriter) {
        writer.string("file", file)
        writer.integer("offset", offset)
        writer.integer("bytes", bytes)
    }
}
