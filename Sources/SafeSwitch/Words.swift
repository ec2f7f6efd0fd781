import Supervision

extension ActivationPlace {
    /// Where an operator finds what switch-to-configuration prints in a switch.
    public func output(of flight: Int) -> String {
        switch self {
        case .session: "its output is in the state directory, switch/\(flight).log"
        case .unit: "its output: journalctl REGEN_SWITCH=\(flight)"
        }
    }
}

/// What SafeSwitch's reasons are called: one word for scripts, a sentence for people.
extension Refusal {
    /// One word: `needs-reboot`.
    public var word: String {
        switch self {
        case .off: "off"
        case .never: "never"
        case .noLedger: "no-ledger"
        case .limit: "limit"
        case .already: "already"
        case .switching: "switching"
        case .noTarget: "no-target"
        case .needsReboot: "needs-reboot"
        case .neverBooted: "never-booted"
        case .bootFull: "boot-full"
        case .unseen: "unseen"
        case .notDurable: "not-durable"
        case .gone: "gone"
        }
    }

    /// A sentence: what stands in the way, and what to do about it.
    public var sentence: String {
        switch self {
        case .off: "SafeSwitch is off: set `safeswitch: { policy: automatic }` to let it act"
        case .never: "the service says `rollback: never`"
        case .noLedger:
            "the ledger is not sound, and what is not remembered could be done twice: "
                + "see `regen ledger verify`, mend it and restart regend"
        case .limit(let since):
            "the last automatic rollback was \(since.words) ago, within `safeswitch.limit`: "
                + "roll back by hand with `regen rollback` if it is right"
        case .already: "this incident has had its rollback: a second one would only move the fault"
        case .switching:
            "another switch is running: wait until it ends (who holds the lock is in "
                + "/run/nixos/switch-to-configuration.lock and /proc/locks)"
        case .noTarget(let rejections): Self.noTarget(rejections)
        case .needsReboot(let generation, let inhibitors):
            "generation \(generation) can only be reached by a reboot"
                + (inhibitors.isEmpty
                    ? " (another init interface)" : " (\(inhibitors.joined(separator: ", ")))")
                + ", and `safeswitch.allow_reboot` is not set"
        case .neverBooted(let generation):
            "generation \(generation) can only be reached by a reboot, and this machine has never "
                + "booted it"
        case .bootFull(let free):
            "the boot loader's file system has \(free) bytes left: an entry might be cut short; "
                + "free some with `nix-collect-garbage` and a rebuild"
        case .unseen(let trouble): "the generations could not be looked at: \(trouble)"
        case .notDurable:
            "the intent did not reach the disk in time, and nothing is done that could not be "
                + "remembered: look at the disk of the state directory"
        // 0: what was in no profile.
        case .gone(0): "the system has gone since it was asked for: build it again"
        case .gone(let generation): "generation \(generation) has gone since it was planned"
        }
    }

    private static func noTarget(_ rejections: [Rejection]) -> String {
        guard !rejections.isEmpty else { return "there is no such generation" }
        let reasons = rejections.map { "\($0.generation) \($0.reason.phrase)" }
        return "there is no generation to go back to: \(reasons.joined(separator: "; "))"
    }
}

extension Rejection.Reason {
    /// One word: `fenced`.
    public var word: String {
        switch self {
        case .running: "running"
        case .quarantined: "quarantined"
        case .fenced: "fenced"
        case .incomplete(let defect): defect.rawValue
        case .unproven: "unproven"
        case .notHealthyThere: "not-healthy-there"
        }
    }

    /// What follows the generation's number in a sentence.
    public var phrase: String {
        switch self {
        case .running: "is what runs"
        case .quarantined: "is quarantined"
        case .fenced: "is below the fence"
        case .incomplete(let defect): "is incomplete: \(defect.phrase)"
        case .unproven: "never passed a probation"
        case .notHealthyThere: "ran before, but the service was not healthy on it"
        }
    }
}

extension NixSystem.Defect {
    /// What is wrong, in words.
    public var phrase: String {
        switch self {
        case .missing: "its store path is gone"
        case .notNixOS: "it has no nixos-version"
        case .cannotSwitch: "it has no bin/switch-to-configuration"
        case .noInit: "it has no init"
        case .noKernel: "it has no kernel"
        case .noActivation: "it has no activate"
        }
    }
}

extension Acquittal {
    /// A sentence.
    public var sentence: String {
        switch self {
        case .never: "the service says `rollback: never`"
        case .noChange: "no other generation has come into force lately"
        case .notHealthyBefore: "the service was not healthy before the change"
        case .notRestarted: "it has not been restarted yet"
        case .tooFew: "it has not failed often enough since the change"
        case .asOftenBefore: "it failed as often before the change"
        case .unchanged: "neither its unit nor its programs differ between the two generations"
        case .blind: "how it differs between the two generations could not be found out"
        }
    }
}

extension Plan.Choice {
    /// A sentence.
    public var sentence: String {
        switch self {
        case .previousKnownGood: "it ran before the change and is known good"
        case .newestKnownGood: "it is the newest known good generation"
        case .before: "it is the one before what runs"
        case .previousUnproven: "it ran before the change, and the service was healthy on it"
        case .asked: "an operator asked for it"
        }
    }
}

extension Flight.Purpose {
    /// One word: `trial`.
    public var word: String {
        switch self {
        case .rollback: "rollback"
        case .asked: "asked"
        case .trial: "trial"
        case .retreat: "retreat"
        case .settle: "settle"
        }
    }
}

extension FlightOutcome {
    /// One word: `not-helped`.
    public var word: String {
        switch self {
        case .succeeded: "succeeded"
        case .degraded: "degraded"
        case .notHelped: "not-helped"
        case .notActivated: "not-activated"
        case .abandoned: "abandoned"
        case .notConfirmed: "not-confirmed"
        }
    }

    /// A sentence.
    public var sentence: String {
        switch self {
        case .succeeded: "the target runs, and the probes pass"
        case .degraded:
            "the target runs, and the probes pass; another kernel than its own runs until a reboot"
        case .notHelped: "the target runs, and the probes do not pass"
        case .notActivated(let current?): "the target does not run: \(current) does"
        case .notActivated(nil): "the target does not run, and what does could not be seen"
        case .abandoned(let refusal): "nothing was done: \(refusal.sentence)"
        case .notConfirmed: "nobody confirmed it in time"
        }
    }
}
