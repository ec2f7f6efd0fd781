import Supervision

extension PlanFacts {
    /// Where to go and how, or why not. A pure rule: the same facts, the same plan.
    public func outcome() -> PlanOutcome {
        if let refusal = guarded() { return .refuse(refusal) }
        let found: (Candidate, Plan.Choice)
        switch choose() {
        case .success(let choice): found = choice
        case .failure(let why): return .refuse(.noTarget(why.rejections))
        }
        let (target, choice) = found
        if let bootSpace, bootSpace < Self.leastBootSpace {
            return .refuse(.bootFull(free: bootSpace))
        }
        guard target.inhibitors.isEmpty, !target.initDiffers else {
            return reboot(into: target, choice)
        }
        return allowed(
            Plan(target: target, choice: choice, mode: .live, isDegraded: target.kernelDiffers))
    }

    /// Who wants it decides which guards there are; nobody gets by without a ledger.
    private func guarded() -> Refusal? {
        if case .incident(_, let rollback) = wish {
            if mode == .off { return .off }
            if rollback == .never { return .never }
            if incidentHadRollback { return .already }
            if let sinceRollback { return .limit(since: sinceRollback) }
        }
        if !hasLedger { return .noLedger }
        return isSwitching ? .switching : nil
    }

    private func reboot(into target: Candidate, _ choice: Plan.Choice) -> PlanOutcome {
        guard allowReboot else {
            return .refuse(
                .needsReboot(generation: target.generation, inhibitors: target.inhibitors))
        }
        guard target.wasBooted else {
            return .refuse(.neverBooted(generation: target.generation))
        }
        return allowed(Plan(target: target, choice: choice, mode: .reboot, isDegraded: false))
    }

    private func allowed(_ plan: Plan) -> PlanOutcome {
        guard case .incident(_, let rollback) = wish else { return .go(plan) }
        return mode == .propose || rollback == .propose ? .propose(plan) : .go(plan)
    }

    // MARK: The target

    private struct NoTarget: Error {
        let rejections: [Rejection]
    }

    private func choose() -> Result<(Candidate, Plan.Choice), NoTarget> {
        let able = candidates.filter { $0.unfitness == nil }
        let newestKnownGood = able.filter(\.isKnownGood).max { $0.generation < $1.generation }
        let previous = able.first(where: \.isPrevious)
        switch wish {
        case .generation(let number):
            if let asked = able.first(where: { $0.generation == number }) {
                return .success((asked, .asked))
            }
        case .knownGood:
            if let newestKnownGood { return .success((newestKnownGood, .asked)) }
        case .incident, .anywhere:
            if let previous, previous.isKnownGood {
                return .success((previous, .previousKnownGood))
            }
            if let newestKnownGood { return .success((newestKnownGood, .newestKnownGood)) }
            if let previous, previous.wasHealthy { return .success((previous, .previousUnproven)) }
            if let previous, wish == .anywhere { return .success((previous, .before)) }
        }
        return .failure(NoTarget(rejections: rejections()))
    }

    /// Why none of those in question will do, the newest first.
    private func rejections() -> [Rejection] {
        candidates.filter { candidate in
            if case .generation(let number) = wish { return candidate.generation == number }
            return true
        }.prefix(Candidate.mostRecorded).map { candidate in
            Rejection(
                generation: candidate.generation,
                reason: candidate.unfitness
                    ?? (candidate.isPrevious ? .notHealthyThere : .unproven))
        }
    }
}

extension Candidate {
    /// What makes it no place to go back to, whoever asks.
    var unfitness: Rejection.Reason? {
        if isRunning { return .running }
        if isQuarantined { return .quarantined }
        if isFenced { return .fenced }
        return defects.first.map { .incomplete($0) }
    }
}
