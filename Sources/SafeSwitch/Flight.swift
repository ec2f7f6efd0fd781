public import Supervision

/// A switch that Regen makes: where it goes and how far it has come. In the ledger step by step, so
/// that the next daemon goes on with it.
public struct Flight: Equatable, Sendable {
    /// Its number, never used again.
    public var id: Int
    /// What it is for.
    public var purpose: Purpose
    /// The system that ran when it began.
    public var from: String
    /// The system it leads to.
    public var to: String
    /// The generation it leads to; `nil`: a path that is in no profile yet.
    public var generation: Int?
    /// How.
    public var mode: SwitchMode
    /// What is being done.
    public var step: Step
    /// switch-to-configuration, while it runs.
    public var process: ProcessIdentity?
    /// How often switch-to-configuration was begun for this step.
    public var runs = 0
    /// When it began.
    public var began: Instant
    /// The boot default when it began; `nil`: unknown.
    public var formerDefault: Int?

    /// What a switch is for.
    public enum Purpose: Equatable, Sendable {
        /// Back, because of this incident.
        case rollback(incident: Int)
        /// Back, because an operator with this uid says so.
        case asked(uid: UInt32)
        /// `regen switch`: forward on trial. Confirmed by probes, and by a human within `confirm`
        /// where that is wanted.
        case trial(uid: UInt32, confirm: Interval?)
        /// Back from a trial that failed.
        case retreat
        /// A trial that passed becomes the boot default.
        case settle
    }

    /// The steps, in their order. Which of them a flight has is a matter of its mode.
    public enum Step: String, CaseIterable, Sendable {
        /// Its intent is on the way to the disk.
        case intent
        /// The profile's link is set (and Nix's lock held for just that).
        case profile
        /// switch-to-configuration runs.
        case activate
        /// What runs now is looked at.
        case verify
        /// switch-to-configuration has refused: the profile is set back to what it was.
        case restore
        /// The machine is rebooting.
        case reboot
        /// The probes have the last word.
        case confirm
    }

    /// A switch that is about to begin.
    public init(
        id: Int, purpose: Purpose, from: String, to: String, generation: Int?, mode: SwitchMode,
        began: Instant
    ) {
        self.id = id
        self.purpose = purpose
        self.from = from
        self.to = to
        self.generation = generation
        self.mode = mode
        self.step = .intent
        self.began = began
    }
}
