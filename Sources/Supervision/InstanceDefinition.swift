/// One process that the mind keeps alive: a service, or one of its instances (`web@1` of `web`).
public struct InstanceDefinition: Equatable, Sendable {
    /// Unique: the service's name, or `service@n`.
    public var name: String
    /// The service it belongs to.
    public var service: String
    /// How it is treated.
    public var policy: ServicePolicy
    /// A fingerprint of all that its process is given: command, user, environment and the rest.
    /// A process started with another one is out of date.
    public var launch: UInt64
    /// What says whether it is healthy, and whether a start succeeded. Where nothing does, living
    /// for `backoff.quick` is success.
    public var probes: [ProbeDefinition]
    /// What is tried when it is not, in that order.
    public var remedies: [RemedyKind]
    /// Its main process may end once it has started what is to run: nothing that survives it is
    /// Regen's, and the probes alone tell whether the service lives.
    public var detaches: Bool
    /// Who makes its process and ends it.
    public var keeper: Keeper

    /// A definition.
    public init(
        name: String, service: String, policy: ServicePolicy, launch: UInt64,
        probes: [ProbeDefinition] = [], remedies: [RemedyKind] = [.restart], detaches: Bool = false,
        keeper: Keeper = .regen
    ) {
        self.name = name
        self.service = service
        self.policy = policy
        self.launch = launch
        self.probes = probes
        self.remedies = remedies
        self.detaches = detaches
        self.keeper = keeper
    }

    /// Whether a start is a success only when its probes say so.
    public var needsConfirmation: Bool { !probes.isEmpty }
}

/// An instance's place in the mind's table. A place is used again after its instance was removed
/// and is down.
public struct InstanceID: Hashable, Sendable {
    /// The place.
    public let index: Int

    /// The instance at that place.
    public init(_ index: Int) { self.index = index }
}

/// A process as the kernel can tell it from every other of this boot.
public struct ProcessIdentity: Equatable, Sendable {
    /// The process id.
    public var pid: Int32
    /// Field 22 of proc_pid_stat(5): clock ticks from boot to the process's start.
    public var startTicks: UInt64

    /// A process.
    public init(pid: Int32, startTicks: UInt64) {
        self.pid = pid
        self.startTicks = startTicks
    }
}
