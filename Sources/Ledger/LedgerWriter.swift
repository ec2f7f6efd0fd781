public import Linux

/// A record that a segment begins with, so that a start needs to read only that segment.
public struct CarryRecord: Sendable {
    /// The event's name, `carry` as a rule.
    public var event: StaticString
    /// Its keys, without braces: `"unit":"web","state":"running"`.
    public var fields: [UInt8]

    /// A record to carry over.
    public init(event: StaticString, fields: [UInt8]) {
        self.event = event
        self.fields = fields
    }
}

/// What tests and benchmarks change.
public struct LedgerOptions: Sendable {
    /// Records of a segment.
    public var segmentRecords = LedgerLimits.segmentRecords
    /// Nanoseconds between two attempts while the disk refuses.
    public var retryInterval = LedgerLimits.retryInterval
    /// What the writer does to the disk.
    public var disk: any LedgerDisk = KernelDisk()

    /// The values of the format.
    public init() {}
}

/// What opening found.
public struct OpenReport: Sendable {
    /// The ledger's identity, 32 hexadecimal digits, made when it was.
    public var origin: String
    /// The segment whose records say what was; nil for a new ledger.
    public var fold: LedgerSegment?
    /// When the last record was made.
    public var lastStamp: Stamp?
    /// In which boot it was made.
    public var lastBootID: String?
    /// Bytes of torn tails that were cut and kept in torn/.
    public var repairedBytes: Int64
    /// Where the old ledger is, if it could not be gone on with and this is a new one.
    public var movedAside: String?
}

/// Appends records durably, in groups, off the loop's thread. One thread calls it.
public final class LedgerWriter {
    /// What opening found.
    public let report: OpenReport
    private let mailbox: Mailbox
    private let thread: Thread

    /// Opens `<state>/ledger`, made if it is not there, and takes it for this process alone.
    ///
    /// Blocks for as long as reading the newest segment takes. Then a thread writes; it calls
    /// `clock`, and at each new segment `carry` with the segment before, whose records are durable,
    /// to learn what the new one begins with. `bootID`: 32 lowercase hexadecimal digits.
    public init(
        opening directory: String, bootID: String, options: LedgerOptions = LedgerOptions(),
        clock: @escaping @Sendable () -> Stamp,
        carry: @escaping @Sendable (LedgerSegment) -> [CarryRecord]
    ) throws(LedgerError) {
        precondition(bootID.utf8.count == 32, "a boot id has 32 hexadecimal digits")
        var opening = try Opening(directory, options.disk)
        let repaired = opening.examination.tails.reduce(0) { $0 + $1.size }
        try opening.prepare()
        let end = opening.examination.end
        do throws(SystemError) {
            mailbox = Mailbox(state: .sound, wakeUp: try EventFD())
            let origin: String
            if let end { origin = end.origin } else { origin = try Self.newOrigin() }
            report = OpenReport(
                origin: origin, fold: end?.segment, lastStamp: end?.stamp,
                lastBootID: end?.bootID,
                repairedBytes: opening.movedAside == nil ? repaired : 0,
                movedAside: opening.movedAside)
            let sameBoot = end?.bootID == bootID
            let scribe = Scribe(
                directory: directory, origin: origin, bootID: bootID,
                chain: end.map {
                    Chain(
                        next: $0.last + 1, head: $0.head, boot: sameBoot ? $0.stamp?.boot ?? 0 : 0)
                } ?? .origin,
                target: try end.map { end throws(SystemError) in
                    Scribe.Target(
                        try File(opening: end.segment.path, .readWrite), end.segment,
                        size: end.size, isInherited: true)
                },
                lock: opening.lock, options: options, mailbox: mailbox, clock: clock, carry: carry)
            scribe.notices = try opening.notices(at: clock())
            try scribe.begin()
            thread = try Thread { scribe.run() }
        } catch {
            throw .refused(error)
        }
    }

    private static func newOrigin() throws(SystemError) -> String {
        var random = Digest.zero
        try withUnsafeMutableBytes(of: &random.words) { bytes throws(SystemError) in
            try Random.fill(bytes)
        }
        return String(random.text.prefix(32))
    }

    /// Hands a record over, in less than a microsecond and without waiting for anything.
    ///
    /// `fields` are the record's own keys without braces, printable ASCII; they are copied. Keys
    /// that do not fit a line of 4,096 bytes are replaced by their length and SHA-256.
    /// - Returns: the ticket under which it becomes durable; nil when the queue is full and the
    ///   record is lost, which the ledger will tell as `ledger.gap`.
    public func append(
        event: StaticString, fields: UnsafeRawBufferPointer, stamp: Stamp
    ) -> UInt64? {
        precondition(event.utf8CodeUnitCount <= LedgerLimits.event, "an event's name is short")
        let event = UnsafeRawBufferPointer(start: event.utf8Start, count: event.utf8CodeUnitCount)
        guard fields.count > LedgerLimits.line else {
            return mailbox.post(event: event, fields: fields, stamp: stamp)
        }
        // They will not fit a line, and might not fit the queue.
        return LineComposer.withheld(fields, "too long", SHA256()).withUnsafeBytes {
            mailbox.post(event: event, fields: $0, stamp: stamp)
        }
    }

    /// Makes what `body` appends one group, with one write and one fdatasync: for a turn of the
    /// loop. Without it each record sets out at once.
    public func together<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        mailbox.hold()
        defer { mailbox.release() }
        return try body()
    }

    /// Asks to be woken through `wakeUp` once the ticket is durable; true: it is already.
    ///
    /// Of several requests the lowest ticket counts; after each wake-up ask again.
    public func notify(at ticket: UInt64) -> Bool { mailbox.notify(at: ticket) }

    /// How it stands.
    public var status: LedgerStatus { mailbox.status() }

    /// Signalled for `notify`, and when the state changes; otherwise never.
    public var wakeUp: EventFD { mailbox.wakeUp }

    /// Waits until all is durable, but at most `nanoseconds`, and no longer than until the disk has
    /// refused once more. True: all is durable.
    public func flush(within nanoseconds: Int64) -> Bool {
        mailbox.flush(until: Self.deadline(in: nanoseconds))
    }

    /// Writes what there is and ends the thread. Records appended from now on are lost.
    /// True: all is durable and the lock is free. False: it is not, or the disk has not answered
    /// within that time; then the thread is left to itself.
    public func close(within nanoseconds: Int64) -> Bool {
        guard mailbox.stop(until: Self.deadline(in: nanoseconds)) else { return false }
        thread.join()
        let status = mailbox.status()
        return status.durable == status.appended
    }

    private static func deadline(in nanoseconds: Int64) -> Int64 {
        let (deadline, overflow) = Condition.now().addingReportingOverflow(max(0, nanoseconds))
        return overflow ? .max : deadline
    }

    deinit { _ = mailbox.stop(until: 0) }
}
