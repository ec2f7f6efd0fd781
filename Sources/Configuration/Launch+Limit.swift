extension Launch {
    /// A soft and a hard limit of one resource, as setrlimit(2) takes them.
    public struct Limit: Equatable, Sendable {
        /// What is limited.
        public var resource: Resource
        /// What the process is held to; `unlimited` or a number in the resource's unit.
        public var soft: UInt64
        /// What the process may raise the soft limit to; at least `soft`.
        public var hard: UInt64

        /// A limit of a resource.
        public init(_ resource: Resource, soft: UInt64, hard: UInt64) {
            self.resource = resource
            self.soft = soft
            self.hard = hard
        }

        /// The kernel's RLIM_INFINITY: no limit.
        public static let unlimited = UInt64.max

        /// The kernel's resources; the names are those of RLIMIT_… in small letters.
        public enum Resource: String, CaseIterable, Sendable {
            /// Address space, bytes.
            case addressSpace = "as"
            /// Core file, bytes.
            case core
            /// CPU time, seconds.
            case cpu
            /// Data segment, bytes.
            case data
            /// File size, bytes.
            case fileSize = "fsize"
            /// File locks.
            case locks
            /// Locked memory, bytes.
            case lockedMemory = "memlock"
            /// POSIX message queues, bytes.
            case messageQueue = "msgqueue"
            /// Ceiling of the nice value, as 20 - nice.
            case nice
            /// Open files.
            case openFiles = "nofile"
            /// Processes of the user.
            case processes = "nproc"
            /// Resident set, bytes; without effect on today's kernels.
            case residentSet = "rss"
            /// Real-time priority.
            case realTimePriority = "rtprio"
            /// Real-time CPU time between two blocking calls, microseconds.
            case realTimeTime = "rttime"
            /// Queued signals.
            case pendingSignals = "sigpending"
            /// Stack, bytes.
            case stack
        }
    }
}
