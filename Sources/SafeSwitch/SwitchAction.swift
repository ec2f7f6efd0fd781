public import Supervision

/// What SafeSwitch wants done. The hands answer with events.
public enum SwitchAction: Equatable, Sendable {
    /// Look at the generations, and where a subject is given compare it between the two systems.
    /// `also`: look at this system as well, which may be in no profile. Answered by `surveyed` or
    /// `surveyFailed` with the serial, in any case.
    case survey(serial: Int, Question?, also: String?)
    /// Write this down. Nothing waits for it.
    case record(SwitchRecord)
    /// Write this down; answered by `durable` or `notDurable`, within `SwitchMind.durableWait`.
    case recordDurably(SwitchRecord, serial: Int)
    /// Do this. Answered by `done` with the serial, in any case.
    case perform(Deed, serial: Int)
    /// Run switch-to-configuration of this system, detached from the daemon. Answered by
    /// `activationBegan` and `activationEnded`, or by `done` with `failed` where it could not begin.
    case activate(system: String, Activation, flight: Int, serial: Int)
    /// A process of an earlier daemon's may still be running it: watch that one. Answered by
    /// `activationEnded`, at once where it is gone.
    case resumeWatch(ProcessIdentity, flight: Int, serial: Int)
    /// Tell the mind.
    case tell(Event)
    /// Read the configuration again: the system has changed.
    case reload
    /// Answer an operator.
    case answer(request: Int, SwitchAnswer)
}

/// What to compare while looking.
public struct Question: Equatable, Sendable {
    /// The service.
    public var subject: Subject
    /// The system before the change.
    public var before: String
    /// The system after it.
    public var after: String

    /// A question.
    public init(subject: Subject, before: String, after: String) {
        self.subject = subject
        self.before = before
        self.after = after
    }
}

/// The word that switch-to-configuration is given.
public enum Activation: String, CaseIterable, Sendable {
    /// Boot default and running system.
    case `switch`
    /// Boot default only.
    case boot
    /// Running system only.
    case test
}

/// Where switch-to-configuration runs: what it outlives the daemon by, and where its output is.
public enum ActivationPlace: String, CaseIterable, Sendable {
    /// In a session of its own; its output is a file.
    case session
    /// In a transient unit of systemd's, the one that nixos-rebuild uses; its output is in the journal.
    case unit
}

/// Something that is done to the machine's generations, apart from activation. Each can be done twice
/// without harm.
public enum Deed: Equatable, Sendable {
    /// Make the profile's link lead to this generation, which leads to this path, under Nix's lock.
    case setProfile(generation: Int, path: String)
    /// Make a new generation for this path, under Nix's lock, and make the profile lead to it.
    case addGeneration(path: String)
    /// Make the profile `last-known-good` lead to this path.
    case markKnownGood(path: String)
    /// Reboot the machine.
    case reboot(command: [String])
}
