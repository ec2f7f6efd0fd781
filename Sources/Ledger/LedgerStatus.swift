public import Linux

/// Whether records reach the disk.
public enum LedgerState: Equatable, Sendable {
    /// They do.
    case sound
    /// They wait in memory for the next attempt; what the disk said last.
    case degraded(SystemError)
}

/// How the writer stands.
public struct LedgerStatus: Equatable, Sendable {
    /// Whether records reach the disk.
    public var state: LedgerState
    /// The newest ticket given: records taken since the writer was opened.
    public var appended: UInt64
    /// Records that are on the disk: every ticket up to this one.
    public var durable: UInt64
    /// Records that found the queue full, since the writer was opened.
    public var lost: UInt64
    /// The number that the next record on the disk gets: so many has the ledger had.
    public var next: Int64
    /// CLOCK_BOOTTIME, in nanoseconds, of the question that the disk has not answered yet. An
    /// answered error is an answer.
    public var atDiskSince: Int64?
}

/// Why a ledger cannot be opened.
public enum LedgerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another writer is at work.
    case busy(lock: String, holder: Int32?)
    /// The disk refuses: what was tried, and its answer.
    case refused(SystemError)

    /// What, where, and what to do next.
    public var description: String {
        switch self {
        case .busy(let lock, let holder):
            "the ledger is being written by \(holder.map { "process \($0)" } ?? "another process")"
                + " (\(lock)); stop that one first"
        case .refused(let error):
            "the ledger cannot be opened: \(error.description); "
                + "free space or mend the state directory, then start again"
        }
    }
}
