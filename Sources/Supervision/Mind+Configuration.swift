/// A configuration comes into force: what is unchanged is not touched.
extension Mind {
    mutating func configure(
        _ definitions: [InstanceDefinition], at now: Instant, into actions: inout [Action]
    ) {
        instances.reserveCapacity(definitions.count)
        var isConfigured = [Bool](repeating: false, count: instances.count)
        var added: [Int] = []
        var changed: [Int] = []
        for definition in definitions {
            if let i = places[definition.name] {
                isConfigured[i] = true
                if instances[i].definition.launch != definition.launch { changed.append(i) }
                let neededConfirmation = instances[i].needsConfirmation
                redefine(i, definition, at: now)
                reinstate(i, into: &actions)
                if instances[i].needsConfirmation != neededConfirmation,
                    instances[i].phase == .starting(.unproven), instances[i].pausedUntil == nil
                {
                    wake(i, at: max(proofDeadline(i, at: now), now))
                }
            } else {
                let i = add(definition, at: now)
                added.append(i)
                if isBelated(definition.name) {
                    actions.append(.record(.rested(InstanceID(i), .fresh)))
                }
                if isConfigured.indices.contains(i) { isConfigured[i] = true }
            }
        }
        linkDependencies()
        gatherNeeded()
        countServices()
        // Before the removals: what these free starts as it is configured now, and once.
        for i in changed { relaunch(i, at: now, into: &actions) }
        for i in isConfigured.indices where !isConfigured[i] && !instances[i].isVacant {
            remove(i, at: now, into: &actions)
        }
        // What held up a stop may no longer depend on what is to be stopped.
        releaseAll(at: now, into: &actions)
        guard hasBegun else { return }
        bringUp(added, at: now, into: &actions)
        for i in instances.indices { step(i, .dependencyChanged, at: now, into: &actions) }
    }

    /// Everything that should run and does not is started: critical services first, each in the
    /// order of the configuration, dependents after what they depend on.
    mutating func begin(at now: Instant, into actions: inout [Action]) {
        hasBegun = true
        recallCommonCause(at: now)
        for i in instances.indices where instances[i].phase == .stopped(.fresh) && !isUnit(i) {
            if let aftermath = instances[i].interruptedStop {
                finishStop(i, aftermath, at: now, into: &actions)
            } else if instances[i].wasDetached {
                goOnDetached(i, at: now, into: &actions)
            }
        }
        // Nobody was to look before.
        for i in instances.indices where !instances[i].probes.isEmpty {
            care(i, at: now, into: &actions)
        }
        bringUp(Array(instances.indices), at: now, into: &actions)
        if !isSwitching {
            for i in instances.indices where isUnit(i) {
                if let sight = instances[i].unit.sight { weigh(i, sight, at: now, into: &actions) }
            }
        }
        for i in instances.indices where !isUnit(i) {
            // Nothing would ever end the incident of a service that does not run.
            if case .stopped = instances[i].phase { handOver(i, .operatorStopped, into: &actions) }
        }
    }

    private mutating func bringUp(
        _ indices: [Int], at now: Instant, into actions: inout [Action]
    ) {
        let wanted = indices.filter {
            guard !instances[$0].isVacant, !isUnit($0) else { return false }
            return instances[$0].phase == .starting(.parked)
                || instances[$0].phase == .stopped(.fresh)
                    && (instances[$0].policy.autostart || instances[$0].resumes)
        }
        for i in wanted { enter(i, .starting(.parked)) }
        for i in wanted where instances[i].policy.critical {
            step(i, .dependencyChanged, at: now, into: &actions)
        }
        for i in wanted where !instances[i].policy.critical {
            step(i, .dependencyChanged, at: now, into: &actions)
        }
    }

    private mutating func add(_ definition: InstanceDefinition, at now: Instant) -> Int {
        var instance = Instance(definition: definition)
        instance.hasRemedies = definition.remedies != [.restart]
        if let past = memory.instances[definition.name] {
            instance.attempt = past.attempt
            instance.recallProbes(past)
            if !hasBegun { instance.recall(past, at: now) }
        }
        instance.renewProbes(at: now)
        instance.attempt = max(instance.attempt, forgottenAttempts)
        let i: Int
        if let vacancy = vacancies.popLast() {
            i = vacancy
            instances[i] = instance
        } else {
            i = instances.count
            instances.append(instance)
        }
        places[definition.name] = i
        planCare(i)
        return i
    }

    /// Whether the ledger remembers one that was not configured when this daemon began: what is added
    /// now is a new one, and the ledger has to be told.
    private mutating func isBelated(_ name: String) -> Bool {
        guard memory.instances[name] != nil else { return false }
        return recalled.insert(name).inserted && hasBegun
    }

    /// What is known of unchanged probes is kept.
    private mutating func redefine(_ i: Int, _ definition: InstanceDefinition, at now: Instant) {
        let old = instances[i].definition
        instances[i].definition = definition
        if old.remedies != definition.remedies {
            instances[i].hasRemedies = definition.remedies != [.restart]
            if instances[i].phase != .starting(.remedying) { instances[i].nextRemedy = 0 }
        }
        guard old.probes != definition.probes else { return }
        instances[i].renewProbes(at: now)
        // One that waits for its turn to be started goes on waiting: nothing else would start it.
        if instances[i].phase == .running { instances[i].patience = .none }
        planCare(i)
    }

    /// An instance that was on its way out is wanted again.
    private mutating func reinstate(_ i: Int, into actions: inout [Action]) {
        if case .stopping(let stopping) = instances[i].phase, stopping.aftermath == .remove {
            redirect(i, stopping, to: .restart, into: &actions)
        }
    }

    private mutating func remove(_ i: Int, at now: Instant, into actions: inout [Action]) {
        // systemd's units are left as they are.
        if isUnit(i), !instances[i].unit.isBusy { return forget(i, at: now, into: &actions) }
        switch instances[i].phase {
        case .stopped, .starting(.parked), .starting(.remedying), .backingOff, .handedOver,
            .starting(.awaited):
            forget(i, at: now, into: &actions)
        case .starting(.spawning):
            enter(i, .stopping(Stopping(stage: .unspawned, aftermath: .remove)))
        case .starting(.unproven), .running: stop(i, .remove, at: now, into: &actions)
        case .stopping(let stopping): redirect(i, stopping, to: .remove, into: &actions)
        }
    }

    /// What the process is given has changed: a new process, and a new chance.
    private mutating func relaunch(_ i: Int, at now: Instant, into actions: inout [Action]) {
        if isUnit(i) { return }
        if !instances[i].isHandedOver {
            forgive(i)
        } else if isToRun(i) {
            forgive(i)
            // The next daemon has to know of the new chance, too. Where it cannot be told, there is
            // none yet: a stop under way would be forgotten with it.
            actions.append(.record(.startAsked(InstanceID(i))))
        }
        switch instances[i].phase {
        case .stopped(.finished), .stopped(.failed):
            if instances[i].policy.autostart { start(i, at: now, into: &actions) }
        case .stopped, .starting(.parked), .starting(.awaited): break
        case .starting(.spawning):
            enter(i, .stopping(Stopping(stage: .unspawned, aftermath: .restart)))
        case .starting(.unproven), .running:
            stop(i, instances[i].stopWhenFree ?? .restart, at: now, into: &actions)
        case .starting(.remedying), .backingOff, .handedOver:
            if instances[i].pausedUntil == nil { start(i, at: now, into: &actions) }
        case .stopping: break
        }
    }

    /// Whether it is up, or on its way there.
    private func isToRun(_ i: Int) -> Bool {
        switch instances[i].phase {
        case .stopped(.finished), .stopped(.failed): instances[i].policy.autostart
        case .starting, .running: instances[i].stopWhenFree == nil
        case .backingOff, .handedOver: instances[i].pausedUntil == nil
        case .stopped, .stopping: false
        }
    }

    private mutating func linkDependencies() {
        var members: [String: [Int]] = [:]
        for i in instances.indices where !instances[i].isVacant {
            members[instances[i].definition.service, default: []].append(i)
            instances[i].dependents.removeAll()
        }
        for i in instances.indices where !instances[i].isVacant {
            instances[i].dependencies = instances[i].policy.after.flatMap { members[$0] ?? [] }
            for dependency in instances[i].dependencies {
                instances[dependency].dependents.append(i)
            }
        }
    }
}

extension Instance {
    /// Takes over what the ledger remembers.
    mutating func recall(_ past: InstanceMemory, at now: Instant) {
        unit.known = past.process
        unit.over = past.over
        unit.isExpected =
            past.attempt > 0 && past.process == nil && past.rest == nil && !past.isRestarting
        pausedUntil = past.pausedUntil.map { max($0, now) }
        wasDetached =
            past.isDetached && definition.detaches && past.launch == definition.launch
            && !past.isRestarting
        if past.incident != nil {
            attempts = past.attempts
            nextRemedy = past.nextRemedy
        }
        crashes = past.crashes
        incidents = past.incidents
        incident = past.incident
        isHandedOver = past.isHandedOver
        failedStarts = past.failedStarts
        resumes = past.isRestarting
        interruptedStop =
            switch past.stopping {
            // The daemon that ended is gone, and the configuration has the service again.
            case .end, .remove: .restart
            case .rest, .restart, .failStart, .heal, nil: past.stopping
            }
        if let rest = past.rest, rest != .ended { phase = .stopped(rest) }
    }

    /// Which probes have passed at some time, and which are known to be suspicious.
    mutating func recallProbes(_ past: InstanceMemory) {
        proven = past.provenProbes
        suspected = past.suspectedProbes
    }
}
