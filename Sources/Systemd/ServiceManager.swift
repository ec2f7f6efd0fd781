public import Linux

/// Whoever started us as a service, and is told how we are by the protocol of sd_notify(3).
///
/// The datagrams are our own: libsystemd's `sd_notify` waits when the manager takes none. What it does
/// not take now is kept, newest state only, and told later.
public final class ServiceManager {
    /// What of the environment says that there is one, and what it wants.
    public struct Invitation: Equatable, Sendable {
        /// NOTIFY_SOCKET.
        public var socket: String?
        /// WATCHDOG_USEC.
        public var watchdog: String?
        /// WATCHDOG_PID.
        public var watchdogPID: String?

        /// What was found in the environment.
        public init(socket: String?, watchdog: String? = nil, watchdogPID: String? = nil) {
            self.socket = socket
            self.watchdog = watchdog
            self.watchdogPID = watchdogPID
        }
    }

    /// Nanoseconds before something is told again that was not taken, unless a turn comes sooner.
    public static let retryPause: Int64 = 100_000_000
    /// The same when it cannot be told at all, the first time and the longest: it doubles.
    public static let failurePauses: ClosedRange<Int64> = 1_000_000_000...64_000_000_000
    /// The longest status in bytes; the rest is cut off.
    public static let longestStatus = 256

    private let sender: DatagramSender
    /// Nanoseconds between two signs of life; `nil`: none are wanted.
    public let interval: Int64?
    private var nextSign: Int64?
    private var owesSign = false
    /// The newest of each kind that was not told yet.
    private var phase: String?
    private var status: String?
    private var toldStatus = ""
    private var isEnding = false
    private var notBefore: Int64?
    private var failurePause = failurePauses.lowerBound
    /// Why the last attempt came to nothing, once for each time that it begins to; `nil`: it did not.
    private var failure: SystemError?
    private var isFailing = false

    /// `nil`: nobody wants to be told. `process` is our pid; the clock begins `now`, in nanoseconds
    /// since boot. Throws when the socket's name cannot be used.
    public init?(_ invitation: Invitation, process: Int32, now: Int64) throws(SystemError) {
        guard let socket = invitation.socket, !socket.isEmpty else { return nil }
        sender = try DatagramSender(to: socket)
        let isForUs = invitation.watchdogPID.map { Int32($0) == process } ?? true
        let period = invitation.watchdog.flatMap { Int64($0) } ?? 0
        // Half of it, as sd_watchdog_enabled(3) advises; a longer one than Int64 can hold is none.
        let half = period.multipliedReportingOverflow(by: 500)
        interval = isForUs && half.partialValue > 0 && !half.overflow ? half.partialValue : nil
        nextSign = interval.map { now + $0 }
    }

    // MARK: - What is to be told

    /// We are up, or a reload is over.
    public func ready() { enter("READY=1") }

    /// We read our configuration again. `monotonic` is CLOCK_MONOTONIC in nanoseconds.
    public func reloading(monotonic: Int64) {
        enter("RELOADING=1\nMONOTONIC_USEC=\(monotonic / 1000)")
    }

    /// We end. Nothing but a status is told afterwards.
    public func stopping() {
        enter("STOPPING=1")
        isEnding = true
    }

    /// One line for people; told only when it is another than the last.
    public func say(_ text: String) {
        let line = text.utf8.prefix(Self.longestStatus).map { $0 < 0x20 ? UInt8(ascii: " ") : $0 }
        let words = String(decoding: line, as: UTF8.self)
        status = words == toldStatus ? nil : words
    }

    private func enter(_ phase: String) {
        if !isEnding { self.phase = phase }
    }

    // MARK: - Telling

    /// When a turn is needed next, if none comes by itself; `nil`: not at all.
    public var due: Int64? {
        let retry: Int64? = isOwed ? notBefore ?? .min : nil
        return [retry, nextSign].compactMap { $0 }.min()
    }

    private var isOwed: Bool { phase != nil || status != nil || owesSign }

    /// Tells what there is to tell: one system call, or none. A sign of life is due by the clock, and
    /// given only from here.
    public func turn(at now: Int64) {
        if let due = nextSign, due <= now, let interval {
            owesSign = true
            nextSign = now + interval
        }
        // One that cannot be told anything is left alone for a while; a full one is tried each time.
        guard isOwed, !isFailing || (notBefore ?? .min) <= now else { return }
        let lines = [
            phase, status.map { "STATUS=\($0)" }, owesSign ? "WATCHDOG=1" : nil,
        ].compactMap { $0 }
        switch sender.send(Array(lines.joined(separator: "\n").utf8)) {
        case .sent: told()
        case .full: notBefore = now + Self.retryPause
        case .failed(let error): failed(error, at: now)
        }
    }

    private func told() {
        if let status { toldStatus = status }
        phase = nil
        status = nil
        owesSign = false
        notBefore = nil
        isFailing = false
        failurePause = Self.failurePauses.lowerBound
    }

    private func failed(_ error: SystemError, at now: Int64) {
        if !isFailing { failure = error }
        isFailing = true
        notBefore = now + failurePause
        failurePause = min(2 * failurePause, Self.failurePauses.upperBound)
    }

    /// Why nothing can be told, the first time that it is asked after that has begun.
    public func takeFailure() -> SystemError? {
        defer { failure = nil }
        return failure
    }
}
