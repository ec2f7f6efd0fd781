import Configuration
import Control
import Ledger
import Linux
import Probing
import Records
import Supervision
import Worker

/// Looks and remedies: what the mind wants looked at is asked of a worker, or of what the service has
/// said itself; what is found becomes an event.
extension Daemon {
    /// How long a remedy may take that has no time-out of its own.
    static let remedyPatience = Interval.seconds(20)

    // MARK: - What the mind wants

    /// Looks with a probe; the mind is told in any case.
    func look(_ place: Int, probe: Int, serial: Int) {
        look(place, probe: probe, for: .probe(place: place, probe: probe, serial: serial))
    }

    /// Looks with a probe for whatever purpose.
    func look(_ place: Int, probe: Int, for purpose: Look.Purpose) {
        guard let hand = hands[place], hand.watch.probes.indices.contains(probe) else {
            return settle(purpose, .fault("it is no longer configured"), asked: now.boot)
        }
        let definition = hand.watch.probes[probe]
        switch definition.kind {
        case .notify(let notify):
            let complaint = hand.watch.notice.complaint(
                watchdog: notify.watchdog?.nanoseconds, at: now.boot)
            let answer = Answer(
                serial: 0, outcome: complaint == nil ? .passed : .failed, reason: complaint ?? "")
            settle(purpose, .answer(answer), asked: now.boot)
        case .http, .tls, .tcp:
            askNetwork(hand, probe: probe, id: Self.probeID(place, probe), for: purpose)
        case .unix, .listening, .command, .memory, .cpu, .progress, .file:
            askLooker(
                hand, .probe(definition), timeout: definition.policy.timeout, for: purpose)
        }
    }

    /// A probe's number among all.
    static func probeID(_ place: Int, _ probe: Int) -> Int { place * Probe.mostProbes + probe }

    /// Tries a remedy; the mind is told in any case.
    func remedy(_ place: Int, _ index: Int, serial: Int) {
        guard let hand = hands[place], hand.watch.remedies.indices.contains(index) else {
            return tell(place, .remedied(serial: serial, .failed))
        }
        let remedy = hand.watch.remedies[index]
        let (errand, patience): (LookRequest.Errand, Interval)
        switch remedy {
        case .restart: return tell(place, .remedied(serial: serial, .applied))
        case .portConflict:
            let ports = hand.watch.ports
            guard !ports.isEmpty else { return tell(place, .remedied(serial: serial, .notNeeded)) }
            (errand, patience) = (
                .freePorts(ports, earlier: hand.watch.earlier, leftIn: hand.leftovers),
                Self.remedyPatience
            )
        case .validateConfig(let command, let timeout):
            (errand, patience) = (.validate(command: command), timeout)
        case .dependencies(let dependencies):
            (errand, patience) = (.restore(dependencies), Self.remedyPatience)
        case .environment(let files):
            (errand, patience) = (.environment(files), Self.remedyPatience)
        }
        hand.watch.remedy = remedy.kind.rawValue
        askLooker(hand, errand, timeout: patience, for: .remedy(place: place, serial: serial))
    }

    // MARK: - What was found

    /// What came of a question goes to whoever asked.
    func settle(_ purpose: Look.Purpose, _ finding: Finding, asked: Int64) {
        switch purpose {
        case .probe(let place, let probe, let serial):
            let verdict = note(finding, place, probe, asked: asked)
            tell(place, .probed(probe: probe, serial: serial, verdict.outcome))
        case .asked(let inquiry, let place, let probe):
            _ = note(finding, place, probe, asked: asked)
            answered(inquiry)
        case .remedy(let place, let serial): remedied(place, serial, finding)
        case .survey(let inquest): surveyed(inquest, finding)
        case .notice(let route): told(route, finding)
        case .trial(let call, let route): tried(call, over: route, finding)
        }
    }

    /// Remembers what a look found, for people, and weighs it.
    private func note(_ finding: Finding, _ place: Int, _ probe: Int, asked: Int64) -> Verdict {
        // A late answer can be about another probe, or about the process before this one.
        guard let hand = hands[place], hand.watch.probes.indices.contains(probe),
            asked >= hand.watch.since
        else { return Verdict(.unknown) }
        let definition = hand.watch.probes[probe]
        var sighting = hand.watch.sightings[probe]
        var verdict: Verdict
        sighting.microseconds = (now.boot - asked) / 1000
        switch finding {
        case .answer(let answer):
            let attempt = mind.status(InstanceID(place), at: instant).attempt
            verdict = judge(
                definition, answer, attempt: attempt, at: instant, trend: &sighting.trend)
            if answer.microseconds > 0 { sighting.microseconds = answer.microseconds }
        case .late:
            let patience = definition.policy.timeout.words
            verdict = Verdict(.failed, "no answer within \(patience); what it looks at hangs")
        case .fault(let reason): verdict = Verdict(.unknown, reason)
        case .remedy, .survey, .delivery:
            verdict = Verdict(.unknown, "the worker mixed up its answers")
        }
        let limit = definition.policy.timeout.nanoseconds + Self.standstill
        if verdict.outcome == .failed, now.boot - asked > limit {
            verdict = Verdict(.unknown, "told too late: regend or the whole machine stood still")
        }
        sighting.outcome = ProbeReport.Outcome(verdict.outcome)
        sighting.reason = verdict.reason
        sighting.at = now.boot
        hand.watch.sightings[probe] = sighting
        return verdict
    }

    /// A failure that is told so long after its time-out means nothing: while somebody stood still,
    /// time passed that the service did not have.
    static let standstill = lookerSlack + Mind.lateness.nanoseconds

    private func remedied(_ place: Int, _ serial: Int, _ finding: Finding) {
        guard let hand = hands[place] else { return }
        let (outcome, reason): (RemedyOutcome, String) =
            switch finding {
            case .remedy(let answer): (answer.outcome, answer.reason)
            case .late: (.failed, "it was not done in time")
            case .fault(let reason): (.failed, reason)
            case .answer, .survey, .delivery: (.failed, "the worker mixed up its answers")
            }
        let kind = hand.watch.remedy ?? "a remedy"
        if case .remedy(let answer) = finding, !answer.output.isEmpty {
            narrator.say(.info, "\(hand.facts.name): \(kind) printed:")
            for line in answer.output.split(separator: "\n").suffix(Self.mostRemedyLines) {
                narrator.say(.info, "    \(line)")
            }
        }
        hand.watch.remedy = nil
        hand.watch.remedyReason = reason
        if outcome == .refused, !reason.isEmpty {
            hand.watch.diagnosis?.evidence.append(
                "\(kind) refused: \(reason)")
        }
        tell(place, .remedied(serial: serial, outcome))
        // Before another remedy has another reason.
        writeRecords()
    }

    /// The last lines of what a remedy printed are told.
    static let mostRemedyLines = 10

    /// What a place's probes were is no longer so.
    func forgetProbes(_ place: Int, _ hand: Hand) {
        for (index, slot) in workers.slots.enumerated() {
            guard let slot, let process = slot.process else { continue }
            for probe in hand.watch.probes.indices {
                let id = Self.probeID(place, probe)
                guard slot.defined.remove(id) != nil else { continue }
                process.ask { Request.forget(id: id).write(into: &$0) }
                workers.dirty.insert(index)
            }
        }
    }

    // MARK: - The machine

    /// Stalls of the whole machine, where the kernel tells of them.
    func listenToStalls() throws(SystemError) {
        for resource in PressureStall.Resource.allCases {
            guard let watch = try? PressureWatch(resource) else { continue }
            let name = Source.pressure(pressure.count).name
            _ = try poller.add(watch.stall.raw, for: .urgent, as: name)
            pressure.append(watch)
        }
    }

    // MARK: - The service's own word

    /// Opens the socket that services find in NOTIFY_SOCKET. Those that an earlier daemon started
    /// write to the same path.
    func listenToServices() throws(SystemError) {
        do throws(SystemError) { notifySocket = try NotifySocket(at: forge.notifyPath) } catch {
            narrator.say(.error, "\(error); services cannot say how they are")
        }
        guard let raw = notifySocket?.raw else { return }
        _ = try poller.add(raw, for: .readable, as: Source.notices.name)
    }

    /// Messages that services have sent to their NOTIFY_SOCKET.
    func takeNotices() {
        // Everybody may write there, and to look who did costs more than to write: whoever runs no
        // such service is not looked at, and the others once a turn.
        var users: Set<UInt32>?
        var senders: [Int32: Int?] = [:]
        // A flood has its turn like everything else.
        for _ in 0..<Self.mostNotices {
            guard let message = notifySocket?.next() else { return }
            if let place = mains[message.pid] {
                hands[place]?.watch.notice.take(message.bytes, at: now.boot)
                continue
            }
            let known = users ?? notifyingUsers()
            users = known
            guard known.contains(message.uid) else { continue }
            let place = senders[message.pid] ?? sender(message)
            senders[message.pid] = .some(place)
            if let place { hands[place]?.watch.notice.take(message.bytes, at: now.boot) }
            if senders.count >= Self.mostSenders { return }
        }
    }

    /// Messages taken in one turn of the loop.
    static let mostNotices = 256
    /// Processes that are no main process and have their environment looked at, in one turn.
    static let mostSenders = 16

    /// The users of services that are asked how they are.
    private func notifyingUsers() -> Set<UInt32> {
        Set(
            hands.compactMap { hand in
                hand?.watch.probes.contains { if case .notify = $0.kind { true } else { false } }
                    == true
                    ? hand?.user : nil
            })
    }

    /// Whose process sent it that is no main process: one of an instance's tree, of the attempt that
    /// runs, with the service's own user.
    private func sender(_ message: NotifySocket.Message) -> Int? {
        guard let mark = Mark(of: message.pid, state: forge.stateID),
            let id = mind.id(named: mark.service), let hand = hands[id.index],
            message.uid == hand.user, mark.attempt == mind.status(id, at: instant).attempt
        else { return nil }
        return id.index
    }
}

extension ProbeReport.Outcome {
    init(_ outcome: ProbeOutcome) {
        switch outcome {
        case .passed: self = .passed
        case .failed: self = .failed
        case .unknown: self = .unknown
        }
    }
}
