import JSON
import Linux

/// The writer's thread: takes records, and brings them to the disk in groups.
///
/// It knows two states of a chain: what is durable, and what the composer has added. Whenever the
/// disk refuses, it goes back to the durable one and tries all that is left again.
final class Scribe: @unchecked Sendable {
    /// A record of the writer's own, to be written before all others.
    struct Notice {
        var event: StaticString
        var fields: [UInt8]
        var stamp: Stamp
        /// A quarantined tail whose repair this tells; its mark goes when the record is durable.
        var pendingTail: String?
    }

    /// What the disk refused, and whether the descriptor can be trusted any longer.
    struct Refusal: Error {
        var error: SystemError
        var spoilsFile: Bool
    }

    /// The file at whose end is written.
    final class Target {
        var file: File
        let segment: LedgerSegment
        /// How much of it is durable.
        var size: Int64
        var hasLeftovers = false
        /// An earlier writer's, which may have been killed before all of it was durable.
        var isInherited: Bool

        init(
            _ file: consuming File, _ segment: LedgerSegment, size: Int64, isInherited: Bool = false
        ) {
            self.file = file
            self.segment = segment
            self.size = size
            self.isInherited = isInherited
        }
    }

    let directory: String
    let origin: String
    let options: LedgerOptions
    let clock: @Sendable () -> Stamp
    let carry: @Sendable (LedgerSegment) -> [CarryRecord]
    let mailbox: Mailbox
    private let disk: any LedgerDisk
    private var lock: FileLock?

    private let composer: LineComposer
    private var durable: Chain
    private var target: Target?
    /// The segment before the one to be started: behind an error the one that was abandoned.
    private var previous: LedgerSegment?
    private var isAbandoned = false

    var notices: [Notice] = []
    private var noticesComposed = 0
    private var batch = RecordBatch()
    private var batchWritten = 0
    private var batchComposed = 0
    private var recordsComposed = 0
    private var loss: Loss?
    private var lossIsComposed = false

    private var hasReserve = false
    private var hasToldFull = false
    private var retryAt: Int64?

    init(
        directory: String, origin: String, bootID: String, chain: Chain, target: Target?,
        lock: FileLock, options: LedgerOptions, mailbox: Mailbox,
        clock: @escaping @Sendable () -> Stamp,
        carry: @escaping @Sendable (LedgerSegment) -> [CarryRecord]
    ) {
        self.directory = directory
        self.origin = origin
        self.options = options
        self.mailbox = mailbox
        self.clock = clock
        self.carry = carry
        self.lock = lock
        self.target = target
        disk = options.disk
        durable = chain
        composer = LineComposer(chain: chain, bootID: bootID)
    }

    // MARK: The thread

    /// What opening does itself, so that it can say what the disk refuses: the first segment of a
    /// new ledger. A missing reserve is no reason not to start.
    func begin() throws(SystemError) {
        do throws(Refusal) {
            if target == nil { try startSegment(stamp: clock()) }
        } catch {
            throw error.error
        }
        settle()
    }

    /// The thread's work until the mailbox is stopped.
    func run() {
        var hasStopped = false
        if !notices.isEmpty { attempt() }
        while true {
            let errand = mailbox.next(&batch, &loss, retryAt: retryAt, hasStopped: &hasStopped)
            if errand == .stop { break }
            attempt()
        }
        target = nil
        lock = nil
        mailbox.end()
    }

    /// Brings all that there is to the disk: with the reserve's help once, in a new file once, or
    /// else later.
    private func attempt() {
        var freedReserve = false
        var changedFile = false
        while true {
            let refusal: Refusal
            do throws(Refusal) {
                try writeAll()
                return settle()
            } catch {
                refusal = error
            }
            rollBack()
            if refusal.spoilsFile { abandon() }
            if refusal.spoilsFile, !changedFile {
                changedFile = true
            } else if refusal.error.isFull, !freedReserve, releaseReserve() {
                freedReserve = true
            } else {
                return wait(for: refusal.error)
            }
            if refusal.error.isFull { tellFull(refusal.error) }
        }
    }

    /// After everything is written: sound, once there is a reserve again.
    private func settle() {
        do {
            try makeReserve()
        } catch {
            return wait(for: error)
        }
        hasToldFull = false
        retryAt = nil
        mailbox.publish(state: .sound)
    }

    private func wait(for error: SystemError) {
        if error.isFull { tellFull(error) }
        // Readers need not see what is not acknowledged; if it cannot be cut now, it is later.
        try? cutLeftovers()
        retryAt = Condition.now() + options.retryInterval
        mailbox.publish(state: .degraded(error))
    }

    // MARK: Groups

    private func writeAll() throws(Refusal) {
        if target == nil { try startSegment(stamp: oldestStamp) }
        try makeInheritanceDurable()
        try cutLeftovers()
        composer.begin(behind: durable)
        for notice in notices {
            try makeRoom(stamp: notice.stamp)
            composer.append(event: notice.event, fields: notice.fields, stamp: notice.stamp)
            noticesComposed += 1
        }
        while let record = batch.record(at: batchComposed) {
            try makeRoom(stamp: record.stamp)
            composer.append(event: record.event, fields: record.fields, stamp: record.stamp)
            batchComposed = record.end
            recordsComposed += 1
        }
        if let loss {
            try makeRoom(stamp: loss.last)
            composer.append(event: "ledger.gap", fields: fields(of: loss), stamp: loss.last)
            lossIsComposed = true
        }
        try writeGroup()
    }

    private func makeRoom(stamp: Stamp) throws(Refusal) {
        if let target, composer.chain.next >= rotation(after: target.segment) {
            try writeGroup()
            try startSegment(stamp: stamp)
            composer.begin(behind: durable)
        } else if !composer.hasRoom {
            try writeGroup()
            composer.begin(behind: durable)
        }
    }

    private func rotation(after segment: LedgerSegment) -> Int64 {
        (segment.first / options.segmentRecords + 1) * options.segmentRecords
    }

    /// One write, one fdatasync: then it is durable.
    private func writeGroup() throws(Refusal) {
        let lines = composer.lines
        guard !lines.isEmpty, let target else { return }
        mailbox.publish(atDiskSince: clock().boot)
        defer { mailbox.publish(atDiskSince: nil) }
        do {
            target.hasLeftovers = true
            try disk.writeAll(lines, to: target.file, at: target.size)
        } catch {
            throw Refusal(error: error, spoilsFile: !error.isFull && !error.isReadOnly)
        }
        do {
            try disk.synchronize(target.file)
        } catch {
            // The kernel may have dropped the pages and called them clean: nothing in this file
            // that was not acknowledged can be believed, and no later fsync would say so.
            throw Refusal(error: error, spoilsFile: true)
        }
        target.hasLeftovers = false
        target.size += Int64(lines.count)
        acknowledge()
    }

    private func acknowledge() {
        durable = composer.chain
        for notice in notices.prefix(noticesComposed) {
            // Left behind, the mark only makes the next start look whether the record is there.
            if let tail = notice.pendingTail { try? TornTail.settle(tail, in: directory, disk) }
        }
        notices.removeFirst(noticesComposed)
        if lossIsComposed { loss = nil }
        batchWritten = batchComposed
        let records = recordsComposed
        if batch.record(at: batchWritten) == nil {
            batch.removeAll()
            batchWritten = 0
        }
        rollBack()
        if records > 0 { mailbox.publish(durable: records, next: durable.next) }
    }

    /// Forgets what was composed and is not durable.
    private func rollBack() {
        composer.begin(behind: durable)
        noticesComposed = 0
        batchComposed = batchWritten
        recordsComposed = 0
        lossIsComposed = false
    }

    /// The next line will say that all before it is durable: what an earlier writer wrote, and the
    /// segment's name, may be in memory only.
    private func makeInheritanceDurable() throws(Refusal) {
        guard let target, target.isInherited else { return }
        mailbox.publish(atDiskSince: clock().boot)
        defer { mailbox.publish(atDiskSince: nil) }
        do {
            try disk.synchronize(target.file)
            try disk.synchronizeDirectory(directory)
        } catch {
            throw Refusal(error: error, spoilsFile: true)
        }
        target.isInherited = false
    }

    /// Lines that a refused write left behind the durable ones.
    private func cutLeftovers() throws(Refusal) {
        guard let target, target.hasLeftovers else { return }
        do {
            try disk.truncate(target.file, to: target.size)
            target.hasLeftovers = false
        } catch {
            throw Refusal(error: error, spoilsFile: !error.isFull && !error.isReadOnly)
        }
    }

    /// Never touches the file again: what is not acknowledged will be numbered anew in another one.
    private func abandon() {
        guard let target else { return }
        previous = target.segment
        isAbandoned = true
        self.target = nil
    }

    // MARK: Segments

    /// Makes the next segment under another name, with all that it carries over, and renames it
    /// when it is durable: so there is never a newest segment that a start could not fold.
    func startSegment(stamp: Stamp) throws(Refusal) {
        if let target { previous = target.segment }
        previous?.end = durable.next
        let segment = LedgerSegment(directory: directory, first: durable.next, end: .max)
        let carried = previous.map(carry) ?? []
        let temporary = segment.path + LedgerFiles.temporarySuffix
        mailbox.publish(atDiskSince: clock().boot)
        defer { mailbox.publish(atDiskSince: nil) }
        do throws(SystemError) {
            try disk.removeIfPresent(temporary)
            var file = try disk.create(temporary)
            let size = try write(carried, to: file, of: segment, stamp: stamp)
            try disk.synchronize(file)
            try disk.rename(temporary, to: segment.path)
            try disk.synchronizeDirectory(directory)
            file.path = segment.path
            target = Target(file, segment, size: size)
            durable = composer.chain
            isAbandoned = false
        } catch {
            try? disk.remove(temporary)
            throw Refusal(error: error, spoilsFile: false)
        }
    }

    private func write(
        _ carried: [CarryRecord], to file: borrowing File, of segment: LedgerSegment, stamp: Stamp
    ) throws(SystemError) -> Int64 {
        var size: Int64 = 0
        composer.begin(behind: durable)
        composer.append(event: "segment.open", fields: opening(of: segment), stamp: stamp)
        for record in carried {
            if !composer.hasRoom {
                try disk.writeAll(composer.lines, to: file, at: size)
                size += Int64(composer.lines.count)
                composer.drain()
            }
            composer.append(event: record.event, fields: record.fields, stamp: stamp)
        }
        try disk.writeAll(composer.lines, to: file, at: size)
        return size + Int64(composer.lines.count)
    }

    private func opening(of segment: LedgerSegment) -> [UInt8] {
        var writer = JSONWriter()
        writer.integer("v", 1)
        writer.string("origin", origin)
        writer.integer("first", segment.first)
        writer.key("prev_file")
        if let previous { writer.string(previous.name) } else { writer.null() }
        writer.string("seal", "none")
        if isAbandoned, let previous { writer.string("abandoned", previous.name) }
        return writer.bytes
    }

    // MARK: Room

    private func makeReserve() throws(SystemError) {
        guard !hasReserve else { return }
        try LedgerFiles.makeReserve(in: directory, disk)
        hasReserve = true
    }

    /// Gives the reserve back to the disk; false when there is none.
    private func releaseReserve() -> Bool {
        hasReserve = false
        do {
            try disk.remove(LedgerFiles.reserve(in: directory))
            return true
        } catch {
            return false
        }
    }

    /// Once for each time that the disk is full, however often it is tried.
    private func tellFull(_ error: SystemError) {
        guard !hasToldFull else { return }
        hasToldFull = true
        var writer = JSONWriter()
        writer.integer("code", Int64(error.code))
        writer.string("operation", error.operation)
        notices.append(Notice(event: "ledger.enospc", fields: writer.bytes, stamp: oldestStamp))
    }

    /// The stamp of what waits longest: a record of the writer's own must not be younger than what
    /// it is written before.
    private var oldestStamp: Stamp {
        notices.first?.stamp ?? batch.record(at: batchWritten)?.stamp ?? loss?.first ?? clock()
    }

    private func fields(of loss: Loss) -> [UInt8] {
        var writer = JSONWriter()
        writer.integer("lost", loss.count)
        writer.key("first")
        writer.decimal(loss.first.wall)
        writer.key("last")
        writer.decimal(loss.last.wall)
        writer.string("sha256", loss.digest.text)
        return writer.bytes
    }
}

extension SystemError {
    /// No room, for all or for us.
    var isFull: Bool { code == Self.noSpace || code == Self.quota }
    var isReadOnly: Bool { code == Self.readOnly }
}
