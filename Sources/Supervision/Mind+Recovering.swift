/// What comes before the next process: remedies, pauses, and the recovery of what detaches.
extension Mind {
    /// So long the answer of a remedy is waited for; the hands have less.
    public static let remedyWait = Interval.seconds(90)

    /// Another start after a failure, behind the next remedy. After a hand-over plain starts only.
    mutating func recover(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard instances[i].hasRemedies, !instances[i].isHandedOver, ending == nil, hasBegun,
            waitsFor(i) == nil, !isHeld(i)
        else { return start(i, at: now, into: &actions) }
        let remedies = instances[i].definition.remedies
        let place = instances[i].nextRemedy
        guard remedies.indices.contains(place) else {
            instances[i].nextRemedy = 0
            return start(i, at: now, into: &actions)
        }
        if remedies[place] == .restart {
            instances[i].nextRemedy = place + 1
            return start(i, at: now, into: &actions)
        }
        lastSerial += 1
        instances[i].remedySerial = lastSerial
        if instances[i].isProbeCaused { noteHealing(i) }
        enter(i, .starting(.remedying), until: now + Self.remedyWait)
        actions.append(
            .remedy(
                InstanceID(i), remedy: place, incident: incidentID(i), serial: lastSerial))
    }

    /// The incident that a restart belongs to: its own, or the common one; 0 without any.
    func incidentID(_ i: Int) -> Int {
        instances[i].incident?.id ?? (instances[i].isProbeCaused ? trouble?.incident.id : nil) ?? 0
    }

    mutating func remedied(
        _ i: Int, _ outcome: RemedyOutcome, at now: Instant, into actions: inout [Action]
    ) {
        let place = instances[i].nextRemedy
        let remedies = instances[i].definition.remedies
        if remedies.indices.contains(place) {
            actions.append(
                .record(
                    .remedied(
                        InstanceID(i), remedies[place], place: place, outcome,
                        incident: incidentID(i))))
        }
        instances[i].nextRemedy = place + 1
        if instances[i].pausedUntil != nil { return enter(i, .backingOff) }
        switch outcome {
        case .applied: start(i, at: now, into: &actions)
        case .notNeeded, .failed: recover(i, at: now, into: &actions)
        case .refused:
            openIncident(i, .remedyRefused, at: now, into: &actions)
            handOver(i, .refused, into: &actions)
            retrySlowly(i, at: now, into: &actions)
        }
    }

    // MARK: Pauses

    mutating func pause(
        _ i: Int, until: Instant, at now: Instant, into actions: inout [Action]
    ) {
        guard until > now else { return resume(i, at: now, into: &actions) }
        instances[i].pausedUntil = until
        actions.append(.record(.paused(InstanceID(i), for: until - now)))
        endLooks(i)
        switch instances[i].phase {
        case .backingOff, .handedOver: wake(i, at: nil)
        case .starting(.unproven): if instances[i].needsConfirmation { wake(i, at: nil) }
        case .stopped, .starting, .running, .stopping: break
        }
    }

    /// It is looked after again: what should run and does not is started.
    mutating func resume(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard instances[i].pausedUntil != nil else { return }
        liftPause(i, into: &actions)
        switch instances[i].phase {
        case .backingOff, .handedOver:
            decide(i, .resumed, after: .zero, into: &actions)
            recover(i, at: now, into: &actions)
        case .starting(.parked): step(i, .dependencyChanged, at: now, into: &actions)
        case .starting(.unproven):
            if instances[i].deadline == nil { wake(i, at: max(proofDeadline(i, at: now), now)) }
            beginLooks(i, at: now, into: &actions)
        case .running: beginLooks(i, at: now, into: &actions)
        case .stopped, .starting(.spawning), .starting(.remedying), .starting(.awaited), .stopping:
            break
        }
    }

    /// An operator does something to it by hand: that ends the pause.
    mutating func liftPause(_ i: Int, into actions: inout [Action]) {
        guard instances[i].pausedUntil != nil else { return }
        instances[i].pausedUntil = nil
        planCare(i)
        actions.append(.record(.resumed(InstanceID(i))))
    }

    // MARK: Services that detach

    /// The main process ended. Whether that is a crash depends on what it was for.
    mutating func exited(
        _ i: Int, _ status: ExitStatus, at now: Instant, into actions: inout [Action]
    ) {
        if instances[i].isDetached { return }
        guard instances[i].definition.detaches, status.isClean || status == .unknown else {
            return exit(i, status, at: now, into: &actions)
        }
        // In this order: were only the exit recorded, the next daemon would start it again.
        detach(i, into: &actions)
        mainEnded(i, status, asked: true, at: now, into: &actions)
        if let aftermath = instances[i].stopWhenFree {
            stop(i, aftermath, at: now, into: &actions)
        } else if instances[i].phase == .starting(.unproven), instances[i].probes.isEmpty {
            comeUp(i, at: now, into: &actions)
        }
    }

    private mutating func detach(_ i: Int, into actions: inout [Action]) {
        instances[i].isDetached = true
        actions.append(.record(.detached(InstanceID(i))))
    }

    /// It runs since an earlier daemon's days, and has no process of ours: it is not started again.
    mutating func goOnDetached(_ i: Int, at now: Instant, into actions: inout [Action]) {
        instances[i].since = now
        detach(i, into: &actions)
        if instances[i].probes.isEmpty { return comeUp(i, at: now, into: &actions) }
        prove(i, at: now, into: &actions)
    }

    /// There is nothing to be ended: what its start command left is not Regen's.
    mutating func stopDetached(
        _ i: Int, _ aftermath: Stopping.Aftermath, at now: Instant, into actions: inout [Action]
    ) {
        instances[i].isDetached = false
        instances[i].stopWhenFree = nil
        guard aftermath == .end else {
            actions.append(.record(.stopBegan(InstanceID(i), aftermath)))
            return comeDown(i, aftermath, at: now, into: &actions)
        }
        // The ledger goes on saying that it is detached: the next daemon must not start it again.
        enter(i, .stopped(.ended))
        tellDependents(of: i, at: now, into: &actions)
        releaseDependencies(of: i, at: now, into: &actions)
    }
}
