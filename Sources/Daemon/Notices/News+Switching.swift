import Configuration
import Records
import SafeSwitch
import Supervision
import Worker

extension News {
    /// What a record of SafeSwitch's means for people; `nil`: nothing, or whoever asked for it knows.
    /// `flight`: a switch by its number, where it is known.
    init?(_ record: SwitchRecord, flight: (Int) -> Flight?) {
        switch record {
        case .intended(let flight):
            guard case .rollback(let incident) = flight.purpose else { return nil }
            self.init(
                .switchIntended, .warning, incident: incident,
                "switch \(flight.id): \(flight.words)")
        case .flightEnded(let id, let outcome):
            if case .settle = flight(id)?.purpose, outcome.severity == .info { return nil }
            let what = flight(id).map { " (\($0.words))" } ?? ""
            self.init(
                .switchEnded, outcome.severity, incident: flight(id)?.incident,
                "switch \(id)\(what): \(outcome.sentence)")
        case .planned(let facts, let outcome): self.init(facts, outcome)
        case .flightLasts(let id, let step, let interval):
            self.init(
                .switchLasts, .critical, incident: flight(id)?.incident,
                "switch \(id): \(step.words) has taken \(interval.words) and is not ended; "
                    + "`regen explain --switch \(id)` says where its output is")
        case .foreignSwitchLasts(let interval):
            self.init(
                .foreignSwitchLasts, .critical,
                "somebody has been switching the system for \(interval.words); Regen waits")
        case .quarantineEntered(let system, let generation, let culprit):
            self.init(
                .quarantineEntered, .critical,
                Narrator.quarantined(system, generation, culprit))
        case .bootedElsewhere(let expected, let wanted, let booted, let generation):
            self.init(
                .bootedElsewhere, .critical,
                "\(Narrator.name(booted, generation)) has booted and not "
                    + "\(Narrator.name(expected, wanted)), as was expected")
        case .generationChanged, .unchanged, .probationBegan, .probationEnded, .knownGoodMarked,
            .triaged, .stepBegan, .stepFailed, .activationBegan, .activationEnded,
            .trialConfirmed, .quarantined, .foreignSwitchBegan, .foreignSwitchEnded,
            .notTheGeneration:
            return nil
        }
    }

    /// For an incident there is no rollback without a human.
    private init?(_ facts: PlanFacts, _ outcome: PlanOutcome) {
        guard case .incident(let incident, _) = facts.wish else { return nil }
        switch outcome {
        case .go: return nil
        case .propose(let plan):
            self.init(
                .rollbackPlanned, .critical, incident: incident,
                "a rollback would help: \(plan.words); do it with: regen rollback --to "
                    + "\(plan.target.generation)")
        case .refuse(let refusal):
            self.init(
                .rollbackPlanned, .critical, incident: incident,
                "no rollback: \(refusal.sentence)")
        }
    }
}

extension News {
    /// Why the machine has booted, if nobody had shut it down; `nil`: somebody had, or nobody knows.
    init?(_ report: BootReport) {
        let severity: Announcement.Severity
        switch report.cause {
        case .clean, .unknown: return nil
        case .powerLoss: severity = .warning
        case .watchdog, .panic: severity = .critical
        }
        self.init(.booted, severity, "the machine has booted again: \(report.words)")
    }

    /// A boot that was failed.
    init(failed facts: BootGateFacts) {
        let name = facts.system.map { Narrator.name($0, facts.generation) } ?? "what runs"
        self.init(
            .bootFailed, .critical,
            "the boot of \(name) has failed; not healthy: "
                + facts.unhealthy.joined(separator: ", "))
    }
}

extension Flight {
    /// The incident for whose sake it is.
    fileprivate var incident: Int? {
        if case .rollback(let incident) = purpose { incident } else { nil }
    }
}

extension FlightOutcome {
    fileprivate var severity: Announcement.Severity {
        switch self {
        case .succeeded: .info
        case .degraded, .abandoned, .notConfirmed: .warning
        case .notHelped, .notActivated: .critical
        }
    }
}
