/// What the mind remembers across its own death, as read from the ledger.
///
/// Instants are already those of this boot: negative for what happened before it.
public struct Memory: Equatable, Sendable {
    /// The id of the next incident.
    public var nextIncident = 1
    /// The common cause that has not ended yet.
    public var commonCause: OpenIncident?
    /// By instance name. Looked up, never iterated by the mind: order would not be reproducible.
    public var instances: [String: InstanceMemory] = [:]

    /// Nothing remembered.
    public init() {}
}

extension [UInt64] {
    /// Appends a fingerprint that is not there yet, and keeps the latest `mostFingerprints`.
    public mutating func remember(_ fingerprint: UInt64) {
        if contains(fingerprint) { return }
        append(fingerprint)
        if count > InstanceMemory.mostFingerprints { removeFirst() }
    }
}

/// What is remembered of one instance.
public struct InstanceMemory: Equatable, Sendable {
    /// The number of the last attempt.
    public var attempt = 0
    /// The process that the ledger knows as running, if it began in this boot.
    public var process: ProcessIdentity?
    /// What that process was started with.
    public var launch: UInt64 = 0
    /// Crashes in the window, oldest first.
    public var crashes: [Instant] = []
    /// Beginnings of incidents within the last hour, oldest first.
    public var incidents: [Instant] = []
    /// The open incident and its beginning.
    public var incident: OpenIncident?
    /// Handed over, and not yet healthy for `backoff.clear`.
    public var isHandedOver = false
    /// Failed starts in a row.
    public var failedStarts = 0
    /// At rest in this boot, and why.
    public var rest: Rest?
    /// Of a unit, the run that was the last one known of when it came to rest.
    public var over: UnitSight.Invocation?
    /// In this boot a start was asked for, a process failed, or a restart was decided on, and
    /// since then no process has begun and no stop.
    public var isRestarting = false
    /// A stop that had begun in this boot and not ended.
    public var stopping: Stopping.Aftermath?
    /// Its start command ended in this boot, as it may, and nothing has been done to it since.
    public var isDetached = false
    /// Until when nothing is to be done to it.
    public var pausedUntil: Instant?
    /// Restarts in a row that probes or a start time-out caused and nothing confirmed.
    public var attempts = 0
    /// The place of the remedy to be tried next in the open incident.
    public var nextRemedy = 0
    /// Fingerprints of probes that have passed, the latest last; at most `mostFingerprints`.
    public var provenProbes: [UInt64] = []
    /// Fingerprints of probes that were told to be suspicious, the latest last; as many.
    public var suspectedProbes: [UInt64] = []

    /// So many fingerprints of each kind are kept, as many as one service may have probes: a
    /// `carry` record must fit a line.
    public static let mostFingerprints = 32

    /// Nothing remembered.
    public init() {}
}

/// An incident that has not ended yet.
public struct OpenIncident: Equatable, Sendable {
    /// Its number.
    public var id: Int
    /// When it began.
    public var opened: Instant

    /// An incident.
    public init(id: Int, opened: Instant) {
        self.id = id
        self.opened = opened
    }
}
