public import Supervision

/// One step of recovery that a service declares.
public enum Remedy: Equatable, Sendable {
    /// Start it again.
    case restart
    /// End a stale process of the same service that holds its port.
    case portConflict
    /// Run this check of the service's own configuration, as its user.
    case validateConfig(command: [String], timeout: Interval)
    /// Restore these.
    case dependencies([Dependency])
    /// These files must be there, with these keys.
    case environment([EnvironmentFile])

    /// The most remedies of one service.
    public static let mostRemedies = 16
    /// The most dependencies, or environment files, of one remedy.
    public static let mostItems = 64
    /// How long a check of a service's configuration may take: less than the mind waits.
    public static let checkTimeouts: ClosedRange<Interval> = .milliseconds(100) ... .seconds(60)

    /// What the mind has to know of it.
    public var kind: RemedyKind {
        switch self {
        case .restart: .restart
        case .portConflict: .portConflict
        case .validateConfig: .validateConfig
        case .dependencies: .dependencies
        case .environment: .environment
        }
    }
}

/// A file, directory or link that a service needs.
public struct Dependency: Equatable, Sendable {
    /// What it is.
    public enum Kind: Equatable, Sendable {
        /// A regular file; made empty where it is missing and `create` says so.
        case file
        /// A directory.
        case directory
        /// A symbolic link to this.
        case link(to: String)
    }

    /// The directory within which it is; nothing outside of it is ever touched.
    public var base: String
    /// Its path below the base, without `..`.
    public var path: String
    /// What it is.
    public var kind: Kind
    /// Whether it is made where it is missing.
    public var create = false
    /// Its owner's name or number.
    public var owner: String?
    /// Its group's name or number.
    public var group: String?
    /// Its permission bits.
    public var mode: UInt32?

    /// It must be there.
    public init(base: String, path: String, kind: Kind) {
        self.base = base
        self.path = path
        self.kind = kind
    }
}

/// A file of `NAME=value` lines that a service needs.
public struct EnvironmentFile: Equatable, Sendable {
    /// An absolute path.
    public var path: String
    /// Names that must be set to something.
    public var keys: [String]

    /// A file with these keys.
    public init(path: String, keys: [String]) {
        self.path = path
        self.keys = keys
    }

    /// The most keys.
    public static let mostKeys = 256
}
