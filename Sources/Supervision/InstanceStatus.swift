/// What the mind tells of one instance.
public struct InstanceStatus: Sendable {
    /// What it is.
    public var definition: InstanceDefinition
    /// Where it stands.
    public var phase: Phase
    /// The running process.
    public var process: ProcessIdentity?
    /// When that process began.
    public var since: Instant
    /// The number of the last attempt.
    public var attempt: Int
    /// Crashes that may still count for a loop.
    public var crashes: Int
    /// The open incident.
    public var incident: Int?
    /// A human was told, and health has not yet lasted for `backoff.clear`.
    public var isHandedOver: Bool
    /// The instance that it waits for.
    public var waitsFor: String?
    /// When something will be done without another event: the next attempt, SIGKILL.
    public var deadline: Instant?
    /// How the last process ended.
    public var lastExit: ExitStatus?
    /// How the last start failed.
    public var lastFailure: SpawnFailure?
    /// Its probes, in the order of the definition.
    public var probes: [ProbeStatus]
    /// Until when nothing is done to it, as an operator asked.
    public var pausedUntil: Instant?
    /// The unhealthy dependency for whose sake its own strikes lead to nothing.
    public var heldBy: String?
    /// It is unhealthy and waits for its turn to be restarted, because of a common cause.
    public var isQueued: Bool
    /// The remedy that is being tried.
    public var remedy: RemedyKind?
    /// Restarts in a row that probes or a start time-out caused and nothing has confirmed.
    public var attempts: Int
}

/// What the mind tells of one probe.
public struct ProbeStatus: Equatable, Sendable {
    /// It has passed at some time, so that its word counts.
    public var hasPassed: Bool
    /// It has never passed within a whole start time-out, and is ignored until it does.
    public var isSuspect: Bool
    /// Failed looks in a row, as far as they count.
    public var strikes: Int
    /// What the last look since the process began found.
    public var lastOutcome: ProbeOutcome?
    /// When that look began, or the one that is under way.
    public var lastLook: Instant?
}

/// What the mind tells of a common cause.
public struct CommonCauseStatus: Equatable, Sendable {
    /// The number of its incident.
    public var incident: Int
    /// When it began.
    public var began: Instant
    /// So many services struck lately.
    public var services: Int
    /// So many have probes.
    public var of: Int
    /// So many instances wait for their turn to be restarted.
    public var waiting: Int
    /// It lasted, and a human was told.
    public var isHandedOver: Bool
}

extension Mind {
    /// Every instance, in the order of its place.
    public var all: [InstanceID] {
        instances.indices.filter { !instances[$0].isVacant }.map { InstanceID($0) }
    }

    /// Whether the machine as a whole was slow lately.
    public func isStalled(at now: Instant) -> Bool { now < stalledUntil }

    /// The common cause that is under way.
    public func commonCause(at now: Instant) -> CommonCauseStatus? {
        guard let trouble else { return nil }
        return CommonCauseStatus(
            incident: trouble.incident.id, began: trouble.incident.opened,
            services: strikers(at: now), of: probedServices,
            waiting: instances.count { $0.patience == .queued },
            isHandedOver: trouble.isHandedOver)
    }

    /// The instance of that name.
    public func id(named name: String) -> InstanceID? { places[name].map { InstanceID($0) } }

    /// The instances of the service or the one instance of that name, in order.
    public func ids(of name: String) -> [InstanceID] {
        if let id = id(named: name) { return [id] }
        return all.filter { instances[$0.index].definition.service == name }
    }

    /// The definition of an instance.
    public func definition(_ id: InstanceID) -> InstanceDefinition {
        instances[id.index].definition
    }

    /// What the mind knows of an instance.
    public func status(_ id: InstanceID, at now: Instant) -> InstanceStatus {
        let i = id.index
        let instance = instances[i]
        let isParked = instance.phase == .starting(.parked)
        let window = instance.policy.crashLoop?.within ?? .zero
        var heldBy: String?
        if case .held(let by) = instance.patience { heldBy = instances[by].definition.name }
        return InstanceStatus(
            definition: instance.definition, phase: instance.phase,
            process: instance.livingProcess, since: instance.since,
            attempt: instance.attempt, crashes: instance.crashes.count { now - $0 <= window },
            incident: instance.incident?.id, isHandedOver: instance.isHandedOver,
            waitsFor: isParked ? waitsFor(i).map { instances[$0].definition.name } : nil,
            deadline: instance.deadline, lastExit: instance.lastExit,
            lastFailure: instance.lastFailure, probes: instance.probes.map(ProbeStatus.init),
            pausedUntil: instance.pausedUntil, heldBy: heldBy,
            isQueued: instance.patience == .queued,
            remedy: remedyInProgress(instance), attempts: instance.attempts)
    }

    private func remedyInProgress(_ instance: Instance) -> RemedyKind? {
        guard instance.phase == .starting(.remedying),
            instance.definition.remedies.indices.contains(instance.nextRemedy)
        else { return nil }
        return instance.definition.remedies[instance.nextRemedy]
    }
}

extension ProbeStatus {
    init(_ probe: ProbeState) {
        self.init(
            hasPassed: probe.hasPassed, isSuspect: probe.isSuspect, strikes: probe.strikes,
            lastOutcome: probe.lastOutcome, lastLook: probe.lastLook)
    }
}

/// How an instance is doing, as far as a change of the system is weighed by it.
public enum Standing: String, CaseIterable, Sendable {
    /// It is up, and nothing speaks against it: no incident, no hand-over, its probes have passed.
    case healthy
    /// It should be up, and is not, or not well.
    case unhealthy
    /// It is not meant to run, or is paused.
    case idle
}

extension Mind {
    /// How an instance is doing.
    public func standing(_ id: InstanceID) -> Standing {
        let instance = instances[id.index]
        if instance.pausedUntil != nil { return .idle }
        switch instance.phase {
        case .stopped(let rest): return rest == .failed ? .unhealthy : .idle
        case .running:
            let isWell =
                instance.incident == nil && !instance.isHandedOver
                && instance.patience == .none
            return isWell ? .healthy : .unhealthy
        case .stopping(let stopping): return stopping.aftermath.isRecovery ? .unhealthy : .idle
        case .starting, .backingOff, .handedOver: return .unhealthy
        }
    }

    /// Whether a probe that counts speaks for an instance.
    public func isProbed(_ id: InstanceID) -> Bool {
        instances[id.index].probes.contains { $0.hasPassed }
    }
}
