public import Supervision

/// What SafeSwitch is told. Each carries all that it may know of it.
public enum SwitchEvent: Sendable {
    /// The configuration in force: SafeSwitch's own, and by place in the mind's table what blame
    /// compares; `nil` for a place that is free.
    case configured(SafeSwitchPolicy, [Subject?])
    /// What an earlier daemon left is known by now.
    case begun
    /// Time has come to what `nextDeadline` said.
    case deadlineReached
    /// Something moved: the profile's directory, `/run/current-system`, the switch's lock.
    case changed
    /// What came of the look with this serial; the comparison only where one was asked for.
    case surveyed(serial: Int, Landscape, Comparison?)
    /// The look with this serial failed.
    case surveyFailed(serial: Int, String)
    /// The ledger is sound and takes records, or not.
    case ledger(isSound: Bool)
    /// The record with this serial is on the disk.
    case durable(serial: Int)
    /// It is not, and will not be within the bound.
    case notDurable(serial: Int)
    /// The mind recorded something.
    case noted(Record)
    /// The mind asks for triage: a service with this incident would go to a human for this reason.
    case accused(InstanceID, incident: Int, HandoverReason)
    /// What came of the deed with this serial.
    case done(serial: Int, DeedOutcome)
    /// switch-to-configuration began.
    case activationBegan(serial: Int, ProcessIdentity, in: ActivationPlace = .session)
    /// It ended. `unknown` where nobody could tell.
    case activationEnded(serial: Int, ExitStatus)
    /// An operator asks.
    case asked(request: Int, SwitchRequest)
}

/// What came of a deed.
public enum DeedOutcome: Equatable, Sendable {
    /// It is done.
    case done
    /// It is not, and nothing was changed; in words. `isTransient`: trying again may help.
    case failed(String, isTransient: Bool)
}

/// What an operator asks of SafeSwitch.
public enum SwitchRequest: Equatable, Sendable {
    /// What would a rollback do? Answered, nothing is done.
    case plan(PlanFacts.Wish)
    /// Roll back. `expected`: only if the plan leads to this very system, which the operator saw.
    case rollback(PlanFacts.Wish, expected: String?, uid: UInt32)
    /// Put a system on trial, confirmed by a human within this time, or by the probes alone.
    case trial(path: String, generation: Int?, confirm: Interval?, uid: UInt32)
    /// The machine can be reached: the trial may stay.
    case confirm(uid: UInt32)
    /// What is there to go back to?
    case generations
}

/// What an operator is told.
public enum SwitchAnswer: Equatable, Sendable {
    /// Such would be done.
    case planned(PlanFacts, PlanOutcome)
    /// It has begun: the number of the switch.
    case began(flight: Int, Plan?)
    /// The trial is confirmed.
    case confirmed(flight: Int)
    /// What there is, and how a rollback to each would go.
    case generations(Landscape, [GenerationStanding])
    /// It is not done, and why.
    case refused(Refusal)
    /// It is not done: a sentence.
    case unable(String)
}

/// How one generation stands.
public struct GenerationStanding: Equatable, Sendable {
    /// Its number.
    public var generation: Int
    /// It passed a whole probation.
    public var isKnownGood: Bool
    /// It is quarantined.
    public var isQuarantined: Bool
    /// It is below the fence.
    public var isFenced: Bool
    /// How an asked-for rollback to it would go.
    public var rollback: PlanOutcome

    /// A standing.
    public init(
        generation: Int, isKnownGood: Bool, isQuarantined: Bool, isFenced: Bool,
        rollback: PlanOutcome
    ) {
        self.generation = generation
        self.isKnownGood = isKnownGood
        self.isQuarantined = isQuarantined
        self.isFenced = isFenced
        self.rollback = rollback
    }
}
