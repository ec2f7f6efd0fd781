import Linux

/// PID 1, over D-Bus, driven by the daemon's loop: the state of units, and jobs for them.
///
/// It has no thread, never blocks, and calls nobody back. When its descriptor is ready or
/// `nextDeadline` has come, the loop calls `turn`, then takes the `events`, asks what it wants to ask,
/// and before it waits again does what `drainPollChanges` says.
///
/// States are looked at, not added up: a change that PID 1 tells of makes the unit's whole state be
/// asked for once. So a burst of changes costs a look or two, and one that was missed is made good by
/// the next look. What is told is believed only if it comes from PID 1: on a bus anybody may send
/// anybody a signal that claims to be systemd's.
public final class SystemBus {
    /// So many messages are read in one turn; the rest waits for the next.
    public static let messagesPerTurn = 64
    /// While so many events wait to be taken, nothing is read.
    public static let mostEvents = 256
    /// So many of the owner's calls may wait for their end.
    public static let mostCalls = 64
    /// So many units may be watched.
    public static let mostUnits = 4096
    /// So many units are kept loaded. For each PID 1 has a match rule of its own, of which a
    /// dbus-daemon allows 512, and PID 1 leaves the bus when it is refused one.
    public static let mostPins = 128
    /// So many patterns may be watched.
    public static let mostPatterns = 64
    /// So many instances of one template are told.
    public static let mostInstances = 1024
    /// So many looks at units wait for their answer; the rest waits for these.
    public static let looksAtOnce = 16
    /// So many of them at units that are not known to have changed. PID 1 answers before it begins
    /// jobs: it must come to an end with us now and then, however slow the machine is.
    public static let routineLooksAtOnce = 1
    /// So many looks are begun in a second. One costs PID 1 half a millisecond.
    public static let looksPerSecond = 250
    /// No more of them than this are looks at units that are not known to have changed.
    public static let routineLooksPerSecond = 200
    /// In the long run, two looks at one unit, or at one template's instances, are so many
    /// nanoseconds apart.
    public static let lookPause: Int64 = 50_000_000
    /// So many looks at one unit may follow each other without a pause.
    public static let looksInARow: Int64 = 4
    /// PID 1 answers in so many nanoseconds, or it is as if it had refused.
    public static let answerPatience: Int64 = 25_000_000_000
    /// A connection on which PID 1 has not been heard for so many nanoseconds is given up.
    public static let joinPatience: Int64 = 10_000_000_000
    /// Nanoseconds before the first attempt to connect again; they double with each.
    public static let firstPause: Int64 = 100_000_000
    /// The most that they double to.
    public static let longestPause: Int64 = 10_000_000_000

    /// Where PID 1 is.
    public let address: BusAddress
    /// Whether PID 1 answers.
    public var isConnected: Bool { phase == .up }

    enum Phase: Equatable {
        /// No connection; the next attempt comes then.
        case away(until: Int64)
        /// Connecting, or waiting for PID 1 to come to the bus, until then.
        case joining(until: Int64)
        case up
    }

    var phase = Phase.away(until: 0)
    var link: BusLink?
    /// A connection that is over, kept until the poller has let go of it.
    private var leaving: BusLink?
    private var registered: Readiness?
    private var pause = firstPause
    private var told: BusFailure?
    /// PID 1's unique name on the bus.
    var manager: String?

    private var events: [Event] = []
    var requests: [Request] = []
    private var lastCall: UInt64 = 0
    /// Everything watched, by object path for units and by text for patterns.
    var subjects: [String: Subject] = [:]
    /// In the order in which they were first watched.
    var order: [Subject] = []
    /// Those to look at.
    var queue: [Subject] = []
    var budget = LookBudget()

    /// Nothing happens before the first `turn`.
    public init(_ address: BusAddress) { self.address = address }

    // MARK: - What the loop tells

    /// Does what is due: connects, reads, gives up what takes too long, looks.
    public func turn(at now: Int64) {
        if case .away(let until) = phase, until <= now, leaving == nil { connect(at: now) }
        receive(at: now)
        expire(at: now)
        look(at: now)
    }

    /// When `turn` should be called again if nothing is ready before; `.min`: at once.
    public var nextDeadline: Int64? {
        var first: Int64?
        func include(_ instant: Int64) { first = min(first ?? instant, instant) }
        switch phase {
        case .away(let until), .joining(let until): include(until)
        case .up: if let instant = nextLook { include(instant) }
        }
        for request in requests { include(request.deadline) }
        if let deadline = link?.deadline {
            // Zero says that messages have been read and not looked at.
            if deadline.microseconds == 0 { return .min }
            let instant = deadline.boottime(
                monotonic: Clock.monotonic(), boottime: Clock.boottime())
            if let instant { include(instant) }
        }
        return first
    }

    /// Hands over what has happened, in its order.
    public func takeEvents() -> [Event] {
        let taken = events
        events = []
        return taken
    }

    /// Tells what the poller has to do since the last time, and closes what it has let go of.
    public func drainPollChanges<Failure: Error>(
        _ apply: (PollChange) throws(Failure) -> Void
    ) throws(Failure) {
        if let old = leaving {
            if registered != nil { try apply(.remove(descriptor: old.descriptor)) }
            registered = nil
            leaving = nil
        }
        guard let link else { return }
        let wanted = Readiness(rawValue: link.interest)
        if registered == nil {
            try apply(.add(descriptor: link.descriptor, wanted))
        } else if registered != wanted {
            try apply(.modify(descriptor: link.descriptor, wanted))
        }
        registered = wanted
    }

    func tell(_ event: Event) { events.append(event) }

    // MARK: - The connection

    private func connect(at now: Int64) {
        do throws(BusFailure) {
            link = try BusLink(address)
            phase = .joining(until: now + Self.joinPatience)
            try introduce(at: now)
        } catch {
            lose(error, at: now)
        }
    }

    /// PID 1 has answered.
    func join() {
        phase = .up
        pause = Self.firstPause
        told = nil
        tell(.connected)
        for subject in order { enlist(subject) }
    }

    /// PID 1 has left the bus, which is still there.
    func miss(at now: Int64) {
        manager = nil
        if phase == .up {
            tellLost(BusFailure(reason: "systemd has left the bus; it may be re-executing itself"))
        }
        phase = .joining(until: now + Self.joinPatience)
    }

    func lose(_ why: BusFailure, at now: Int64) {
        leaving = link
        link = nil
        manager = nil
        phase = .away(until: now + pause)
        pause = min(pause * 2, Self.longestPause)
        tellLost(why)
        let lost = requests
        requests.removeAll()
        for request in lost { end(request, .lost, at: now) }
        queue.removeAll()
        for subject in order {
            subject.isPinned = false
            subject.isQueued = false
        }
    }

    private func tellLost(_ why: BusFailure) {
        if told != why { tell(.lost(why)) }
        told = why
    }

    private func receive(at now: Int64) {
        for _ in 0..<Self.messagesPerTurn where events.count < Self.mostEvents {
            guard let link else { return }
            switch link.next() {
            case .message(let message): take(message, at: now)
            case .worked: continue
            case .idle: return
            case .ended(let why): return lose(why, at: now)
            }
        }
    }

    private func expire(at now: Int64) {
        if case .joining(let until) = phase, until <= now {
            lose(BusFailure(reason: "systemd does not answer on \(address.text)"), at: now)
        }
        guard requests.contains(where: { $0.deadline <= now }) else { return }
        let late = requests.filter { $0.deadline <= now }
        requests.removeAll { $0.deadline <= now }
        for request in late { end(request, .timedOut, at: now) }
    }

    // MARK: - Looking

    /// When there is room for the next look; `nil`: when an answer comes, or never.
    private var nextLook: Int64? {
        guard looks < Self.looksAtOnce else { return nil }
        let isFull = routineLooks >= Self.routineLooksAtOnce
        return queue.lazy.filter { !(isFull && $0.isRoutine) }
            .map { max($0.notBefore, self.budget.room(isRoutine: $0.isRoutine)) }.min()
    }

    func number() -> UInt64 {
        lastCall += 1
        return lastCall
    }
}
