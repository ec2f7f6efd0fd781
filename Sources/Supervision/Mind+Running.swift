/// The way up: starting, proving, and what an earlier daemon left.
extension Mind {
    /// An operator wants it up. The ledger hears of it at once: it may be parked for long.
    mutating func startAnew(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard ending == nil else { return }
        liftPause(i, into: &actions)
        forgive(i)
        instances[i].isProbeCaused = false
        instances[i].unit.isOrdered = true
        instances[i].stopWhenFree = nil
        if isUnit(i) { instances[i].interruptedStop = nil }
        actions.append(.record(.startAsked(InstanceID(i))))
        start(i, at: now, into: &actions)
    }

    /// Starts the instance, or parks it until its dependencies are up, and known.
    mutating func start(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard ending == nil else { return enter(i, .stopped(.ended)) }
        if !hasBegun || waitsFor(i) != nil || isHeld(i) {
            return enter(i, .starting(.parked))
        }
        if isUnit(i) { return startUnit(i, at: now, into: &actions) }
        instances[i].attempt += 1
        instances[i].isDetached = false
        if instances[i].isProbeCaused { noteHealing(i) }
        enter(i, .starting(.spawning))
        actions.append(.spawn(InstanceID(i), attempt: instances[i].attempt))
    }

    /// The first dependency that holds the instance back.
    func waitsFor(_ i: Int) -> Int? {
        instances[i].dependencies.first { instances[$0].holdsBackDependents }
    }

    /// When an unproven start is a success or, where something must confirm it, a failure. That
    /// time-out counts from now: nobody knows what an earlier daemon saw of an adopted process.
    func proofDeadline(_ i: Int, at now: Instant) -> Instant {
        guard instances[i].needsConfirmation else {
            return instances[i].since + instances[i].policy.backoff.quick
        }
        let instance = instances[i]
        let timeout = doubled(
            instance.policy.start.timeout, times: instance.failedStarts,
            most: max(Self.longestStart, instance.policy.start.timeout))
        return now + timeout
    }

    /// There is a process, and it is to be seen whether it is a success.
    mutating func prove(_ i: Int, at now: Instant, into actions: inout [Action]) {
        let isPaused = instances[i].pausedUntil != nil && instances[i].needsConfirmation
        enter(i, .starting(.unproven), until: isPaused ? nil : proofDeadline(i, at: now))
        beginLooks(i, at: now, into: &actions)
    }

    /// The start was a success.
    mutating func comeUp(_ i: Int, at now: Instant, into actions: inout [Action]) {
        instances[i].failedStarts = 0
        instances[i].attempts = 0
        instances[i].nextRemedy = 0
        instances[i].isProbeCaused = false
        if let incident = instances[i].incident {
            instances[i].incident = nil
            instances[i].awaitsTriage = nil
            actions.append(
                .record(
                    .incidentResolved(
                        InstanceID(i), incident: incident.id, healing: now - incident.opened)))
        }
        let mustClear = instances[i].level > 0 || instances[i].isHandedOver
        let clear = max(now, instances[i].since + instances[i].policy.backoff.clear)
        enter(i, .running, until: mustClear ? clear : nil)
        tellDependents(of: i, at: now, into: &actions)
    }

    /// Health has lasted for `backoff.clear`.
    mutating func clear(_ i: Int, at now: Instant, into actions: inout [Action]) {
        // Alive and unhealthy: `restart: never` may have left it so.
        if instances[i].hasStrikes {
            return wake(i, at: now + max(instances[i].policy.backoff.clear, .seconds(1)))
        }
        let wasHandedOver = instances[i].isHandedOver
        forgive(i)
        if wasHandedOver { actions.append(.record(.recovered(InstanceID(i)))) }
    }

    /// Forgets what slows restarts down: health has lasted, or an operator asks for a new chance.
    mutating func forgive(_ i: Int) {
        if instances[i].isHandedOver {
            instances[i].crashes.removeAll(keepingCapacity: true)
            instances[i].incidents.removeAll(keepingCapacity: true)
        }
        instances[i].level = 0
        instances[i].failedStarts = 0
        instances[i].attempts = 0
        instances[i].isHandedOver = false
    }

    mutating func tellDependents(of i: Int, at now: Instant, into actions: inout [Action]) {
        for dependent in instances[i].dependents {
            step(dependent, .dependencyChanged, at: now, into: &actions)
        }
    }

    mutating func adopt(
        _ i: Int, _ process: ProcessIdentity, _ attempt: Int, _ since: Instant, _ launch: UInt64,
        at now: Instant, into actions: inout [Action]
    ) {
        instances[i].process = process
        instances[i].since = since
        if attempt > instances[i].attempt {
            // Made after everything that the ledger knows, so after that stop too.
            instances[i].attempt = attempt
            instances[i].interruptedStop = nil
        }
        actions.append(
            .record(.processAdopted(InstanceID(i), process, attempt: instances[i].attempt)))
        if let aftermath = instances[i].interruptedStop {
            resumeStop(i, aftermath, at: now, into: &actions)
        } else if launch != instances[i].definition.launch {
            stop(i, .restart, at: now, into: &actions)
        } else if hadComeUp(i, at: now) {
            comeUp(i, at: now, into: &actions)
            beginLooks(i, at: now, into: &actions)
        } else {
            prove(i, at: now, into: &actions)
        }
    }

    /// Whether an adopted process was up under the earlier daemon. One that has lived for a whole
    /// start time-out outside of any incident was: a later one would have ended it otherwise.
    func hadComeUp(_ i: Int, at now: Instant) -> Bool {
        let instance = instances[i]
        guard instance.needsConfirmation else { return proofDeadline(i, at: now) <= now }
        return instance.incident == nil && !instance.isHandedOver && instance.failedStarts == 0
            && instance.pausedUntil == nil && now - instance.since >= instance.policy.start.timeout
    }

    /// A process that the ledger knows as running and the kernel does not: it ended unseen, and
    /// without another word from anyone that is a crash.
    mutating func vanish(
        _ i: Int, _ process: ProcessIdentity, at now: Instant, into actions: inout [Action]
    ) {
        instances[i].process = process
        instances[i].since = now
        if let aftermath = instances[i].interruptedStop {
            finishStop(i, aftermath, at: now, into: &actions)
        } else if instances[i].definition.detaches {
            if memory.instances[instances[i].definition.name]?.launch
                == instances[i].definition.launch
            {
                // In this order, as in `exited`.
                goOnDetached(i, at: now, into: &actions)
            } else {
                instances[i].resumes = true
            }
            mainEnded(i, .unknown, asked: true, at: now, into: &actions)
        } else {
            exit(i, .unknown, at: now, into: &actions)
        }
    }

    /// The main process ended before this daemon came, in a stop: what is left of its tree has to
    /// go down too before that stop is over.
    mutating func finishStop(
        _ i: Int, _ aftermath: Stopping.Aftermath, at now: Instant, into actions: inout [Action]
    ) {
        resumeStop(i, aftermath, at: now, into: &actions)
        step(i, .exited(.unknown), at: now, into: &actions)
    }

    /// Goes on with what an earlier daemon began. Where probes had caused it, nobody else is
    /// restarted for theirs beside it.
    private mutating func resumeStop(
        _ i: Int, _ aftermath: Stopping.Aftermath, at now: Instant, into actions: inout [Action]
    ) {
        stop(i, aftermath, at: now, into: &actions)
        guard aftermath == .heal || aftermath == .failStart else { return }
        instances[i].isProbeCaused = true
        noteHealing(i)
    }
}
