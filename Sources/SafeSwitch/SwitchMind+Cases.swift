import Supervision

/// Accusations: each is answered, within a bounded time.
extension SwitchMind {
    /// The mind asks before a human is told.
    mutating func accuse(
        _ id: InstanceID, _ incident: Int, _ reason: HandoverReason, _ services: borrowing Mind,
        _ turn: inout Turn
    ) {
        guard let service = watchedService(id), policy.mode != .off || aloft != nil else {
            return turn.answer(id, .handOver(nil))
        }
        var one = Case(id, service.name, incident, reason: reason, began: turn.now)
        one.system = memory.current
        if aloft != nil { return accuseAloft(one, services, &turn) }
        if unhelped.contains(incident) {
            if rebootIntoKnownGood(one, services, &turn) { return }
            turn.answer(id, .handOver(.rollbackDidNotHelp))
        } else if let known = cases.firstIndex(where: { $0.service == id }) {
            cases[known].reason = reason
            cases[known].incident = incident
            cases[known].system = memory.current
        } else if cases.count < Self.mostCases {
            cases.append(one)
        } else {
            turn.answer(id, .handOver(nil))
        }
    }

    /// Answers a case, and is done with it.
    mutating func close(_ one: Case, _ answer: Triaged, _ turn: inout Turn) {
        cases.removeAll { $0.service == one.service }
        if watchedService(one.service) != nil { watched[one.service.index]?.isWeighed = true }
        turn.answer(one.service, answer)
    }

    /// Another system runs than the one on which it failed: that one is not held against this one.
    private mutating func giveChance(to one: Case, _ turn: inout Turn) {
        close(one, .retry, &turn)
        if watchedService(one.service) != nil { watched[one.service.index]?.isWeighed = false }
    }

    /// Nobody waits longer than the longest switch.
    mutating func expireCases(_ turn: inout Turn) {
        while let late = cases.first(where: { $0.began + policy.overdue <= turn.now }) {
            close(late, .handOver(nil), &turn)
        }
    }

    func isAwaited(_ serial: Int) -> Bool { cases.first?.stage == .looking(serial) }

    /// Takes the first case one step further. One at a time: the first may settle all of them.
    mutating func proceed(_ services: borrowing Mind, _ turn: inout Turn) {
        while aloft == nil, hasBegun, let one = cases.first {
            switch one.stage {
            case .looking: return
            case .waits:
                guard foreign == nil else { return waitForSwitch(&turn) }
                return lookInto(one, &turn)
            case .awaitsSwitch(let system):
                guard foreign == nil else { return }
                // What has changed meanwhile, or come up, gets its chance.
                let isOver =
                    services.standing(one.service) == .healthy || memory.current != system
                if isOver { giveChance(to: one, &turn) } else { cases[0].stage = .waits }
            }
        }
    }

    private mutating func waitForSwitch(_ turn: inout Turn) {
        cases[0].stage = .awaitsSwitch(memory.current)
        let next = turn.now + Self.switchPoll
        pollAt = pollAt.map { min($0, next) } ?? next
    }

    private mutating func lookInto(_ one: Case, _ turn: inout Turn) {
        let before = memory.probation?.previous
        let after = memory.probation == nil ? nil : memory.current
        var question: Question?
        if let before, let after, subjects.indices.contains(one.service.index),
            let subject = subjects[one.service.index]
        {
            question = Question(subject: subject, before: before, after: after)
        }
        look(.weigh(before: before, after: after), question, &turn)
        cases[0].stage = .looking(lastSerial)
        cases[0].looks += 1
    }

    // MARK: Weighing

    /// Everything that blame looks at.
    func facts(
        _ one: Case, _ comparison: Comparison?, _ services: borrowing Mind, _ now: Instant
    ) -> TriageFacts {
        let service = watchedService(one.service)
        let failures = service.map { self.failures(of: $0, at: now) } ?? (since: 0, before: 0)
        return TriageFacts(
            service: one.name, incident: one.incident, trigger: one.trigger,
            rollback: services.definition(one.service).policy.rollback,
            isInProbation: memory.probation != nil,
            wasHealthyBefore: service?.wasHealthyBefore ?? false,
            failures: failures.since, failuresBefore: failures.before,
            wasRestarted: service?.wasRestarted ?? false, comparison: comparison)
    }

    /// The first case was looked at.
    mutating func weigh(
        _ comparison: Comparison?, before: String?, after: String?, _ services: borrowing Mind,
        _ turn: inout Turn
    ) {
        guard let one = cases.first else { return }
        cases[0].stage = .waits
        // It waits for the end of that switch; or the question was about another change.
        if foreign != nil { return }
        if one.system != memory.current { return giveChance(to: one, &turn) }
        let isOutdated =
            memory.probation != nil
            && (memory.probation?.previous != before || memory.current != after)
        if isOutdated, one.looks < Self.mostLooks { return }
        let facts = facts(one, isOutdated ? nil : comparison, services, turn.now)
        let verdict = facts.judge()
        turn.record(.triaged(facts, verdict))
        cases[0].culprit = comparison?.culprit
        switch verdict {
        case .human(let acquittal):
            close(one, .handOver(nil), &turn)
            // It may go on failing until it has failed often enough.
            if acquittal.mayPass { watched[one.service.index]?.isWeighed = false }
        case .generation: plan(cases[0], services, &turn)
        }
    }

    /// The look at the first case failed.
    mutating func weighBlindly(
        _ trouble: String, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let one = cases.first else { return }
        cases[0].stage = .waits
        if one.looks < Self.mostLooks { return }
        let facts = facts(one, nil, services, turn.now)
        let verdict = facts.judge()
        turn.record(.triaged(facts, verdict))
        if verdict == .human(.blind) {
            let plan = planFacts(wish(of: one, services), Landscape(), turn)
            turn.record(.planned(plan, .refuse(.unseen(trouble))))
        }
        close(one, .handOver(nil), &turn)
    }

    // MARK: Planning

    func wish(of one: Case, _ services: borrowing Mind) -> PlanFacts.Wish {
        .incident(one.incident, services.definition(one.service).policy.rollback)
    }

    private mutating func plan(_ one: Case, _ services: borrowing Mind, _ turn: inout Turn) {
        guard let landscape, let current = landscape.current else {
            return close(one, .handOver(nil), &turn)
        }
        let facts = planFacts(wish(of: one, services), landscape, turn)
        let outcome = facts.outcome()
        turn.record(.planned(facts, outcome))
        switch outcome {
        case .go(let plan):
            let flight = newFlight(.rollback(incident: one.incident), from: current, plan, turn)
            depart(flight, services, &turn)
        case .propose: close(one, .handOver(.rollbackProposed), &turn)
        case .refuse(let refusal):
            if isExhausted(by: refusal), rebootIntoKnownGood(one, services, &turn) { return }
            close(one, .handOver(nil), &turn)
        }
    }

    /// Everything that a plan is made from.
    func planFacts(_ wish: PlanFacts.Wish, _ landscape: Landscape, _ turn: Turn) -> PlanFacts {
        var had = false
        var wasHealthy = true
        if case .incident(let incident, _) = wish {
            had = memory.rolledBack.contains(incident)
            let service = cases.first { $0.incident == incident }?.service
            wasHealthy = service.flatMap { watchedService($0) }?.wasHealthyBefore ?? false
        }
        let last = memory.rollbacks.last.map { turn.now - $0 }
        return PlanFacts(
            wish: wish, mode: mode(turn.wall), allowReboot: policy.allowReboot,
            hasLedger: hasLedger, sinceRollback: last.flatMap { $0 < policy.limit ? $0 : nil },
            incidentHadRollback: had,
            isSwitching: foreign != nil || landscape.switchHolder != nil || aloft != nil,
            bootSpace: landscape.bootSpace,
            candidates: landscape.candidates(for: context(landscape, wasHealthy: wasHealthy)))
    }

    func context(_ landscape: Landscape, wasHealthy: Bool) -> PlanningContext {
        PlanningContext(
            previous: memory.probation?.previous, wasHealthyOnPrevious: wasHealthy,
            knownGood: memory.knownGood, quarantined: memory.quarantined, booted: memory.booted,
            fence: policy.fence)
    }

    /// The mode in force: nothing is done by itself while humans work on the machine.
    func mode(_ wall: Int64) -> SafeSwitchPolicy.Mode {
        guard policy.mode == .automatic else { return policy.mode }
        return policy.maintenance.contains { $0.contains(wall: wall) } ? .propose : .automatic
    }
}

extension Comparison {
    /// What failed: what the first path that differs leads to after the change.
    var culprit: String? { paths.first { $0.difference.isChange && $0.after != nil }?.after }
}

extension Acquittal {
    /// Whether more failures may change it.
    fileprivate var mayPass: Bool {
        switch self {
        case .notRestarted, .tooFew, .asOftenBefore: true
        case .never, .noChange, .notHealthyBefore, .unchanged, .blind: false
        }
    }
}
