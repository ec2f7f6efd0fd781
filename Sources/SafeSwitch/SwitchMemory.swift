public import Supervision

/// What SafeSwitch remembers across its own death, as read from the ledger. Instants are those of this
/// boot: negative for what happened before it.
public struct SwitchMemory: Equatable, Sendable {
    /// The number of the next switch.
    public var nextFlight = 1
    /// The system that ran last, as far as is known.
    public var current: String?
    /// Systems that passed a whole probation, the latest last; at most `mostSystems`.
    public var knownGood: [String] = []
    /// Systems, and store paths of what failed in them, never to go back to; at most `mostSystems`.
    public var quarantined: [String] = []
    /// Systems that this machine has booted, the latest last; at most `mostSystems`.
    public var booted: [String] = []
    /// When automatic rollbacks were intended, within the longest limit; the latest last.
    public var rollbacks: [Instant] = []
    /// Incidents that have had their rollback, the latest last; at most `mostSystems`.
    public var rolledBack: [Int] = []
    /// When the machine was last rebooted because nothing else was left.
    public var lastReboot: Instant?
    /// What is remembered is of an earlier boot: the machine was booted since.
    public var isNewBoot = false
    /// The probation that is under way.
    public var probation: ProbationMemory?
    /// Somebody else's switch was under way when a daemon last looked.
    public var foreign: ForeignSwitch?
    /// A daemon has started since then that did not live to see which system runs.
    public var unseenSince: Instant?
    /// The last word of the daemon that last saw it.
    public var lastHeard: Instant?
    /// The switch that is under way.
    public var flight: Flight?
    /// The human's word of it has come.
    public var isConfirmed = false
    /// By instance name: how it was doing. Looked up, never iterated.
    public var services: [String: ServiceHistory] = [:]

    /// So many of each are kept: a `carry` record must fit a line.
    public static let mostSystems = 16

    /// Nothing remembered.
    public init() {}
}

/// A probation, as remembered.
public struct ProbationMemory: Equatable, Sendable {
    /// The system on probation.
    public var system: String
    /// Its generation.
    public var generation: Int?
    /// The system before it.
    public var previous: String?
    /// Its generation.
    public var previousGeneration: Int?
    /// When it began.
    public var began: Instant
    /// When it ends.
    public var ends: Instant
    /// When the first of the changes began that it is about, if this one is not the first.
    public var chainBegan: Instant?

    /// A probation.
    public init(
        system: String, generation: Int?, previous: String?, previousGeneration: Int?,
        began: Instant, ends: Instant
    ) {
        self.system = system
        self.generation = generation
        self.previous = previous
        self.previousGeneration = previousGeneration
        self.began = began
        self.ends = ends
    }
}

/// How a service was doing.
public struct ServiceHistory: Equatable, Sendable {
    /// When it failed, the latest last; at most `mostFailures`.
    public var failures: [Instant] = []
    /// It ran without an open incident when it was last heard of.
    public var isHealthy = false
    /// It was so until its incident began then.
    public var healthyUntil: Instant?
    /// It was healthy when the probation began.
    public var wasHealthyBefore = false
    /// The last incident that it had, open or not.
    public var lastIncident: Int?

    /// So many failures are kept.
    public static let mostFailures = 16

    /// Nothing known.
    public init() {}
}
