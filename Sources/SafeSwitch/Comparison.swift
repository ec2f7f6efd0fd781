/// What blame is to compare for one service between two systems.
public struct Subject: Equatable, Sendable {
    /// The instance's name, for the record.
    public var service: String
    /// Its unit, where systemd owns it: `nginx.service`.
    public var unit: String?
    /// The command's program first, where it has one, and then the `blame_paths`, where Regen owns it.
    /// Compared is what they resolve to when `/run/current-system`, `/etc` and the profile are those
    /// of the one and of the other system.
    public var paths: [String]
    /// The same as the configuration named them before the change; empty: as it does now.
    public var formerPaths: [String]

    /// A subject.
    public init(
        service: String, unit: String? = nil, paths: [String] = [], formerPaths: [String] = []
    ) {
        self.service = service
        self.unit = unit
        self.paths = paths
        self.formerPaths = formerPaths
    }
}

/// How one thing compares between the system before a change and the one after it.
public enum Difference: String, CaseIterable, Sendable {
    /// The same in both.
    case same
    /// In both, and not the same.
    case differs
    /// Only in the one after the change.
    case new
    /// Only in the one before it.
    case gone
    /// It could not be found out.
    case unknown

    /// Whether it can be what made a service fail.
    public var isChange: Bool { self == .differs || self == .new || self == .gone }
}

/// How a service compares between the system before a change and the one after it.
public struct Comparison: Equatable, Sendable {
    /// The unit's text, with its drop-ins; `unknown` for a service without a unit.
    public var unit = Difference.unknown
    /// The closure of what its ExecStart or command runs, by the store paths that it begins with: what
    /// they refer to never changes.
    public var closure = Difference.unknown
    /// What the command and the `blame_paths` resolve to.
    public var paths: [PathDifference] = []
    /// What boots.
    public var kernel = Difference.unknown
    /// systemd itself.
    public var systemd = Difference.unknown

    /// One path and what it resolved to.
    public struct PathDifference: Equatable, Sendable {
        /// As the configuration names it.
        public var path: String
        /// What came of it.
        public var difference: Difference
        /// What it resolves to in the system before; `nil`: nothing.
        public var before: String?
        /// The same in the one after.
        public var after: String?

        /// A path and what it resolved to.
        public init(path: String, difference: Difference, before: String?, after: String?) {
            self.path = path
            self.difference = difference
            self.before = before
            self.after = after
        }
    }

    /// Nothing known.
    public init() {}

    /// Whether the service itself differs: its unit, its closure or a path of it. The closure's word
    /// goes before the unit's text only where the text is the same.
    public var serviceDiffers: Bool {
        unit.isChange || closure.isChange || paths.contains { $0.difference.isChange }
    }

    /// Nothing of the service could be compared: there is no evidence either way.
    public var isBlind: Bool {
        unit == .unknown && closure == .unknown
            && !paths.contains { $0.difference != .unknown }
    }
}
