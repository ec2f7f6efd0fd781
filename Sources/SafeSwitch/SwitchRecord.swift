public import Supervision

/// What SafeSwitch has to say to the ledger.
public enum SwitchRecord: Equatable, Sendable {
    /// Another system runs than before.
    case generationChanged(from: String?, to: String, generation: Int?, by: ChangeOrigin)
    /// The first look of a daemon has seen the system that was remembered: what has failed until now
    /// has not failed because of another one.
    case unchanged(system: String)
    /// Failures are weighed against this change from now on.
    case probationBegan(
        system: String, generation: Int?, previous: String?, previousGeneration: Int?,
        lasts: Interval)
    /// It is over.
    case probationEnded(system: String, generation: Int?, ProbationOutcome, culprit: String?)
    /// The Nix profile `last-known-good` was set, or could not be.
    case knownGoodMarked(system: String, trouble: String?)
    /// Whether the generation is to blame, and from what this was concluded.
    case triaged(TriageFacts, Verdict)
    /// What a rollback would do, or why there is none, and from what this was concluded.
    case planned(PlanFacts, PlanOutcome)
    /// A switch is about to be made. Durable before anything is done.
    case intended(Flight)
    /// A step of it begins.
    case stepBegan(flight: Int, Flight.Step)
    /// A step did not come off, in words; it is tried again, or the switch is given up.
    case stepFailed(flight: Int, Flight.Step, String)
    /// switch-to-configuration runs, the so-many-th time.
    case activationBegan(
        flight: Int, ProcessIdentity, Activation, run: Int, in: ActivationPlace = .session)
    /// It ended: evidence, not a verdict.
    case activationEnded(flight: Int, ExitStatus)
    /// It is over.
    case flightEnded(flight: Int, FlightOutcome)
    /// It takes longer than a human should be left in the dark about. It is not ended.
    case flightLasts(flight: Int, Flight.Step, Interval)
    /// A human has confirmed a trial.
    case trialConfirmed(flight: Int, uid: UInt32)
    /// Never go back there. `culprit`: the store path of what failed.
    case quarantined(system: String, generation: Int?, culprit: String?, incident: Int)
    /// What is quarantined runs again, because somebody switched to it: the system itself, or another
    /// one with this `culprit`.
    case quarantineEntered(system: String, generation: Int?, culprit: String?)
    /// Somebody else switches.
    case foreignSwitchBegan(pid: Int32)
    /// They no longer do.
    case foreignSwitchEnded(after: Interval)
    /// They have for so long: a human must look.
    case foreignSwitchLasts(Interval)
    /// What was expected to boot did not: the machine runs another one.
    case bootedElsewhere(
        expected: String, expectedGeneration: Int?, booted: String, generation: Int?)
    /// The service fails the same on the system that was gone back to: it is not the generation.
    case notTheGeneration(incident: Int)
}

/// Who changed the system.
public enum ChangeOrigin: String, CaseIterable, Sendable {
    /// Regen.
    case regen
    /// Anybody else.
    case other
    /// A boot.
    case boot
}

/// How a probation ended.
public enum ProbationOutcome: String, CaseIterable, Sendable {
    /// Every probed service that was healthy before was healthy throughout: known good.
    case knownGood = "known-good"
    /// One was not: `culprit`.
    case unproven
    /// Nothing with probes was healthy before: nothing can be said.
    case nothingToSay = "nothing-to-say"
    /// Another change came first.
    case replaced
}

/// How a switch ended.
public enum FlightOutcome: Equatable, Sendable {
    /// The target runs, and the probes pass.
    case succeeded
    /// The same, under another kernel than the target's.
    case degraded
    /// The target runs, and the probes do not pass.
    case notHelped
    /// The target does not run; this does.
    case notActivated(current: String?)
    /// Nothing was done.
    case abandoned(Refusal)
    /// A trial that was not confirmed by a human in time.
    case notConfirmed
}
