/// What systemd is asked for, and what a switch of the system means for its units.
extension Mind {
    /// More automatic restarts between two sights than this are told as so many, unless more of them
    /// make a crash loop.
    static let mostUnseen = 10

    /// Asks systemd to start it, once it has ended what it is at. The rest of `start`.
    mutating func startUnit(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard let sight = instances[i].unit.sight, sight.isDown || sight.stand == .up else {
            return enter(i, .starting(.awaited))
        }
        if isOthers(i) {
            if sight.isDown {
                // An earlier daemon did not live to hand it over.
                handOver(i, .notOurs, into: &actions)
                return rest(i, .failed, at: now, into: &actions)
            }
            enter(i, .starting(.awaited))
            return follow(i, sight, at: now, into: &actions)
        }
        instances[i].attempt += 1
        instances[i].unit.asked = sight.invocation
        instances[i].unit.wasAskedUp = sight.stand == .up
        instances[i].unit.answer = nil
        instances[i].unit.isBusy = true
        instances[i].unit.isWanted = true
        instances[i].unit.isOrdered = false
        if instances[i].isProbeCaused { noteHealing(i) }
        enter(i, .starting(.spawning))
        actions.append(.spawn(InstanceID(i), attempt: instances[i].attempt))
    }

    /// An operator wants it up while systemd is at work on it: it is started if that does not do it.
    mutating func order(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard ending == nil else { return }
        keepUp(i, at: now, into: &actions)
        liftPause(i, into: &actions)
        forgive(i)
        instances[i].unit.isOrdered = true
        instances[i].unit.isWanted = true
        actions.append(.record(.startAsked(InstanceID(i))))
    }

    /// The rest of `stop`. Only an operator's wish brings a unit down: what else a process is ended
    /// for, a restart by systemd does at once, and leaves what requires the unit in peace.
    mutating func stopUnit(
        _ i: Int, _ aftermath: Stopping.Aftermath, at now: Instant, into actions: inout [Action]
    ) {
        instances[i].stopWhenFree = nil
        switch aftermath {
        case .rest:
            if isHeld(i) {
                instances[i].stopWhenFree = .rest
                return
            }
            enter(i, .stopping(Stopping(stage: .signalled, aftermath: .rest)))
            askStop(i, into: &actions)
            actions.append(.record(.stopBegan(InstanceID(i), .rest)))
        case .restart:
            actions.append(.record(.startAsked(InstanceID(i))))
            instances[i].unit.isOrdered = true
            start(i, at: now, into: &actions)
        case .failStart:
            if mayNotRestart(i) { return keepUnwell(i, at: now, into: &actions) }
            instances[i].failedStarts += 1
            fail(i, .startTimeout, run: nil, at: now, into: &actions)
        case .heal: fail(i, .hang, run: nil, at: now, into: &actions)
        case .remove: forget(i, at: now, into: &actions)
        case .end: break
        }
    }

    /// The job has not brought it down, for whatever reason: once more, at the slowest pace.
    mutating func stopAgain(_ i: Int, at now: Instant, into actions: inout [Action]) {
        if isHeld(i) {
            return wake(i, at: now + max(instances[i].policy.backoff.most, .seconds(1)))
        }
        askStop(i, into: &actions)
    }

    private mutating func askStop(_ i: Int, into actions: inout [Action]) {
        instances[i].unit.isBusy = true
        actions.append(.terminate(InstanceID(i), signal: instances[i].policy.stop.signal))
    }

    /// An operator wants it down, and there is nothing of ours to be ended: of a unit there may be.
    mutating func putDown(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard isUnit(i), isHeld(i) || !(instances[i].unit.sight?.isDown ?? true) else {
            return rest(i, .asked, at: now, into: &actions)
        }
        stop(i, .rest, at: now, into: &actions)
    }

    /// It does not work, and may not be restarted: a human is told, and it is left as it is.
    func mayNotRestart(_ i: Int) -> Bool {
        instances[i].policy.restart == .never || isOthers(i)
    }

    /// Why a human is told of one that may not be restarted.
    func whyNot(_ i: Int) -> HandoverReason { isOthers(i) ? .notOurs : .restartNever }

    private mutating func keepUnwell(_ i: Int, at now: Instant, into actions: inout [Action]) {
        if !instances[i].isHandedOver {
            openIncident(i, .startTimeout, at: now, into: &actions)
            handOver(i, whyNot(i), into: &actions)
        }
        comeUp(i, at: now, into: &actions)
    }

    // MARK: Switches

    /// From now on nothing that a unit does counts, and nothing is asked.
    mutating func beginSwitch() {
        isSwitching = true
        for i in instances.indices where isUnit(i) {
            switch instances[i].phase {
            // Who waits for a turn to be started goes on waiting: nothing else would start it.
            case .backingOff, .handedOver: break
            case .stopped, .starting, .running, .stopping: endLooks(i)
            }
            if instances[i].phase == .starting(.unproven) { wake(i, at: nil) }
        }
    }

    /// Where do things stand now?
    mutating func endSwitch(at now: Instant, into actions: inout [Action]) {
        guard isSwitching else { return }
        isSwitching = false
        settleUnits(at: now, into: &actions)
        for i in instances.indices where isUnit(i) && instances[i].phase == .starting(.parked) {
            step(i, .dependencyChanged, at: now, into: &actions)
        }
    }

    /// What was only kept until now is weighed.
    mutating func settleUnits(at now: Instant, into actions: inout [Action]) {
        for i in instances.indices where isUnit(i) { instances[i].unit.isUnsettled = true }
        for i in instances.indices where isUnit(i) {
            instances[i].unit.isUnsettled = false
            guard !instances[i].isVacant, ending == nil, hasBegun, !instances[i].unit.isBusy,
                let sight = instances[i].unit.sight
            else { continue }
            settle(i, sight, at: now, into: &actions)
        }
    }

    private mutating func settle(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        guard instances[i].unit.isMet else {
            return meetAfterSwitch(i, sight, at: now, into: &actions)
        }
        let wasGone = instances[i].unit.wasGone
        instances[i].unit.wasGone = false
        instances[i].unit.forgetCrashes()
        // One that hangs waits for its restart, and is up.
        let hasGoneDown = instances[i].unit.run == sight.invocation && sight.hasEnded
        let isNews = hasGoneDown || sight.invocation != instances[i].unit.over
        if hasGoneDown {
            endRun(i, sight.exit ?? .unknown, asked: true, at: now, into: &actions)
        }
        if instances[i].stopWhenFree != nil {
            instances[i].stopWhenFree = nil
            return putDown(i, at: now, into: &actions)
        }
        switch instances[i].phase {
        case .stopped, .stopping: weigh(i, sight, at: now, into: &actions)
        case .starting(.parked), .starting(.remedying), .backingOff, .handedOver:
            // One that came back and has failed since then was meant to be up.
            let isLeft = sight.hasFailed ? wasGone && !isNews : wasGone || isNews
            if sight.isDown, isLeft, !instances[i].unit.isOrdered {
                leave(i, sight, at: now, into: &actions)
            } else {
                weigh(i, sight, at: now, into: &actions)
            }
        case .starting(.unproven), .starting(.spawning), .starting(.awaited), .running:
            settleUp(i, sight, at: now, into: &actions)
        }
    }

    /// It was up, or on its way, when the switch began.
    mutating func settleUp(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        let unit = instances[i].unit
        if sight.stand == .up, unit.run == sight.invocation {
            instances[i].unit.isOrdered = false
            if instances[i].phase == .running {
                beginLooks(i, at: now, into: &actions)
            } else {
                prove(i, at: now, into: &actions)
            }
        } else if !sight.isDown || unit.isOrdered || unit.isAnswered(by: sight) {
            weigh(i, sight, at: now, into: &actions)
        } else if sight.hasFailed, unit.isWanted {
            // What ends meanwhile is no crash: it failed to start.
            endRun(i, .unknown, asked: true, at: now, into: &actions)
            failStart(
                i, sight, FailureKind(sight.exit ?? .unknown), at: now, into: &actions)
        } else if sight.stand == .failed {
            weigh(i, sight, at: now, into: &actions)
        } else {
            leave(i, sight, at: now, into: &actions)
        }
    }
}
