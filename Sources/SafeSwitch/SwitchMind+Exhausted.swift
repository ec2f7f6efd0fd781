import Supervision

/// The very last resort: a reboot into the newest known good generation.
extension SwitchMind {
    /// Whether a plan was refused because there is nothing left to try, and not because it must not be.
    func isExhausted(by refusal: Refusal) -> Bool {
        switch refusal {
        case .limit, .already, .noTarget, .needsReboot, .neverBooted, .bootFull, .gone: true
        case .off, .never, .noLedger, .switching, .unseen, .notDurable: false
        }
    }

    /// Begins it where it is wanted and allowed, at most once a day. `false`: it is not.
    mutating func rebootIntoKnownGood(
        _ one: Case, _ services: borrowing Mind, _ turn: inout Turn
    ) -> Bool {
        guard policy.onExhausted == .rebootIntoKnownGood, mayReboot(one, services, turn),
            let landscape, let current = landscape.current,
            let target = lastResort(in: landscape)
        else { return false }
        let plan = Plan(
            target: target, choice: .newestKnownGood, mode: .reboot, isDegraded: false)
        if !cases.contains(where: { $0.service == one.service }) { cases.append(one) }
        depart(
            newFlight(.rollback(incident: one.incident), from: current, plan, turn), services,
            &turn)
        return true
    }

    private func mayReboot(_ one: Case, _ services: borrowing Mind, _ turn: Turn) -> Bool {
        switch services.definition(one.service).policy.rollback {
        case .propose, .never: return false
        case .auto, .always: break
        }
        let isRecent = memory.lastReboot.map { turn.now - $0 < Self.rebootLimit } ?? false
        return policy.allowReboot && hasLedger && mode(turn.wall) == .automatic
            && foreign == nil && !isRecent
    }

    private func lastResort(in landscape: Landscape) -> Candidate? {
        if let space = landscape.bootSpace, space < PlanFacts.leastBootSpace { return nil }
        if landscape.switchHolder != nil { return nil }
        return landscape.candidates(for: context(landscape, wasHealthy: false)).first {
            $0.isKnownGood && $0.wasBooted && !$0.isQuarantined && !$0.isFenced
                && $0.defects.isEmpty
        }
    }
}
