public import SafeSwitch
public import Supervision

/// Everything that an operator decides, checked: no value in here is out of its range.
public struct Configuration: Equatable, Sendable {
    /// Where the ledger and the logs live; absolute.
    public var stateDirectory: String
    /// Where the control socket and the lock live; absolute, and short enough for a socket's path.
    public var runtimeDirectory: String
    /// Whether services get cgroup leaves, and where.
    public var cgroup: Cgroup
    /// What becomes of the services when the daemon ends, where a service says nothing else.
    public var onExit: ExitPolicy
    /// Who may act through the control socket besides root and the daemon's own user.
    public var control: Control
    /// How people are told, in the order of the file.
    public var notices: [NoticeRoute]
    /// What SafeSwitch may do; `nil` where the configuration has no `safeswitch:`, and then nothing of
    /// it happens.
    public var safeSwitch: SafeSwitchPolicy?
    /// How the hardware watches; `nil` where the configuration has no `watchdog:`, and then no device is
    /// touched.
    public var watchdog: WatchdogPolicy?
    /// The services in the order of the file.
    public var services: [ServiceConfiguration]

    /// A configuration; every part but the services has its default.
    public init(
        stateDirectory: String = "/var/lib/regen", runtimeDirectory: String = "/run/regen",
        cgroup: Cgroup = .auto, onExit: ExitPolicy = .auto, control: Control = Control(),
        notices: [NoticeRoute] = [], safeSwitch: SafeSwitchPolicy? = nil,
        watchdog: WatchdogPolicy? = nil, services: [ServiceConfiguration]
    ) {
        self.stateDirectory = stateDirectory
        self.runtimeDirectory = runtimeDirectory
        self.cgroup = cgroup
        self.onExit = onExit
        self.control = control
        self.notices = notices
        self.safeSwitch = safeSwitch
        self.watchdog = watchdog
        self.services = services
    }

    /// The most processes that one daemon supervises: all instances of all services.
    public static let mostInstances = 20_000

    /// The most units that one daemon watches.
    public static let mostUnits = 4096

    /// How many processes this configuration keeps alive: all instances of all services.
    public var instanceCount: Int { services.reduce(0) { $0 + $1.instances } }

    /// Whether services get a control group of their own.
    public enum Cgroup: Equatable, Sendable {
        /// Below the daemon's own group, where that is delegated to it.
        case auto
        /// None.
        case off
        /// Below this directory.
        case path(String)
    }

    /// Who may act through the control socket.
    public struct Control: Equatable, Sendable {
        /// Users besides root and the daemon's own.
        public var allow: [Account]

        /// Nobody else, unless told otherwise.
        public init(allow: [Account] = []) { self.allow = allow }

        /// The most entries of `allow`.
        public static let mostAllowed = 64

        /// A user, as the configuration calls it.
        public enum Account: Equatable, Sendable {
            /// By number.
            case uid(UInt32)
            /// By name; whether there is such a user is known to the daemon.
            case name(String)
        }
    }
}
