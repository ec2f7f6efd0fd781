/// The way down: one instance, all of them in order, and the end of the daemon.
extension Mind {
    /// Sends the stop signal. The process is alive, as far as anyone knows.
    mutating func stop(
        _ i: Int, _ aftermath: Stopping.Aftermath, at now: Instant, into actions: inout [Action]
    ) {
        if isUnit(i) { return stopUnit(i, aftermath, at: now, into: &actions) }
        if instances[i].isDetached { return stopDetached(i, aftermath, at: now, into: &actions) }
        let policy = instances[i].policy.stop
        let isHung = aftermath == .failStart || aftermath == .heal
        let grace = isHung ? policy.hung : policy.grace
        instances[i].stopWhenFree = nil
        enter(
            i, .stopping(Stopping(stage: .signalled, aftermath: aftermath)), until: now + grace)
        actions.append(.terminate(InstanceID(i), signal: policy.signal))
        actions.append(.record(.stopBegan(InstanceID(i), aftermath)))
    }

    /// The grace period is over; or SIGKILL has not helped.
    mutating func forceStop(
        _ i: Int, _ stopping: Stopping, at now: Instant, into actions: inout [Action]
    ) {
        var stopping = stopping
        if stopping.stage == .unspawned { return }
        if isUnit(i) { return stopAgain(i, at: now, into: &actions) }
        actions.append(.kill(InstanceID(i)))
        switch stopping.stage {
        case .unspawned: break
        case .signalled:
            stopping.stage = .killed
            actions.append(.record(.stopForced(InstanceID(i))))
        case .killed:
            stopping.stage = .stuck
            reportUnkillable(i, at: now, into: &actions)
        case .stuck: break
        }
        let pace = stopping.stage == .stuck ? instances[i].policy.backoff.most : Self.killWait
        enter(i, .stopping(stopping), until: now + max(pace, Self.killWait))
        if stopping.stage == .stuck { releaseDependencies(of: i, at: now, into: &actions) }
    }

    private mutating func reportUnkillable(
        _ i: Int, at now: Instant, into actions: inout [Action]
    ) {
        if instances[i].incident == nil {
            instances[i].incident = OpenIncident(id: nextIncident, opened: now)
            actions.append(
                .record(
                    .incidentOpened(InstanceID(i), incident: nextIncident, .unkillable, probe: nil))
            )
            nextIncident += 1
        }
        handOver(i, .unkillable, into: &actions)
    }

    /// An operator wants it down and up again. Once the daemon ends, nothing comes up again.
    mutating func restart(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard ending == nil else { return }
        instances[i].isProbeCaused = false
        stop(i, .restart, at: now, into: &actions)
    }

    /// An operator wants it up after all, although everything is being stopped.
    mutating func keepUp(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard ending == nil, instances[i].stopWhenFree != nil else { return }
        instances[i].stopWhenFree = nil
        releaseDependencies(of: i, at: now, into: &actions)
    }

    /// Changes what follows a stop that is under way. The ledger learns of it: the next daemon
    /// would finish the stop as it began.
    mutating func redirect(
        _ i: Int, _ stopping: Stopping, to aftermath: Stopping.Aftermath,
        into actions: inout [Action]
    ) {
        guard ending == nil, stopping.aftermath != aftermath else { return }
        instances[i].unit.isOrdered = aftermath == .restart
        var stopping = stopping
        stopping.aftermath = aftermath
        instances[i].phase = .stopping(stopping)
        if stopping.stage != .unspawned {
            actions.append(.record(.stopBegan(InstanceID(i), aftermath)))
        }
    }

    /// The whole tree is gone.
    mutating func comeDown(
        _ i: Int, _ aftermath: Stopping.Aftermath, at now: Instant, into actions: inout [Action]
    ) {
        instances[i].interruptedStop = nil
        switch aftermath {
        case .rest: rest(i, .asked, at: now, into: &actions)
        case .end: rest(i, .ended, at: now, into: &actions)
        case .restart: start(i, at: now, into: &actions)
        case .failStart: failStart(i, .startTimeout, at: now, into: &actions)
        case .heal: fail(i, .hang, run: nil, at: now, into: &actions)
        case .remove: forget(i, at: now, into: &actions)
        }
        releaseDependencies(of: i, at: now, into: &actions)
    }

    /// The instance is down and stays down.
    mutating func rest(
        _ i: Int, _ rest: Rest, at now: Instant, into actions: inout [Action]
    ) {
        settle(i, rest, into: &actions)
        tellDependents(of: i, at: now, into: &actions)
        releaseDependencies(of: i, at: now, into: &actions)
    }

    /// The instance is at rest; nobody else is told.
    private mutating func settle(_ i: Int, _ rest: Rest, into actions: inout [Action]) {
        if rest == .asked || rest == .outside { handOver(i, .operatorStopped, into: &actions) }
        instances[i].stopWhenFree = nil
        instances[i].unit.rest()
        enter(i, .stopped(rest))
        actions.append(.record(.rested(InstanceID(i), rest, run: instances[i].unit.over)))
    }

    mutating func forget(_ i: Int, at now: Instant, into actions: inout [Action]) {
        handOver(i, .removed, into: &actions)
        enter(i, .stopped(.asked))
        instances[i].isVacant = true
        forgottenAttempts = max(forgottenAttempts, instances[i].attempt)
        places[instances[i].definition.name] = nil
        vacancies.append(i)
        // If the name comes back, in whichever daemon, it comes as a new one.
        actions.append(.record(.rested(InstanceID(i), .fresh)))
        actions.append(.forget(InstanceID(i)))
        tellDependents(of: i, at: now, into: &actions)
    }

    /// Units are systemd's: it stops them when the machine goes down, or when they are named.
    mutating func stopAll(at now: Instant, into actions: inout [Action]) {
        for i in instances.indices where !instances[i].isVacant && !isUnit(i) {
            switch instances[i].phase {
            case .stopped: break
            case .starting(.parked), .starting(.remedying), .backingOff, .handedOver:
                // Their dependents are not told: one that is parked would start.
                settle(i, .asked, into: &actions)
            case .starting(.spawning): step(i, .stopAsked, at: now, into: &actions)
            case .starting(.awaited): break
            case .starting(.unproven), .running: instances[i].stopWhenFree = .rest
            case .stopping(let stopping):
                if stopping.aftermath != .remove {
                    redirect(i, stopping, to: .rest, into: &actions)
                }
            }
        }
        releaseAll(at: now, into: &actions)
    }

    mutating func end(stopping: Bool, at now: Instant, into actions: inout [Action]) {
        guard ending == nil else { return }
        let ending = Ending(stopsByDefault: stopping)
        self.ending = ending
        for i in instances.indices where !instances[i].isVacant && !isUnit(i) {
            let stops = ending.stops(instances[i].policy.onExit)
            switch instances[i].phase {
            case .stopped, .stopping: break
            case .starting(.parked), .starting(.remedying), .backingOff, .handedOver:
                enter(i, .stopped(.ended))
            case .starting(.spawning):
                if stops { enter(i, .stopping(Stopping(stage: .unspawned, aftermath: .end))) }
            case .starting(.awaited): break
            case .starting(.unproven), .running:
                // What an operator wanted down before stays down after it.
                if stops, instances[i].stopWhenFree == nil { instances[i].stopWhenFree = .end }
            }
        }
        releaseAll(at: now, into: &actions)
    }

    mutating func releaseAll(at now: Instant, into actions: inout [Action]) {
        for i in instances.indices { release(i, at: now, into: &actions) }
    }

    /// Something went down: what it depended on may go down now.
    mutating func releaseDependencies(
        of i: Int, at now: Instant, into actions: inout [Action]
    ) {
        for dependency in instances[i].dependencies {
            release(dependency, at: now, into: &actions)
        }
    }

    /// Stops an instance that is to be stopped, unless a dependent that is to go down too is still up.
    private mutating func release(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard let aftermath = instances[i].stopWhenFree, !isHeld(i) else { return }
        let isHeld = instances[i].dependents.contains { dependent in
            switch instances[dependent].phase {
            case .stopping(let stopping): stopping.stage != .stuck
            case .stopped, .starting, .running, .backingOff, .handedOver:
                instances[dependent].stopWhenFree != nil
            }
        }
        if !isHeld { stop(i, aftermath, at: now, into: &actions) }
    }

    /// Tells the hands once when nothing that had to stop is left.
    mutating func finishIfDown(into actions: inout [Action]) {
        guard var ending, !ending.isFinished else { return }
        while ending.cursor < instances.count, isSettled(instances[ending.cursor], ending) {
            ending.cursor += 1
        }
        if ending.cursor == instances.count {
            ending.isFinished = true
            actions.append(.finish)
        }
        self.ending = ending
    }

    /// Down, hopeless, or left alone.
    private func isSettled(_ instance: Instance, _ ending: Ending) -> Bool {
        if instance.isVacant { return true }
        if case .systemd = instance.definition.keeper { return true }
        switch instance.phase {
        case .stopped: return true
        case .stopping(let stopping):
            return stopping.stage == .stuck || !ending.stops(instance.policy.onExit)
        case .starting(.spawning): return false
        case .starting, .running, .backingOff, .handedOver: return instance.stopWhenFree == nil
        }
    }
}
