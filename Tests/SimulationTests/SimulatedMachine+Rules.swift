import Supervision

/// What must always hold, checked after every event and at the end.
extension SimulatedMachine {
    /// More actions than this for one event would be a flood.
    private var mostActions: Int { 16 + 12 * instances.count }

    /// The instance that is being stopped and would be at rest next.
    func restingFrom(_ event: Event) -> Int? {
        guard case .instance(let id, .treeEnded) = event, let mind,
            case .stopping = mind.status(id, at: now).phase
        else { return nil }
        return hands.owners[id.index]
    }

    mutating func check(_ event: Event, _ actions: [Action], before: Int?) throws(Violation) {
        if actions.count > mostActions {
            throw Violation(rule: .flood, what: "\(actions.count) actions for \(event)")
        }
        if case .deadlineReached = event, let deadline = mind?.nextDeadline(), deadline <= now {
            throw Violation(rule: .deadlines, what: "\(deadline) at \(now)")
        }
        if let before, !kernel.isEmpty(of: before) {
            throw Violation(rule: .tree, what: "\(instances[before].name) is not down")
        }
        if case .instance(let id, _) = event { try checkInstance(id) }
        if events % 8 == 0, let mind {
            for id in mind.all { try checkInstance(id) }
            try checkWatched()
        }
    }

    /// The kernel has one main process of it.
    func checkAlone(_ owner: Int) throws(Violation) {
        if kernel.processes.count(where: { $0.owner == owner && $0.isMain }) > 1 {
            throw Violation(rule: .startedTwice, what: instances[owner].name)
        }
    }

    /// Every main process is somebody's, once what an earlier daemon left is known.
    private func checkWatched() throws(Violation) {
        guard hands.hasBegun else { return }
        for process in kernel.processes where process.isMain {
            if !hands.watches.contains(where: { $0?.process == process.identity }) {
                throw Violation(
                    rule: .liveness, what: "nobody watches \(instances[process.owner].name)")
            }
        }
    }

    /// `definition`: what the mind went by. Another one may be in force already.
    func checkSignal(
        _ process: SimProcess, _ definition: InstanceDefinition?
    ) throws(Violation) {
        guard process.isMain, process.isWanted, process.fate.map({ $0 > now }) ?? true else {
            return
        }
        let name = instances[process.owner].name
        guard instances[process.owner].isConfigured, let mind, let id = mind.id(named: name) else {
            return
        }
        let definition = definition ?? mind.definition(id)
        if definition.probes.isEmpty {
            throw Violation(rule: .unwantedStop, what: "\(name) \(process.identity.pid)")
        }
        if !hasReason(id, process.owner, definition) {
            throw Violation(rule: .strikes, what: "\(name) \(process.identity.pid)")
        }
    }

    /// A probe that has passed at some time struck often enough, or failed a whole start time-out
    /// long.
    private func hasReason(
        _ id: InstanceID, _ owner: Int, _ definition: InstanceDefinition
    ) -> Bool {
        let time = now - hands.watchedSince[id.index]
        return definition.probes.contains { probe in
            guard let tally = hands.tallies[id.index][probe.fingerprint],
                instances[owner].proven.contains(probe.fingerprint)
            else { return false }
            if tally.fails >= probe.policy.strikes { return true }
            return tally.last == .failed && !tally.hasPassed
                && time >= min(definition.policy.start.timeout, hands.startTimeouts[id.index])
        }
    }

    /// What the mind is told of a probe.
    mutating func noteFinding(_ event: Event) {
        guard case .instance(let id, .probed(let k, let serial, let outcome)) = event, let mind,
            mind.definition(id).probes.indices.contains(k), let owner = hands.owners[id.index]
        else { return }
        let fingerprint = mind.definition(id).probes[k].fingerprint
        var tally = hands.tallies[id.index][fingerprint] ?? SimHands.Tally()
        tally.last = hands.mistaken.contains(serial) ? .unknown : outcome
        switch tally.last {
        case .passed:
            tally.fails = 0
            tally.hasPassed = true
            if fingerprint < Self.neverPasses { instances[owner].proven.insert(fingerprint) }
        case .failed: tally.fails += 1
        case .unknown, nil: break
        }
        hands.tallies[id.index][fingerprint] = tally
    }

    /// With a common cause no restart that probes caused begins while another is unconfirmed.
    mutating func checkHerd(
        _ event: Event, _ actions: [Action], hadCommonCause: Bool
    ) throws(Violation) {
        for action in actions {
            guard case .record(let record) = action, let id = record.instance else { continue }
            hands.makeRoom(id.index + 1)
            switch record {
            case .stopBegan(_, .heal):
                hands.isProbeCaused[id.index] = true
                if case .instance(_, .healAsked) = event { continue }
                if hadCommonCause { try checkAloneHealing(id) }
            case .restartDecided(_, _, let rule, _, _):
                hands.isProbeCaused[id.index] = rule == .unhealthy || rule == .startTimeout
            case .startAsked, .stopBegan(_, .restart), .stopBegan(_, .rest):
                hands.isProbeCaused[id.index] = false
            default: break
            }
        }
    }

    /// Who waits for another attempt after a restart that probes caused.
    func probeCausedInWaiting() -> [InstanceID] {
        guard let mind else { return [] }
        return mind.all.filter {
            hands.isProbeCaused.indices.contains($0.index) && hands.isProbeCaused[$0.index]
                && mind.status($0, at: now).phase == .backingOff
        }
    }

    /// Another attempt of such a one, unless an operator made it, waits for its turn too.
    func checkQueue(
        _ waiting: [InstanceID], _ event: Event, _ actions: [Action]
    ) throws(Violation) {
        if waiting.isEmpty { return }
        switch event {
        case .deadlineReached, .instance(_, .probed), .instance(_, .exited),
            .instance(_, .treeEnded):
            break
        default: return
        }
        for action in actions {
            switch action {
            case .spawn(let id, _), .remedy(let id, _, _, _):
                if waiting.contains(id) { try checkAloneHealing(id) }
            // What it has held back may go on now.
            case .record(.commonCauseEnded): return
            default: break
            }
        }
    }

    private func checkAloneHealing(_ id: InstanceID) throws(Violation) {
        guard let mind else { return }
        for other in mind.all where other != id && hands.isProbeCaused[other.index] {
            switch mind.status(other, at: now).phase {
            case .stopping(let stopping) where stopping.aftermath == .heal:
                if stopping.stage == .stuck { continue }
            case .starting(.spawning), .starting(.unproven), .starting(.remedying): break
            case .stopped, .starting, .running, .backingOff, .stopping, .handedOver: continue
            }
            throw Violation(
                rule: .herd,
                what: "\(mind.definition(id).name) beside \(mind.definition(other).name)")
        }
    }

    /// Whatever the phase, something must bring the instance on.
    private func checkInstance(_ id: InstanceID) throws(Violation) {
        guard let mind, hands.ending == nil, mind.all.contains(id) else { return }
        let status = mind.status(id, at: now)
        let isSound =
            switch status.phase {
            case .stopped, .starting(.spawning): true
            case .starting(.awaited): false
            case .starting(.parked):
                status.waitsFor != nil || !hands.hasBegun || waitsForStop(status)
                    || status.pausedUntil != nil
            case .starting(.remedying): status.deadline != nil
            case .starting(.unproven):
                (status.deadline != nil || status.pausedUntil != nil) && hasProcess(id)
            case .running: hasProcess(id)
            case .backingOff, .handedOver:
                status.deadline.map { $0 - now <= .seconds(45) }
                    ?? (status.pausedUntil != nil || status.isQueued)
            case .stopping(let stopping): status.deadline != nil || stopping.stage == .unspawned
            }
        if !isSound {
            throw Violation(
                rule: .liveness, what: "nothing moves \(status.definition.name): \(status.phase)")
        }
    }

    private func waitsForStop(_ status: InstanceStatus) -> Bool {
        guard let mind else { return false }
        return mind.all.contains { id in
            guard status.definition.policy.after.contains(mind.definition(id).service) else {
                return false
            }
            if case .stopping = mind.status(id, at: now).phase { return true }
            return false
        }
    }

    private func hasProcess(_ id: InstanceID) -> Bool {
        guard hands.watches.indices.contains(id.index) else { return false }
        if mind?.definition(id).detaches == true { return true }
        return hands.watches[id.index] != nil || hands.isDeathUntold[id.index]
    }

    func checkSettled() throws(Violation) {
        guard let mind else { throw Violation(rule: .liveness, what: "Regen is down") }
        for instance in instances where instance.isConfigured {
            guard let id = mind.id(named: instance.name) else {
                throw Violation(rule: .liveness, what: "\(instance.name) is unknown")
            }
            let status = mind.status(id, at: now)
            let isWell =
                switch status.phase {
                case .running:
                    instance.wish != .down
                        && (!status.isHandedOver || isLeftUnwell(status))
                case .stopped(.asked): instance.wish != .up
                case .stopped(.fresh): instance.mayWait
                case .stopped(.finished), .stopped(.failed): instance.mayRest
                case .starting(.parked): status.waitsFor != nil
                case .stopped(.ended), .stopped(.outside), .starting(.spawning),
                    .starting(.remedying), .starting(.awaited), .starting(.unproven), .backingOff,
                    .handedOver, .stopping:
                    false
                }
            if !isWell || status.incident != nil && status.waitsFor == nil {
                throw Violation(
                    rule: .liveness,
                    what: "\(instance.name) settled as \(status.phase), wish \(instance.wish), "
                        + "handed over \(status.isHandedOver), "
                        + "incident \(status.incident ?? 0), waits for \(status.waitsFor ?? "-")")
            }
        }
        for id in mind.all where mind.status(id, at: now).phase == .running {
            try checkWorks(id, mind.status(id, at: now))
        }
        for process in kernel.processes where process.isMain {
            guard instances[process.owner].isConfigured else {
                throw Violation(rule: .liveness, what: "\(instances[process.owner].name) lingers")
            }
        }
    }

    /// It may run without being healthy for ever: nothing may be done to it, or nothing is done
    /// because a dependency is unhealthy, and stays so as a human was told.
    private func isLeftUnwell(_ status: InstanceStatus) -> Bool {
        status.definition.policy.restart == .never || status.heldBy != nil
    }

    /// What hangs has been found, and a human was told where nothing may be done.
    private func checkWorks(_ id: InstanceID, _ status: InstanceStatus) throws(Violation) {
        guard let owner = hands.owners[id.index], !isLeftUnwell(status) else { return }
        let health =
            status.definition.detaches
            ? instances[owner].daemon
            : kernel.main(of: owner).map { kernel.processes[$0].health }
        let counts = status.probes.indices.contains {
            status.probes[$0].hasPassed
                && status.definition.probes[$0].fingerprint < Self.neverPasses
        }
        if counts, health?.isWell(at: now) != true {
            throw Violation(rule: .liveness, what: "\(status.definition.name) hangs unfound")
        }
    }

    func checkIncidents() throws(Violation) {
        if let what = ledger.incidentFault(except: isWaiting) {
            throw Violation(rule: .incidents, what: what)
        }
    }

    /// What waits for a service that a human was told of cannot end its own incident.
    func isWaiting(_ name: String) -> Bool {
        guard let mind, let id = mind.id(named: name) else { return false }
        return mind.status(id, at: now).waitsFor != nil
    }

    func checkFinish() throws(Violation) {
        guard let mind else { return }
        for id in mind.all where stops(mind.definition(id).policy) {
            guard let owner = hands.owners[id.index] else { continue }
            if case .stopping(let stopping) = mind.status(id, at: now).phase,
                stopping.stage == .stuck
            {
                continue
            }
            if kernel.processes.contains(where: { $0.owner == owner && !$0.wasKilled }) {
                throw Violation(rule: .finish, what: "\(instances[owner].name) is up")
            }
        }
    }
}
