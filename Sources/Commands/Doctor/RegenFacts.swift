public import Control

/// What is seen of Regen itself.
public struct RegenFacts: Equatable, Sendable {
    /// Who answers at the control socket.
    public var daemon = Daemon.absent(path: "/run/regen/io.regen.Control")
    /// This program's version.
    public var version = ""
    /// Whether systemd knows a unit `regen.service`.
    public var hasUnit = false
    /// The configuration.
    public var configuration = Configuration.none
    /// The file that `configuration` is about; as a command can be given it.
    public var configurationPath: String?
    /// Programs of the installation that are missing.
    public var missingPrograms: [String] = []
    /// Users that workers run as.
    public var users: [WorkerUser] = []
    /// Users that `control.allow` names and nobody knows.
    public var unknownActors: [String] = []
    /// The state directory.
    public var state: Place?
    /// The runtime directory.
    public var runtime: Place?
    /// Files that notices need.
    public var secrets: [Secret] = []

    /// What there is at the control socket.
    public enum Daemon: Equatable, Sendable {
        /// A daemon.
        case answers(DaemonReport)
        /// Nobody.
        case absent(path: String)
        /// Nobody for this user.
        case shut(path: String)
        /// Somebody who says nothing in time, or nothing that is understood; in words.
        case silent(String)
    }

    /// What the configuration is like.
    public enum Configuration: Equatable, Sendable {
        /// None was named or found.
        case none
        /// It is sound; so much is worth a second look.
        case fine(warnings: Int)
        /// It is not; so many errors, the first.
        case wrong(errors: Int, first: String)
        /// It cannot be read.
        case unreadable(PathSight)
    }

    /// A user without rights that a worker runs as.
    public struct WorkerUser: Equatable, Sendable {
        /// `regen-probe`
        public var name: String
        /// Whether there is one; `nil`: nobody answered.
        public var exists: Bool?
        /// What it would be good for under this configuration; `nil`: nothing.
        public var purpose: String?

        /// A user.
        public init(name: String, exists: Bool?, purpose: String? = nil) {
            self.name = name
            self.exists = exists
            self.purpose = purpose
        }
    }

    /// A file that a route of notices needs.
    public struct Secret: Equatable, Sendable {
        /// The route's name.
        public var route: String
        /// The file.
        public var path: String
        /// What it leads to.
        public var sight: PathSight

        /// A file.
        public init(route: String, path: String, sight: PathSight) {
            self.route = route
            self.path = path
            self.sight = sight
        }
    }

    /// A directory of Regen's own.
    public struct Place: Equatable, Sendable {
        /// Where it is.
        public var path: String
        /// What is there.
        public var sight: PathSight

        /// A directory.
        public init(path: String, sight: PathSight) {
            self.path = path
            self.sight = sight
        }
    }

    /// Nothing seen.
    public init() {}
}
