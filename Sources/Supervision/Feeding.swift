/// When a watchdog is fed, and what that depends on.
///
/// A value without a clock. Whoever holds the device asks it at the end of a turn of the loop that
/// really happened, and while the loop waits for an exec: one that stands still anywhere else feeds nothing.
public struct Feeding: Sendable {
    /// What has to hold for the device to be fed. Each has a name, which is written when it fails.
    public enum Condition: String, CaseIterable, Sendable {
        /// The loop turned, and did what was due.
        case loopTurned = "loop-turned"
        /// For each critical service there is something to come that moves it on.
        case criticalSupervised = "critical-supervised"
        /// No record has waited too long for the disk's answer. An error is an answer.
        case ledgerAnswered = "ledger-answered"
    }

    /// What is looked at, at the end of a turn.
    public struct Facts: Equatable, Sendable {
        /// The mind waits to be woken for something that is due already.
        public var isOverdue: Bool
        /// A critical instance, or one that such a one waits for, that nothing would ever move again.
        public var abandoned: InstanceID?
        /// Since when the disk has owed an answer.
        public var atDiskSince: Instant?
        /// Since when the loop has waited for a process to execute its program, and does nothing else.
        public var execSince: Instant?

        /// All is well, unless told otherwise.
        public init(
            isOverdue: Bool = false, abandoned: InstanceID? = nil, atDiskSince: Instant? = nil,
            execSince: Instant? = nil
        ) {
            self.isOverdue = isOverdue
            self.abandoned = abandoned
            self.atDiskSince = atDiskSince
            self.execSince = execSince
        }
    }

    /// What to do with the device.
    public enum Verdict: Equatable, Sendable {
        /// Feed it.
        case feed
        /// Feed it: what had failed holds again, after so long.
        case feedAgain(after: Interval)
        /// Do not feed it from now on, and first write down why.
        case beginStarving(Condition)
        /// Go on not feeding it.
        case starve(Condition)
    }

    /// Why it is not fed.
    public struct Starvation: Equatable, Sendable {
        /// What fails.
        public var condition: Condition
        /// When it was first not fed.
        public var since: Instant
    }

    /// Turn after turn may leave something due undone for so long: what a turn brings about itself is
    /// done in the next.
    public static let longestOverdue = Interval.seconds(1)
    /// An exec may keep the loop for so long: memory is short, or a network mount does not answer.
    public static let longestExec = Interval.minutes(5)
    /// Between two looks whether what failed holds again.
    public static let recheck = Interval.seconds(1)

    /// Between two feedings: half of the time-out.
    public private(set) var interval: Interval
    /// Longer than this the disk may not owe an answer.
    public var ledgerStall: Interval
    /// When to be asked next.
    public private(set) var due: Instant
    /// Why it is not fed; `nil`: it is.
    public private(set) var starvation: Starvation?
    private var overdueSince: Instant?

    /// Due at once. `timeout` is the shortest of those that the drivers took.
    public init(timeout: Interval, ledgerStall: Interval, at now: Instant) {
        interval = Interval(nanoseconds: timeout.nanoseconds / 2)
        self.ledgerStall = ledgerStall
        due = now
    }

    /// A device came, went, or took another time-out: it is due at once.
    public mutating func set(timeout: Interval, at now: Instant) {
        interval = Interval(nanoseconds: timeout.nanoseconds / 2)
        due = min(due, now)
    }

    /// What to do at the end of this turn; `nil`: nothing yet. The facts are looked at when it is due.
    public mutating func turn(at now: Instant, _ facts: () -> Facts) -> Verdict? {
        guard due <= now else { return nil }
        let facts = facts()
        // What comes due during an exec is done after it.
        overdueSince = facts.isOverdue && facts.execSince == nil ? overdueSince ?? now : nil
        if let overdueSince, now - overdueSince <= Self.longestOverdue, starvation == nil {
            return nil
        }
        if let failed = failure(facts, at: now) {
            due = now + Self.recheck
            if starvation?.condition == failed { return .starve(failed) }
            starvation = Starvation(condition: failed, since: starvation?.since ?? now)
            return .beginStarving(failed)
        }
        due = now + interval
        guard let since = starvation?.since else { return .feed }
        starvation = nil
        return .feedAgain(after: now - since)
    }

    private func failure(_ facts: Facts, at now: Instant) -> Condition? {
        if let since = overdueSince, now - since > Self.longestOverdue { return .loopTurned }
        if let since = facts.execSince, now - since > Self.longestExec { return .loopTurned }
        if facts.abandoned != nil { return .criticalSupervised }
        if let since = facts.atDiskSince, now - since > ledgerStall { return .ledgerAnswered }
        return nil
    }
}
