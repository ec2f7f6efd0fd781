import Supervision

/// A hardware watchdog, and the disk that its feeding depends on. Its dice are its own: what it does
/// changes nothing else in a run.
struct SimWatchdog {
    static let ledgerStall = Interval.minutes(5)
    /// So long the rule may take to find that what failed holds again, or that a turn was none.
    static let slack = Feeding.recheck + Feeding.longestOverdue

    var random: SplitMix64
    let timeout: Interval
    var feeding: Feeding
    /// When it was fed last, or the daemon opened it.
    var fed: Instant
    /// When it would last have been wrong to feed it.
    var unfit: Instant
    /// The disk owes an answer.
    var stall: (since: Instant, until: Instant)?

    init(seed: UInt64, at now: Instant) {
        random = SplitMix64(seed: ~seed)
        timeout = .seconds(random.pick([30, 120, 600, 3600]))
        feeding = Feeding(timeout: timeout, ledgerStall: Self.ledgerStall, at: now)
        (fed, unfit) = (now, now)
    }

    /// The next daemon opens it.
    mutating func reopen(at now: Instant) {
        feeding = Feeding(timeout: timeout, ledgerStall: Self.ledgerStall, at: now)
        (fed, unfit, stall) = (now, now, nil)
    }
}

extension SimulatedMachine {
    /// Turns of the loop in which nothing happens but that it is time to feed.
    mutating func feedQuietly(until end: Instant?) throws(Violation) {
        guard let end else { return }
        while max(dog.feeding.due, now) < end {
            let due = dog.feeding.due
            try feed(at: max(due, now))
            // What is overdue is done in a turn of its own.
            if dog.feeding.due == due { return }
        }
    }

    /// The end of a turn in which something happened.
    mutating func tendWatchdog() throws(Violation) {
        if let stall = dog.stall, stall.until <= now { dog.stall = nil }
        if dog.stall == nil, !isCalm, dog.random.oneIn(100) {
            let length = Interval(nanoseconds: dog.random.within(1...900_000_000_000))
            dog.stall = (now, now + length)
            say("    the disk owes an answer for \(length.words)")
        }
        try feed(at: now)
    }

    private mutating func feed(at time: Instant) throws(Violation) {
        guard var mind else { return }
        if let stall = dog.stall, stall.until <= time { dog.stall = nil }
        let isOverdue = mind.nextDeadline().map { $0 <= time } ?? false
        let abandoned = mind.abandoned { id, debt in
            debt == .exit && hands.watches.indices.contains(id.index)
                && (hands.watches[id.index] != nil || hands.isDeathUntold[id.index])
        }
        var facts = Feeding.Facts(
            isOverdue: isOverdue, abandoned: abandoned, atDiskSince: dog.stall?.since)
        if sabotage == .feederIgnoresDisks { facts.atDiskSince = nil }
        let verdict = dog.feeding.turn(at: time) { facts }
        switch verdict {
        case .feed, .feedAgain:
            if sabotage == .feederForgets, dog.random.oneIn(20) { break }
            dog.fed = time
        case .beginStarving(let condition):
            say("    the watchdog starves: \(condition.rawValue)")
        case .starve, nil: break
        }
        try checkWatchdog(at: time, isOverdue: isOverdue)
    }

    /// The device is fed while the loop is healthy, and never when it is not.
    private mutating func checkWatchdog(at time: Instant, isOverdue: Bool) throws(Violation) {
        let owes = dog.stall.map { time - $0.since > SimWatchdog.ledgerStall } ?? false
        if owes, dog.fed == time {
            throw Violation(rule: .watchdog, what: "fed at \(time) while the disk stands still")
        }
        if owes || isOverdue { dog.unfit = time }
        let half = Interval(nanoseconds: dog.timeout.nanoseconds / 2)
        if time - max(dog.fed, dog.unfit) > half + SimWatchdog.slack {
            throw Violation(rule: .watchdog, what: "not fed at \(time) since \(dog.fed)")
        }
    }
}

extension Interval {
    fileprivate static func + (a: Interval, b: Interval) -> Interval {
        Interval(nanoseconds: a.nanoseconds + b.nanoseconds)
    }
}
