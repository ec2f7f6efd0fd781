import Supervision

/// What operators ask.
extension SwitchMind {
    mutating func asked(
        _ request: Int, _ wish: SwitchRequest, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        if case .confirm(let uid) = wish { return confirmTrial(request, uid, services, &turn) }
        guard hasBegun else { return refuse(request, "regend is still starting: try again", &turn) }
        let waiting = looks.count { if case .request = $0.purpose { true } else { false } }
        guard waiting < Self.mostRequests else {
            return refuse(request, "too many questions wait already: try again", &turn)
        }
        if let obstacle = obstacle(to: wish) { return refuse(request, obstacle, &turn) }
        look(.request(request, wish), nil, &turn)
    }

    private func refuse(_ request: Int, _ why: String, _ turn: inout Turn) {
        turn.actions.append(.answer(request: request, .unable(why)))
    }

    /// Whether something is under way that nothing may begin beside.
    private func obstacle(to wish: SwitchRequest) -> String? {
        switch wish {
        case .plan, .generations, .confirm: return nil
        case .rollback, .trial:
            guard let flight = aloft?.flight else { return nil }
            return "switch \(flight.id) is under way (\(flight.step.rawValue))"
        }
    }

    /// The generations were looked at for an operator.
    mutating func answer(
        _ request: Int, _ wish: SwitchRequest, _ landscape: Landscape,
        _ services: borrowing Mind, _ turn: inout Turn
    ) {
        if let obstacle = obstacle(to: wish) { return refuse(request, obstacle, &turn) }
        switch wish {
        case .plan(let wish):
            let facts = askedFacts(wish, landscape, turn)
            turn.actions.append(.answer(request: request, .planned(facts, facts.outcome())))
        case .generations:
            let standings = standings(landscape, turn)
            turn.actions.append(.answer(request: request, .generations(landscape, standings)))
        case .rollback(let wish, let expected, let uid):
            rollBack(request, wish, expected, uid, landscape, services, &turn)
        case .trial(let path, let generation, let confirm, let uid):
            tryOut(
                request, path, generation, .trial(uid: uid, confirm: confirm), landscape,
                services, &turn)
        case .confirm: break
        }
    }

    /// The same as for an incident; but where no change is on probation, the generation before the
    /// one that runs counts as the previous one: the operator sees it before anything is done.
    private func askedFacts(
        _ wish: PlanFacts.Wish, _ landscape: Landscape, _ turn: Turn
    ) -> PlanFacts {
        var facts = planFacts(wish, landscape, turn)
        guard !facts.candidates.contains(where: \.isPrevious),
            let running = facts.candidates.first(where: \.isRunning)
        else { return facts }
        let before = facts.candidates.firstIndex { $0.generation < running.generation }
        if let before { facts.candidates[before].isPrevious = true }
        return facts
    }

    private func standings(_ landscape: Landscape, _ turn: Turn) -> [GenerationStanding] {
        let facts = askedFacts(.anywhere, landscape, turn)
        return landscape.generations.map { generation in
            let candidate = facts.candidates.first { $0.path == generation.path }
            var asked = facts
            asked.wish = .generation(candidate?.generation ?? generation.number)
            return GenerationStanding(
                generation: generation.number, isKnownGood: candidate?.isKnownGood ?? false,
                isQuarantined: candidate?.isQuarantined ?? false,
                isFenced: policy.fence.map { generation.number < $0 } ?? false,
                rollback: asked.outcome())
        }
    }

    // MARK: Switches

    private mutating func rollBack(
        _ request: Int, _ wish: PlanFacts.Wish, _ expected: String?, _ uid: UInt32,
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let current = landscape.current else {
            return refuse(request, "/run/current-system leads nowhere", &turn)
        }
        let facts = askedFacts(wish, landscape, turn)
        let outcome = facts.outcome()
        switch outcome {
        case .go(let plan), .propose(let plan):
            if let expected, expected != plan.target.activated, expected != plan.target.path {
                let now = plan.target.generation
                return refuse(request, "the plan has changed: it leads to \(now) now", &turn)
            }
            turn.record(.planned(facts, outcome))
            depart(
                newFlight(.asked(uid: uid), from: current, plan, turn), request: (request, plan),
                services, &turn)
        case .refuse(let refusal):
            turn.actions.append(.answer(request: request, .refused(refusal)))
        }
    }

    private mutating func tryOut(
        _ request: Int, _ path: String, _ generation: Int?, _ purpose: Flight.Purpose,
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        if let refusal = trialRefusal(landscape) {
            return turn.actions.append(.answer(request: request, .refused(refusal)))
        }
        guard let current = landscape.current else {
            return refuse(request, "/run/current-system leads nowhere", &turn)
        }
        guard current != path else { return refuse(request, "it runs already", &turn) }
        if let obstacle = landscape.obstacle(toTrialOf: path, generation) {
            return refuse(request, obstacle, &turn)
        }
        // A path that a generation leads to already gets no second one.
        let flight = Flight(
            id: memory.nextFlight, purpose: purpose, from: current, to: path,
            generation: generation ?? self.generation(of: path), mode: .trial, began: turn.now)
        depart(flight, request: (request, nil), services, &turn)
    }

    private func trialRefusal(_ landscape: Landscape) -> Refusal? {
        if policy.mode == .off { return .off }
        if !hasLedger { return .noLedger }
        if foreign != nil || landscape.switchHolder != nil { return .switching }
        return nil
    }

    /// The machine can be reached.
    private mutating func confirmTrial(
        _ request: Int, _ uid: UInt32, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft, aloft.isConfirmingTrial else {
            return refuse(request, "no switch waits for a confirmation", &turn)
        }
        self.aloft?.isConfirmed = true
        turn.record(.trialConfirmed(flight: aloft.flight.id, uid: uid))
        turn.actions.append(.answer(request: request, .confirmed(flight: aloft.flight.id)))
    }
}

extension Landscape {
    /// Why a system cannot be put on trial: it would be known too late from running it.
    fileprivate func obstacle(toTrialOf path: String, _ generation: Int?) -> String? {
        if let generation, !generations(of: path).contains(where: { $0.number == generation }) {
            return
                "there is no generation \(generation) that leads to \(path): see regen generations"
        }
        guard let target = system(path) else { return "\(path) could not be looked at" }
        if let defect = target.defects.first {
            return "\(path) is incomplete: \(defect.phrase); build it again"
        }
        guard let running = current.flatMap(system) else { return nil }
        var keys = running.inhibitors(against: target)
        if running.initInterface != target.initInterface { keys.append("another init interface") }
        if keys.isEmpty { return nil }
        return "\(path) can only be reached by a reboot (\(keys.joined(separator: ", "))), and a "
            + "trial is without one: nixos-rebuild boot, and reboot"
    }
}
