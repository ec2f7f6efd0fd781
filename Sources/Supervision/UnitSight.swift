/// What systemd says of a unit at one moment, as far as the mind cares. Plain values: the daemon
/// makes them of the unit's properties, the simulation of its own systemd.
public struct UnitSight: Equatable, Sendable {
    /// Where it stands: org.freedesktop.systemd1(5), ActiveState.
    public enum Activity: String, CaseIterable, Sendable {
        /// Up; also while it reloads.
        case active
        /// On its way up, or waiting for systemd's own next attempt (`auto-restart`).
        case activating
        /// On its way down.
        case deactivating
        /// Down, and systemd has no complaint.
        case inactive
        /// Down, and systemd calls it failed.
        case failed
        /// systemd does not know such a unit, or it is masked.
        case missing
    }

    /// One run of a unit, from a start to its end: InvocationID. All zero before the first.
    public struct Invocation: Equatable, Sendable {
        /// The first eight bytes.
        public var high: UInt64
        /// The last eight bytes.
        public var low: UInt64

        /// A run.
        public init(high: UInt64 = 0, low: UInt64 = 0) {
            self.high = high
            self.low = low
        }

        /// 32 hexadecimal digits, as systemd writes them; anything else is no run.
        public init(hexadecimal text: String) {
            high = UInt64(text.prefix(16), radix: 16) ?? 0
            low = UInt64(text.dropFirst(16), radix: 16) ?? 0
        }

        /// 32 hexadecimal digits, as systemd writes them.
        public var hexadecimal: String {
            [high, low].map {
                let digits = String($0, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }.joined()
        }
    }

    /// Where it stands.
    public var activity: Activity
    /// The run that this is said of: the present one, or the last.
    public var invocation: Invocation
    /// The main process; `nil` when there is none, be it that the unit is up without one.
    public var process: ProcessIdentity?
    /// When it became what `activity` says; of an active unit, when it came up.
    public var since: Instant
    /// How often systemd has restarted it by itself since somebody started it: NRestarts.
    public var restarts: Int
    /// How the main process of `invocation` ended; `nil` as long as it has not.
    public var exit: ExitStatus?
    /// systemd takes the end of the run for a failure: Result is not `success`.
    public var isFailure: Bool
    /// It was told to go down before its main process ended, and not for a failure of its own: by
    /// `systemctl stop` or another job.
    public var wasStopped: Bool
    /// Who starts it again when it fails.
    public var starter: Starter

    /// A unit that is down and was never up, unless told otherwise.
    public init(
        activity: Activity = .inactive, invocation: Invocation = Invocation(),
        process: ProcessIdentity? = nil, since: Instant = Instant(nanoseconds: 0),
        restarts: Int = 0, exit: ExitStatus? = nil, isFailure: Bool = false,
        wasStopped: Bool = false, starter: Starter = .regen
    ) {
        self.activity = activity
        self.invocation = invocation
        self.process = process
        self.since = since
        self.restarts = restarts
        self.exit = exit
        self.isFailure = isFailure
        self.wasStopped = wasStopped
        self.starter = starter
    }
}

/// Who starts a unit again that has failed.
public enum Starter: String, CaseIterable, Sendable {
    /// The mind, once systemd says that the unit is down.
    case regen
    /// systemd, by the unit's `Restart=`; the mind only once systemd has given up.
    case systemd
    /// Nobody: it is another's to start (a timer, a socket, a path, a bus name, `Type=oneshot`), or
    /// systemd does more than that when it fails (`StartLimitAction=`, `FailureAction=`).
    case nobody
}

/// How a job ended that the mind has asked systemd for.
public enum UnitJobEnd: String, CaseIterable, Sendable {
    /// What was asked for is done.
    case done
    /// systemd tried, and it failed.
    case failed
    /// systemd did not take it on: another job is in the way, or there is no such unit.
    case refused
    /// Nobody knows: systemd could not be reached, or did not end it in time. What the unit's state
    /// says next is the answer.
    case lost
}

/// Who makes an instance's process and ends it.
public enum Keeper: Equatable, Sendable {
    /// Regen, as its child.
    case regen
    /// systemd, as a unit: the mind asks for jobs, and is told by `InstanceEvent.unit`.
    /// `healsStops`: what somebody stopped by hand is started again, `on_stop: heal`.
    case systemd(healsStops: Bool)
}
