import Control
import Ledger
import Linux
import Probing
import Records
import Supervision
import Systemd
import Worker

/// The search for the cause of an incident.
extension Daemon {
    /// Searches under way at once. In a storm the others are concluded from what is known.
    static let mostInquests = 4
    /// How long a looker may take for its part of the evidence.
    static let surveyPatience = Interval.seconds(5)
    /// A change of the system counts as lately within so long.
    static let lately: Int64 = 86_400_000_000_000

    /// An incident has begun: notes what will not be there later. The restart does not wait.
    func openInquest(_ place: Int, _ incident: Int, _ kind: FailureKind, _ probe: Int?) {
        guard let hand = hands[place] else { return }
        let status = mind.status(InstanceID(place), at: instant)
        let reason = probe.flatMap { hand.watch.complaint($0) } ?? hand.watch.firstComplaint
        let (lastRun, end) = hand.lastFailure
        let event: Probing.Diagnosis.Event? =
            switch kind {
            case _ where end != nil && kind.isEnd: end.map { .unitEnded($0) }
            case .signal, .exitCode, .outOfMemory, .unexpectedCleanExit, .unknown:
                .exited(status.lastExit ?? .unknown)
            case .spawn: status.lastFailure.map { .couldNotStart($0) }
            case .startTimeout: .startTimedOut(reason: reason)
            case .hang: .probesFailed(reason: reason)
            case .remedyRefused, .unkillable: nil
            }
        guard let event else { return }
        let isOwnLog = hand.log.map { forge.owns($0.path) } ?? false
        inquests.append(
            Inquest(
                place: place, name: hand.facts.name, incident: incident, event: event,
                dependencies: unhealthyDependencies(of: place),
                logSize: isOwnLog ? hand.log.flatMap { LogFile.size($0.path) } ?? 0 : .max,
                run: kind.isEnd ? lastRun : hand.run))
    }

    private func unhealthyDependencies(of place: Int) -> [String] {
        mind.definition(InstanceID(place)).policy.after.filter { name in
            mind.ids(of: name).contains {
                let status = mind.status($0, at: instant)
                return status.phase != .running && status.phase != .stopped(.finished)
                    || status.incident != nil
            }
        }
    }

    /// Asks for the evidence, once the restarts of this turn are done.
    func holdInquests() {
        guard !inquests.isEmpty else { return }
        for inquest in inquests { hold(inquest) }
        inquests.removeAll(keepingCapacity: false)
    }

    private func hold(_ inquest: Inquest) {
        guard let hand = hands[inquest.place], hand.facts.name == inquest.name else { return }
        inquest.survey.changes = Looker.changes(below: options.below(""))
        var questions: [LookRequest.Question] = []
        if let log = hand.log {
            if forge.owns(log.path) {
                inquest.survey.log = Looker.endOfLog(log.path, before: inquest.logSize)
            } else {
                questions.append(.log(path: log.path, before: inquest.logSize))
            }
        }
        if let run = inquest.run {
            questions.append(
                .journal(unit: run.unit, invocation: run.invocation, began: run.began))
        }
        if !hand.watch.ports.isEmpty { questions.append(.ports(hand.watch.ports)) }
        if case .probesFailed = inquest.event { questions.append(.memory) }
        let files = hand.watch.environmentFiles
        if !files.isEmpty { questions.append(.environment(files)) }
        guard !questions.isEmpty, openInquests < Self.mostInquests else {
            return conclude(inquest)
        }
        openInquests += 1
        let parts = [LookRequest.Errand.Account.service, .daemon, .journal]
            .map { account in questions.filter { $0.account == account } }
            .filter { !$0.isEmpty }
        inquest.open = parts.count
        for part in parts {
            askLooker(hand, .survey(part), timeout: Self.surveyPatience, for: .survey(inquest))
        }
    }

    /// A looker has told its part, or could not.
    func surveyed(_ inquest: Inquest, _ finding: Finding) {
        if case .survey(let survey) = finding { inquest.add(survey) }
        inquest.open -= 1
        guard inquest.open == 0 else { return }
        openInquests -= 1
        conclude(inquest)
    }

    private func conclude(_ inquest: Inquest) {
        guard let hand = hands[inquest.place], hand.facts.name == inquest.name else { return }
        var circumstances = Probing.Diagnosis.Circumstances(inquest.event, survey: inquest.survey)
        circumstances.unhealthyDependencies = inquest.dependencies
        let diagnosis = Probing.Diagnosis.classify(circumstances)
        // The first is in the text.
        var evidence = Array(diagnosis.evidence.dropFirst())
        if let change = inquest.survey.changes?.sentence(at: now.wall, lately: Self.lately) {
            evidence.append(change)
        }
        var cause = Cause(
            kind: diagnosis.kind.rawValue,
            text: "\(diagnosis.kind.words): \(diagnosis.evidence.first ?? "nothing is known")",
            evidence: evidence)
        let journal = inquest.survey.journal
        if let bytes = journal?.bytes ?? inquest.survey.log?.bytes, !bytes.isEmpty {
            let digest = bytes.withUnsafeBytes { SHA256().digest(of: $0) }
            cause.output = (bytes.count, digest.text)
            hand.watch.lastOutput = OutputReport(bytes: Int64(bytes.count), sha256: digest.text)
        }
        if let run = inquest.run {
            cause.unit = (run.unit, run.invocation)
            cause.cursor = journal?.cursor
            hand.watch.lastOutput?.journal = journal.map {
                OutputReport.JournalPlace(unit: run.unit, cursor: $0.cursor)
            }
            if journal == nil {
                hand.watch.lastOutput = nil
                cause.evidence.append("nothing is known of its last output")
            }
        }
        hand.watch.diagnosis = DiagnosisReport(
            kind: cause.kind, text: cause.text, evidence: cause.evidence,
            atUnixMilliseconds: now.wall / 1_000_000)
        write(.diagnosed(InstanceID(inquest.place), incident: inquest.incident, cause))
    }
}

extension FailureKind {
    /// It is down, or could not come up.
    fileprivate var isEnd: Bool {
        switch self {
        case .signal, .exitCode, .outOfMemory, .unexpectedCleanExit, .unknown, .spawn: true
        case .startTimeout, .remedyRefused, .hang, .unkillable: false
        }
    }
}

extension SystemChanges {
    /// What was changed last, if that was not long ago.
    fileprivate func sentence(at now: Int64, lately: Int64) -> String? {
        let changes: [(String, Int64?)] = [
            ("the system profile was changed", profile),
            ("the system was switched", current), ("/etc was changed", etc),
            ("the machine booted", boot),
        ]
        let last = changes.compactMap { words, at in at.map { (words, $0) } }.max { $0.1 < $1.1 }
        guard let last, last.1 >= 0, now >= last.1, now - last.1 < lately else { return nil }
        return "\(last.0) \(Interval(nanoseconds: now - last.1).words) before"
    }
}

extension Probing.Diagnosis.Kind {
    /// For people.
    fileprivate var words: String {
        switch self {
        case .signal: "it crashed"
        case .exitCode: "it ended by itself"
        case .outOfMemory: "it had too little memory"
        case .startTimeout: "it did not come up in time"
        case .hang: "it lives and does not work"
        case .portTaken: "somebody else has its port"
        case .dependencyDown: "what it depends on is not well"
        case .environmentMissing: "its environment is not complete"
        case .killedFromOutside: "it was killed from outside"
        case .couldNotStart: "it could not be started"
        case .timeLimit: "its time was over"
        case .unknown: "nobody can know why it ended"
        }
    }
}
