/// How the mind treats a service: everything that is decided by configuration and not by events.
///
/// The defaults are the policy of docs/operations.md.
public struct ServicePolicy: Equatable, Sendable {
    /// When an exit leads to a restart.
    public var restart: RestartPolicy
    /// How long to wait before a restart.
    public var backoff: BackoffPolicy
    /// How the service is ended.
    public var stop: StopPolicy
    /// What counts as a crash loop; `nil` is the configuration's `off`.
    public var crashLoop: CrashLoopPolicy?
    /// What counts as a failed start.
    public var start: StartPolicy
    /// When restarts that do not help are a matter for a human.
    public var escalation: EscalationPolicy
    /// Whether the service is started with the daemon.
    public var autostart: Bool
    /// Critical services are handled before the others.
    public var critical: Bool
    /// Names of the services that must be up before this one starts.
    public var after: [String]
    /// What becomes of the running service when the daemon ends.
    public var onExit: ExitPolicy
    /// Whether SafeSwitch is asked before a human; `never` also where SafeSwitch is off.
    public var rollback = RollbackPolicy.never

    /// A policy; every part has its default.
    public init(
        restart: RestartPolicy = .always, backoff: BackoffPolicy = BackoffPolicy(),
        stop: StopPolicy = StopPolicy(), crashLoop: CrashLoopPolicy? = CrashLoopPolicy(),
        start: StartPolicy = StartPolicy(), escalation: EscalationPolicy = EscalationPolicy(),
        autostart: Bool = true, critical: Bool = false, after: [String] = [],
        onExit: ExitPolicy = .auto
    ) {
        self.restart = restart
        self.backoff = backoff
        self.stop = stop
        self.crashLoop = crashLoop
        self.start = start
        self.escalation = escalation
        self.autostart = autostart
        self.critical = critical
        self.after = after
        self.onExit = onExit
    }
}

/// When an exit that nobody asked for leads to a restart.
public enum RestartPolicy: String, CaseIterable, Sendable {
    /// Any exit does; a clean one is a crash too, because nobody asked for it.
    case always
    /// A signal, or an exit code other than 0. A clean exit is the service's own end.
    case onFailure = "on-failure"
    /// No exit does: a failure is told to a human, a clean exit is the service's own end.
    case never
}

/// How long the mind waits before it starts a service again.
public struct BackoffPolicy: Equatable, Sendable {
    /// A run of at least this length is restarted at once. It also makes a start a success
    /// for a service that nothing confirms.
    public var quick: Interval
    /// The wait after the first shorter run; doubled after each further one.
    public var first: Interval
    /// The longest wait, and the pace after a hand-over.
    public var most: Interval
    /// So long a run clears the doubling.
    public var clear: Interval

    /// 1 s, 200 ms, 30 s, 1 min unless told otherwise.
    public init(
        quick: Interval = .seconds(1), first: Interval = .milliseconds(200),
        most: Interval = .seconds(30), clear: Interval = .minutes(1)
    ) {
        self.quick = quick
        self.first = first
        self.most = most
        self.clear = clear
    }
}

/// How a service is ended: a signal and SIGCONT, the grace period, SIGKILL; the whole tree each time.
public struct StopPolicy: Equatable, Sendable {
    /// The number of the first signal. Numbers, because the mind imports nothing; 15 is SIGTERM.
    public var signal: Int32
    /// From the first signal to SIGKILL.
    public var grace: Interval
    /// The same for a service that is known to hang.
    public var hung: Interval

    /// SIGTERM, 10 s, 2 s unless told otherwise.
    public init(
        signal: Int32 = 15, grace: Interval = .seconds(10), hung: Interval = .seconds(2)
    ) {
        self.signal = signal
        self.grace = grace
        self.hung = hung
    }
}

/// So many crashes within so long a time are a crash loop.
public struct CrashLoopPolicy: Equatable, Sendable {
    /// The crash that makes it a loop; from 1 to `mostCrashes`.
    public var crashes: Int
    /// The window.
    public var within: Interval

    /// The largest `crashes` that a configuration may ask for: so many instants are kept a service.
    public static let mostCrashes = 100

    /// 5 crashes in 60 s unless told otherwise.
    public init(crashes: Int = 5, within: Interval = .seconds(60)) {
        self.crashes = crashes
        self.within = within
    }
}

/// What counts as a failed start, and how many of them in a row are handed over.
public struct StartPolicy: Equatable, Sendable {
    /// Within so long a started service must be confirmed, where something confirms it.
    public var timeout: Interval
    /// So many failed starts in a row (the process could not be made, or it had to be confirmed and
    /// was not in time or ended before) are told to a human.
    public var retries: Int

    /// 90 s, 5 in a row unless told otherwise.
    public init(timeout: Interval = .seconds(90), retries: Int = 5) {
        self.timeout = timeout
        self.retries = retries
    }
}

/// How many restarts are tried before a human is told that they do not help.
public struct EscalationPolicy: Equatable, Sendable {
    /// So many restarts in a row that probes or a start time-out caused, none of them confirmed;
    /// from 1 to `mostAttempts`.
    public var attempts: Int

    /// The largest `attempts` that a configuration may ask for.
    public static let mostAttempts = 100

    /// Three unless told otherwise.
    public init(attempts: Int = 3) { self.attempts = attempts }
}

/// What becomes of a running service when the daemon is told to end (SIGTERM).
public enum ExitPolicy: String, CaseIterable, Sendable {
    /// Stop in the foreground and when the machine shuts down; leave for adoption when the
    /// daemon is only restarted or upgraded by systemd.
    case auto
    /// Always stop.
    case stop
    /// Never touch; the next daemon adopts.
    case leave
}

/// What a service wishes when the system's generation is what breaks it.
public enum RollbackPolicy: String, CaseIterable, Sendable {
    /// Go back when the evidence says so.
    case auto
    /// The same, and also for a service that was not there or not healthy before the change.
    case always
    /// Weigh the evidence, but leave it to a human.
    case propose
    /// Not for this service's sake.
    case never
}
