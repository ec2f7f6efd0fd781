public import Supervision

/// When something is to be done without another event, and doing it.
extension SwitchMind {
    /// When to call `handle(.deadlineReached)` at the latest; `nil`: never.
    public func nextDeadline() -> Instant? {
        let isIdle = policy.mode == .off && aloft == nil && looks.isEmpty && memory.flight == nil
        if isIdle { return nil }
        var next = Earliest()
        next.note(pollAt)
        for look in looks { next.note(look.asked + Self.surveyWait) }
        if let foreign, !foreign.isTold { next.note(foreign.began + policy.overdue) }
        for one in cases { next.note(one.began + policy.overdue) }
        if canEndProbation { next.note(memory.probation?.ends) }
        if let marking, marking.serial == nil { next.note(marking.next) }
        next.note(flightDeadline)
        return next.instant
    }

    /// The probation may end when its time has come: nothing is under way that could replace it.
    var canEndProbation: Bool {
        isOriented && policy.mode != .off && foreign == nil && cases.isEmpty && aloft == nil
    }

    /// Does what is due. Each of these moves its own deadline on, so that none comes twice.
    mutating func wakeDue(_ services: borrowing Mind, _ turn: inout Turn) {
        let now = turn.now
        while let late = looks.first(where: { $0.asked + Self.surveyWait <= now }) {
            lookFailed(late.serial, "it took longer than 10 s", services, &turn)
        }
        tendForeignSwitch(&turn)
        expireCases(&turn)
        tendFlight(services, &turn)
        if canEndProbation, let ends = memory.probation?.ends, ends <= now {
            endProbation(services, &turn)
        }
        if let marking, marking.serial == nil, marking.next <= now { mark(&turn) }
        proceed(services, &turn)
        if let pollAt, pollAt <= now { watch(&turn) }
    }
}

/// The earliest of some instants.
struct Earliest {
    var instant: Instant?

    mutating func note(_ other: Instant?) {
        guard let other else { return }
        instant = instant.map { min($0, other) } ?? other
    }
}
