public import Supervision

/// What SafeSwitch may do by itself.
public struct SafeSwitchPolicy: Equatable, Sendable {
    /// Whether it acts, proposes or keeps out.
    public var mode: Mode
    /// How long failures are weighed against a change of generation.
    public var probation: Interval
    /// Within so long at most one automatic rollback.
    public var limit: Interval
    /// A switch that takes longer, Regen's own or another's, is told to a human. It is not ended. No
    /// accusation waits longer for its answer.
    public var overdue: Interval
    /// Never go back to a generation with a lower number than this; `nil`: no fence.
    public var fence: Int?
    /// Whether the machine may be rebooted for a rollback.
    public var allowReboot: Bool
    /// When humans work on the machine: nothing is switched by itself, only proposed.
    public var maintenance: [MaintenanceWindow]
    /// What to do when no rollback is left to try.
    public var onExhausted: Exhaustion
    /// How the machine is rebooted: a program and its arguments.
    public var rebootCommand: [String]

    /// Whether SafeSwitch acts.
    public enum Mode: String, CaseIterable, Sendable {
        /// It rolls back by itself.
        case automatic
        /// It says what it would do.
        case propose
        /// It keeps out; generations are not even watched.
        case off
    }

    /// What to do when no rollback is left to try.
    public enum Exhaustion: String, CaseIterable, Sendable {
        /// Stay reachable, tell a human.
        case stay
        /// Reboot into the last known good generation, at most once a day, where `allowReboot` and
        /// this machine has booted it before.
        case rebootIntoKnownGood = "reboot-into-known-good"
    }

    /// Automatic, 10 min, 6 h, 15 min, no fence, no reboot, no windows, stay, unless told otherwise.
    public init(
        mode: Mode = .automatic, probation: Interval = .minutes(10), limit: Interval = .hours(6),
        overdue: Interval = .minutes(15), fence: Int? = nil, allowReboot: Bool = false,
        maintenance: [MaintenanceWindow] = [],
        onExhausted: Exhaustion = .stay,
        rebootCommand: [String] = ["/run/current-system/sw/bin/systemctl", "reboot"]
    ) {
        self.mode = mode
        self.probation = probation
        self.limit = limit
        self.overdue = overdue
        self.fence = fence
        self.allowReboot = allowReboot
        self.maintenance = maintenance
        self.onExhausted = onExhausted
        self.rebootCommand = rebootCommand
    }
}

/// A time of the week in UTC: `Sun 02:00-04:00`, `02:00-04:00` on every day. One that ends before it
/// begins goes over midnight.
public struct MaintenanceWindow: Equatable, Sendable {
    /// The days on which it begins, from Monday (0) to Sunday (6), lowest first.
    public var days: [Int]
    /// Minutes after midnight at which it begins, 0 to 1439.
    public var begin: Int
    /// Minutes after midnight at which it ends, 0 to 1440; not within it, and never equal to `begin`.
    public var end: Int

    /// A window.
    public init(days: [Int], begin: Int, end: Int) {
        self.days = days
        self.begin = begin
        self.end = end
    }

    /// The most windows of a policy.
    public static let mostWindows = 32
}
