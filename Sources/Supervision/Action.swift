/// What the mind wants done. The hands answer with events.
public enum Action: Equatable, Sendable {
    /// Make the process. Answered by `spawned` or `spawnFailed`.
    case spawn(InstanceID, attempt: Int)
    /// Send this signal, then SIGCONT, to the whole tree.
    case terminate(InstanceID, signal: Int32)
    /// SIGKILL for the whole tree.
    case kill(InstanceID)
    /// SIGKILL for whatever the ended main process left. Nothing waits for it.
    case sweep(InstanceID)
    /// Say `treeEnded` as soon as no descendant is left.
    case watchTree(InstanceID)
    /// Look with this probe, by its place in the definition. Answered by `probed` with the serial,
    /// in any case.
    case probe(InstanceID, probe: Int, serial: Int)
    /// Try this remedy, by its place in the definition. Answered by `remedied`, in any case.
    case remedy(InstanceID, remedy: Int, incident: Int)
    /// Write this down. Follows what it tells of; nothing waits for it.
    case record(Record)
    /// The instance is down and gone from the table; its place may be used again.
    case forget(InstanceID)
    /// Everything that had to stop is down: the daemon may end.
    case finish
}

/// What the mind has to say to the ledger. Plain values: the restart path allocates nothing.
public enum Record: Equatable, Sendable {
    /// A process began.
    case processStarted(InstanceID, ProcessIdentity, attempt: Int)
    /// A process of an earlier daemon was taken over untouched.
    case processAdopted(InstanceID, ProcessIdentity, attempt: Int)
    /// A process ended after `uptime`. `asked`: Regen or an operator wanted it to.
    case processExited(
        InstanceID, ProcessIdentity, attempt: Int, ExitStatus, uptime: Interval, asked: Bool)
    /// A process could not be made.
    case spawnFailed(InstanceID, attempt: Int, SpawnFailure)
    /// Another attempt is decided on, after `wait`, by `rule`.
    case restartDecided(
        InstanceID, attempt: Int, rule: RestartRule, wait: Interval, incident: Int)
    /// So many crashes were counted within the window.
    case crashLoopDetected(InstanceID, rule: LoopRule, count: Int, within: Interval, incident: Int)
    /// Something failed for the first time since it was healthy.
    case incidentOpened(InstanceID, incident: Int, FailureKind)
    /// It is healthy again, so long after the incident began.
    case incidentResolved(InstanceID, incident: Int, healing: Interval)
    /// A human must look.
    case incidentHandedOver(InstanceID, incident: Int, HandoverReason)
    /// After a hand-over the service was healthy for `backoff.clear`.
    case recovered(InstanceID)
    /// An operator wants it up, and gives it a new chance: what slowed it down is forgotten.
    case startAsked(InstanceID)
    /// A stop began; or one is under way, and something else follows it now.
    case stopBegan(InstanceID, Stopping.Aftermath)
    /// The grace period was over, and SIGKILL was sent.
    case stopForced(InstanceID)
    /// It is down and not meant to run.
    case rested(InstanceID, Rest)
}

/// The rule by which a restart is made.
public enum RestartRule: String, CaseIterable, Sendable {
    /// The run lasted for `backoff.quick` at least: at once.
    case atOnce = "ran-long-enough"
    /// A shorter run: after a wait that doubles.
    case backoff = "short-run"
    /// After a hand-over: at the slowest pace.
    case slowest = "after-hand-over"
    /// A start that failed: after a wait that doubles.
    case failedStart = "failed-start"
}

/// The rule by which crashes are a loop.
public enum LoopRule: String, CaseIterable, Sendable {
    /// `crash_loop.crashes` within `crash_loop.within`.
    case crashes
    /// Too many incidents within an hour, whatever their spacing.
    case incidents
}

/// Why an incident went to a human.
public enum HandoverReason: String, CaseIterable, Sendable {
    /// The service crash-loops.
    case crashLoop = "crash-loop"
    /// Too many failed starts in a row: see `StartPolicy.retries`.
    case startRetries = "start-retries"
    /// `restart: never`.
    case restartNever = "restart-never"
    /// An operator stopped the service in the middle of the incident.
    case operatorStopped = "operator-stopped"
    /// The configuration no longer has the service.
    case removed
    /// SIGKILL did not end it.
    case unkillable
}
