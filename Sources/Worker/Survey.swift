public import Supervision

/// What a diagnosis needs to know of the machine. What was not asked for, or could not be seen, is
/// `nil` or empty.
public struct Survey: Equatable, Sendable {
    /// The number that the request had.
    public var serial: Int
    /// The end of the service's log.
    public var log: LogEnd?
    /// The end of what a unit's run has written to the journal.
    public var journal: JournalEnd?
    /// The memory in use.
    public var memory: MemoryUse?
    /// Who listens where; a port that nobody has is not in the list.
    public var ports: [PortHolder]
    /// Files and keys that are missing.
    public var missing: [MissingEnvironment]
    /// When the system was changed last.
    public var changes: SystemChanges?
    /// How long it took, in microseconds.
    public var microseconds: Int64

    /// The most bytes of the log, or of the journal.
    public static let mostLog = 4 << 10
    /// The most holders, and the most missing files, that are told.
    public static let mostItems = 64

    /// A survey without findings.
    public init(serial: Int) {
        self.serial = serial
        ports = []
        missing = []
        microseconds = 0
    }
}

/// The end of a log.
public struct LogEnd: Equatable, Sendable {
    /// Where in the file it begins.
    public var offset: Int64
    /// At most `Survey.mostLog` bytes as they stand there.
    public var bytes: [UInt8]

    /// Bytes from there on.
    public init(offset: Int64, bytes: [UInt8]) {
        self.offset = offset
        self.bytes = bytes
    }
}

/// The last lines that a unit's run has written to the journal.
public struct JournalEnd: Equatable, Sendable {
    /// Where in the journal they begin. Only what stands safely between single quotes.
    public var cursor: String
    /// At most `Survey.mostLog` bytes: the first of what `journalctl --output=cat` prints from there
    /// on.
    public var bytes: [UInt8]

    /// The longest cursor in bytes.
    public static let longestCursor = 192

    /// Bytes from there on.
    public init(cursor: String, bytes: [UInt8]) {
        self.cursor = cursor
        self.bytes = bytes
    }

    /// Whether this can be a cursor: `s=…;i=…;b=…` in small letters and digits. People paste it into
    /// a shell.
    public static func isCursor(_ text: String) -> Bool {
        (1...longestCursor).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "="), UInt8(ascii: ";"):
                    true
                default: false
                }
            }
    }
}

/// The memory that a service uses.
public struct MemoryUse: Equatable, Sendable {
    /// Whence the number is.
    public enum Source: String, CaseIterable, Sendable {
        /// The control group's `memory.current` without what the kernel can drop at once.
        case cgroup
        /// The processes' proportional shares, summed.
        case proportional
        /// The processes' resident memory, summed: shared pages count for each.
        case resident
    }

    /// Bytes in use.
    public var bytes: Int64
    /// The nearest limit in bytes: that of the control group, up the tree, of which the greatest
    /// share is in use.
    public var limit: Int64?
    /// What is in use within that limit; with `limit` only.
    public var bytesWithinLimit: Int64?
    /// Whence `bytes` is.
    public var source: Source
    /// How many processes were counted; 0 for a control group's own number.
    public var processes: Int
    /// How often the OOM killer struck in the control group, where it counts.
    public var outOfMemoryKills: Int64?

    /// So many bytes.
    public init(bytes: Int64, source: Source, processes: Int = 0) {
        self.bytes = bytes
        self.source = source
        self.processes = processes
    }

    /// Percent of the limit in use; `nil` without a limit.
    public var percent: Int64? {
        guard let limit, limit > 0 else { return nil }
        return Int64((Double(bytesWithinLimit ?? bytes) * 100 / Double(limit)).rounded(.down))
    }
}

/// Who listens at a port.
public struct PortHolder: Equatable, Sendable {
    /// The TCP port.
    public var port: UInt16
    /// The process; `nil` when it could not be found out.
    public var process: ProcessIdentity?
    /// Its name, as the kernel has it.
    public var name: String
    /// Its systemd unit, or the last part of its cgroup; empty when unknown.
    public var unit: String
    /// The user that made the socket.
    public var user: UInt32
    /// Whether it belongs to the service that was asked about.
    public var isOwn: Bool

    /// A holder.
    public init(
        port: UInt16, process: ProcessIdentity?, name: String, unit: String, user: UInt32,
        isOwn: Bool
    ) {
        self.port = port
        self.process = process
        self.name = name
        self.unit = unit
        self.user = user
        self.isOwn = isOwn
    }

    /// `nginx (pid 812, unit nginx.service)`
    public var description: String {
        guard let process else { return "a process of user \(user)" }
        let unit = unit.isEmpty ? "" : ", unit \(unit)"
        return "\(name) (pid \(process.pid)\(unit))"
    }
}

/// An environment file that is not as declared.
public struct MissingEnvironment: Equatable, Sendable {
    /// The file.
    public var path: String
    /// Why it cannot be read; `nil` when it can.
    public var reason: String?
    /// Keys that are not set, or set to nothing.
    public var keys: [String]

    /// A file with what is missing.
    public init(path: String, reason: String? = nil, keys: [String] = []) {
        self.path = path
        self.reason = reason
        self.keys = keys
    }

    /// `/etc/web.env: no DATABASE_URL, no PORT`
    public var description: String {
        "\(path): \(reason ?? keys.map { "no \($0)" }.joined(separator: ", "))"
    }
}

/// When the system was changed last: nanoseconds since 1970.
public struct SystemChanges: Equatable, Sendable {
    /// The system profile's link: a new generation was made the default.
    public var profile: Int64?
    /// `/run/current-system`: a generation was switched to.
    public var current: Int64?
    /// The directory `/etc`.
    public var etc: Int64?
    /// This boot.
    public var boot: Int64

    /// A boot.
    public init(boot: Int64) { self.boot = boot }

    /// The latest of them.
    public var latest: Int64 { [profile, current, etc].compactMap { $0 }.reduce(boot, max) }
}
