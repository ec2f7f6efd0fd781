/// How a service's process is made.
public struct Launch: Equatable, Sendable {
    /// The program and its arguments; never empty.
    public var command: [String]
    /// The user by name or number; `nil` is the daemon's own.
    public var user: String?
    /// The group by name or number; `nil` is the user's own.
    public var group: String?
    /// The supplementary groups; `nil` are those of the user's entries in the group database.
    public var groups: [String]?
    /// The working directory; absolute. `nil` is `/`.
    public var directory: String?
    /// The variables in the order of the file. They can hold secrets: nothing prints them.
    public var environment: [Variable]
    /// The mode bits that new files do not get; at most 0o777.
    public var umask: UInt32?
    /// Resource limits in the order of `Limit.Resource.allCases`, each resource once.
    public var limits: [Limit]
    /// What the kernel adds to the process's badness when memory runs out; -1000 to 1000.
    public var oomScoreAdjust: Int?
    /// The nice value; -20 to 19.
    public var nice: Int?

    /// A launch; everything but the command has its default.
    public init(
        command: [String], user: String? = nil, group: String? = nil, groups: [String]? = nil,
        directory: String? = nil, environment: [Variable] = [], umask: UInt32? = nil,
        limits: [Limit] = [], oomScoreAdjust: Int? = nil, nice: Int? = nil
    ) {
        self.command = command
        self.user = user
        self.group = group
        self.groups = groups
        self.directory = directory
        self.environment = environment
        self.umask = umask
        self.limits = limits
        self.oomScoreAdjust = oomScoreAdjust
        self.nice = nice
    }

    /// The most words of a command.
    public static let mostWords = 1024
    /// The most bytes of all words of a command with their NULs; the kernel's limit for one of them.
    public static let mostCommandBytes = 128 << 10
    /// The most variables.
    public static let mostVariables = 1024
    /// The most bytes of all variables, counted as `NAME=value` with their NULs.
    public static let mostEnvironmentBytes = 512 << 10
    /// The most supplementary groups.
    public static let mostGroups = 64

    /// One environment variable.
    public struct Variable: Equatable, Sendable {
        /// `[A-Za-z_][A-Za-z0-9_]*`, and not `REGEN_…`, which the daemon sets.
        public var name: String
        /// Any text without NUL; may be empty.
        public var value: String

        /// A variable of that name and value.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }
}
