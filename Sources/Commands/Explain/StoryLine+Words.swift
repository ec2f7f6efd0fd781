import JSON
import Records
import SafeSwitch
import Supervision

/// A recorded line in a sentence: what was done, by which rule, on which facts.
extension StoryLine {
    var text: String {
        let reason = string("reason").map { ": \($0)" } ?? ""
        switch event {
        case "process.start": return "pid \(number("pid") ?? 0), attempt \(number("attempt") ?? 0)"
        case "process.exit": return exit
        case "process.fail":
            return "no process: \(string("step") ?? "?"), error \(number("errno") ?? 0)"
        case "probe.strike":
            return "\(string("probe_name") ?? "a probe"), \(number("strike") ?? 0) of "
                + "\(number("of") ?? 0)\(reason)"
        case "incident.open":
            let probe = string("probe_name").map { ", found by \($0)" } ?? ""
            return "begins: \(string("kind") ?? "?")\(probe)\(reason)"
        case "incident.resolve": return "healthy again after \(span("healing_ms") ?? "?")"
        case "incident.handover": return "to a human, because of: \(string("reason") ?? "?")"
        case "restart.attempt": return restart
        case "crashloop.detected":
            return "\(number("count") ?? 0) \(string("rule") ?? "crashes") within "
                + "\(span("within_ms") ?? "?")"
        case "remedy.end":
            return "\(string("remedy") ?? "?"): \(string("outcome") ?? "?")\(reason)"
        case "probe.proven":
            return "\(string("probe_name") ?? "a probe") passed for the first time"
        case "incident.diagnose": return (string("text") ?? "?") + journal
        default: break
        }
        if let record = SwitchRecord(event: event, json) { return record.text }
        return LedgerText.details(json)
    }

    private var exit: String {
        let how =
            if let code = number("code") {
                "code \(code)"
            } else if let signal = number("signal") {
                "signal \(signal)"
            } else {
                "nobody knows how"
            }
        let asked = json["asked"]?.bool == true ? "asked for" : "not asked for"
        return "ended with \(how) after \(span("uptime_ms") ?? "?"), \(asked)"
    }

    private var journal: String {
        guard let unit = string("unit"), let cursor = string("output_cursor") else { return "" }
        return "; its last words: \(journalCommand(unit: unit, cursor: cursor))"
    }

    private var restart: String {
        let rule = string("rule") ?? "?"
        let wait = json["wait_ms"]?.integer ?? 0
        let when = wait == 0 ? "at once" : "in \(Span(milliseconds: wait))"
        return "attempt \(number("attempt") ?? 0) \(when), by the rule \(rule)"
    }
}

extension SwitchRecord {
    fileprivate var text: String {
        switch self {
        case .triaged(let facts, let verdict): return "\(verdict.words); \(facts.words)"
        case .planned(let facts, let outcome): return "\(outcome.words); \(facts.words)"
        case .generationChanged(let from, let to, let generation, let origin):
            return "\(name(to, generation)) runs, by \(origin.rawValue)"
                + (from.map { "; before it ran \($0)" } ?? "")
        case .unchanged(let system): return "\(system) still runs"
        case .probationBegan(let system, let generation, let previous, let number, let lasts):
            let before = previous.map { ", compared with \(name($0, number))" } ?? ""
            return "\(name(system, generation)) for \(span(lasts))\(before)"
        case .probationEnded(let system, let generation, let outcome, let culprit):
            let why = culprit.map { " because of \($0)" } ?? ""
            return "\(name(system, generation)): \(outcome.rawValue)\(why)"
        case .knownGoodMarked(let system, let trouble):
            return trouble.map { "not set to \(system): \($0)" } ?? system
        case .intended(let flight):
            return "switch \(flight.id), \(flight.mode.rawValue), from \(flight.from) to "
                + name(flight.to, flight.generation)
        case .stepBegan(_, let step): return step.rawValue
        case .stepFailed(_, let step, let reason): return "\(step.rawValue): \(reason)"
        case .activationBegan(let flight, let process, let action, let run, let place):
            return "switch-to-configuration \(action.rawValue), pid \(process.pid), run \(run); "
                + place.output(of: flight)
        case .activationEnded(_, .code(let code)): return "code \(code): evidence, not a verdict"
        case .activationEnded(_, .signal(let signal, _)): return "by signal \(signal)"
        case .activationEnded(_, .unknown): return "nobody knows how"
        case .flightEnded(_, let outcome): return outcome.words
        case .flightLasts(_, let step, let interval):
            return "\(step.rawValue) has taken \(span(interval)); it is not ended"
        case .trialConfirmed(_, let uid): return "by user \(uid)"
        case .quarantined(let system, let generation, let culprit, _):
            return name(system, generation) + (culprit.map { ", and \($0)" } ?? "")
        case .quarantineEntered(let system, let generation, let culprit):
            return name(system, generation) + (culprit.map { ", with \($0)" } ?? "")
        case .foreignSwitchBegan(let pid): return "somebody else switches, pid \(pid)"
        case .foreignSwitchEnded(let interval), .foreignSwitchLasts(let interval):
            return "after \(span(interval))"
        case .bootedElsewhere(let expected, let wanted, let booted, let generation):
            return "\(name(booted, generation)), expected was \(name(expected, wanted))"
        case .notTheGeneration: return "it fails the same on the other generation"
        }
    }
}

private func name(_ system: String, _ generation: Int?) -> String {
    generation.map { "generation \($0) (\(system))" } ?? system
}

private func span(_ interval: Interval) -> String {
    "\(Span(milliseconds: interval.nanoseconds / 1_000_000))"
}

extension TriageFacts {
    fileprivate var words: String {
        let facts = [
            isInProbation ? "within a probation" : "outside any probation",
            wasHealthyBefore ? "healthy before the change" : "not healthy before the change",
            "\(failures) failures since and \(failuresBefore) before",
            wasRestarted ? "restarted" : "not restarted yet", "rollback: \(rollback.rawValue)",
        ]
        return "asked because of \(trigger.rawValue): "
            + (facts + (comparison?.words ?? ["nothing to compare"])).joined(separator: ", ")
    }
}

extension Comparison {
    fileprivate var words: [String] {
        ["unit \(unit.rawValue)", "closure \(closure.rawValue)"]
            + paths.map { "\($0.path) \($0.difference.rawValue)" }
            + ["kernel \(kernel.rawValue)", "systemd \(systemd.rawValue)"]
    }
}

extension PlanFacts {
    fileprivate var words: String {
        var facts = ["policy: \(mode.rawValue)", "allow_reboot: \(allowReboot)"]
        if !hasLedger { facts.append("no sound ledger") }
        if let sinceRollback { facts.append("last rollback \(span(sinceRollback)) ago") }
        if incidentHadRollback { facts.append("the incident had its rollback") }
        if isSwitching { facts.append("another switch running") }
        if let bootSpace { facts.append("\(bootSpace) bytes for the boot loader") }
        return "looked at \(facts.joined(separator: ", ")); candidates "
            + (candidates.isEmpty ? "none" : candidates.map(\.words).joined(separator: ", "))
    }
}

extension Candidate {
    fileprivate var words: String {
        var facts: [String] = []
        if isRunning { facts.append("running") }
        if isPrevious { facts.append("ran before") }
        if isKnownGood { facts.append("known good") }
        if wasHealthy { facts.append("healthy there") }
        if isQuarantined { facts.append("quarantined") }
        if isFenced { facts.append("fenced") }
        if wasBooted { facts.append("booted once") }
        if kernelDiffers { facts.append("another kernel") }
        if initDiffers { facts.append("another init") }
        facts += defects.map(\.rawValue) + inhibitors
        return "\(generation)" + (facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))")
    }
}

extension Verdict {
    /// What was found, and why.
    var words: String {
        switch self {
        case .generation: "the generation is to blame"
        case .human(let reason): "for a human: \(reason.sentence) (\(reason.rawValue))"
        }
    }
}

extension PlanOutcome {
    /// What is to be done, and why.
    var words: String {
        switch self {
        case .go(let plan): plan.words
        case .propose(let plan): "only proposed: \(plan.words)"
        case .refuse(let refusal): "no rollback: \(refusal.sentence)"
        }
    }
}

extension Plan {
    fileprivate var words: String {
        "to generation \(target.generation), \(mode.rawValue)"
            + (isDegraded ? ", degraded until a reboot" : "") + ": \(choice.sentence)"
    }
}

extension FlightOutcome {
    fileprivate var words: String {
        switch self {
        case .succeeded: "done, and the probes pass"
        case .degraded: "done, and the probes pass, under another kernel"
        case .notHelped: "done, and it has not helped"
        case .notActivated(let current):
            "the target does not run, but \(current ?? "nothing known")"
        case .abandoned(let refusal): "nothing was done: \(refusal.sentence)"
        case .notConfirmed: "nobody confirmed it in time"
        }
    }
}
