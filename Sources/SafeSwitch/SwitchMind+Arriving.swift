import Supervision

/// The target runs: what follows, and how a switch ends.
extension SwitchMind {
    /// What the activation was for is so.
    mutating func arrive(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft else { return }
        switch aloft.flight.purpose {
        case .settle: end(.succeeded, services, &turn)
        case .retreat:
            enterTarget(services, &turn)
            end(.succeeded, services, &turn)
        case .trial:
            enterTarget(services, &turn)
            confirm(services, &turn)
        case .rollback, .asked:
            if aloft.flight.mode == .reboot, !aloft.wasRebooted { return advance(&turn) }
            enterTarget(services, &turn)
            confirm(services, &turn)
        }
    }

    /// The target is what runs from now on, if it is not already.
    private mutating func enterTarget(_ services: borrowing Mind, _ turn: inout Turn) {
        guard let aloft, memory.current != aloft.flight.to else { return }
        firstSign = nil
        switch aloft.flight.purpose {
        case .trial: openProbation(of: aloft.flight.to, after: memory.current, services, &turn)
        case .rollback, .asked, .retreat, .settle:
            let culprit = aloft.accused.first?.name
            closeProbation(culprit == nil ? .replaced : .unproven, culprit: culprit, &turn)
            // Nothing before it is to be gone back to: that is where it came from.
            if !isKnownGood(aloft.flight.to) {
                beginProbation(of: aloft.flight.to, previous: nil, &turn)
            }
        }
        enter(aloft.flight.to, by: aloft.wasRebooted ? .boot : .regen, &turn)
    }

    /// The probes have the last word.
    private mutating func confirm(_ services: borrowing Mind, _ turn: inout Turn) {
        guard let aloft else { return }
        begin(.confirm, &turn)
        let until = turn.now + confirmation(of: aloft.flight)
        self.aloft?.awaits = .probes(until: until)
        self.aloft?.leastUntil = turn.now + Self.leastConfirm
        tellSwitching(&turn)
        for one in aloft.accused { turn.answer(one.service, .retry) }
        tendConfirm(services, &turn)
    }

    func confirmation(of flight: Flight) -> Interval {
        switch flight.purpose {
        case .trial(_, let confirm): confirm ?? policy.probation
        case .rollback, .asked, .retreat, .settle: Self.confirmWait
        }
    }

    // MARK: Confirming

    mutating func tendConfirm(_ services: borrowing Mind, _ turn: inout Turn) {
        guard let aloft, case .probes(let until) = aloft.awaits else { return }
        if let least = aloft.leastUntil, least <= turn.now { self.aloft?.leastUntil = nil }
        if case .trial(_, let confirm) = aloft.flight.purpose {
            return tendTrial(confirm, until, services, &turn)
        }
        if isWell(services, turn.now) {
            end(isDegraded(aloft.flight) ? .degraded : .succeeded, services, &turn)
        } else if until <= turn.now {
            end(.notHelped, services, &turn)
        }
    }

    /// Whether everyone that this switch is for is well, and everyone who was so before.
    func isWell(_ services: borrowing Mind, _ now: Instant) -> Bool {
        guard let aloft else { return false }
        var isFresh = !aloft.accused.isEmpty
        for one in aloft.accused where watchedService(one.service)?.name == one.name {
            if services.standing(one.service) != .healthy { return false }
            isFresh = isFresh && services.status(one.service, at: now).since >= aloft.stepBegan
        }
        for id in aloft.healthyBefore where watchedService(id) != nil {
            if services.standing(id) == .unhealthy { return false }
        }
        // One that was not started since has proved nothing yet.
        return isFresh || aloft.leastUntil == nil
    }

    private func isDegraded(_ flight: Flight) -> Bool {
        guard let landscape, let booted = landscape.booted.flatMap(landscape.system),
            let target = landscape.system(flight.to)
        else { return false }
        return booted.kernel != target.kernel
    }

    /// A service fails while a switch of Regen's is under way.
    mutating func accuseAloft(
        _ one: Case, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft else { return }
        guard aloft.flight.step == .confirm else { return join(one, &turn) }
        if aloft.isTrial {
            guard watchedService(one.service)?.wasHealthyBefore == true else {
                return turn.answer(one.service, .handOver(nil))
            }
            return failTrial(one, services, &turn)
        }
        guard aloft.concerns(one) else {
            turn.answer(one.service, .handOver(nil))
            if aloft.healthyBefore.contains(one.service) { end(.notHelped, services, &turn) }
            return
        }
        let first = aloft.accused.first { $0.service == one.service }
        if first?.reason == nil || first?.reason == one.reason {
            turn.record(.notTheGeneration(incident: aloft.incident ?? one.incident))
        }
        self.aloft?.accused.removeAll { $0.service == one.service }
        self.aloft?.accused.insert(one, at: 0)
        end(.notHelped, services, &turn)
    }

    /// It waits for the outcome with the others.
    private mutating func join(_ one: Case, _ turn: inout Turn) {
        guard let aloft, !aloft.isTold, aloft.accused.count < Self.mostCases else {
            return turn.answer(one.service, .handOver(nil))
        }
        let known = aloft.accused.firstIndex { $0.service == one.service }
        if let known {
            self.aloft?.accused[known].reason = one.reason
        } else {
            self.aloft?.accused.append(one)
        }
    }

    // MARK: Ends

    /// Nothing was done, and nothing will be.
    mutating func abandon(
        _ refusal: Refusal, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft else { return }
        self.aloft = nil
        if let incident = aloft.incident {
            memory.rolledBack.removeAll { $0 == incident }
            memory.rollbacks.removeAll { $0 == aloft.flight.began }
        }
        turn.record(.flightEnded(flight: aloft.flight.id, .abandoned(refusal)))
        if let request = aloft.request {
            turn.actions.append(.answer(request: request.number, .refused(refusal)))
        }
        for one in aloft.accused {
            if mayLookAgain(one, after: refusal) {
                var again = one
                again.stage = .waits
                cases.append(again)
            } else {
                turn.answer(one.service, .handOver(nil))
            }
        }
        pollAt = policy.mode == .off ? nil : turn.now
    }

    /// Something has changed since it was planned: perhaps there is another plan.
    private func mayLookAgain(_ one: Case, after refusal: Refusal) -> Bool {
        guard one.looks < Self.mostLooks, policy.mode != .off else { return false }
        switch refusal {
        case .switching, .gone: return true
        case .off, .never, .noLedger, .limit, .already, .noTarget, .needsReboot, .neverBooted,
            .bootFull, .unseen, .notDurable:
            return false
        }
    }

    /// The switch under way is over.
    mutating func end(
        _ outcome: FlightOutcome, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let ended = aloft else { return }
        if case .notActivated(let current) = outcome, ended.isTrial, ended.flight.runs > 0,
            ended.mustBeLeft(current), ended.flight.step != .confirm, !ended.wasRebooted
        {
            return retreatFromNowhere(outcome, services, &turn)
        }
        aloft = nil
        turn.record(.flightEnded(flight: ended.flight.id, outcome))
        pollAt = policy.mode == .off ? nil : turn.now
        switch outcome {
        case .succeeded, .degraded:
            quarantine(ended, &turn)
            for one in ended.accused { turn.answer(one.service, .retry) }
        case .notHelped, .notActivated, .notConfirmed, .abandoned:
            fail(ended, outcome, services, &turn)
        }
    }

    /// A rollback has helped: never back to where it came from.
    private mutating func quarantine(_ ended: Aloft, _ turn: inout Turn) {
        guard let incident = ended.incident, ended.flight.from != ended.flight.to else { return }
        let culprit = ended.accused.first { $0.incident == incident }?.culprit
        memory.quarantined.keep(ended.flight.from)
        if let culprit { memory.quarantined.keep(culprit) }
        turn.record(
            .quarantined(
                system: ended.flight.from, generation: generation(of: ended.flight.from),
                culprit: culprit, incident: incident))
    }

    /// It has not helped. There is no second one: a human, or the very last resort.
    private mutating func fail(
        _ ended: Aloft, _ outcome: FlightOutcome, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        cases = ended.accused
        if ended.incident != nil, ended.isExhausted(by: outcome), let first = cases.first,
            rebootIntoKnownGood(first, services, &turn)
        {
            return
        }
        if outcome == .notHelped, let incident = ended.incident { unhelped.keep(incident) }
        let reason: HandoverReason? = outcome == .notHelped ? .rollbackDidNotHelp : nil
        while let one = cases.first { close(one, .handOver(reason), &turn) }
    }
}

extension Aloft {
    /// Whether nothing is left to try. Where somebody else has switched, there is something new.
    func isExhausted(by outcome: FlightOutcome) -> Bool {
        switch outcome {
        case .notHelped: true
        case .notActivated(let current): current == flight.from && flight.step != .confirm
        case .succeeded, .degraded, .abandoned, .notConfirmed: false
        }
    }
}
