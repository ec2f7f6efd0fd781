public import Supervision

/// One system that a rollback could go to, with all that the rule looks at.
public struct Candidate: Equatable, Sendable {
    /// Its generation; the highest number where several lead to the path.
    public var generation: Int
    /// The system that it leads to.
    public var path: String
    /// Its specialisation of the running one's name, where a specialisation runs and it has one.
    public var specialisation: NixSystem.Specialisation?
    /// The system that would run: the specialisation's, or its own.
    public var activated: String { specialisation?.path ?? path }
    /// It is what ran before the change.
    public var isPrevious = false
    /// It passed a whole probation.
    public var isKnownGood = false
    /// The failing service was healthy on it.
    public var wasHealthy = false
    /// It, or a part of it that is to blame, is quarantined.
    public var isQuarantined = false
    /// Its number is below the fence.
    public var isFenced = false
    /// It is what runs now.
    public var isRunning = false
    /// What it lacks on disk.
    public var defects: [NixSystem.Defect] = []
    /// Keys of `switch-inhibitors` on which it and the running system disagree.
    public var inhibitors: [String] = []
    /// Its init interface is another one than the running system's.
    public var initDiffers = false
    /// Its kernel, initrd or modules are not the booted ones.
    public var kernelDiffers = false
    /// This machine has booted it before.
    public var wasBooted = false

    /// A candidate about which nothing speaks.
    public init(generation: Int, path: String) {
        self.generation = generation
        self.path = path
    }

    /// So many candidates of a plan are recorded, the best first.
    public static let mostRecorded = 12
}

/// What a plan is made from. Recorded, so that the rule can be run on it again.
public struct PlanFacts: Equatable, Sendable {
    /// Who wants it.
    public var wish: Wish
    /// The mode in force; `propose` within a maintenance window, too.
    public var mode: SafeSwitchPolicy.Mode
    /// Whether the machine may be rebooted for it.
    public var allowReboot: Bool
    /// The ledger is sound.
    public var hasLedger: Bool
    /// How long ago the last automatic rollback was; `nil`: none within the limit.
    public var sinceRollback: Interval?
    /// The incident has had its rollback.
    public var incidentHadRollback: Bool
    /// Another switch runs.
    public var isSwitching: Bool
    /// Free bytes for the boot loader; `nil`: it has no file system of its own.
    public var bootSpace: Int64?
    /// The candidates, the newest generation first.
    public var candidates: [Candidate]

    /// Who wants a plan.
    public enum Wish: Equatable, Sendable {
        /// Triage does, for this incident, with this wish of the service.
        case incident(Int, RollbackPolicy)
        /// An operator does, wherever the rule leads.
        case anywhere
        /// An operator wants this very generation.
        case generation(Int)
        /// An operator wants the newest known good one.
        case knownGood
    }

    /// Facts.
    public init(
        wish: Wish, mode: SafeSwitchPolicy.Mode, allowReboot: Bool, hasLedger: Bool,
        sinceRollback: Interval?, incidentHadRollback: Bool, isSwitching: Bool,
        bootSpace: Int64?, candidates: [Candidate]
    ) {
        self.wish = wish
        self.mode = mode
        self.allowReboot = allowReboot
        self.hasLedger = hasLedger
        self.sinceRollback = sinceRollback
        self.incidentHadRollback = incidentHadRollback
        self.isSwitching = isSwitching
        self.bootSpace = bootSpace
        self.candidates = candidates
    }

    /// The boot loader needs at least so many free bytes for another entry.
    public static let leastBootSpace: Int64 = 1 << 20
}

/// Where to go and how.
public struct Plan: Equatable, Sendable {
    /// Where to.
    public var target: Candidate
    /// Why this one.
    public var choice: Choice
    /// How.
    public var mode: SwitchMode
    /// Live, under a kernel that is not the target's: degraded until a reboot.
    public var isDegraded: Bool

    /// By which rule a target was chosen.
    public enum Choice: String, CaseIterable, Sendable {
        /// It ran before the change and is known good.
        case previousKnownGood = "previous-known-good"
        /// The newest known good one.
        case newestKnownGood = "newest-known-good"
        /// It ran before the change, and the service was healthy on it: unproven.
        case previousUnproven = "previous-unproven"
        /// An operator asked to go back, and it is the one before what runs: no more is known of it.
        case before
        /// An operator asked for it.
        case asked
    }

    /// A plan.
    public init(target: Candidate, choice: Choice, mode: SwitchMode, isDegraded: Bool) {
        self.target = target
        self.choice = choice
        self.mode = mode
        self.isDegraded = isDegraded
    }
}

/// How a system is put in force.
public enum SwitchMode: String, CaseIterable, Sendable {
    /// `switch`: boot default and running system.
    case live
    /// `boot`, then a reboot.
    case reboot
    /// `test`: the running system only.
    case trial
}

/// What came of planning.
public enum PlanOutcome: Equatable, Sendable {
    /// Do it.
    case go(Plan)
    /// It would be done, but only a human may decide so.
    case propose(Plan)
    /// Nothing is done, and why.
    case refuse(Refusal)
}

/// Why there is no rollback.
public enum Refusal: Equatable, Sendable {
    /// `policy: off`.
    case off
    /// The service's own `rollback: never`.
    case never
    /// No sound ledger: what is about to be done could not be remembered.
    case noLedger
    /// The last automatic rollback was so long ago, within the limit.
    case limit(since: Interval)
    /// This incident has had its rollback.
    case already
    /// Another switch runs.
    case switching
    /// There is no generation to go back to, and why none of those that there are will do.
    case noTarget([Rejection])
    /// It could only be reached by a reboot, which is not allowed; `inhibitors` or the init interface
    /// demand it.
    case needsReboot(generation: Int, inhibitors: [String])
    /// It could only be reached by a reboot, and this machine has never booted it.
    case neverBooted(generation: Int)
    /// The boot loader's file system is full.
    case bootFull(free: Int64)
    /// The look at the generations failed.
    case unseen(String)
    /// The intent was not durable in time.
    case notDurable
    /// What was planned is no longer there.
    case gone(generation: Int)
}

/// Why a generation is no target.
public struct Rejection: Equatable, Sendable {
    /// Its number.
    public var generation: Int
    /// The first rule that said no.
    public var reason: Reason

    /// A rejection.
    public init(generation: Int, reason: Reason) {
        self.generation = generation
        self.reason = reason
    }

    /// Why.
    public enum Reason: Equatable, Sendable {
        /// It is what runs.
        case running
        /// It is quarantined.
        case quarantined
        /// It is below the fence.
        case fenced
        /// It lacks this on disk.
        case incomplete(NixSystem.Defect)
        /// It never passed a probation, and is not what ran before either.
        case unproven
        /// It is what ran before, but the service was not healthy on it.
        case notHealthyThere
    }
}
