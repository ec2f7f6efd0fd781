import Supervision

/// Forward on trial, and back where it fails: `regen switch`.
extension SwitchMind {
    mutating func tendTrial(
        _ confirm: Interval?, _ until: Instant, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft else { return }
        let isOver = until <= turn.now
        if aloft.isConfirmed, isWell(services, turn.now) { return settle(services, &turn) }
        if confirm != nil {
            guard isOver else { return }
            return retreat(aloft.isConfirmed ? .notHelped : .notConfirmed, services, &turn)
        }
        guard isOver else { return }
        var isProven = isWell(services, turn.now)
        if let probation = memory.probation {
            isProven = isProven && judgeProbation(probation, services).0 != .unproven
        }
        if isProven { settle(services, &turn) } else { retreat(.notHelped, services, &turn) }
    }

    mutating func failTrial(_ one: Case, _ services: borrowing Mind, _ turn: inout Turn) {
        cases = [one]
        retreat(.notHelped, services, &turn)
    }

    /// Back to what ran before the trial. Part of the trial: neither limited nor counted.
    private mutating func retreat(
        _ outcome: FlightOutcome, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let trial = aloft?.flight else { return }
        let back = Flight(
            id: memory.nextFlight, purpose: .retreat, from: trial.to, to: trial.from,
            generation: generation(of: trial.from), mode: .trial, began: turn.now)
        follow(trial, outcome, back, services, &turn)
    }

    /// The trial's system becomes the boot default.
    private mutating func settle(_ services: borrowing Mind, _ turn: inout Turn) {
        guard let trial = aloft?.flight else { return }
        let rest = Flight(
            id: memory.nextFlight, purpose: .settle, from: trial.to, to: trial.to,
            generation: trial.generation, mode: .live, began: turn.now)
        follow(trial, .succeeded, rest, services, &turn)
    }

    /// The next switch is intended before this one is over, so that no death in between forgets it.
    private mutating func follow(
        _ trial: Flight, _ outcome: FlightOutcome, _ next: Flight, _ services: borrowing Mind,
        _ turn: inout Turn
    ) {
        depart(next, services, &turn)
        turn.record(.flightEnded(flight: trial.id, outcome))
    }

    /// A trial's switch-to-configuration has died half way, and the system before it is still said to
    /// run: it is activated again, so that it really does.
    mutating func retreatFromNowhere(
        _ outcome: FlightOutcome, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let trial = aloft?.flight, let accused = aloft?.accused else { return }
        let back = Flight(
            id: memory.nextFlight, purpose: .retreat, from: trial.from, to: trial.from,
            generation: generation(of: trial.from), mode: .trial, began: turn.now)
        cases = accused
        follow(trial, outcome, back, services, &turn)
    }
}

extension Aloft {
    /// Whether a trial that did not come to its end may have left something half done.
    func mustBeLeft(_ current: String?) -> Bool {
        guard current == flight.from else { return false }
        switch status {
        // Refused before anything was done: a check, the lock, or another init interface.
        case .code(1), .code(11), .code(100): return false
        case .code, .signal, .unknown: return true
        }
    }
}
