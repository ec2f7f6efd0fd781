public import JSON
public import SafeSwitch
import Supervision

extension SwitchRecord {
    /// The record that a line holds, by its event and its members; `nil`: it is none of SafeSwitch's,
    /// or not understood. Paths and texts that were too long for a line are as short as in the line.
    public init?(event: String, _ json: JSONValue) {
        guard let record = Self.read(event, json) ?? Self.readFlight(event, json) else {
            return nil
        }
        self = record
    }

    private static func read(_ event: String, _ json: JSONValue) -> SwitchRecord? {
        let system = json["system"]?.string
        let generation = json.count("generation")
        switch event {
        case "generation.change":
            guard let to = json["to"]?.string, let origin = ChangeOrigin(json["by"]) else {
                return nil
            }
            return .generationChanged(
                from: json["from"]?.string, to: to, generation: generation, by: origin)
        case "generation.same": return system.map { .unchanged(system: $0) }
        case "probation.begin":
            guard let system, let lasts = json.interval("for_ms") else { return nil }
            return .probationBegan(
                system: system, generation: generation, previous: json["previous"]?.string,
                previousGeneration: json.count("previous_generation"), lasts: lasts)
        case "probation.end":
            guard let system, let outcome = ProbationOutcome(json["outcome"]) else { return nil }
            return .probationEnded(
                system: system, generation: generation, outcome,
                culprit: json["culprit"]?.string)
        case "knowngood.mark":
            return system.map { .knownGoodMarked(system: $0, trouble: json["trouble"]?.string) }
        case "triage.verdict":
            guard let facts = TriageFacts(json), let verdict = Verdict(json) else { return nil }
            return .triaged(facts, verdict)
        case "rollback.plan":
            guard let facts = PlanFacts(json), let outcome = PlanOutcome(json, facts.candidates)
            else { return nil }
            return .planned(facts, outcome)
        case "quarantine.add":
            guard let system, let incident = json.count("incident") else { return nil }
            return .quarantined(
                system: system, generation: generation, culprit: json["culprit"]?.string,
                incident: incident)
        case "quarantine.enter":
            return system.map {
                .quarantineEntered(
                    system: $0, generation: generation, culprit: json["culprit"]?.string)
            }
        case "foreignswitch.begin":
            return json["pid"]?.integer.flatMap(Int32.init(exactly:)).map {
                .foreignSwitchBegan(pid: $0)
            }
        case "foreignswitch.end":
            return json.interval("duration_ms").map { .foreignSwitchEnded(after: $0) }
        case "foreignswitch.linger":
            return json.interval("for_ms").map { .foreignSwitchLasts($0) }
        case "boot.elsewhere":
            guard let expected = json["expected"]?.string, let booted = json["booted"]?.string
            else { return nil }
            return .bootedElsewhere(
                expected: expected, expectedGeneration: json.count("expected_generation"),
                booted: booted, generation: generation)
        case "generation.acquit":
            return json.count("incident").map { .notTheGeneration(incident: $0) }
        default: return nil
        }
    }

    private static func readFlight(_ event: String, _ json: JSONValue) -> SwitchRecord? {
        guard let flight = json.count("switch") else { return nil }
        let step = Flight.Step(json["step"])
        switch event {
        case "switch.intent":
            // The moment is the line's own, and the reader's to put in.
            return Flight(json, began: Instant(nanoseconds: 0)).map { .intended($0) }
        case "switch.step": return step.map { .stepBegan(flight: flight, $0) }
        case "switch.falter":
            return step.map { .stepFailed(flight: flight, $0, json["reason"]?.string ?? "") }
        case "switch.run":
            guard let process = json.process, let action = Activation(json["action"]),
                let run = json.count("run")
            else { return nil }
            // Lines of before there were units do not say.
            let place = json["in"] == nil ? .session : ActivationPlace(json["in"])
            return place.map {
                .activationBegan(flight: flight, process, action, run: run, in: $0)
            }
        case "switch.exit":
            return .activationEnded(flight: flight, ExitStatus(json))
        case "switch.end":
            return FlightOutcome(json).map { .flightEnded(flight: flight, $0) }
        case "switch.linger":
            guard let step, let interval = json.interval("for_ms") else { return nil }
            return .flightLasts(flight: flight, step, interval)
        case "switch.confirm":
            return json.uid.map { .trialConfirmed(flight: flight, uid: $0) }
        default: return nil
        }
    }
}

extension TriageFacts {
    /// The facts of a `triage.verdict`; `nil`: they are not whole.
    init?(_ json: JSONValue) {
        guard let service = json["service"]?.string, let incident = json.count("incident"),
            let trigger = Trigger(json["trigger"]),
            let rollback = RollbackPolicy(json["rollback"]),
            let isInProbation = json["in_probation"]?.bool,
            let wasHealthyBefore = json["healthy_before"]?.bool,
            let failures = json.count("failures"),
            let failuresBefore = json.count("failures_before"),
            let wasRestarted = json["restarted"]?.bool
        else { return nil }
        self.init(
            service: service, incident: incident, trigger: trigger, rollback: rollback,
            isInProbation: isInProbation, wasHealthyBefore: wasHealthyBefore,
            failures: failures, failuresBefore: failuresBefore, wasRestarted: wasRestarted,
            comparison: Comparison(json))
    }
}

extension Comparison {
    fileprivate init?(_ json: JSONValue) {
        guard let unit = Difference(json["unit"]), let closure = Difference(json["closure"]),
            let kernel = Difference(json["kernel"]), let systemd = Difference(json["systemd"])
        else { return nil }
        self.init()
        (self.unit, self.closure, self.kernel, self.systemd) = (unit, closure, kernel, systemd)
        paths = (json["paths"]?.array ?? []).compactMap { json in
            guard let path = json["path"]?.string, let difference = Difference(json["is"]) else {
                return nil
            }
            return PathDifference(
                path: path, difference: difference, before: json.inStore("before"),
                after: json.inStore("after"))
        }
    }
}

extension Verdict {
    init?(_ json: JSONValue) {
        switch json["verdict"]?.string {
        case "generation": self = .generation
        case "human":
            guard let reason = Acquittal(json["reason"]) else { return nil }
            self = .human(reason)
        default: return nil
        }
    }
}

extension PlanFacts {
    /// The facts of a `rollback.plan`; `nil`: they are not whole.
    init?(_ json: JSONValue) {
        guard let wish = Wish(json), let mode = SafeSwitchPolicy.Mode(json["policy"]),
            let allowReboot = json["allow_reboot"]?.bool,
            let hasLedger = json["sound_ledger"]?.bool,
            let incidentHadRollback = json["had_rollback"]?.bool,
            let isSwitching = json["switching"]?.bool, let candidates = json["candidates"]?.array
        else { return nil }
        self.init(
            wish: wish, mode: mode, allowReboot: allowReboot, hasLedger: hasLedger,
            sinceRollback: json.interval("since_rollback_ms"),
            incidentHadRollback: incidentHadRollback, isSwitching: isSwitching,
            bootSpace: json["boot_free"]?.decimal, candidates: [])
        for json in candidates {
            guard let candidate = Candidate(json) else { return nil }
            self.candidates.append(candidate)
        }
    }
}

extension PlanFacts.Wish {
    fileprivate init?(_ json: JSONValue) {
        switch json["wish"]?.string {
        case "incident":
            guard let incident = json.count("incident"),
                let rollback = RollbackPolicy(json["rollback"])
            else { return nil }
            self = .incident(incident, rollback)
        case "anywhere": self = .anywhere
        case "generation":
            guard let number = json.count("wanted") else { return nil }
            self = .generation(number)
        case "known-good": self = .knownGood
        default: return nil
        }
    }
}

extension Candidate {
    fileprivate init?(_ json: JSONValue) {
        guard let generation = json.count("generation"), let path = json.inStore("path"),
            let facts = json["is"]?.array?.compactMap(\.string)
        else { return nil }
        self.init(generation: generation, path: path)
        if let name = json["specialisation"]?.string, let path = json.inStore("activates") {
            specialisation = NixSystem.Specialisation(name: name, path: path)
        }
        for (word, path) in Self.words where facts.contains(word) { self[keyPath: path] = true }
        defects = (json["lacks"]?.array ?? []).compactMap { NixSystem.Defect($0) }
        inhibitors = json.strings("inhibitors")
    }
}

extension PlanOutcome {
    init?(_ json: JSONValue, _ candidates: [Candidate]) {
        switch json["outcome"]?.string {
        case "go":
            guard let plan = Plan(json, candidates) else { return nil }
            self = .go(plan)
        case "propose":
            guard let plan = Plan(json, candidates) else { return nil }
            self = .propose(plan)
        case "refuse":
            guard let refusal = Refusal(json) else { return nil }
            self = .refuse(refusal)
        default: return nil
        }
    }
}

extension Plan {
    fileprivate init?(_ json: JSONValue, _ candidates: [Candidate]) {
        guard let number = json.count("target"),
            let target = candidates.first(where: { $0.generation == number }),
            let choice = Choice(json["choice"]), let mode = SwitchMode(json["mode"]),
            let isDegraded = json["degraded"]?.bool
        else { return nil }
        self.init(target: target, choice: choice, mode: mode, isDegraded: isDegraded)
    }
}

extension Refusal {
    fileprivate init?(_ json: JSONValue) {
        let target = json.count("target")
        switch json["refusal"]?.string {
        case "off": self = .off
        case "never": self = .never
        case "no-ledger": self = .noLedger
        case "already": self = .already
        case "switching": self = .switching
        case "not-durable": self = .notDurable
        case "unseen": self = .unseen(json["reason"]?.string ?? "")
        case "no-target":
            self = .noTarget((json["rejections"]?.array ?? []).compactMap { Rejection($0) })
        case "limit":
            guard let since = json.interval("since_ms") else { return nil }
            self = .limit(since: since)
        case "needs-reboot":
            guard let target else { return nil }
            self = .needsReboot(generation: target, inhibitors: json.strings("inhibitors"))
        case "never-booted":
            guard let target else { return nil }
            self = .neverBooted(generation: target)
        case "gone":
            guard let target else { return nil }
            self = .gone(generation: target)
        case "boot-full":
            guard let free = json["free"]?.decimal else { return nil }
            self = .bootFull(free: free)
        default: return nil
        }
    }
}

extension Rejection {
    fileprivate init?(_ json: JSONValue) {
        guard let generation = json.count("generation"), let reason = Reason(json) else {
            return nil
        }
        self.init(generation: generation, reason: reason)
    }
}

extension Rejection.Reason {
    fileprivate init?(_ json: JSONValue) {
        switch json["reason"]?.string {
        case "running": self = .running
        case "quarantined": self = .quarantined
        case "fenced": self = .fenced
        case "unproven": self = .unproven
        case "not-healthy-there": self = .notHealthyThere
        case "incomplete":
            guard let defect = NixSystem.Defect(json["lacks"]) else { return nil }
            self = .incomplete(defect)
        default: return nil
        }
    }
}

extension Flight {
    /// Also of a `carry`.
    init?(_ json: JSONValue, began: Instant) {
        guard let id = json.count("switch"), let purpose = Purpose(json),
            let from = json["from"]?.string, let to = json["to"]?.string,
            let mode = SwitchMode(json["mode"])
        else { return nil }
        self.init(
            id: id, purpose: purpose, from: from, to: to, generation: json.count("generation"),
            mode: mode, began: began)
        formerDefault = json.count("former_default")
    }
}

extension Flight.Purpose {
    fileprivate init?(_ json: JSONValue) {
        switch json["purpose"]?.string {
        case "rollback":
            guard let incident = json.count("incident") else { return nil }
            self = .rollback(incident: incident)
        case "asked":
            guard let uid = json.uid else { return nil }
            self = .asked(uid: uid)
        case "trial":
            guard let uid = json.uid else { return nil }
            self = .trial(uid: uid, confirm: json.interval("confirm_ms"))
        case "retreat": self = .retreat
        case "settle": self = .settle
        default: return nil
        }
    }
}

extension FlightOutcome {
    fileprivate init?(_ json: JSONValue) {
        switch json["outcome"]?.string {
        case "succeeded": self = .succeeded
        case "degraded": self = .degraded
        case "not-helped": self = .notHelped
        case "not-confirmed": self = .notConfirmed
        case "not-activated": self = .notActivated(current: json["current"]?.string)
        case "abandoned":
            guard let refusal = Refusal(json) else { return nil }
            self = .abandoned(refusal)
        default: return nil
        }
    }
}

extension ExitStatus {
    init(_ json: JSONValue) {
        func number(_ key: String) -> Int32? {
            json[key]?.integer.flatMap(Int32.init(exactly:))
        }
        if let code = number("code") {
            self = .code(code)
        } else if let signal = number("signal") {
            self = .signal(signal, outOfMemory: json["oom"]?.bool ?? false)
        } else {
            self = .unknown
        }
    }
}

extension RawRepresentable<String> {
    /// The word that this is.
    fileprivate init?(_ json: JSONValue?) {
        guard let word = json?.string else { return nil }
        self.init(rawValue: word)
    }
}

extension JSONValue {
    /// Whole milliseconds; of more than can be, the most.
    func interval(_ key: String) -> Interval? {
        self[key]?.decimal.map { milliseconds in
            let most = Int64.max / 1_000_000
            return .milliseconds(min(max(milliseconds, -most), most))
        }
    }

    fileprivate var uid: UInt32? { self["uid"]?.integer.flatMap(UInt32.init(exactly:)) }

    fileprivate func strings(_ key: String) -> [String] {
        (self[key]?.array ?? []).compactMap(\.string)
    }

    fileprivate func inStore(_ key: String) -> String? {
        self[key]?.string.map { $0.hasPrefix("/") ? $0 : SwitchLine.store + $0 }
    }
}
