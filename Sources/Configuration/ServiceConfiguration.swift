public import Supervision

/// One service: what is run, how it is treated and where its output goes.
public struct ServiceConfiguration: Equatable, Sendable {
    /// The name in the file; it has no `@`.
    public var name: String
    /// How many processes of it run; 1 to `mostInstances`.
    public var instances: Int
    /// What is run, and who makes its process.
    public var keeper: Keeper
    /// How it is treated.
    public var policy: ServicePolicy
    /// Where its output goes; a unit's goes to the journal.
    public var log: Log
    /// What tells whether it is healthy, in the order of the file.
    public var probes: [Probe] = []
    /// What is tried when it is not, in that order.
    public var remedies: [Remedy] = [.restart]
    /// What it depends on besides its command, absolute: where such a path leads elsewhere than
    /// before a change of generation, that is evidence against the generation.
    public var blamePaths: [String] = []
    /// A deploy tool's own way to start it; its launch is its last start command then.
    public var sequence: StartSequence?

    /// Who keeps it alive.
    public enum Keeper: Equatable, Sendable {
        /// Regen, which makes its process so.
        case process(Launch)
        /// systemd, as this unit.
        case unit(UnitService)
    }

    /// A service with one instance and the default policy, unless told otherwise.
    public init(
        name: String, instances: Int = 1, launch: Launch, policy: ServicePolicy = ServicePolicy(),
        log: Log = Log.standard
    ) {
        self.name = name
        self.instances = instances
        keeper = .process(launch)
        self.policy = policy
        self.log = log
    }

    /// A unit of systemd. Unless told otherwise, only its failures are healed.
    public init(
        name: String, unit: UnitService, policy: ServicePolicy = ServicePolicy(restart: .onFailure)
    ) {
        self.name = name
        instances = 1
        keeper = .unit(unit)
        self.policy = policy
        log = .none
    }

    /// How its process is made; `nil`: systemd makes it.
    public var launch: Launch? {
        if case .process(let launch) = keeper { launch } else { nil }
    }

    /// Its unit; `nil`: it is Regen's own process.
    public var unit: UnitService? {
        if case .unit(let unit) = keeper { unit } else { nil }
    }

    /// The most `blame_paths` of one service.
    public static let mostBlamePaths = 32
    /// The most instances of one service.
    public static let mostInstances = 1000

    /// The instances' names: `web`, or `web@1` to `web@3`. Of a template's pattern there are none
    /// that a configuration could know.
    public var instanceNames: [String] {
        if unit?.isPattern == true { return [] }
        return instances == 1 ? [name] : (1...instances).map { "\(name)@\($0)" }
    }

    /// Whether an instance can have that name: `web` or `web@3`.
    public static func isInstanceName(_ name: String) -> Bool {
        let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard (try? serviceName(String(parts[0]))) != nil else { return false }
        guard parts.count == 2 else { return true }
        let number = Int(parts[1]) ?? 0
        return 1...mostInstances ~= number && parts[1] == String(number)
    }
}
