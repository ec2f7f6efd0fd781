/// When probes look, and what their answers mean.
extension Mind {
    /// So long after its time-out a look without an answer is given up: nobody could look.
    static let answerWait = Interval.seconds(5)
    /// Looks begin on multiples of this, so that wake-ups are few.
    static let grain: Int64 = 10_000_000

    /// There is something to look at, and somebody who wants it looked at.
    func isLookedAt(_ i: Int) -> Bool {
        guard hasBegun, !instances[i].probes.isEmpty, instances[i].pausedUntil == nil else {
            return false
        }
        if isHeld(i) { return false }
        switch instances[i].phase {
        case .starting(.unproven), .running: return true
        case .stopped, .starting, .backingOff, .stopping, .handedOver: return false
        }
    }

    /// A process began, or is looked after again.
    mutating func beginLooks(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard !instances[i].probes.isEmpty else { return }
        instances[i].patience = .none
        for k in instances[i].probes.indices { instances[i].probes[k].begin(at: now) }
        care(i, at: now, into: &actions)
    }

    /// Nothing is to be looked at any more.
    mutating func endLooks(_ i: Int) {
        instances[i].patience = .none
        for k in instances[i].probes.indices { instances[i].probes[k].end() }
        planCare(i)
    }

    /// The looks that nobody has answered. Only where time itself is what happened: an answer that
    /// comes together with others, after a stall, is none that did not come.
    mutating func giveUpLooks(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard isLookedAt(i) else { return }
        for k in instances[i].probes.indices
        where instances[i].probes[k].serial != nil && instances[i].probes[k].next <= now {
            take(i, k, .unknown, at: now, into: &actions)
        }
    }

    /// Does what is due apart from the phase: the end of a pause or of a look-around, and looks.
    mutating func care(_ i: Int, at now: Instant, into actions: inout [Action]) {
        if let until = instances[i].pausedUntil, until <= now {
            resume(i, at: now, into: &actions)
        }
        if case .lookingAround(let until) = instances[i].patience, until <= now {
            instances[i].patience = .none
            actOnStrikes(i, at: now, into: &actions)
        }
        var k = 0
        while k < instances[i].probes.count, isLookedAt(i) {
            if instances[i].probes[k].serial == nil, instances[i].probes[k].next <= now {
                look(i, k, at: now, into: &actions)
            }
            k += 1
        }
        planCare(i)
    }

    private mutating func look(_ i: Int, _ k: Int, at now: Instant, into actions: inout [Action]) {
        lastSerial += 1
        let timeout = instances[i].probes[k].definition.policy.timeout
        instances[i].probes[k].serial = lastSerial
        instances[i].probes[k].isVoid = false
        instances[i].probes[k].lastLook = now
        instances[i].probes[k].next = now + timeout + Self.answerWait
        actions.append(.probe(InstanceID(i), probe: k, serial: lastSerial))
    }

    /// Looks again at once, where no look is under way.
    mutating func lookSoon(_ i: Int, at now: Instant) {
        for k in instances[i].probes.indices where instances[i].probes[k].serial == nil {
            instances[i].probes[k].next = min(instances[i].probes[k].next, now)
        }
        planCare(i)
    }

    /// Wakes the instance for what comes first.
    mutating func planCare(_ i: Int) {
        var next = instances[i].pausedUntil
        func consider(_ instant: Instant) { next = next.map { min($0, instant) } ?? instant }
        if case .lookingAround(let until) = instances[i].patience { consider(until) }
        if isLookedAt(i) { for probe in instances[i].probes { consider(probe.next) } }
        guard next != instances[i].careDeadline else { return }
        instances[i].careDeadline = next
        guard let next else { return }
        cares.insert(next, for: i)
        if cares.entries.count > 4 * instances.count + 64 {
            let instances = instances
            cares.compact { instances[$0.index].careDeadline == $0.instant }
        }
    }

    /// An answer of the hands. An old one means nothing.
    mutating func probed(
        _ i: Int, _ k: Int, _ serial: Int, _ outcome: ProbeOutcome, at now: Instant,
        into actions: inout [Action]
    ) {
        guard instances[i].probes.indices.contains(k), instances[i].probes[k].serial == serial
        else { return }
        take(i, k, outcome, at: now, into: &actions)
        care(i, at: now, into: &actions)
    }

    private mutating func take(
        _ i: Int, _ k: Int, _ outcome: ProbeOutcome, at now: Instant, into actions: inout [Action]
    ) {
        let isVoid = instances[i].probes[k].isVoid
        instances[i].probes[k].serial = nil
        instances[i].probes[k].isVoid = false
        if isVoid, outcome == .failed {
            instances[i].probes[k].next = now
            return
        }
        instances[i].probes[k].lastOutcome = outcome
        if outcome == .failed { instances[i].probes[k].hasFailedNow = true }
        instances[i].probes[k].answeredLook = instances[i].probes[k].lastLook
        switch outcome {
        case .passed: pass(i, k, at: now, into: &actions)
        case .failed:
            if instances[i].phase == .running, instances[i].probes[k].hasPassed {
                strike(i, k, at: now, into: &actions)
            }
        case .unknown: break
        }
        if isLookedAt(i), instances[i].probes[k].serial == nil {
            instances[i].probes[k].next = nextLook(i, k, at: now)
        }
    }

    private mutating func nextLook(_ i: Int, _ k: Int, at now: Instant) -> Instant {
        let probe = instances[i].probes[k]
        let policy = probe.definition.policy
        if instances[i].phase == .running {
            if case .held = instances[i].patience {
                // Nothing would come of it sooner.
            } else if probe.strikes > 0 {
                return now + policy.confirmInterval
            }
        } else if probe.delaysConfirmation, !probe.hasPassedNow {
            return onGrain(now + min(policy.interval, policy.confirmInterval))
        }
        let begun = probe.lastLook ?? now
        if probe.isSpread { return max(now, onGrain(begun + policy.interval)) }
        instances[i].probes[k].isSpread = true
        return max(now, onGrain(begun + jitter.part(of: policy.interval)))
    }

    private func onGrain(_ instant: Instant) -> Instant {
        let excess = instant.nanoseconds % Self.grain
        return excess <= 0
            ? instant : instant + Interval(nanoseconds: Self.grain - excess)
    }

    private mutating func pass(_ i: Int, _ k: Int, at now: Instant, into actions: inout [Action]) {
        if !instances[i].probes[k].hasPassed { prove(i, k, into: &actions) }
        instances[i].probes[k].hasPassedNow = true
        let strikes = instances[i].probes[k].strikes
        if strikes > 0 {
            instances[i].probes[k].strikes = 0
            actions.append(.record(.probeCleared(InstanceID(i), probe: k, strikes: strikes)))
            if instances[i].completeProbe == nil { instances[i].patience = .none }
        }
        if instances[i].phase == .starting(.unproven), instances[i].isConfirmed {
            comeUp(i, at: now, into: &actions)
        }
    }

    /// It passed for the first time: from now on its word counts.
    private mutating func prove(_ i: Int, _ k: Int, into actions: inout [Action]) {
        let fingerprint = instances[i].probes[k].definition.fingerprint
        instances[i].proven.remember(fingerprint)
        instances[i].suspected.removeAll { $0 == fingerprint }
        for other in instances[i].probes.indices
        where instances[i].probes[other].definition.fingerprint == fingerprint {
            instances[i].probes[other].hasPassed = true
            instances[i].probes[other].isSuspect = false
        }
        actions.append(
            .record(.probeProven(InstanceID(i), probe: k, fingerprint: fingerprint)))
    }

    /// The start time-out: probes that have never passed are no reason, and that nobody could
    /// look is none either.
    mutating func proofDue(_ i: Int, at now: Instant, into actions: inout [Action]) {
        if isHeld(i) { return }
        guard instances[i].needsConfirmation else { return comeUp(i, at: now, into: &actions) }
        if instances[i].pausedUntil != nil { return }
        if now < stalledUntil { return wake(i, at: stalledUntil) }
        suspect(i, into: &actions)
        let late = instances[i].probes.indices.filter {
            instances[i].probes[$0].delaysConfirmation && instances[i].probes[$0].hasPassed
                && !instances[i].probes[$0].hasPassedNow
        }
        if let failed = late.first(where: { instances[i].probes[$0].lastOutcome == .failed }) {
            // What is to be left alone when the daemon has gone would not be started again.
            if ending != nil, instances[i].stopWhenFree == nil { return }
            instances[i].culprit = failed
            instances[i].isProbeCaused = true
            stop(i, instances[i].stopWhenFree ?? .failStart, at: now, into: &actions)
        } else if late.isEmpty || instances[i].incident == nil {
            comeUp(i, at: now, into: &actions)
        } else {
            wake(i, at: now + max(instances[i].policy.start.timeout, .seconds(1)))
        }
    }

    /// One that nobody could look with is no suspect.
    private mutating func suspect(_ i: Int, into actions: inout [Action]) {
        for k in instances[i].probes.indices
        where !instances[i].probes[k].hasPassed && !instances[i].probes[k].isSuspect
            && instances[i].probes[k].hasFailedNow
        {
            let fingerprint = instances[i].probes[k].definition.fingerprint
            instances[i].probes[k].isSuspect = true
            instances[i].suspected.remember(fingerprint)
            actions.append(
                .record(.probeSuspected(InstanceID(i), probe: k, fingerprint: fingerprint)))
        }
    }
}
