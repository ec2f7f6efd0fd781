/// Phase × event: a total table, without a default. What cannot happen, or comes too late to
/// matter, is named and ignored.
extension Mind {
    mutating func step(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch instances[i].phase {
        case .stopped: inStopped(i, event, at: now, into: &actions)
        case .starting(.parked): inParked(i, event, at: now, into: &actions)
        case .starting(.remedying): inRemedying(i, event, at: now, into: &actions)
        case .starting(.awaited): inAwaited(i, event, at: now, into: &actions)
        case .starting(.spawning): inSpawning(i, event, at: now, into: &actions)
        case .starting(.unproven): inUnproven(i, event, at: now, into: &actions)
        case .running: inRunning(i, event, at: now, into: &actions)
        case .backingOff, .handedOver: inWaiting(i, event, at: now, into: &actions)
        case .stopping(let stopping): inStopping(i, stopping, event, at: now, into: &actions)
        }
    }

    private mutating func inStopped(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .jobEnded(let end): jobEnded(i, end, at: now, into: &actions)
        case .startAsked, .restartAsked: startAnew(i, at: now, into: &actions)
        case .adopted(let process, let attempt, let since, let launch):
            adopt(i, process, attempt, since, launch, at: now, into: &actions)
        case .vanished(let process): vanish(i, process, at: now, into: &actions)
        case .stopAsked:
            // Whyever it rests, from now on it does so because an operator wants it to.
            if instances[i].phase != .stopped(.asked) { putDown(i, at: now, into: &actions) }
        case .spawned, .spawnFailed, .exited, .treeEnded, .due,
            .dependencyChanged:
            break
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .probed, .remedied: break
        }
    }

    private mutating func inParked(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .jobEnded(let end): jobEnded(i, end, at: now, into: &actions)
        case .stopAsked: putDown(i, at: now, into: &actions)
        case .dependencyChanged:
            guard instances[i].pausedUntil == nil else { return }
            if instances[i].incident == nil {
                start(i, at: now, into: &actions)
            } else {
                recover(i, at: now, into: &actions)
            }
        case .startAsked, .restartAsked: startAnew(i, at: now, into: &actions)
        case .spawned, .spawnFailed, .exited, .treeEnded,
            .due, .adopted, .vanished:
            break
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .probed, .remedied: break
        }
    }

    private mutating func inRemedying(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .jobEnded(let end): jobEnded(i, end, at: now, into: &actions)
        case .remedied(let serial, let outcome):
            if serial == instances[i].remedySerial {
                remedied(i, outcome, at: now, into: &actions)
            }
        case .due: remedied(i, .failed, at: now, into: &actions)
        case .stopAsked: putDown(i, at: now, into: &actions)
        case .startAsked, .restartAsked: startAnew(i, at: now, into: &actions)
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .spawned, .spawnFailed, .exited, .treeEnded, .dependencyChanged, .adopted, .vanished,
            .probed:
            break
        }
    }

    private mutating func inSpawning(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .jobEnded(let end): jobEnded(i, end, at: now, into: &actions)
        case .spawned(let process):
            instances[i].process = process
            instances[i].since = now
            actions.append(
                .record(.processStarted(InstanceID(i), process, attempt: instances[i].attempt)))
            prove(i, at: now, into: &actions)
        case .spawnFailed(let failure):
            noteSpawnFailure(i, failure, into: &actions)
            failStart(i, .spawn, at: now, into: &actions)
        case .stopAsked: enter(i, .stopping(Stopping(stage: .unspawned, aftermath: .rest)))
        case .startAsked, .restartAsked, .exited, .treeEnded, .due,
            .dependencyChanged, .adopted, .vanished:
            break
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .probed, .remedied: break
        }
    }

    /// systemd is at work on its unit.
    private mutating func inAwaited(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .stopAsked: stop(i, .rest, at: now, into: &actions)
        case .startAsked, .restartAsked: order(i, at: now, into: &actions)
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .jobEnded, .due, .spawned, .spawnFailed, .exited, .treeEnded, .dependencyChanged,
            .adopted, .vanished, .probed, .remedied:
            break
        }
    }

    private mutating func inUnproven(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .jobEnded(let end): jobEnded(i, end, at: now, into: &actions)
        case .exited(let status): exited(i, status, at: now, into: &actions)
        case .due: proofDue(i, at: now, into: &actions)
        case .stopAsked: stop(i, .rest, at: now, into: &actions)
        case .restartAsked: restart(i, at: now, into: &actions)
        case .startAsked:
            keepUp(i, at: now, into: &actions)
            resume(i, at: now, into: &actions)
        case .spawned, .spawnFailed, .treeEnded, .dependencyChanged, .adopted, .vanished: break
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .probed(let probe, let serial, let outcome):
            probed(i, probe, serial, outcome, at: now, into: &actions)
        case .remedied: break
        }
    }

    private mutating func inRunning(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .jobEnded(let end): jobEnded(i, end, at: now, into: &actions)
        case .exited(let status): exited(i, status, at: now, into: &actions)
        case .due: clear(i, at: now, into: &actions)
        case .stopAsked: stop(i, .rest, at: now, into: &actions)
        case .restartAsked: restart(i, at: now, into: &actions)
        case .startAsked:
            keepUp(i, at: now, into: &actions)
            resume(i, at: now, into: &actions)
        case .spawned, .spawnFailed, .treeEnded, .dependencyChanged, .adopted,
            .vanished:
            break
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .probed(let probe, let serial, let outcome):
            probed(i, probe, serial, outcome, at: now, into: &actions)
        case .remedied: break
        }
    }

    /// Backing off, or handed over: no process, and a deadline for the next attempt.
    private mutating func inWaiting(
        _ i: Int, _ event: InstanceEvent, at now: Instant, into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .jobEnded(let end): jobEnded(i, end, at: now, into: &actions)
        case .due:
            if mustQueue(i) {
                wake(i, at: nil)
                queue(i)
            } else {
                recover(i, at: now, into: &actions)
            }
        case .startAsked, .restartAsked: startAnew(i, at: now, into: &actions)
        case .stopAsked: putDown(i, at: now, into: &actions)
        case .spawned, .spawnFailed, .exited, .treeEnded, .dependencyChanged, .adopted,
            .vanished:
            break
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .probed, .remedied: break
        }
    }

    private mutating func inStopping(
        _ i: Int, _ stopping: Stopping, _ event: InstanceEvent, at now: Instant,
        into actions: inout [Action]
    ) {
        switch event {
        case .triaged(let word): triaged(i, word, at: now, into: &actions)
        case .unit(let sight): see(i, sight, at: now, into: &actions)
        case .jobEnded(let end): jobEnded(i, end, at: now, into: &actions)
        case .spawned(let process):
            guard stopping.stage == .unspawned else { return }
            instances[i].process = process
            instances[i].since = now
            actions.append(
                .record(.processStarted(InstanceID(i), process, attempt: instances[i].attempt)))
            stop(i, stopping.aftermath, at: now, into: &actions)
        case .spawnFailed(let failure):
            guard stopping.stage == .unspawned else { return }
            noteSpawnFailure(i, failure, into: &actions)
            comeDown(i, stopping.aftermath, at: now, into: &actions)
        case .exited(let status):
            guard !stopping.mainEnded, stopping.stage != .unspawned else { return }
            mainEnded(i, status, asked: true, at: now, into: &actions)
            // What it started is not Regen's, and nothing waits for it.
            if instances[i].definition.detaches {
                return comeDown(i, stopping.aftermath, at: now, into: &actions)
            }
            var stopping = stopping
            stopping.mainEnded = true
            instances[i].phase = .stopping(stopping)
            actions.append(.watchTree(InstanceID(i)))
        case .treeEnded where stopping.mainEnded:
            comeDown(i, stopping.aftermath, at: now, into: &actions)
        case .due: forceStop(i, stopping, at: now, into: &actions)
        case .startAsked, .restartAsked: redirect(i, stopping, to: .restart, into: &actions)
        case .stopAsked: redirect(i, stopping, to: .rest, into: &actions)
        case .treeEnded, .dependencyChanged, .adopted, .vanished: break
        case .healAsked: healNow(i, at: now, into: &actions)
        case .pauseAsked(let until): pause(i, until: until, at: now, into: &actions)
        case .resumeAsked: resume(i, at: now, into: &actions)
        case .probed, .remedied: break
        }
    }
}
