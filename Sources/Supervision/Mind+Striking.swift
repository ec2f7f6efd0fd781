/// From a failed look to a restart, or to the reason why there is none.
extension Mind {
    /// So long the restart of one service waits when another one struck lately too: three strikes
    /// of a service that fails fast come before a third of the others have been looked at. So it
    /// does when a dependency has probes: they look once more.
    public static let lookAround = Interval.seconds(2)
    /// What happened within so long happened together: strikes, and what a stall spoils.
    public static let together = Interval.seconds(10)

    /// A look of a probe that counts has failed.
    mutating func strike(_ i: Int, _ k: Int, at now: Instant, into actions: inout [Action]) {
        if case .held = instances[i].patience {
            if let dependency = unhealthyDependency(of: i) {
                instances[i].patience = .held(by: dependency)
                return
            }
            instances[i].patience = .none
            for k in instances[i].probes.indices { instances[i].probes[k].strikes = 0 }
        }
        lastStrike = now
        lastStrikes[instances[i].serviceNumber] = now
        let most = instances[i].probes[k].definition.policy.strikes
        if instances[i].probes[k].strikes < max(most, 1) {
            instances[i].probes[k].strikes += 1
            actions.append(
                .record(
                    .probeStruck(
                        InstanceID(i), probe: k, strike: instances[i].probes[k].strikes,
                        of: most)))
        }
        lookForCommonCause(at: now, into: &actions)
        if instances[i].probes[k].isComplete, instances[i].patience == .none {
            becomeUnhealthy(i, at: now, into: &actions)
        }
    }

    /// The strikes are complete.
    private mutating func becomeUnhealthy(
        _ i: Int, at now: Instant, into actions: inout [Action]
    ) {
        guard trouble == nil, now >= stalledUntil, unhealthyDependency(of: i) == nil else {
            return actOnStrikes(i, at: now, into: &actions)
        }
        let probed = dependencies(of: i) { $0.probes.contains(where: \.hasPassed) }
        if probed.isEmpty, !hasAnotherStruck(i, at: now) {
            return actOnStrikes(i, at: now, into: &actions)
        }
        instances[i].patience = .lookingAround(until: now + Self.lookAround)
        for dependency in probed { lookSoon(dependency, at: now) }
    }

    /// A restart at once, or the reason why not.
    mutating func actOnStrikes(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard ending == nil, instances[i].stopWhenFree == nil, instances[i].phase == .running,
            let probe = instances[i].completeProbe
        else { return }
        // Told already, and forbidden to do more.
        if mayNotRestart(i), instances[i].isHandedOver { return }
        if let dependency = unhealthyDependency(of: i) {
            hold(i, probe, for: dependency, into: &actions)
        } else if trouble != nil || now < stalledUntil {
            if trouble == nil { beginCommonCause(at: now, into: &actions) }
            queue(i)
        } else {
            heal(i, at: now, into: &actions)
        }
    }

    mutating func hold(
        _ i: Int, _ probe: Int, for dependency: Int, into actions: inout [Action]
    ) {
        instances[i].patience = .held(by: dependency)
        actions.append(
            .record(
                .probeHeld(InstanceID(i), probe: probe, dependency: InstanceID(dependency))))
    }

    /// The first unhealthy instance among those that it depends on, however indirectly.
    func unhealthyDependency(of i: Int) -> Int? { dependencies(of: i) { $0.isUnhealthy }.first }

    /// Those of that kind among the instances that it depends on, however indirectly.
    private func dependencies(of i: Int, where isMeant: (Instance) -> Bool) -> [Int] {
        if instances[i].dependencies.isEmpty { return [] }
        var found: [Int] = []
        var isSeen = [Bool](repeating: false, count: instances.count)
        isSeen[i] = true
        var open = instances[i].dependencies
        while let dependency = open.popLast() {
            if isSeen[dependency] { continue }
            isSeen[dependency] = true
            if isMeant(instances[dependency]) { found.append(dependency) }
            open += instances[dependency].dependencies
        }
        return found
    }

    private func hasAnotherStruck(_ i: Int, at now: Instant) -> Bool {
        let own = instances[i].serviceNumber
        return lastStrikes.indices.contains { number in
            guard number != own, let last = lastStrikes[number] else { return false }
            return now - last <= Self.together
        }
    }

    /// It lives and does not work: it is ended as one that hangs, and recovers from there.
    mutating func heal(_ i: Int, at now: Instant, into actions: inout [Action]) {
        instances[i].patience = .none
        instances[i].culprit =
            instances[i].completeProbe ?? instances[i].probes.firstIndex { $0.strikes > 0 }
        // A common cause has an incident of its own.
        if mayNotRestart(i) || trouble == nil, !instances[i].isHandedOver {
            openIncident(i, .hang, at: now, into: &actions)
        }
        if mayNotRestart(i) {
            handOver(i, whyNot(i), into: &actions)
            wake(i, at: now + instances[i].policy.backoff.clear)
            return
        }
        instances[i].isProbeCaused = true
        noteHealing(i)
        stop(i, .heal, at: now, into: &actions)
    }

    /// An operator wants it healed now.
    mutating func healNow(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard ending == nil else { return }
        switch instances[i].phase {
        case .stopped, .starting(.parked), .backingOff, .handedOver:
            liftPause(i, into: &actions)
            forgive(i)
            instances[i].nextRemedy = 0
            instances[i].unit.isOrdered = true
            instances[i].stopWhenFree = nil
            if isUnit(i) { instances[i].interruptedStop = nil }
            actions.append(.record(.startAsked(InstanceID(i))))
            recover(i, at: now, into: &actions)
        case .starting(.unproven):
            if instances[i].stopWhenFree == nil { heal(i, at: now, into: &actions) }
        case .running:
            if instances[i].stopWhenFree == nil, instances[i].hasStrikes {
                heal(i, at: now, into: &actions)
            }
        case .stopping(let stopping):
            if stopping.aftermath == .rest { redirect(i, stopping, to: .restart, into: &actions) }
        case .starting(.spawning), .starting(.remedying), .starting(.awaited): break
        }
    }
}

extension Instance {
    /// It should run and does not, or does not work.
    var isUnhealthy: Bool {
        switch phase {
        case .running: hasStrikes || incident != nil
        case .stopped(let rest): rest == .failed
        case .starting, .backingOff, .handedOver: true
        case .stopping(let stopping): stopping.aftermath.isRecovery
        }
    }
}
