/// The mind's own record of one instance.
struct Instance: Sendable {
    var definition: InstanceDefinition
    var phase = Phase.stopped(.fresh)
    /// The running process, or the last one.
    var process: ProcessIdentity?
    /// When that process began.
    var since = Instant(nanoseconds: 0)
    /// The number of the last attempt.
    var attempt = 0
    /// How often the back-off has doubled, and so many restarts since health.
    var level = 0
    /// Failed starts in a row.
    var failedStarts = 0
    /// Crashes that may still count for a loop, oldest first; at most `crashLoop.crashes`.
    var crashes: [Instant] = []
    /// Beginnings of incidents within an hour, oldest first; at most `Mind.incidentsOfALoop`.
    var incidents: [Instant] = []
    var incident: OpenIncident?
    /// A human was told, and health has not yet lasted for `backoff.clear`.
    var isHandedOver = false
    /// Triage was asked for and has not answered: why a human would be told.
    var awaitsTriage: HandoverReason?
    /// To be stopped, and for what, as soon as nothing that depends on it is up.
    var stopWhenFree: Stopping.Aftermath?
    /// When this instance wants to be woken. Only `Mind.wake` sets it.
    var deadline: Instant?
    /// How the last process ended, for status.
    var lastExit: ExitStatus?
    /// How the last start failed, for status.
    var lastFailure: SpawnFailure?
    /// The place is free for another instance.
    var isVacant = false
    /// The stop that was under way when an earlier daemon died.
    var interruptedStop: Stopping.Aftermath?
    /// An earlier daemon died between deciding on a restart and making it.
    var resumes = false
    /// One for each probe of the definition.
    var probes: [ProbeState] = []
    /// Fingerprints of probes that have passed; at most `InstanceMemory.mostFingerprints`.
    var proven: [UInt64] = []
    /// Fingerprints of probes that were told to be suspicious; as many.
    var suspected: [UInt64] = []
    /// Its strikes are complete, and yet nothing is done.
    var patience = Patience.none
    /// When it must be looked at, apart from `deadline`. Only `Mind.planCare` sets it.
    var careDeadline: Instant?
    /// Its number among the services: strikes are counted by service.
    var serviceNumber = -1
    /// The start command ended as it may, and what it started is not Regen's.
    var isDetached = false
    /// The ledger says so of this boot.
    var wasDetached = false
    /// Until when nothing is to be done to it.
    var pausedUntil: Instant?
    /// Restarts in a row that probes or a start time-out caused and nothing confirmed.
    var attempts = 0
    /// The last failure was one that probes or a start time-out found.
    var isProbeCaused = false
    /// The probe that found the last failure.
    var culprit: Int?
    /// There is more to try than a restart.
    var hasRemedies = false
    /// The remedy that is tried next in this incident; while one is being tried, that one.
    var nextRemedy = 0
    /// Which answer is awaited.
    var remedySerial = 0
    /// Where systemd keeps it.
    var unit = UnitWatch()
    var dependencies: [Int] = []
    var dependents: [Int] = []

    var policy: ServicePolicy { definition.policy }

    /// The main process, as far as is known.
    var livingProcess: ProcessIdentity? {
        switch phase {
        case .stopped, .starting(.parked), .starting(.spawning), .starting(.remedying),
            .starting(.awaited), .backingOff, .handedOver:
            nil
        case .starting(.unproven), .running: isDetached || process?.pid == 0 ? nil : process
        case .stopping(let stopping):
            stopping.mainEnded || stopping.stage == .unspawned ? nil : process
        }
    }

    /// Whoever is ordered after this instance must wait: it should run, or should have finished,
    /// and has not.
    var holdsBackDependents: Bool {
        switch phase {
        case .running: false
        case .stopped(let rest): rest == .failed
        case .starting, .backingOff, .handedOver: true
        case .stopping(let stopping): stopping.aftermath.isRecovery
        }
    }
}
