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

    func checkSignal(_ process: SimProcess) throws(Violation) {
        guard process.isMain, process.isWanted, process.fate.map({ $0 > now }) ?? true else {
            return
        }
        // A start that is not confirmed in time is a reason; that it never would be, too.
        if let passes = process.passes, passes <= now, instances[process.owner].isConfigured,
            passes - process.born <= .seconds(1)
        {
            throw Violation(
                rule: .unwantedStop,
                what: "\(instances[process.owner].name) \(process.identity.pid)")
        }
    }

    /// Whatever the phase, something must bring the instance on.
    private func checkInstance(_ id: InstanceID) throws(Violation) {
        guard let mind, hands.ending == nil, mind.all.contains(id) else { return }
        let status = mind.status(id, at: now)
        let isSound =
            switch status.phase {
            case .stopped, .starting(.spawning): true
            case .starting(.parked):
                status.waitsFor != nil || !hands.hasBegun || waitsForStop(status)
            case .starting(.unproven): status.deadline != nil && hasProcess(id)
            case .running: hasProcess(id)
            case .backingOff, .handedOver:
                status.deadline.map { $0 - now <= .seconds(45) } ?? false
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
                case .running: instance.wish != .down && !status.isHandedOver
                case .stopped(.asked): instance.wish != .up
                case .stopped(.fresh): instance.mayWait
                case .stopped(.finished), .stopped(.failed): instance.mayRest
                case .starting(.parked): status.waitsFor != nil
                case .stopped(.ended), .starting(.spawning), .starting(.unproven), .backingOff,
                    .handedOver, .stopping:
                    false
                }
            if !isWell || status.incident != nil && status.waitsFor == nil {
                throw Violation(
                    rule: .liveness,
                    what: "\(instance.name) settled as \(status.phase), wish \(instance.wish), "
                        + "incident \(status.incident ?? 0), waits for \(status.waitsFor ?? "-")")
            }
        }
        for process in kernel.processes where process.isMain {
            guard instances[process.owner].isConfigured else {
                throw Violation(rule: .liveness, what: "\(instances[process.owner].name) lingers")
            }
        }
    }

    func checkIncidents() throws(Violation) {
        var isOpen: [Int: String] = [:]
        var opened: Set<Int> = []
        for line in ledger {
            switch line.record {
            case .incidentOpened(_, let id, _):
                if !opened.insert(id).inserted {
                    throw Violation(rule: .incidents, what: "\(id) was opened twice")
                }
                isOpen[id] = line.name
            case .incidentResolved(_, let id, _), .incidentHandedOver(_, let id, _):
                if isOpen.removeValue(forKey: id) != line.name {
                    throw Violation(rule: .incidents, what: "\(id) ended but was not open")
                }
            default: break
            }
        }
        for (id, name) in isOpen.sorted(by: { $0.key < $1.key }) where !isWaiting(name) {
            throw Violation(rule: .incidents, what: "\(id) of \(name) never ended")
        }
    }

    /// What waits for a service that a human was told of cannot end its own incident.
    private func isWaiting(_ name: String) -> Bool {
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
