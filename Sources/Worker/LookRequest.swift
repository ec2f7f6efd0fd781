public import Configuration
public import Supervision

/// What the daemon asks of a `regend --look`: one look at this machine, or one deed of recovery.
///
/// Nothing in it comes from a stranger: the daemon writes it from its own configuration and from
/// what it knows of its own children.
public struct LookRequest: Equatable, Sendable {
    /// The number that the answer will have.
    public var serial: Int
    /// What is to be done.
    public var errand: Errand
    /// Whose sake it is done for.
    public var subject: Subject
    /// A command or a connection is given up after so long. For everything else the daemon is the
    /// one to lose patience: it kills the looker.
    public var timeout: Interval

    /// A request.
    public init(serial: Int, _ errand: Errand, of subject: Subject, timeout: Interval) {
        self.serial = serial
        self.errand = errand
        self.subject = subject
        self.timeout = timeout
    }

    /// The longest line in bytes. Longer ones (an environment of more than that) are not sent.
    public static let longestLine = 1 << 20
    /// The most earlier instances that `freePorts` is told of.
    public static let mostEarlier = 64
    /// The most ports in one request.
    public static let mostPorts = 32

    /// What is to be done.
    public enum Errand: Equatable, Sendable {
        /// One look; answered by an `Answer`.
        case probe(Probe)
        /// Ends stale processes of the same service that hold these ports: such as are in `earlier`,
        /// with pid and start time, or inside the cgroup `leftIn`, where all but the main process
        /// and its descendants is left over. `RemedyAnswer`.
        case freePorts([UInt16], earlier: [ProcessIdentity], leftIn: String? = nil)
        /// Runs the service's own check of its configuration. `RemedyAnswer`.
        case validate(command: [String])
        /// Restores declared files, directories and links. `RemedyAnswer`.
        case restore([Dependency])
        /// Looks for declared files with declared keys. `RemedyAnswer`.
        case environment([EnvironmentFile])
        /// Gathers what a diagnosis needs. `Survey`.
        case survey([Question])
    }

    /// One thing that a survey tells.
    public enum Question: Equatable, Sendable {
        /// The end of the log, at most `Survey.mostLog` bytes of what stands before `offset`.
        case log(path: String, before: Int64)
        /// The end of what this run of a unit has written to the journal, at most `Survey.mostLog`
        /// bytes.
        /// `began`: when that run did, in microseconds since 1970.
        case journal(unit: String, invocation: String, began: Int64)
        /// The memory in use, and its limits.
        case memory
        /// Who listens at these ports.
        case ports([UInt16])
        /// Which of these files or keys are missing.
        case environment([EnvironmentFile])
        /// When the system was changed last; `root` stands before Regen's own paths.
        case changes(root: String)
    }
}

/// The instance that a request is about, as far as the daemon knows it.
public struct Subject: Equatable, Sendable {
    /// The main process (start time 0: not known); `nil` while nothing runs, or where Regen owns nothing that does.
    public var main: ProcessIdentity?
    /// The directory of its cgroup, where it has one of its own.
    public var cgroup: String?
    /// Which processes are its.
    public var members = Members.descent
    /// Where commands run; `nil`: the looker's own working directory.
    public var directory: String?
    /// What commands get as their environment, as `NAME=value`. Variables by which Regen knows its
    /// own children are left out.
    public var environment: [String]

    /// By what a process belongs to an instance.
    public enum Members: String, CaseIterable, Sendable {
        /// The main process, all that descends from it, and what is in the cgroup.
        case descent
        /// What is in the cgroup: systemd keeps it, and what has left it (a login, a session) is
        /// another unit's, whoever its parent is.
        case cgroup
    }

    /// An instance.
    public init(
        main: ProcessIdentity? = nil, cgroup: String? = nil, directory: String? = nil,
        environment: [String] = []
    ) {
        self.main = main
        self.cgroup = cgroup
        self.directory = directory
        self.environment = environment
    }
}

extension LookRequest.Errand {
    /// Who must look: nothing that a service's configuration names is touched with more rights than
    /// the service has.
    public enum Account: Equatable, Sendable {
        /// A looker that is the service's user.
        case service
        /// A looker that is the daemon's own user: it reads /proc and /sys of others, and `restore`
        /// gives files away.
        case daemon
        /// A looker that may read the journal, and nothing else.
        case journal
    }

    /// Who must look. A survey with questions for several is asked in as many requests, each with
    /// the questions of one account.
    public var account: Account {
        switch self {
        case .probe(let probe): probe.kind.lookAccount ?? .service
        case .freePorts, .restore: .daemon
        case .validate, .environment: .service
        case .survey(let questions): questions.first?.account ?? .daemon
        }
    }
}

extension LookRequest.Question {
    /// Who must look.
    public var account: LookRequest.Errand.Account {
        switch self {
        case .log, .environment: .service
        case .memory, .ports, .changes: .daemon
        case .journal: .journal
        }
    }
}

extension Probe.Kind {
    /// Who must look, for kinds that a looker looks at; `nil` for the others.
    public var lookAccount: LookRequest.Errand.Account? {
        switch self {
        case .unix, .command, .progress, .file: .service
        case .listening, .memory, .cpu: .daemon
        case .http, .tls, .tcp, .notify: nil
        }
    }
}
