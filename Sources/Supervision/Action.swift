/// What the mind wants done. The hands answer with events.
public enum Action: Equatable, Sendable {
    /// Make the process. Answered by `spawned` or `spawnFailed`. Of a unit: have systemd start it
    /// again, or start it where it is down; answered by `jobEnded`.
    case spawn(InstanceID, attempt: Int)
    /// Send this signal, then SIGCONT, to the whole tree. Of a unit: have systemd stop it, in its own
    /// way and time; answered by `jobEnded`.
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
    /// Try this remedy, by its place in the definition. Answered by `remedied` with the serial,
    /// in any case.
    /// `incident` is 0 where none is open.
    case remedy(InstanceID, remedy: Int, incident: Int, serial: Int)
    /// Ask whether the system's generation is to blame, before a human is told for this reason. The
    /// incident stays open and the service goes on at the slowest pace until `triaged` answers.
    case triage(InstanceID, incident: Int, HandoverReason)
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
    /// Something failed for the first time since it was healthy. `probe`: the place of the one
    /// that found it, where one did.
    case incidentOpened(InstanceID, incident: Int, FailureKind, probe: Int?)
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
    /// It is down and not meant to run. `run`: of a unit, the last run that is known of; whatever is
    /// seen of it later is no news, for the next daemon either.
    case rested(InstanceID, Rest, run: UnitSight.Invocation? = nil)
    /// The start command has ended, as it may: what it started is not Regen's.
    case detached(InstanceID)
    /// An operator wants nothing done to it for so long.
    case paused(InstanceID, for: Interval)
    /// The pause is over, by itself or as an operator asked.
    case resumed(InstanceID)
    /// This probe passed for the first time ever: from now on its word counts.
    case probeProven(InstanceID, probe: Int, fingerprint: UInt64)
    /// This probe has not passed once within a whole start time-out: it is ignored, and may be
    /// mistyped.
    case probeSuspected(InstanceID, probe: Int, fingerprint: UInt64)
    /// A look failed, the so-many-th in a row.
    case probeStruck(InstanceID, probe: Int, strike: Int, of: Int)
    /// A look passed after so many strikes.
    case probeCleared(InstanceID, probe: Int, strikes: Int)
    /// The strikes are complete, and nothing is done because a dependency is unhealthy.
    case probeHeld(InstanceID, probe: Int, dependency: InstanceID)
    /// What came of a remedy; `place` is its place in the definition.
    case remedied(InstanceID, RemedyKind, place: Int, RemedyOutcome, incident: Int)
    /// So many of the probed services failed at once, or the machine stalled: it is not theirs.
    case commonCauseBegan(incident: Int, services: Int, of: Int)
    /// It is calm again, so long after the common cause began.
    case commonCauseEnded(incident: Int, after: Interval)
    /// The common cause lasts: a human must look.
    case commonCauseHandedOver(incident: Int)
}

/// The rule by which a restart is made.
public enum RestartRule: String, CaseIterable, Sendable {
    /// The run lasted for `backoff.quick` at least: at once.
    case atOnce = "ran-long-enough"
    /// A shorter run: after a wait that doubles.
    case backoff = "short-run"
    /// After a hand-over: at the slowest pace.
    case slowest = "after-hand-over"
    /// A process that could not be made: after a wait that doubles.
    case failedStart = "failed-start"
    /// A start that was not confirmed in time: after a wait that doubles.
    case startTimeout = "start-timeout"
    /// The probes say that it does not work: at once.
    case unhealthy
    /// A pause is over, and it should run and does not: at once.
    case resumed
    /// The system was switched for its sake: at once.
    case switched
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
    /// So many restarts were not confirmed: see `EscalationPolicy.attempts`.
    case attempts
    /// A remedy found that a start would be useless or harmful.
    case refused = "remedy-refused"
    /// A rollback would help, and only a human may decide on it.
    case rollbackProposed = "rollback-proposed"
    /// The system was taken back, and the service still fails.
    case rollbackDidNotHelp = "rollback-did-not-help"
    /// systemd's unit is another's to start: a timer's, a socket's, whoever's `StartLimitAction=` it
    /// is; or nobody has seen it up.
    case notOurs = "not-ours-to-start"
    /// A switch for its sake has not ended for so long that a human must look.
    case switchLasts = "switch-lasts"
}
