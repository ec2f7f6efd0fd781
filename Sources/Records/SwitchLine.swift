import JSON
import SafeSwitch
import Supervision

/// SafeSwitch's records as members of a line. `SwitchLine+Read.swift` is the way back.
///
/// Decisions are written with all that their rule looked at. What could outgrow a line is bounded, and
/// what was left out is counted: a rule that runs on the line again must not take a part for the whole.
enum SwitchLine {
    /// Bytes of a path, of a reason and of a name, as they stand in the line. A store path has at
    /// most 255.
    static let longestPath = 512
    static let longestReason = 256
    static let longestName = 160
    /// Bytes of all candidates of a plan, and of all compared paths: a line has 4,096.
    static let mostOfCandidates = 2500
    static let mostOfPaths = 2500
    /// So many compared paths.
    static let mostPaths = 16
    /// Bytes and number of the inhibitors' keys of a candidate.
    static let longestInhibitor = 40
    static let mostInhibitors = 4
    /// Where store paths begin; left out where many of them stand in one line.
    static let store = "/nix/store/"

    /// Puts in the members of `record`, and returns its event.
    static func write(_ record: SwitchRecord, into json: inout JSONWriter) -> StaticString {
        switch record {
        case .generationChanged(let from, let to, let generation, let origin):
            json.path("from", from)
            json.system("to", to, generation)
            json.string("by", origin.rawValue)
            return "generation.change"
        case .unchanged(let system):
            json.path("system", system)
            return "generation.same"
        case .probationBegan(
            let system, let generation, let previous, let previousGeneration, let lasts):
            json.system("system", system, generation)
            json.path("previous", previous)
            json.optional("previous_generation", previousGeneration)
            json.interval("for_ms", lasts)
            return "probation.begin"
        case .probationEnded(let system, let generation, let outcome, let culprit):
            json.system("system", system, generation)
            json.string("outcome", outcome.rawValue)
            json.clipped("culprit", culprit, to: longestName)
            return "probation.end"
        case .knownGoodMarked(let system, let trouble):
            json.path("system", system)
            json.clipped("trouble", trouble, to: longestReason)
            return "knowngood.mark"
        case .triaged(let facts, let verdict):
            json.write(facts)
            json.write(verdict)
            return "triage.verdict"
        case .planned(let facts, let outcome):
            json.write(facts, outcome)
            return "rollback.plan"
        case .intended(let flight):
            json.write(flight)
            return "switch.intent"
        case .quarantined(let system, let generation, let culprit, let incident):
            json.system("system", system, generation)
            json.path("culprit", culprit)
            json.integer("incident", Int64(incident))
            return "quarantine.add"
        case .quarantineEntered(let system, let generation, let culprit):
            json.system("system", system, generation)
            json.path("culprit", culprit)
            return "quarantine.enter"
        case .foreignSwitchBegan(let pid):
            json.integer("pid", Int64(pid))
            return "foreignswitch.begin"
        case .foreignSwitchEnded(let interval):
            json.interval("duration_ms", interval)
            return "foreignswitch.end"
        case .foreignSwitchLasts(let interval):
            json.interval("for_ms", interval)
            return "foreignswitch.linger"
        case .bootedElsewhere(
            let expected, let expectedGeneration, let booted, let generation):
            json.path("expected", expected)
            json.optional("expected_generation", expectedGeneration)
            json.system("booted", booted, generation)
            return "boot.elsewhere"
        case .notTheGeneration(let incident):
            json.integer("incident", Int64(incident))
            return "generation.acquit"
        case .stepBegan, .stepFailed, .activationBegan, .activationEnded, .flightEnded,
            .flightLasts, .trialConfirmed:
            return writeFlight(record, into: &json)
        }
    }

    /// The records of a switch that is under way. Each names its number.
    private static func writeFlight(
        _ record: SwitchRecord, into json: inout JSONWriter
    ) -> StaticString {
        func begin(_ flight: Int, _ step: Flight.Step? = nil) {
            json.integer("switch", Int64(flight))
            if let step { json.string("step", step.rawValue) }
        }
        switch record {
        case .stepBegan(let flight, let step):
            begin(flight, step)
            return "switch.step"
        case .stepFailed(let flight, let step, let reason):
            begin(flight, step)
            json.clipped("reason", reason, to: longestReason)
            return "switch.falter"
        case .activationBegan(let flight, let process, let action, let run, let place):
            begin(flight)
            json.integer("pid", Int64(process.pid))
            json.key("start_ticks")
            json.decimal(Int64(clamping: process.startTicks))
            json.string("action", action.rawValue)
            json.integer("run", Int64(run))
            json.string("in", place.rawValue)
            return "switch.run"
        case .activationEnded(let flight, let status):
            begin(flight)
            json.write(status)
            return "switch.exit"
        case .flightEnded(let flight, let outcome):
            begin(flight)
            json.write(outcome)
            return "switch.end"
        case .flightLasts(let flight, let step, let interval):
            begin(flight, step)
            json.interval("for_ms", interval)
            return "switch.linger"
        case .trialConfirmed(let flight, let uid):
            begin(flight)
            json.integer("uid", Int64(uid))
            return "switch.confirm"
        case .generationChanged, .unchanged, .probationBegan, .probationEnded, .knownGoodMarked,
            .triaged,
            .planned, .intended, .quarantined, .quarantineEntered, .foreignSwitchBegan,
            .foreignSwitchEnded, .foreignSwitchLasts, .bootedElsewhere, .notTheGeneration:
            return write(record, into: &json)
        }
    }

    /// The places of at most `most` of `items` that fit `bytes`, those with the lowest rank first; in the
    /// order of `items`.
    static func fitting<Item>(
        _ items: [Item], within bytes: Int, most: Int, rank: (Item) -> Int,
        write: (Item, inout JSONWriter) -> Void
    ) -> [Int] {
        var left = bytes
        var places: [Int] = []
        var json = JSONWriter()
        let byRank = items.indices.map { (rank(items[$0]), $0) }.sorted { $0 < $1 }
        for (_, place) in byRank.prefix(most) {
            json.removeAll()
            write(items[place], &json)
            left -= json.bytes.count + 1
            if left < 0 { break }
            places.append(place)
        }
        return places.sorted()
    }
}

// MARK: Facts and outcomes

extension JSONWriter {
    fileprivate mutating func write(_ facts: TriageFacts) {
        string("service", facts.service)
        integer("incident", Int64(facts.incident))
        string("trigger", facts.trigger.rawValue)
        string("rollback", facts.rollback.rawValue)
        bool("in_probation", facts.isInProbation)
        bool("healthy_before", facts.wasHealthyBefore)
        integer("failures", Int64(facts.failures))
        integer("failures_before", Int64(facts.failuresBefore))
        bool("restarted", facts.wasRestarted)
        guard let comparison = facts.comparison else { return }
        string("unit", comparison.unit.rawValue)
        string("closure", comparison.closure.rawValue)
        string("kernel", comparison.kernel.rawValue)
        string("systemd", comparison.systemd.rawValue)
        // What differs goes first where not all of them fit: one that does decides.
        let kept = SwitchLine.fitting(
            comparison.paths, within: SwitchLine.mostOfPaths, most: SwitchLine.mostPaths,
            rank: { $0.difference.isChange ? 0 : $0.difference == .same ? 1 : 2 },
            write: { $1.write($0) })
        key("paths")
        beginArray()
        for place in kept { write(comparison.paths[place]) }
        endArray()
        leftOut("paths_left_out", comparison.paths.count - kept.count)
    }

    fileprivate mutating func write(_ path: Comparison.PathDifference) {
        beginObject()
        clipped("path", path.path, to: SwitchLine.longestName)
        string("is", path.difference.rawValue)
        inStore("before", path.before)
        inStore("after", path.after)
        endObject()
    }

    fileprivate mutating func write(_ verdict: Verdict) {
        switch verdict {
        case .generation: string("verdict", "generation")
        case .human(let reason):
            string("verdict", "human")
            string("reason", reason.rawValue)
        }
    }

    fileprivate mutating func write(_ facts: PlanFacts, _ outcome: PlanOutcome) {
        write(facts.wish)
        string("policy", facts.mode.rawValue)
        bool("allow_reboot", facts.allowReboot)
        bool("sound_ledger", facts.hasLedger)
        if let since = facts.sinceRollback { interval("since_rollback_ms", since) }
        bool("had_rollback", facts.incidentHadRollback)
        bool("switching", facts.isSwitching)
        if let space = facts.bootSpace { integer("boot_free", space) }
        let kept = facts.recorded(for: outcome)
        key("candidates")
        beginArray()
        for candidate in kept { write(candidate) }
        endArray()
        leftOut("candidates_left_out", facts.candidates.count - kept.count)
        write(outcome, of: kept)
    }

    private mutating func write(_ wish: PlanFacts.Wish) {
        switch wish {
        case .incident(let incident, let rollback):
            string("wish", "incident")
            integer("incident", Int64(incident))
            string("rollback", rollback.rawValue)
        case .anywhere: string("wish", "anywhere")
        case .generation(let number):
            string("wish", "generation")
            integer("wanted", Int64(number))
        case .knownGood: string("wish", "known-good")
        }
    }

    fileprivate mutating func write(_ candidate: Candidate) {
        beginObject()
        integer("generation", Int64(candidate.generation))
        inStore("path", candidate.path)
        if let specialisation = candidate.specialisation {
            clipped("specialisation", specialisation.name, to: SwitchLine.longestInhibitor)
            inStore("activates", specialisation.path)
        }
        key("is")
        beginArray()
        for (word, path) in Candidate.words where candidate[keyPath: path] { string(word) }
        endArray()
        if !candidate.defects.isEmpty {
            key("lacks")
            beginArray()
            for defect in candidate.defects { string(defect.rawValue) }
            endArray()
        }
        inhibitors(candidate.inhibitors)
        endObject()
    }

    private mutating func write(_ outcome: PlanOutcome, of candidates: [Candidate]) {
        switch outcome {
        case .go(let plan):
            string("outcome", "go")
            write(plan)
        case .propose(let plan):
            string("outcome", "propose")
            write(plan)
        case .refuse(let refusal):
            string("outcome", "refuse")
            // Of candidates that were left out, the reasons are as well.
            write(refusal) { number in candidates.contains { $0.generation == number } }
        }
    }

    private mutating func write(_ plan: Plan) {
        integer("target", Int64(plan.target.generation))
        string("choice", plan.choice.rawValue)
        string("mode", plan.mode.rawValue)
        bool("degraded", plan.isDegraded)
    }

    fileprivate mutating func write(_ outcome: FlightOutcome) {
        string("outcome", outcome.word)
        switch outcome {
        case .notActivated(let current): path("current", current)
        case .abandoned(let refusal):
            var left = Candidate.mostRecorded
            write(refusal) { _ in
                left -= 1
                return left >= 0
            }
        case .succeeded, .degraded, .notHelped, .notConfirmed: break
        }
    }

    /// `isTold`: whether a rejection of this generation is written down.
    private mutating func write(_ refusal: Refusal, isTold: (Int) -> Bool) {
        string("refusal", refusal.word)
        switch refusal {
        case .off, .never, .noLedger, .already, .switching, .notDurable: break
        case .limit(let since): interval("since_ms", since)
        case .noTarget(let rejections):
            key("rejections")
            beginArray()
            for rejection in rejections where isTold(rejection.generation) { write(rejection) }
            endArray()
        case .needsReboot(let generation, let keys):
            integer("target", Int64(generation))
            inhibitors(keys)
        case .neverBooted(let generation), .gone(let generation):
            integer("target", Int64(generation))
        case .bootFull(let free): integer("free", free)
        case .unseen(let reason): clipped("reason", reason, to: SwitchLine.longestReason)
        }
    }

    private mutating func write(_ rejection: Rejection) {
        beginObject()
        integer("generation", Int64(rejection.generation))
        string("reason", rejection.reason.tag)
        if case .incomplete(let defect) = rejection.reason { string("lacks", defect.rawValue) }
        endObject()
    }

    /// Also of a `carry`.
    mutating func write(_ flight: Flight) {
        integer("switch", Int64(flight.id))
        write(flight.purpose)
        path("from", flight.from)
        system("to", flight.to, flight.generation)
        string("mode", flight.mode.rawValue)
        optional("former_default", flight.formerDefault)
    }

    /// Also of a `carry`.
    mutating func write(_ purpose: Flight.Purpose) {
        string("purpose", purpose.word)
        switch purpose {
        case .rollback(let incident): integer("incident", Int64(incident))
        case .asked(let uid): integer("uid", Int64(uid))
        case .trial(let uid, let confirm):
            integer("uid", Int64(uid))
            if let confirm { interval("confirm_ms", confirm) }
        case .retreat, .settle: break
        }
    }

    mutating func write(_ status: ExitStatus) {
        switch status {
        case .code(let code): integer("code", Int64(code))
        case .signal(let signal, let outOfMemory):
            integer("signal", Int64(signal))
            if outOfMemory { bool("oom", true) }
        case .unknown: string("status", "unknown")
        }
    }
}

// MARK: Members

extension JSONWriter {
    mutating func interval(_ key: StaticString, _ interval: Interval) {
        integer(key, interval.nanoseconds / 1_000_000)
    }

    mutating func optional(_ key: StaticString, _ number: Int?) {
        if let number { integer(key, Int64(number)) }
    }

    /// A path, where there is one.
    mutating func path(_ key: StaticString, _ path: String?) {
        clipped(key, path, to: SwitchLine.longestPath)
    }

    /// A system, and its generation where it has one.
    mutating func system(_ key: StaticString, _ path: String, _ generation: Int?) {
        self.path(key, path)
        optional("generation", generation)
    }

    /// A text, where there is one, or as much of it as fits.
    mutating func clipped(_ key: StaticString, _ text: String?, to bytes: Int) {
        if let text { string(key, text.clipped(toEscaped: bytes)) }
    }

    /// A path, without the store's own part, where there is one.
    fileprivate mutating func inStore(_ key: StaticString, _ path: String?) {
        guard let path else { return }
        let isStored = path.hasPrefix(SwitchLine.store)
        let name = isStored ? String(path.dropFirst(SwitchLine.store.count)) : path
        clipped(key, name, to: SwitchLine.longestName)
    }

    private mutating func inhibitors(_ keys: [String]) {
        guard !keys.isEmpty else { return }
        key("inhibitors")
        beginArray()
        for key in keys.prefix(SwitchLine.mostInhibitors) {
            string(key.clipped(toEscaped: SwitchLine.longestInhibitor))
        }
        endArray()
        leftOut("inhibitors_left_out", keys.count - SwitchLine.mostInhibitors)
    }

    private mutating func leftOut(_ key: StaticString, _ count: Int) {
        if count > 0 { integer(key, Int64(count)) }
    }
}

extension String {
    /// The text, or as many of its first characters as take so many bytes in a line.
    func clipped(toEscaped bytes: Int) -> String {
        var left = bytes
        for index in unicodeScalars.indices {
            left -= unicodeScalars[index].escapedBytes
            if left < 0 { return String(unicodeScalars[..<index]) }
        }
        return self
    }
}

extension Unicode.Scalar {
    /// Bytes that it takes in a line.
    fileprivate var escapedBytes: Int {
        switch self {
        case "\"", "\\": 2
        case " "..."~": 1
        default: value < 0x10000 ? 6 : 12
        }
    }
}

// MARK: Words

extension Candidate {
    /// What is true of a candidate, in a word each.
    static let words: [(String, any WritableKeyPath<Candidate, Bool> & Sendable)] = [
        ("previous", \.isPrevious), ("known-good", \.isKnownGood), ("healthy", \.wasHealthy),
        ("quarantined", \.isQuarantined), ("fenced", \.isFenced), ("running", \.isRunning),
        ("init-differs", \.initDiffers), ("kernel-differs", \.kernelDiffers),
        ("booted", \.wasBooted),
    ]
}

extension PlanFacts {
    /// The candidates that fit a line: where it goes, what ran before, what was asked for, and what is
    /// known good before the others.
    func recorded(for outcome: PlanOutcome) -> [Candidate] {
        let target: Int? =
            switch outcome {
            case .go(let plan), .propose(let plan): plan.target.generation
            case .refuse(.needsReboot(let generation, _)), .refuse(.neverBooted(let generation)),
                .refuse(.gone(let generation)):
                generation
            case .refuse: nil
            }
        let kept = SwitchLine.fitting(
            candidates, within: SwitchLine.mostOfCandidates, most: Candidate.mostRecorded,
            rank: { candidate in
                if candidate.generation == target { return 0 }
                if wish == .generation(candidate.generation) { return 1 }
                return candidate.isPrevious ? 2 : candidate.isKnownGood ? 3 : 4
            }, write: { $1.write($0) })
        return kept.map { candidates[$0] }
    }
}

extension Rejection.Reason {
    /// As `word`, but what an incomplete one lacks stands beside it.
    var tag: String {
        switch self {
        case .running: "running"
        case .quarantined: "quarantined"
        case .fenced: "fenced"
        case .incomplete: "incomplete"
        case .unproven: "unproven"
        case .notHealthyThere: "not-healthy-there"
        }
    }
}
