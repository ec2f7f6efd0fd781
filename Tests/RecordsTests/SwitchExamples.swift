import SafeSwitch
import Supervision

/// One of each of SafeSwitch's records, as large as they get, with the event that it must become.
enum SwitchExamples {
    /// As long as a store path may be.
    static func system(_ number: Int) -> String {
        let hash = String(repeating: String(number % 10), count: 32)
        return "/nix/store/\(hash)-nixos-system-" + String(repeating: "x", count: 198)
    }
    /// As a store path is.
    static func short(_ number: Int) -> String {
        "/nix/store/" + String(repeating: String(number % 10), count: 32)
            + "-nixos-system-web-25.11.20260901.0123abc"
    }
    private static let process = ProcessIdentity(pid: .max, startTicks: 1 << 60)
    private static let nasty = String(repeating: "\u{1}\u{1F600}", count: 9999)

    static let comparison: Comparison = {
        var comparison = Comparison()
        comparison.unit = .differs
        comparison.closure = .same
        comparison.paths = (0..<40).map { number in
            Comparison.PathDifference(
                path: "/etc/\(nasty)", difference: number == 39 ? .differs : .unknown,
                before: system(number), after: nil)
        }
        return comparison
    }()

    static let triage = TriageFacts(
        service: String(repeating: "s", count: 64), incident: 2, trigger: .crashLoop,
        rollback: .auto, isInProbation: true, wasHealthyBefore: true, failures: 5,
        failuresBefore: 0, wasRestarted: true, comparison: comparison)

    static let candidates: [Candidate] = (0..<12).map { number in
        var candidate = Candidate(generation: 999_999 - number, path: short(number))
        candidate.isPrevious = number == 11
        candidate.isKnownGood = true
        candidate.wasHealthy = true
        candidate.kernelDiffers = true
        candidate.wasBooted = true
        return candidate
    }

    static func facts(_ candidates: [Candidate]) -> PlanFacts {
        PlanFacts(
            wish: .incident(2, .auto), mode: .automatic, allowReboot: true, hasLedger: true,
            sinceRollback: .hours(5), incidentHadRollback: false, isSwitching: false,
            bootSpace: 1 << 60, candidates: candidates)
    }

    static let plan = Plan(
        target: candidates[11], choice: .previousKnownGood, mode: .live, isDegraded: true)

    static let flight = Flight(
        id: 7, purpose: .rollback(incident: 2), from: system(1), to: system(2), generation: 41,
        mode: .live, began: Instant(nanoseconds: 0))

    static let records: [(SwitchRecord, String)] = [
        (
            .generationChanged(from: system(1), to: system(2), generation: 42, by: .other),
            "generation.change"
        ),
        (
            .probationBegan(
                system: system(2), generation: 42, previous: system(1), previousGeneration: 41,
                lasts: .minutes(10)), "probation.begin"
        ),
        (
            .probationEnded(
                system: system(2), generation: 42, .unproven,
                culprit: String(repeating: "s", count: 64)), "probation.end"
        ),
        (.knownGoodMarked(system: system(2), trouble: "it is locked"), "knowngood.mark"),
        (.triaged(triage, .human(.unchanged)), "triage.verdict"),
        (.planned(facts(candidates), .go(plan)), "rollback.plan"),
        (.intended(flight), "switch.intent"),
        (.stepBegan(flight: 7, .activate), "switch.step"),
        (.stepFailed(flight: 7, .profile, "Nix's lock is held"), "switch.falter"),
        (.activationBegan(flight: 7, process, .switch, run: 2, in: .unit), "switch.run"),
        (.activationEnded(flight: 7, .signal(9, outOfMemory: true)), "switch.exit"),
        (.flightEnded(flight: 7, .notActivated(current: system(1))), "switch.end"),
        (.flightLasts(flight: 7, .activate, .minutes(15)), "switch.linger"),
        (.trialConfirmed(flight: 7, uid: .max), "switch.confirm"),
        (
            .quarantined(system: system(2), generation: 42, culprit: system(3), incident: 2),
            "quarantine.add"
        ),
        (
            .quarantineEntered(system: system(2), generation: 42, culprit: system(3)),
            "quarantine.enter"
        ),
        (.foreignSwitchBegan(pid: 99), "foreignswitch.begin"),
        (.foreignSwitchEnded(after: .seconds(20)), "foreignswitch.end"),
        (.foreignSwitchLasts(.minutes(15)), "foreignswitch.linger"),
        (
            .bootedElsewhere(
                expected: system(1), expectedGeneration: 41, booted: system(2), generation: 42),
            "boot.elsewhere"
        ),
        (.notTheGeneration(incident: 2), "generation.acquit"),
        (.unchanged(system: system(1)), "generation.same"),
    ]

    /// Each kind's place in `records`. Exhaustive, so that none is forgotten.
    static func place(_ record: SwitchRecord) -> Int {
        switch record {
        case .generationChanged: 0
        case .probationBegan: 1
        case .probationEnded: 2
        case .knownGoodMarked: 3
        case .triaged: 4
        case .planned: 5
        case .intended: 6
        case .stepBegan: 7
        case .stepFailed: 8
        case .activationBegan: 9
        case .activationEnded: 10
        case .flightEnded: 11
        case .flightLasts: 12
        case .trialConfirmed: 13
        case .quarantined: 14
        case .quarantineEntered: 15
        case .foreignSwitchBegan: 16
        case .foreignSwitchEnded: 17
        case .foreignSwitchLasts: 18
        case .bootedElsewhere: 19
        case .notTheGeneration: 20
        case .unchanged: 21
        }
    }
}
