import Supervision

/// The time after a change, in which failures are weighed against it.
extension SwitchMind {
    /// Opens the probation of a system that somebody has switched to, or that was booted.
    mutating func openProbation(
        of system: String, after from: String?, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        let earlier = memory.probation
        if let earlier, earlier.system == system { return }
        let isReturn = earlier?.previous == system
        if earlier != nil { closeProbation(.replaced, culprit: nil, &turn) }
        if isReturn, isKnownGood(system) { return }
        let good = isReturn ? nil : healthyPrevious(earlier, services)
        let previous = isReturn ? nil : good ?? from
        noteBaseline(isChain: earlier != nil && !isReturn, services)
        beginProbation(of: system, previous: previous, &turn)
        // One that broke something may be followed by another.
        if good != nil { memory.probation?.chainBegan = earlier?.chainBegan ?? earlier?.began }
    }

    mutating func beginProbation(of system: String, previous: String?, _ turn: inout Turn) {
        let generation = generation(of: system)
        let previousGeneration = previous.flatMap { self.generation(of: $0) }
        memory.probation = ProbationMemory(
            system: system, generation: generation, previous: previous,
            previousGeneration: previousGeneration, began: firstSign ?? turn.now,
            ends: turn.now + policy.probation)
        turn.record(
            .probationBegan(
                system: system, generation: generation, previous: previous,
                previousGeneration: previousGeneration, lasts: policy.probation))
    }

    mutating func closeProbation(
        _ outcome: ProbationOutcome, culprit: String?, _ turn: inout Turn
    ) {
        guard let probation = memory.probation else { return }
        memory.probation = nil
        turn.record(
            .probationEnded(
                system: probation.system, generation: probation.generation, outcome,
                culprit: culprit))
    }

    func isKnownGood(_ system: String) -> Bool {
        memory.knownGood.contains(system) || landscape?.knownGoodProfile == system
    }

    // MARK: The baseline

    /// The system before an earlier change that is still on probation, where something has failed
    /// since: the one to go back to. `nil`: it is the one before this change.
    private func healthyPrevious(
        _ earlier: ProbationMemory?, _ services: borrowing Mind
    ) -> String? {
        guard let earlier, earlier.previous != nil else { return nil }
        for place in watched.indices {
            guard let service = watched[place], service.wasHealthyBefore else { continue }
            // Who does not run, nobody has seen to be healthy there.
            let isIdle = services.standing(InstanceID(place)) == .idle
            if isIdle || service.hasFailed(since: earlier.began) || !wasHealthy(place, services) {
                return earlier.previous
            }
        }
        return nil
    }

    /// Takes down who was healthy before the change. In a chain of changes, who was so before its
    /// first one is taken to be so still: the chain may be what broke it.
    private mutating func noteBaseline(isChain: Bool, _ services: borrowing Mind) {
        for place in watched.indices where watched[place] != nil {
            let isHealthy = wasHealthy(place, services)
            let wasBefore = isChain && watched[place]?.wasHealthyBefore == true
            watched[place]?.wasHealthyBefore = isHealthy || wasBefore
            watched[place]?.wasRestarted = false
            watched[place]?.isWeighed = false
        }
    }

    /// Whether a service was healthy until the change. One that has failed since the first sign of
    /// the change was so until then, if it was so when all was last calm.
    private func wasHealthy(_ place: Int, _ services: borrowing Mind) -> Bool {
        guard let service = watched[place] else { return false }
        if services.standing(InstanceID(place)) == .healthy { return true }
        guard service.wasHealthy, let firstSign else { return service.wasHealthy }
        // What an earlier daemon has seen it did not see to be a change's doing.
        let sign = memory.lastHeard.map { min($0, firstSign) } ?? firstSign
        return service.unhealthySince.map { $0 + Self.signSlack >= sign } ?? true
    }

    // MARK: Failures

    /// The mind recorded something: failures are counted, and the third one is looked into.
    mutating func note(_ record: Record, _ services: borrowing Mind, _ turn: inout Turn) {
        switch record {
        case .processExited(let id, _, _, let status, _, asked: false):
            let isFailure =
                !status.isClean || services.definition(id).policy.restart == .always
            if isFailure { noteFailure(id, services, &turn) }
        case .restartDecided(let id, _, let rule, _, _):
            guard let service = watchedService(id) else { return }
            watched[id.index]?.wasEnded = false
            switch rule {
            case .unhealthy, .startTimeout: noteFailure(id, services, &turn)
            // The one that goes to a human, and those after it, count like those before.
            case .slowest: if service.wasEnded { noteFailure(id, services, &turn) }
            case .atOnce, .backoff, .failedStart, .resumed, .switched: break
            }
            watched[id.index]?.wasRestarted = true
        case .stopBegan(let id, let aftermath):
            if watchedService(id) != nil {
                watched[id.index]?.wasEnded = aftermath == .heal || aftermath == .failStart
            }
        case .incidentOpened(let id, let incident, _, _):
            if watchedService(id) != nil { watched[id.index]?.unhealthySince = turn.now }
            if watchedService(id) != nil { watched[id.index]?.lastIncident = incident }
        case .incidentResolved(let id, _, _), .recovered(let id):
            if watchedService(id) != nil { watched[id.index]?.unhealthySince = nil }
        // It may have been opened in an earlier daemon's time.
        case .incidentHandedOver(let id, let incident, _):
            if watchedService(id) != nil { watched[id.index]?.lastIncident = incident }
        case .processExited, .processStarted, .processAdopted, .spawnFailed, .crashLoopDetected,
            .startAsked, .stopForced, .rested, .detached, .paused,
            .resumed, .probeProven, .probeSuspected, .probeStruck, .probeCleared, .probeHeld,
            .remedied, .commonCauseBegan, .commonCauseEnded, .commonCauseHandedOver:
            break
        }
    }

    /// What ends while a switch runs says nothing of a service.
    private mutating func noteFailure(
        _ id: InstanceID, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard watchedService(id) != nil, foreign == nil, aloft?.isActivating != true else { return }
        watched[id.index]?.noteFailure(at: turn.now)
        suspect(id, services, &turn)
    }

    /// Starts an investigation of its own accord, once a probation: at the third failure of a
    /// service that was restarted, if it failed less often before.
    private mutating func suspect(
        _ id: InstanceID, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let service = watchedService(id), !service.isWeighed, memory.probation != nil,
            policy.mode != .off, aloft == nil || aloft?.isConfirmingTrial == true,
            !cases.contains(where: { $0.service == id }), cases.count < Self.mostCases,
            let incident = incident(of: id, services, turn.now)
        else { return }
        var one = Case(id, service.name, incident, reason: nil, began: turn.now)
        one.system = memory.current
        switch facts(one, nil, services, turn.now).judge() {
        case .human(.blind), .generation: break
        case .human: return
        }
        if aloft != nil { return failTrial(one, services, &turn) }
        cases.append(one)
    }

    /// The incident of a service that fails; that of its hand-over, if it has gone on failing since.
    private func incident(
        of id: InstanceID, _ services: borrowing Mind, _ now: Instant
    ) -> Int? {
        let status = services.status(id, at: now)
        return status.incident ?? (status.isHandedOver ? watchedService(id)?.lastIncident : nil)
    }

    func failures(of service: Watched, at now: Instant) -> (since: Int, before: Int) {
        guard let probation = memory.probation else { return (0, 0) }
        let began = probation.began
        let length = now - began
        let change = min(probation.chainBegan ?? began, began)
        let since = service.failures.count { $0 >= began }
        let before = service.failures.count { $0 < change && change - $0 <= length }
        return (since, before)
    }

    // MARK: Its end

    /// The probation's time is over: is the system known good?
    mutating func endProbation(_ services: borrowing Mind, _ turn: inout Turn) {
        guard let probation = memory.probation else { return }
        let (outcome, culprit) = judgeProbation(probation, services)
        let latest = probation.began + policy.probation + policy.probation
        if outcome == .unproven, turn.now < latest, isUndecided(probation, services) {
            memory.probation?.ends = min(turn.now + Self.settleWait, latest)
            return
        }
        closeProbation(outcome, culprit: culprit, &turn)
        guard outcome == .knownGood else { return }
        memory.knownGood.keep(probation.system)
        marking = Marking(system: probation.system, began: turn.now, next: turn.now)
        mark(&turn)
    }

    /// Whether someone who was healthy before fails, and not often enough yet to be weighed: starts
    /// that are not confirmed take longer each time. The probation waits for it, twice its time at most.
    private func isUndecided(_ probation: ProbationMemory, _ services: borrowing Mind) -> Bool {
        watched.indices.contains { place in
            guard let service = watched[place], service.wasHealthyBefore, !service.isWeighed,
                service.hasFailed(since: probation.began)
            else { return false }
            return services.standing(InstanceID(place)) == .unhealthy
        }
    }

    func judgeProbation(
        _ probation: ProbationMemory, _ services: borrowing Mind
    ) -> (ProbationOutcome, culprit: String?) {
        var outcome = ProbationOutcome.nothingToSay
        for place in watched.indices {
            guard let service = watched[place], service.wasHealthyBefore,
                services.isProbed(InstanceID(place))
            else { continue }
            if service.hasFailed(since: probation.began) { return (.unproven, service.name) }
            switch services.standing(InstanceID(place)) {
            case .healthy: outcome = .knownGood
            case .unhealthy: return (.unproven, service.name)
            // An operator has stopped or paused it: it proves nothing.
            case .idle: break
            }
        }
        return (outcome, nil)
    }

    mutating func mark(_ turn: inout Turn) {
        guard let system = marking?.system else { return }
        lastSerial += 1
        marking?.serial = lastSerial
        turn.actions.append(.perform(.markKnownGood(path: system), serial: lastSerial))
    }

    mutating func marked(_ outcome: DeedOutcome, _ turn: inout Turn) {
        guard let marking else { return }
        switch outcome {
        case .done:
            self.marking = nil
            turn.record(.knownGoodMarked(system: marking.system, trouble: nil))
        case .failed(_, isTransient: true) where turn.now - marking.began < Self.retryWait:
            self.marking?.serial = nil
            self.marking?.next = turn.now + Self.retryPause
        case .failed(let trouble, _):
            self.marking = nil
            turn.record(.knownGoodMarked(system: marking.system, trouble: trouble))
        }
    }
}
