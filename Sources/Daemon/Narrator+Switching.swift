import Records
import SafeSwitch
import Supervision

/// What SafeSwitch's records mean, in a person's words, and what to do next where that is theirs.
extension Narrator {
    mutating func tell(_ record: SwitchRecord) {
        switch record {
        case .generationChanged(_, let to, let generation, let origin):
            say(.notice, "\(Self.name(to, generation)) runs now\(origin.words)")
        case .probationBegan(let system, let generation, _, let previous, let lasts):
            let than = previous.map { " than generation \($0)" } ?? ""
            say(
                .notice,
                "\(Self.name(system, generation)) is on probation for \(lasts.words): has anything "
                    + "failed more often\(than)?")
        case .probationEnded(let system, let generation, let outcome, let culprit):
            tellEnd(of: Self.name(system, generation), outcome, culprit)
        case .knownGoodMarked(_, nil):
            say(.info, "the profile last-known-good is set")
        case .knownGoodMarked(let system, let trouble?):
            say(
                .warning,
                "the profile last-known-good could not be set: \(trouble); until it is, garbage "
                    + "collection may take \(Self.name(system, nil))")
        case .triaged(let facts, .generation):
            say(.error, "\(facts.service): the change of generation is to blame\(facts.clause)")
        case .triaged(let facts, .human(let reason)):
            say(
                .warning,
                "\(facts.service): no case against the generation\(facts.clause): \(reason.sentence)"
            )
        case .planned(let facts, let outcome): tell(facts, outcome)
        case .intended(let flight):
            say(.notice, "switch \(flight.id): \(flight.words)")
        case .stepBegan, .unchanged: break
        case .stepFailed(let flight, let step, let reason):
            say(.warning, "switch \(flight): \(step.words) did not come off: \(reason)")
        case .activationBegan(let flight, let process, let action, let run, let place):
            let again = run > 1 ? ", once more" : ""
            say(
                .info,
                "switch \(flight): switch-to-configuration \(action.rawValue) runs (pid "
                    + "\(process.pid))\(again); \(place.output(of: flight))")
        case .activationEnded(let flight, let status):
            say(
                status.isClean ? .info : .warning,
                "switch \(flight): switch-to-configuration \(status.words)\(status.meaning)")
        case .flightEnded(let flight, let outcome): tell(outcome, of: flight)
        case .flightLasts(let flight, let step, let interval):
            say(
                .error,
                "switch \(flight): \(step.words) has taken \(interval.words) and needs a human; it "
                    + "is not ended; `regen explain --switch \(flight)` says where its output is"
            )
        case .trialConfirmed(let flight, let uid):
            say(.notice, "switch \(flight): user \(uid) has confirmed it")
        case .quarantined(let system, let generation, let culprit, let incident):
            let part = culprit.map { ", and with it \($0)" } ?? ""
            say(
                .warning,
                "\(Self.name(system, generation)) is quarantined (incident \(incident))\(part)")
        case .quarantineEntered(let system, let generation, let culprit):
            say(.error, Self.quarantined(system, generation, culprit))
        case .foreignSwitchBegan(let pid):
            say(.info, "somebody else switches the system (pid \(pid))")
        case .foreignSwitchEnded(let interval):
            say(.info, "that switch has ended after \(interval.words)")
        case .foreignSwitchLasts(let interval):
            say(
                .error,
                "somebody else has been switching the system for \(interval.words); Regen waits. "
                    + "See who: fuser -v /run/nixos/switch-to-configuration.lock")
        case .bootedElsewhere(let expected, let wanted, let booted, let generation):
            say(
                .error,
                "\(Self.name(booted, generation)) has booted and not "
                    + "\(Self.name(expected, wanted)), as was expected; look at the boot loader's "
                    + "menu: bootctl list")
        case .notTheGeneration(let incident):
            say(
                .error,
                "it fails the same on the system that was gone back to: not the generation's fault; "
                    + "see: regen explain \(incident)")
        }
    }

    private mutating func tellEnd(
        of name: String, _ outcome: ProbationOutcome, _ culprit: String?
    ) {
        switch outcome {
        case .knownGood: say(.notice, "\(name) has passed its probation: known good")
        case .unproven:
            let why = culprit.map { ": \($0) was not healthy throughout" } ?? ""
            say(.warning, "\(name) has not passed its probation\(why)")
        case .nothingToSay:
            say(
                .info,
                "the probation of \(name) is over, and nothing can be said: nothing with probes was "
                    + "healthy before it")
        case .replaced: say(.info, "the probation of \(name) is over: another change came first")
        }
    }

    private mutating func tell(_ facts: PlanFacts, _ outcome: PlanOutcome) {
        switch outcome {
        case .go(let plan): say(.notice, "the plan: \(plan.words)")
        case .propose(let plan):
            say(
                .error,
                "a rollback would help and needs a human's word: \(plan.words); do it with: regen "
                    + "rollback --to \(plan.target.generation)")
        case .refuse(let refusal):
            say(.error, "no rollback: \(refusal.sentence); see: regen generations")
        }
    }

    private mutating func tell(_ outcome: FlightOutcome, of flight: Int) {
        switch outcome {
        case .succeeded: say(.notice, "switch \(flight): done, and the probes pass")
        case .degraded:
            say(
                .warning,
                "switch \(flight): done, and the probes pass; the kernel is another one than the "
                    + "system's until the machine is rebooted")
        case .notHelped:
            say(
                .error,
                "switch \(flight): done, and it has not helped: there is no second rollback, a "
                    + "human must look")
        case .notActivated(let current):
            let runs = current.map { Self.name($0, nil) } ?? "nothing known"
            say(
                .error,
                "switch \(flight): its target does not run, but \(runs); `regen explain "
                    + "--switch \(flight)` says where its output is")
        case .abandoned(let refusal):
            say(.error, "switch \(flight): nothing was done: \(refusal.sentence)")
        case .notConfirmed:
            say(.warning, "switch \(flight): nobody has confirmed it in time, it is taken back")
        }
    }

    static func quarantined(
        _ system: String, _ generation: Int?, _ culprit: String?
    ) -> String {
        let runs = "\(name(system, generation)) runs"
        guard let culprit else { return "\(runs), which is quarantined; see: regen generations" }
        return "\(runs), and in it \(culprit), which is quarantined; see: regen generations"
    }

    static func name(_ system: String, _ generation: Int?) -> String {
        generation.map { "generation \($0)" } ?? system
    }
}

extension TriageFacts {
    fileprivate var clause: String { " (incident \(incident))" }
}

extension ChangeOrigin {
    fileprivate var words: String {
        switch self {
        case .regen: ", switched to by Regen"
        case .other: ", switched to by somebody else"
        case .boot: ", booted"
        }
    }
}

extension Flight {
    var words: String {
        let target = generation.map { "generation \($0)" } ?? to
        switch purpose {
        case .rollback(let incident): return "back to \(target) (incident \(incident))"
        case .asked(let uid): return "back to \(target), as user \(uid) asked"
        case .trial(let uid, nil): return "\(target) on trial, as user \(uid) asked"
        case .trial(let uid, let confirm?):
            return "\(target) on trial, as user \(uid) asked; taken back unless confirmed within "
                + "\(confirm.words): regen confirm"
        case .retreat: return "back from the trial to \(target)"
        case .settle: return "the trial is passed, \(target) becomes the boot default"
        }
    }
}

extension Flight.Step {
    var words: String {
        switch self {
        case .intent: "writing down the intent"
        case .profile: "setting the profile"
        case .activate: "switch-to-configuration"
        case .verify: "looking at what runs"
        case .restore: "setting the profile back"
        case .reboot: "the reboot"
        case .confirm: "the probes' word"
        }
    }
}

extension ExitStatus {
    /// What switch-to-configuration's codes mean. None of them is a verdict.
    fileprivate var meaning: String {
        switch self {
        case .code(1): ": a check or the boot loader refused"
        case .code(2): ": a part of the activation failed; the system is switched"
        case .code(4): ": a unit failed, whether because of it or not"
        case .code(11): ": another switch was running"
        case .code(100): ": it takes effect after a reboot only"
        case .code, .signal, .unknown: ""
        }
    }
}

extension Plan {
    var words: String {
        let how =
            switch mode {
            case .live: isDegraded ? "live, under another kernel until a reboot" : "live"
            case .reboot: "by a reboot"
            case .trial: "on trial"
            }
        return "to generation \(target.generation), \(how) (\(choice.sentence))"
    }
}
