/// What happened. Each carries all that the mind may know of it.
public enum Event: Equatable, Sendable {
    /// The configuration in force, whole. Instances that it lacks are stopped and removed; changed
    /// ones restart; new ones start once `begun`.
    case configured([InstanceDefinition])
    /// What an earlier daemon left is known by now: start what should run.
    case begun
    /// Time has come to what `nextDeadline` said.
    case deadlineReached
    /// The machine as a whole is slow now, says the kernel: what is late is nobody's own fault.
    case machineStalled
    /// An operator wants every service down, dependents first.
    case stopAllAsked
    /// The daemon must end. `stopping` says what `on_exit: auto` means this time.
    case endAsked(stopping: Bool)
    /// The machine is being switched to another system, by whomever: what ends meanwhile is no crash
    /// that counts.
    case switchBegan
    /// It no longer is.
    case switchEnded
    /// Another generation runs: crash loops are counted anew.
    case generationChanged
    /// Something happened to one instance.
    case instance(InstanceID, InstanceEvent)
}

/// What happened to one instance.
public enum InstanceEvent: Equatable, Sendable {
    /// An operator wants it up.
    case startAsked
    /// An operator wants it down.
    case stopAsked
    /// An operator wants it down and up again.
    case restartAsked
    /// An operator wants it healed now.
    case healAsked
    /// An operator wants nothing done to it until then.
    case pauseAsked(until: Instant)
    /// An operator wants it looked after again.
    case resumeAsked
    /// The hand made the process.
    case spawned(ProcessIdentity)
    /// The hand could not.
    case spawnFailed(SpawnFailure)
    /// The main process ended.
    case exited(ExitStatus)
    /// No descendant of the main process is left.
    case treeEnded
    /// What came of the look that `Action.probe` with this serial asked for.
    case probed(probe: Int, serial: Int, ProbeOutcome)
    /// What came of the remedy that `Action.remedy` with this serial asked for.
    case remedied(serial: Int, RemedyOutcome)
    /// What came of the triage that `Action.triage` asked for.
    case triaged(Triaged)
    /// Its own deadline came.
    case due
    /// A service that it waits for has changed.
    case dependencyChanged
    /// It runs since an earlier daemon's days, started with the given fingerprint.
    case adopted(ProcessIdentity, attempt: Int, since: Instant, launch: UInt64)
    /// The ledger knows it as running and the kernel does not: it ended unseen.
    case vanished(ProcessIdentity)
    /// What systemd says of it, whenever something about it may have changed; of units only, and
    /// instead of `exited` and `treeEnded`.
    case unit(UnitSight)
    /// The job ended that `spawn` or `terminate` asked systemd for; of units only, and instead of
    /// `spawned` and `spawnFailed`. A `unit` always follows.
    case jobEnded(UnitJobEnd)
}

/// What came of triage.
public enum Triaged: Equatable, Sendable {
    /// A human must look, for this reason; `nil`: for the one that triage was asked with.
    case handOver(HandoverReason?)
    /// The system was switched for its sake: start it again at once, its past failures forgotten.
    case retry
}
