/// The way back: crashes, failed starts, back-off, loops, incidents and their hand-over.
extension Mind {
    /// The main process ended and nobody had asked for it.
    mutating func exit(
        _ i: Int, _ status: ExitStatus, at now: Instant, into actions: inout [Action]
    ) {
        let run = now - instances[i].since
        // A start that ends before anyone confirmed it has failed, however long it took: otherwise
        // slow starts would crash for ever without a human being told.
        let wasUnconfirmed =
            (instances[i].needsConfirmation || instances[i].definition.detaches)
            && instances[i].phase == .starting(.unproven)
        // What a start command leaves is what it was to start.
        if !instances[i].definition.detaches { actions.append(.sweep(InstanceID(i))) }
        mainEnded(i, status, asked: false, at: now, into: &actions)
        // What an operator wanted down before the daemon's end stays down after it.
        if let aftermath = instances[i].stopWhenFree {
            return rest(i, aftermath == .end ? .ended : .asked, at: now, into: &actions)
        }
        if ending != nil { return rest(i, .ended, at: now, into: &actions) }
        if status.isClean, instances[i].policy.restart != .always {
            return finish(i, at: now, into: &actions)
        }
        noteCrash(i, at: now)
        if wasUnconfirmed, !isSwitching { instances[i].failedStarts += 1 }
        instances[i].culprit = nil
        fail(i, FailureKind(status), run: run, at: now, into: &actions)
    }

    /// The main process is gone, asked for or not.
    mutating func mainEnded(
        _ i: Int, _ status: ExitStatus, asked: Bool, at now: Instant,
        into actions: inout [Action]
    ) {
        instances[i].lastExit = status
        guard let process = instances[i].process else { return }
        actions.append(
            .record(
                .processExited(
                    InstanceID(i), process, attempt: instances[i].attempt, status,
                    uptime: now - instances[i].since, asked: asked)))
    }

    /// The service ended itself, as its policy allows.
    mutating func finish(_ i: Int, at now: Instant, into actions: inout [Action]) {
        if let incident = instances[i].incident {
            instances[i].incident = nil
            instances[i].awaitsTriage = nil
            actions.append(
                .record(
                    .incidentResolved(
                        InstanceID(i), incident: incident.id, healing: now - incident.opened)))
        }
        rest(i, .finished, at: now, into: &actions)
    }

    mutating func noteSpawnFailure(
        _ i: Int, _ failure: SpawnFailure, into actions: inout [Action]
    ) {
        instances[i].lastFailure = failure
        actions.append(
            .record(.spawnFailed(InstanceID(i), attempt: instances[i].attempt, failure)))
    }

    /// The process could not be made, or its start was not confirmed in time.
    mutating func failStart(
        _ i: Int, _ kind: FailureKind, at now: Instant, into actions: inout [Action]
    ) {
        // What cannot be started while the system is switched says nothing of itself.
        if kind != .spawn || !isSwitching { instances[i].failedStarts += 1 }
        if kind == .spawn { instances[i].culprit = nil }
        fail(i, kind, run: nil, at: now, into: &actions)
    }

    /// What follows a failure: another attempt at once, after a wait, or a human. `run`: how long
    /// the process lived before it ended by itself; `nil` for a start that failed.
    mutating func fail(
        _ i: Int, _ kind: FailureKind, run: Interval?, at now: Instant,
        into actions: inout [Action]
    ) {
        let policy = instances[i].policy
        instances[i].isProbeCaused = kind == .hang || kind == .startTimeout
        if policy.restart == .never {
            openIncident(i, kind, at: now, into: &actions)
            handOver(i, .restartNever, into: &actions)
            return rest(i, .failed, at: now, into: &actions)
        }
        if instances[i].isHandedOver {
            return retrySlowly(i, at: now, into: &actions)
        }
        // A common cause has an incident of its own.
        if kind != .hang || trouble == nil { openIncident(i, kind, at: now, into: &actions) }
        if let reason = loop(i, at: now, into: &actions) ?? exhaustion(i) {
            openIncident(i, kind, at: now, into: &actions)
            escalate(i, reason, into: &actions)
            retrySlowly(i, at: now, into: &actions)
        } else if kind == .hang {
            retry(i, .unhealthy, after: .zero, in: .backingOff, at: now, into: &actions)
        } else if let run, run >= policy.backoff.quick {
            retry(i, .atOnce, after: .zero, in: .backingOff, at: now, into: &actions)
        } else {
            let wait = jitter.shorten(
                doubled(
                    policy.backoff.first, times: instances[i].level, most: policy.backoff.most))
            instances[i].level += 1
            let rule: RestartRule =
                kind == .startTimeout ? .startTimeout : run == nil ? .failedStart : .backoff
            retry(i, rule, after: wait, in: .backingOff, at: now, into: &actions)
        }
    }

    /// After a hand-over: on at the slowest pace.
    mutating func retrySlowly(_ i: Int, at now: Instant, into actions: inout [Action]) {
        let wait = instances[i].policy.backoff.most
        retry(i, .slowest, after: wait, in: .handedOver, at: now, into: &actions)
    }

    /// Restarts that probes caused have not helped so often that a human must look.
    private func exhaustion(_ i: Int) -> HandoverReason? {
        guard instances[i].isProbeCaused else { return nil }
        return instances[i].attempts >= instances[i].policy.escalation.attempts ? .attempts : nil
    }

    private mutating func retry(
        _ i: Int, _ rule: RestartRule, after wait: Interval, in phase: Phase, at now: Instant,
        into actions: inout [Action]
    ) {
        // Once the pause is over, it is decided anew.
        if instances[i].pausedUntil != nil { return enter(i, phase) }
        if rule == .unhealthy || rule == .startTimeout { instances[i].attempts += 1 }
        decide(i, rule, after: wait, into: &actions)
        if wait == .zero { return recover(i, at: now, into: &actions) }
        enter(i, phase, until: now + wait)
    }

    mutating func decide(
        _ i: Int, _ rule: RestartRule, after wait: Interval, into actions: inout [Action]
    ) {
        actions.append(
            .record(
                .restartDecided(
                    InstanceID(i), attempt: instances[i].attempt + 1, rule: rule, wait: wait,
                    incident: incidentID(i))))
    }

    mutating func openIncident(
        _ i: Int, _ kind: FailureKind, at now: Instant, into actions: inout [Action]
    ) {
        guard instances[i].incident == nil else { return }
        instances[i].incident = OpenIncident(id: nextIncident, opened: now)
        instances[i].attempts = 0
        instances[i].nextRemedy = 0
        instances[i].incidents.note(
            now, within: Self.loopOfIncidents, most: Self.incidentsOfALoop)
        actions.append(
            .record(
                .incidentOpened(
                    InstanceID(i), incident: nextIncident, kind,
                    probe: kind == .hang || kind == .startTimeout ? instances[i].culprit : nil)))
        nextIncident += 1
    }

    mutating func handOver(
        _ i: Int, _ reason: HandoverReason, into actions: inout [Action]
    ) {
        guard let incident = instances[i].incident else { return }
        instances[i].incident = nil
        // Whatever answer is on its way is about an incident that is over.
        instances[i].awaitsTriage = nil
        instances[i].attempts = 0
        instances[i].isHandedOver = reason != .operatorStopped
        actions.append(
            .record(.incidentHandedOver(InstanceID(i), incident: incident.id, reason)))
    }

    mutating func noteCrash(_ i: Int, at now: Instant) {
        // switch-to-configuration stops and starts what it likes: its exits say nothing of a service.
        guard !isSwitching, let loop = instances[i].policy.crashLoop else { return }
        instances[i].crashes.note(now, within: loop.within, most: loop.crashes)
    }

    /// Whether the failures so far are a matter for a human.
    mutating func loop(
        _ i: Int, at now: Instant, into actions: inout [Action]
    ) -> HandoverReason? {
        let instance = instances[i]
        let id = incidentID(i)
        // While its triage is pending that is known, and on record.
        let isKnown = instance.awaitsTriage != nil
        if let policy = instance.policy.crashLoop {
            let crashes = instance.crashes.count { now - $0 <= policy.within }
            if crashes >= policy.crashes {
                if isKnown { return .crashLoop }
                actions.append(
                    .record(
                        .crashLoopDetected(
                            InstanceID(i), rule: .crashes, count: crashes,
                            within: policy.within, incident: id)))
                return .crashLoop
            }
            let incidents = instance.incidents.count { now - $0 <= Self.loopOfIncidents }
            if incidents >= Self.incidentsOfALoop {
                if isKnown { return .crashLoop }
                actions.append(
                    .record(
                        .crashLoopDetected(
                            InstanceID(i), rule: .incidents, count: incidents,
                            within: Self.loopOfIncidents, incident: id)))
                return .crashLoop
            }
        }
        return instance.failedStarts >= instance.policy.start.retries ? .startRetries : nil
    }
}

extension [Instant] {
    /// Appends `now`, drops what is older than the window, and keeps no more than `most`.
    mutating func note(_ now: Instant, within window: Interval, most: Int) {
        append(now)
        let kept = reversed().prefix(most).prefix { now - $0 <= window }.count
        removeFirst(count - kept)
    }
}

/// `interval` doubled so many times, but never more than `most`.
func doubled(_ interval: Interval, times: Int, most: Interval) -> Interval {
    guard interval < most else { return most }
    let shift = min(times, 62)
    let nanoseconds = interval.nanoseconds.multipliedReportingOverflow(by: 1 << shift)
    return nanoseconds.overflow
        ? most : min(Interval(nanoseconds: nanoseconds.partialValue), most)
}
