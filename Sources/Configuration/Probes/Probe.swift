public import Supervision

/// One probe of a service: what is looked at, and when its word counts.
public struct Probe: Equatable, Sendable {
    /// What is looked at.
    public var kind: Kind
    /// How often, and when its word counts.
    public var policy: ProbePolicy

    /// A probe.
    public init(_ kind: Kind, policy: ProbePolicy = ProbePolicy()) {
        self.kind = kind
        self.policy = policy
    }

    /// The most probes of one service.
    public static let mostProbes = 32
    /// The longest text that an answer or an output can be asked to have, in bytes.
    public static let longestText = 4096
    /// The longest regular expression, in bytes.
    public static let longestPattern = 1024
    /// The longest canonical JSON of a probe, in bytes: whoever reads one needs no more room.
    public static let mostCanonicalBytes = 256 << 10

    /// What a probe looks at.
    public enum Kind: Equatable, Sendable {
        /// An HTTP server's answer.
        case http(HTTPProbe)
        /// How long a certificate is still good, and for which names.
        case tls(TLSProbe)
        /// Somebody takes a connection at `host` and `port`.
        case tcp(host: String, port: UInt16)
        /// Somebody takes a connection at this Unix socket; an absolute path.
        case unix(path: String)
        /// This very service, and nobody else, listens at this TCP port.
        case listening(port: UInt16)
        /// A command's exit status and output, run as the service's user.
        case command(CommandProbe)
        /// The memory in use.
        case memory(MemoryProbe)
        /// A share of one core in use for a time: a busy loop.
        case cpu(CPUProbe)
        /// Something that moves while the service works.
        case progress(ProgressProbe)
        /// A file as it should be.
        case file(FileProbe)
        /// The service's own word, by sd_notify(3).
        case notify(NotifyProbe)
    }
}

/// An HTTP request, and what a healthy answer is.
public struct HTTPProbe: Equatable, Sendable {
    /// `http://` or `https://`.
    public var url: String
    /// The Unix socket to connect to instead of the URL's host; an absolute path.
    public var socket: String?
    /// The request's method.
    public var method = "GET"
    /// Headers of the request, in the order of the file.
    public var headers: [Header] = []
    /// Good status codes.
    public var status: [ClosedRange<Int>] = [200...299]
    /// The body, as far as it is read, must have this text.
    public var contains: String?
    /// The body must match this POSIX extended regular expression.
    public var matches: String?
    /// The whole answer must be there within so long, where that is less than the time-out.
    public var within: Interval?
    /// Whether the server's certificate must be good.
    public var verify = true
    /// A file of certificates of the authorities to believe, instead of the system's.
    public var authorities: String?
    /// How many redirects are followed.
    public var redirects = 0

    /// The most headers.
    public static let mostHeaders = 32
    /// The most bytes of all headers, counted as `Name: value` with their line ends.
    public static let mostHeaderBytes = 8 << 10
    /// Status codes that can be good.
    public static let statusCodes = 100...999
    /// The most status codes and ranges of them.
    public static let mostStatusRanges = 16
    /// The most redirects.
    public static let mostRedirects = 10

    /// A GET of this URL.
    public init(url: String) { self.url = url }

    /// A header of a request.
    public struct Header: Equatable, Sendable {
        /// The name.
        public var name: String
        /// The value.
        public var value: String

        /// A header.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }
}

/// How long a certificate is still good, and for which names.
public struct TLSProbe: Equatable, Sendable {
    /// Where the certificate is.
    public enum Source: Equatable, Sendable {
        /// A TLS server shows it.
        case server(host: String, port: UInt16)
        /// A file in PEM; an absolute path.
        case file(String)
    }

    /// Where the certificate is.
    public var source: Source
    /// It must be good for so many more days.
    public var days = 14
    /// Names that it must be good for.
    public var names: [String] = []

    /// The certificate there, good for 14 more days.
    public init(_ source: Source) { self.source = source }

    /// The most names.
    public static let mostNames = 64
    /// The most days.
    public static let mostDays = 3650
}

/// A command, and what it must answer.
public struct CommandProbe: Equatable, Sendable {
    /// The program and its arguments; a text in the configuration is run by `/bin/sh -c`.
    public var command: [String]
    /// The exit code of a healthy service.
    public var exit: Int32 = 0
    /// Its output, as far as it is read, must have this text.
    public var contains: String?

    /// A command that must exit with 0.
    public init(command: [String]) { self.command = command }

    /// How much of the output is kept. The rest is read and dropped.
    public static let mostOutputBytes = 64 << 10
}

/// A bound of the memory in use.
public struct MemoryProbe: Equatable, Sendable {
    /// The bound.
    public enum Bound: Equatable, Sendable {
        /// Percent of the control group's limit, 1...100.
        case share(Int)
        /// Bytes.
        case bytes(Int64)
    }

    /// Whose memory is counted.
    public enum Scope: String, CaseIterable, Sendable {
        /// The control group's where it counts memory, else the processes'.
        case auto
        /// The control group's.
        case cgroup
        /// The resident memory of the service's processes, shared pages counted by their share.
        /// They have no limit, so that only a bound in bytes has a meaning.
        case tree
    }

    /// Less than this is healthy.
    public var below: Bound
    /// Whose memory is counted.
    public var of = Scope.auto

    /// Less than this.
    public init(below: Bound) { self.below = below }
}

/// A bound of the processor time in use, for a time.
public struct CPUProbe: Equatable, Sendable {
    /// Percent of one core, 1...100000: several cores are several hundred.
    public var below: Int
    /// Only what goes on for so long is a failure.
    public var window: Interval

    /// 95 % of a core for 30 s.
    public init(below: Int = 95, window: Interval = .seconds(30)) {
        self.below = below
        self.window = window
    }
}

/// Something that moves while the service works.
public struct ProgressProbe: Equatable, Sendable {
    /// What moves.
    public enum Source: Equatable, Sendable {
        /// The time of a file's last modification.
        case modification(path: String)
        /// The first number in a file.
        case number(path: String)
        /// The first number in a command's output.
        case command([String])
    }

    /// What moves.
    public var source: Source
    /// It must have moved within so long.
    public var within: Interval

    /// Within 30 s unless told otherwise.
    public init(_ source: Source, within: Interval = .seconds(30)) {
        self.source = source
        self.within = within
    }
}

/// A file as it should be.
public struct FileProbe: Equatable, Sendable {
    /// An absolute path.
    public var path: String
    /// Modified within so long.
    public var fresh: Interval?
    /// The owner's name or number.
    public var owner: String?
    /// The permission bits.
    public var mode: UInt32?

    /// It must be there.
    public init(path: String) { self.path = path }
}

/// The service's own word, by sd_notify(3).
public struct NotifyProbe: Equatable, Sendable {
    /// It must say WATCHDOG=1 within so long, each time; the service is told by WATCHDOG_USEC.
    public var watchdog: Interval?

    /// READY=1 once.
    public init(watchdog: Interval? = nil) { self.watchdog = watchdog }

    /// What the service's environment says of it; only the daemon may set these.
    public static let variables = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]
}
