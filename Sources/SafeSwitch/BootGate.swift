public import Supervision

/// What the boot gate looks at: whether this boot may count as a good one.
///
/// Failing it may cost the machine a reboot, so that everything speaks for it until something certain
/// speaks against it.
public struct BootGateFacts: Equatable, Sendable {
    /// A critical service.
    public struct Service: Equatable, Sendable {
        /// Its instance's name.
        public var name: String
        /// It was healthy before this generation.
        public var wasHealthyBefore: Bool
        /// How it is doing.
        public var standing: Standing

        /// A service.
        public init(name: String, wasHealthyBefore: Bool, standing: Standing) {
            self.name = name
            self.wasHealthyBefore = wasHealthyBefore
            self.standing = standing
        }
    }

    /// The system that runs; `nil`: there are no generations, or nobody has seen them.
    public var system: String?
    /// Its generation.
    public var generation: Int?
    /// It is what was booted.
    public var isBooted = false
    /// It passed a whole probation.
    public var isKnownGood = false
    /// Failures are weighed against it, and there was a system before it.
    public var hasPrevious = false
    /// A boot of this very system has failed here already.
    public var hasFailedBefore = false
    /// A switch is under way, Regen's or another's.
    public var isSwitching = false
    /// The machine as a whole is slow: nothing late is a service's own fault.
    public var isStalled = false
    /// A failure could be remembered.
    public var hasLedger = false
    /// The critical services.
    public var services: [Service] = []

    /// Nothing known.
    public init() {}

    /// Those that should be up and are not, or not well.
    public var unhealthy: [String] {
        services.filter { $0.standing == .unhealthy }.map(\.name)
    }

    /// The verdict; `nil`: it is waited for. `isOver`: there is no more time to wait.
    public func judge(isOver: Bool) -> BootVerdict? {
        if unhealthy.isEmpty, !isSwitching { return .passed(.healthy) }
        guard isOver else { return nil }
        if system == nil { return .passed(.noGenerations) }
        if isSwitching { return .passed(.switching) }
        if isKnownGood { return .passed(.knownGood) }
        if !isBooted { return .passed(.notBooted) }
        if hasFailedBefore { return .passed(.failedBefore) }
        if !hasPrevious { return .passed(.nothingBefore) }
        if isStalled { return .passed(.stalled) }
        if culprits.isEmpty { return .passed(.notItsFault) }
        if !hasLedger { return .passed(.notDurable) }
        return .failed
    }

    /// Those whose word counts against the generation.
    private var culprits: [Service] {
        services.filter { $0.standing == .unhealthy && $0.wasHealthyBefore }
    }
}

/// Whether a boot may count as a good one.
public enum BootVerdict: Equatable, Sendable {
    /// It may, for this reason.
    case passed(BootPass)
    /// It may not: another generation should be booted.
    case failed

    /// One word: `passed` or `failed`.
    public var word: String { self == .failed ? "failed" : "passed" }
}

/// Why a boot is not failed.
public enum BootPass: String, CaseIterable, Sendable {
    /// All critical services are healthy, or not meant to run.
    case healthy
    /// SafeSwitch is off, this is no NixOS, or its generations could not be looked at.
    case noGenerations = "no-generations"
    /// A switch is under way.
    case switching
    /// The generation is known good.
    case knownGood = "known-good"
    /// What runs is not what was booted: somebody has switched since.
    case notBooted = "not-booted"
    /// A boot of it has failed once. Not a second time.
    case failedBefore = "failed-before"
    /// No generation ran before it.
    case nothingBefore = "nothing-before"
    /// The machine as a whole is slow.
    case stalled
    /// What is unhealthy was not healthy on the last generation either.
    case notItsFault = "not-its-fault"
    /// The failure could not be written down for good, and would perhaps be repeated.
    case notDurable = "not-durable"

    /// What follows "the boot counts as good: ".
    public var phrase: String {
        switch self {
        case .healthy: "all critical services are healthy"
        case .noGenerations: "there are no generations that Regen looks after"
        case .switching: "a switch of the system is under way"
        case .knownGood: "the generation is known good"
        case .notBooted: "what runs is not what was booted"
        case .failedBefore: "a boot of this generation has failed once, and that is enough"
        case .nothingBefore: "nothing ran before this generation that it could be compared with"
        case .stalled: "the machine as a whole is slow"
        case .notItsFault: "they were not healthy on the last generation either"
        case .notDurable: "a failure could not be written down, and might be repeated for ever"
        }
    }
}

extension SwitchMind {
    /// What the boot gate looks at, as far as SafeSwitch knows it; `nil` until it has seen which
    /// system runs.
    public func bootGateFacts(_ services: borrowing Mind, at now: Instant) -> BootGateFacts? {
        guard policy.mode != .off else { return Self.blindFacts(services, at: now) }
        guard isOriented else { return nil }
        var facts = Self.blindFacts(services, at: now)
        facts.system = memory.current
        facts.generation = memory.current.flatMap { generation(of: $0) }
        facts.isBooted = memory.current != nil && memory.current == landscape?.booted
        facts.isKnownGood = memory.current.map { isKnownGood($0) } ?? false
        facts.hasPrevious =
            memory.probation?.previous != nil && memory.probation?.system == memory.current
        facts.isSwitching = foreign != nil || aloft != nil
        for place in facts.services.indices {
            let id = services.id(named: facts.services[place].name)
            let isSeen = id.map { services.status($0, at: now).phase != .stopped(.fresh) }
            facts.services[place].wasHealthyBefore =
                isSeen == true && id.flatMap { watchedService($0)?.wasHealthyBefore } ?? false
        }
        return facts
    }

    /// The same where nothing is known of generations.
    public static func blindFacts(_ services: borrowing Mind, at now: Instant) -> BootGateFacts {
        var facts = BootGateFacts()
        facts.isStalled = services.isStalled(at: now)
        for id in services.all where services.definition(id).policy.critical {
            // Of a unit nobody knows anything until systemd has told.
            let status = services.status(id, at: now)
            let isUnseen =
                status.phase == .stopped(.fresh) && status.definition.keeper != .regen
            facts.services.append(
                BootGateFacts.Service(
                    name: status.definition.name, wasHealthyBefore: false,
                    standing: isUnseen ? .unhealthy : services.standing(id)))
        }
        return facts
    }
}
