/// Services that systemd keeps: what it says of them, and what that means.
///
/// While a job that the mind has asked for is under way, while the machine is being switched, and
/// before `begun`, sights are only kept: each of these ends with a look at how things stand.
extension Mind {
    func isUnit(_ i: Int) -> Bool {
        switch instances[i].definition.keeper {
        case .regen: false
        case .systemd: true
        }
    }

    private func healsStops(_ i: Int) -> Bool {
        instances[i].definition.keeper == .systemd(healsStops: true)
    }

    /// Nothing is asked of a unit before `begun`, while the system is switched, nor before it was looked at after it.
    func isHeld(_ i: Int) -> Bool {
        isUnit(i) && (isSwitching || !hasBegun || instances[i].unit.isUnsettled)
    }

    /// systemd may not be asked to start it again: it is another's to start.
    func isOthers(_ i: Int) -> Bool {
        isUnit(i) && instances[i].unit.sight?.starter == .nobody && !instances[i].unit.isOrdered
    }

    mutating func see(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        guard isUnit(i) else { return }
        instances[i].unit.sight = sight
        if isSwitching, sight.stand == .missing { instances[i].unit.wasGone = true }
        guard hasBegun, ending == nil, !isSwitching, !instances[i].unit.isBusy else { return }
        weigh(i, sight, at: now, into: &actions)
    }

    mutating func jobEnded(
        _ i: Int, _ end: UnitJobEnd, at now: Instant, into actions: inout [Action]
    ) {
        guard instances[i].unit.isBusy else { return }
        instances[i].unit.isBusy = false
        instances[i].unit.answer = end
        // The sight that follows says what came of it, however the job ended.
        switch instances[i].phase {
        case .starting(.spawning): enter(i, .starting(.awaited))
        case .stopping(let stopping) where stopping.aftermath == .remove:
            forget(i, at: now, into: &actions)
        case .stopped, .starting, .running, .backingOff, .handedOver, .stopping: break
        }
    }

    /// What a sight means where nothing else is under way.
    mutating func weigh(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        guard instances[i].unit.isMet else { return meet(i, sight, at: now, into: &actions) }
        switch instances[i].phase {
        case .stopped: seeAtRest(i, sight, at: now, into: &actions)
        case .starting(.unproven), .starting(.spawning), .starting(.awaited), .running:
            follow(i, sight, at: now, into: &actions)
        case .starting(.parked), .starting(.remedying), .backingOff, .handedOver:
            seeWaiting(i, sight, at: now, into: &actions)
        case .stopping(let stopping):
            descend(i, stopping, sight, at: now, into: &actions)
        }
    }

    // MARK: By phase

    /// It is up, or on its way there.
    mutating func follow(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        countRestarts(i, sight, at: now, into: &actions)
        switch sight.stand {
        case .up: beUp(i, sight, at: now, into: &actions)
        case .coming: awaitUnit(i)
        case .retrying, .going:
            if sight.hasCrashed, instances[i].unit.run == sight.invocation {
                crash(i, sight.exit ?? .unknown, count: 1, at: now, into: &actions)
                instances[i].unit.isAhead = true
            }
            awaitUnit(i)
        case .stopped: wasStopped(i, sight, at: now, into: &actions)
        case .ended: ended(i, sight, at: now, into: &actions)
        case .failed: failed(i, sight, at: now, into: &actions)
        case .missing: leave(i, sight, at: now, into: &actions)
        }
    }

    /// It rests: only somebody else brings it up.
    private mutating func seeAtRest(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        _ = instances[i].unit.takeRestarts(sight.restarts)
        instances[i].unit.isAhead = false
        switch sight.stand {
        case .up: beUp(i, sight, at: now, into: &actions)
        case .coming, .retrying: awaitUnit(i)
        case .failed:
            if sight.invocation == instances[i].unit.over {
                return refusedAtRest(i, at: now, into: &actions)
            }
            // Whoever took it down has brought it up since, and it has crashed. So does a switch that
            // was not seen to begin.
            if instances[i].phase == .stopped(.outside), sight.exit != nil, !isOthers(i) {
                instances[i].unit.isWanted = true
            }
            failed(i, sight, at: now, into: &actions)
        case .stopped, .ended: noteEndAtRest(i, sight, at: now, into: &actions)
        case .going, .missing: break
        }
    }

    /// Its last run is over, and nobody has seen it. Should it be refused another start, and be called
    /// failed for that, it was no crash. One that had failed and has ended well rests as finished: of
    /// such a one that refusal is told.
    private mutating func noteEndAtRest(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        let wasHandedOver = instances[i].isHandedOver
        noteGoodEnd(i, sight, into: &actions)
        instances[i].unit.over = sight.invocation
        if wasHandedOver, !instances[i].isHandedOver { rest(i, .finished, at: now, into: &actions) }
    }

    /// Its last run was over, and systemd has refused it another. Where somebody had stopped it, so
    /// has somebody asked for that start, and systemd tells them. Where it ended well, or was never
    /// up, it may have been a path or a timer, and nobody reads what those are told.
    private mutating func refusedAtRest(
        _ i: Int, at now: Instant, into actions: inout [Action]
    ) {
        switch instances[i].phase {
        case .stopped(.finished), .stopped(.fresh): tellOthers(i, .spawn, at: now, into: &actions)
        case .stopped, .starting, .running, .backingOff, .stopping, .handedOver: break
        }
    }

    /// It has failed, and something is awaited before it is started again: time, a dependency, or a
    /// remedy. One that hangs is still up.
    private mutating func seeWaiting(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        countRestarts(i, sight, at: now, into: &actions)
        switch sight.stand {
        case .up:
            if instances[i].unit.run != sight.invocation {
                beUp(i, sight, at: now, into: &actions)
            }
        case .coming, .retrying, .going: awaitUnit(i)
        case .stopped:
            if instances[i].unit.over != sight.invocation {
                wasStopped(i, sight, at: now, into: &actions)
            }
        case .ended, .failed:
            if instances[i].unit.run == sight.invocation {
                endRun(i, sight.exit ?? .unknown, asked: false, at: now, into: &actions)
                noteCrash(i, at: now)
            }
            endRun(i, .unknown, asked: true, at: now, into: &actions)
            instances[i].unit.over = sight.invocation
        case .missing: leave(i, sight, at: now, into: &actions)
        }
    }

    /// An operator wants it down, and no job is under way.
    private mutating func descend(
        _ i: Int, _ stopping: Stopping, _ sight: UnitSight, at now: Instant,
        into actions: inout [Action]
    ) {
        _ = instances[i].unit.takeRestarts(sight.restarts)
        let run = instances[i].unit.run
        let isAnother = sight.stand == .up && run != nil && run != sight.invocation
        if isAnother, stopping.aftermath == .restart {
            // Somebody else has done it.
            awaitUnit(i)
            follow(i, sight, at: now, into: &actions)
        } else if sight.isDown || isAnother && stopping.stage != .unspawned {
            let status = sight.isDown ? sight.exit ?? .unknown : .unknown
            endRun(i, status, asked: true, at: now, into: &actions)
            comeDown(i, stopping.aftermath, at: now, into: &actions)
            if isAnother, instances[i].phase == .stopped(.asked) {
                beUp(i, sight, at: now, into: &actions)
            }
        } else if stopping.aftermath == .restart, stopping.stage == .unspawned {
            awaitUnit(i)
            follow(i, sight, at: now, into: &actions)
        } else if sight.stand == .going {
            wake(i, at: nil)
        } else if stopping.stage == .unspawned {
            stop(i, stopping.aftermath, at: now, into: &actions)
        } else if instances[i].deadline == nil {
            wake(i, at: now + max(instances[i].policy.backoff.most, .seconds(1)))
        }
    }

    // MARK: Beginnings

    /// The first sight of it: what does the ledger know?
    private mutating func meet(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        recallWatch(i, sight, at: now)
        if case .stopping(let stopping) = instances[i].phase {
            return descend(i, stopping, sight, at: now, into: &actions)
        }
        if !putDownAsRecalled(i, at: now, into: &actions) {
            if !instances[i].unit.isOrdered || sight.stand == .up {
                recallRun(i, sight, at: now, into: &actions)
            } else if sight.isDown {
                start(i, at: now, into: &actions)
            } else {
                follow(i, sight, at: now, into: &actions)
            }
        }
        closeIncidentAtRest(i, into: &actions)
    }

    /// The same at the end of a switch: what ended meanwhile is no crash.
    mutating func meetAfterSwitch(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        recallWatch(i, sight, at: now)
        instances[i].unit.forgetCrashes()
        if case .stopping(let stopping) = instances[i].phase {
            return descend(i, stopping, sight, at: now, into: &actions)
        }
        if !putDownAsRecalled(i, at: now, into: &actions) {
            let unit = instances[i].unit
            let isAdopted = sight.stand == .up && (unit.run == sight.invocation || !unit.isWanted)
            if isAdopted || !unit.isWanted && !unit.isOrdered {
                recallRun(i, sight, at: now, into: &actions)
            } else {
                awaitUnit(i)
                settleUp(i, sight, at: now, into: &actions)
            }
        }
        closeIncidentAtRest(i, into: &actions)
    }

    /// Nothing would ever end the incident of a service that does not run.
    private mutating func closeIncidentAtRest(_ i: Int, into actions: inout [Action]) {
        if case .stopped = instances[i].phase { handOver(i, .operatorStopped, into: &actions) }
    }

    /// Whether an operator wanted it down, be it of an earlier daemon.
    private mutating func putDownAsRecalled(
        _ i: Int, at now: Instant, into actions: inout [Action]
    ) -> Bool {
        let isWanted = instances[i].interruptedStop == .rest || instances[i].stopWhenFree != nil
        if instances[i].interruptedStop == .restart { instances[i].unit.isOrdered = true }
        instances[i].interruptedStop = nil
        guard isWanted else { return false }
        instances[i].stopWhenFree = nil
        putDown(i, at: now, into: &actions)
        return true
    }

    private mutating func recallWatch(_ i: Int, _ sight: UnitSight, at now: Instant) {
        instances[i].unit.isMet = true
        instances[i].unit.restarts = sight.restarts
        if instances[i].resumes {
            instances[i].unit.isWanted = true
            // What systemd is about to count was seen by an earlier daemon.
            instances[i].unit.isAhead = sight.hasEnded && !sight.isDown
            if instances[i].unit.known == nil, sight.hasEnded {
                instances[i].unit.over = sight.invocation
            }
        }
        if instances[i].unit.isExpected {
            instances[i].unit.isExpected = false
            // The machine has booted, and systemd was to bring it up again. What it finds too hard
            // while nobody looks is no other than what it finds too hard while somebody does.
            switch sight.stand {
            case .coming, .retrying, .failed: instances[i].unit.isWanted = true
            case .up, .going, .stopped, .ended, .missing: break
            }
        }
        guard let known = instances[i].unit.known else { return }
        instances[i].unit.known = nil
        instances[i].process = known
        instances[i].since = now
        instances[i].unit.isWanted = true
        let isThis =
            switch sight.stand {
            case .up: sight.identity == known
            case .coming: false
            case .retrying, .going, .stopped, .ended, .failed, .missing:
                sight.process == nil || sight.process == known
            }
        instances[i].unit.run = isThis ? sight.invocation : UnitSight.Invocation()
        // Another run without anybody's start: systemd has restarted it. How often, nobody knows.
        if !isThis { instances[i].unit.restarts = max(0, sight.restarts - 1) }
    }

    private mutating func recallRun(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        let unit = instances[i].unit
        if sight.stand == .up, unit.run == sight.invocation || !unit.isWanted {
            adoptRun(i, sight, at: now, into: &actions)
        } else if unit.run != nil {
            follow(i, sight, at: now, into: &actions)
        } else if !instances[i].resumes {
            // That it failed is told already, or was an operator's wish.
            switch instances[i].phase {
            case .stopped(.asked), .stopped(.failed):
                noteEndAtRest(i, sight, at: now, into: &actions)
            case .stopped, .starting, .running, .backingOff, .stopping, .handedOver: break
            }
            seeAtRest(i, sight, at: now, into: &actions)
        } else if sight.stand == .failed || sight.stand == .ended
            || sight.stand == .stopped && healsStops(i)
        {
            instances[i].unit.over = sight.invocation
            recover(i, at: now, into: &actions)
        } else {
            follow(i, sight, at: now, into: &actions)
        }
    }

    /// It is up since before the first sight.
    private mutating func adoptRun(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        if instances[i].unit.run == nil { instances[i].attempt += 1 }
        noteRun(i, sight, at: now)
        actions.append(
            .record(
                .processAdopted(InstanceID(i), sight.identity, attempt: instances[i].attempt)))
        if hadComeUp(i, at: now) {
            comeUp(i, at: now, into: &actions)
            beginLooks(i, at: now, into: &actions)
        } else {
            prove(i, at: now, into: &actions)
        }
    }

    /// It is up.
    private mutating func beUp(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        if instances[i].unit.run == sight.invocation {
            instances[i].unit.asked = nil
            // It is up: what it does later was not asked for.
            instances[i].unit.isOrdered = false
            if instances[i].process != sight.identity {
                // The same run has another main process now.
                instances[i].process = sight.identity
                actions.append(
                    .record(
                        .processAdopted(
                            InstanceID(i), sight.identity, attempt: instances[i].attempt)))
            }
            if instances[i].phase == .starting(.awaited) { prove(i, at: now, into: &actions) }
            return
        }
        endRun(i, .unknown, asked: true, at: now, into: &actions)
        if instances[i].unit.asked == nil { instances[i].attempt += 1 }
        noteRun(i, sight, at: now)
        actions.append(
            .record(
                .processStarted(InstanceID(i), sight.identity, attempt: instances[i].attempt)))
        prove(i, at: now, into: &actions)
    }

    /// Takes this run for the one that is up.
    private mutating func noteRun(_ i: Int, _ sight: UnitSight, at now: Instant) {
        instances[i].unit.run = sight.invocation
        instances[i].unit.asked = nil
        instances[i].unit.isWanted = true
        instances[i].unit.isOrdered = false
        instances[i].unit.isAhead = false
        instances[i].process = sight.identity
        instances[i].since = min(sight.since, now)
    }

    /// systemd is at it: nothing is asked for until it has done.
    private mutating func awaitUnit(_ i: Int) {
        if instances[i].phase != .starting(.awaited) { enter(i, .starting(.awaited)) }
    }

    // MARK: Ends

    /// The run that was up is over.
    mutating func endRun(
        _ i: Int, _ status: ExitStatus, asked: Bool, at now: Instant, into actions: inout [Action]
    ) {
        guard let run = instances[i].unit.run else { return }
        instances[i].unit.over = run
        instances[i].unit.run = nil
        mainEnded(i, status, asked: asked, at: now, into: &actions)
    }

    /// So many automatic restarts that nobody saw at once were as many crashes.
    private mutating func countRestarts(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        let count = instances[i].unit.takeRestarts(sight.restarts)
        guard count > 0 else { return }
        crash(i, .unknown, count: count, at: now, into: &actions)
        // The start limit was hit: the last of them is the end of the run that it tells of.
        if sight.stand == .failed { instances[i].unit.over = sight.invocation }
    }

    /// It failed, and systemd starts it again by itself.
    private mutating func crash(
        _ i: Int, _ status: ExitStatus, count: Int, at now: Instant, into actions: inout [Action]
    ) {
        let wasUnconfirmed =
            instances[i].phase == .starting(.unproven) && instances[i].needsConfirmation
        instances[i].isProbeCaused = false
        if !instances[i].isHandedOver {
            openIncident(i, FailureKind(status), at: now, into: &actions)
        }
        let most = max(Self.mostUnseen, instances[i].policy.crashLoop?.crashes ?? 0)
        for place in 0..<min(count, most) {
            if place == 0, instances[i].unit.run != nil {
                endRun(i, status, asked: false, at: now, into: &actions)
            } else {
                noteUnseenEnd(i, .unknown, into: &actions)
            }
            noteCrash(i, at: now)
        }
        if wasUnconfirmed { instances[i].failedStarts += 1 }
        guard !instances[i].isHandedOver, instances[i].awaitsTriage == nil else { return }
        if let reason = loop(i, at: now, into: &actions) { escalate(i, reason, into: &actions) }
    }

    /// A run that nobody saw has ended.
    private mutating func noteUnseenEnd(
        _ i: Int, _ status: ExitStatus, into actions: inout [Action]
    ) {
        instances[i].lastExit = status
        actions.append(
            .record(
                .processExited(
                    InstanceID(i), ProcessIdentity(pid: 0, startTicks: 0),
                    attempt: instances[i].attempt, status, uptime: .zero, asked: false)))
    }

    /// Somebody wanted it down.
    private mutating func wasStopped(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        let unit = instances[i].unit
        if unit.isAnswered(by: sight) {
            return startRefused(i, sight, at: now, into: &actions)
        }
        if unit.isOrdered { return start(i, at: now, into: &actions) }
        guard unit.isWanted, healsStops(i) else {
            return leave(i, sight, at: now, into: &actions)
        }
        failed(i, sight, at: now, into: &actions)
    }

    /// It is left to whoever took it down.
    mutating func leave(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        endRun(i, sight.exit ?? .unknown, asked: true, at: now, into: &actions)
        rest(i, .outside, at: now, into: &actions)
    }

    /// It ended itself, and systemd has no complaint.
    private mutating func ended(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        let unit = instances[i].unit
        if unit.asked == sight.invocation {
            return startRefused(i, sight, at: now, into: &actions)
        }
        if unit.isOrdered { return start(i, at: now, into: &actions) }
        // Only a stop takes it from systemd's own next attempt here.
        if unit.run == nil, unit.over == sight.invocation, unit.isAhead {
            return leave(i, sight, at: now, into: &actions)
        }
        if unit.isWanted, instances[i].policy.restart == .always, !isOthers(i) {
            return failed(i, sight, at: now, into: &actions)
        }
        noteGoodEnd(i, sight, into: &actions)
        let isThis = unit.run == sight.invocation
        endRun(i, sight.exit ?? .unknown, asked: !isThis, at: now, into: &actions)
        finish(i, at: now, into: &actions)
    }

    /// What others start is rarely up for so long that it counts as well again. It is once a run has
    /// ended well: should a later one fail, a human is told anew.
    private mutating func noteGoodEnd(
        _ i: Int, _ sight: UnitSight, into actions: inout [Action]
    ) {
        guard isOthers(i), instances[i].isHandedOver, sight.stand == .ended, !sight.hasFailed,
            sight.invocation != instances[i].unit.over
        else { return }
        forgive(i)
        actions.append(.record(.recovered(InstanceID(i))))
    }

    /// It is down, and ought to be up.
    private mutating func failed(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        let unit = instances[i].unit
        let status = sight.exit ?? .unknown
        instances[i].culprit = nil
        instances[i].unit.isAhead = false
        if unit.asked == sight.invocation {
            return startRefused(i, sight, at: now, into: &actions)
        }
        if unit.isOrdered { return start(i, at: now, into: &actions) }
        guard unit.isWanted else {
            let kind = sight.exit.map(FailureKind.init) ?? .spawn
            return tellOthers(i, kind, at: now, into: &actions)
        }
        if unit.run == nil, unit.over == sight.invocation {
            // Told when it ended; now systemd has given up.
            return failStart(i, sight, FailureKind(status), at: now, into: &actions)
        }
        let isThis = unit.run == sight.invocation
        if !isThis { endRun(i, .unknown, asked: true, at: now, into: &actions) }
        guard isThis || sight.exit != nil else {
            return startRefused(i, sight, at: now, into: &actions)
        }
        let run = isThis ? now - instances[i].since : .zero
        let wasUnconfirmed =
            !isThis
            || instances[i].needsConfirmation && instances[i].phase == .starting(.unproven)
        // Before the exit: the next daemon tells by it that this start was no operator's.
        if !instances[i].isHandedOver {
            openIncident(i, FailureKind(status), at: now, into: &actions)
        }
        if isThis {
            endRun(i, status, asked: false, at: now, into: &actions)
        } else {
            noteUnseenEnd(i, status, into: &actions)
        }
        instances[i].unit.over = sight.invocation
        instances[i].unit.asked = nil
        noteCrash(i, at: now)
        if wasUnconfirmed { instances[i].failedStarts += 1 }
        giveWay(i, FailureKind(status), run: run, at: now, into: &actions)
    }

    /// systemd has not brought it up.
    private mutating func startRefused(
        _ i: Int, _ sight: UnitSight, at now: Instant, into actions: inout [Action]
    ) {
        endRun(i, .unknown, asked: true, at: now, into: &actions)
        if sight.stand == .missing { return rest(i, .outside, at: now, into: &actions) }
        var code: Int32 = 0
        if case .code(let exit) = sight.exit { code = exit }
        noteSpawnFailure(i, SpawnFailure(step: .job, code: code), into: &actions)
        failStart(i, sight, .spawn, at: now, into: &actions)
    }

    mutating func failStart(
        _ i: Int, _ sight: UnitSight, _ kind: FailureKind, at now: Instant,
        into actions: inout [Action]
    ) {
        instances[i].unit.over = sight.invocation
        instances[i].unit.asked = nil
        instances[i].culprit = nil
        instances[i].failedStarts += 1
        giveWay(i, kind, run: nil, at: now, into: &actions)
    }

    /// What follows a failure of a unit that is down.
    private mutating func giveWay(
        _ i: Int, _ kind: FailureKind, run: Interval?, at now: Instant,
        into actions: inout [Action]
    ) {
        guard isOthers(i) else { return fail(i, kind, run: run, at: now, into: &actions) }
        tellOthers(i, kind, at: now, into: &actions)
    }

    /// It failed, and is another's to start, or was not up before, as far as anybody knows.
    private mutating func tellOthers(
        _ i: Int, _ kind: FailureKind, at now: Instant, into actions: inout [Action]
    ) {
        if !instances[i].isHandedOver {
            openIncident(i, kind, at: now, into: &actions)
            handOver(i, .notOurs, into: &actions)
        }
        rest(i, .failed, at: now, into: &actions)
    }
}
