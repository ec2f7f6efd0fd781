import Control
import Ledger
import Linux
import Records
import SafeSwitch
import Supervision

/// The boot gate: whoever asks is told whether this boot may count as a good one.
extension Daemon {
    /// Whether the hardware watchdog may be used.
    var resetVerdict: ResetVerdict { boots.resets.verdict(at: instant) }

    /// A watchdog that resets the machine over and over is not used for a while.
    func heedResets() {
        guard case .staysOff(let until) = resetVerdict, let reason = resetVerdict.reason else {
            return
        }
        watchdog.ban = Watchdog.Ban(reason: reason, until: until)
    }

    func serveBootCheck(_ call: Call, milliseconds: Int64) {
        guard state == .ready else {
            return server.fail(
                call.id, with: .notNow(reason: "regend is ending"), at: now.boot)
        }
        guard boots.checks.count < Boots.mostChecks else {
            return server.fail(
                call.id, with: .notNow(reason: "too many ask at once; ask again"), at: now.boot)
        }
        write(.asked(method: "BootCheck", services: [], uid: call.peer.uid, pid: call.peer.pid))
        boots.checks.append(
            Boots.Check(
                call: call.id, began: now.boot, deadline: now.boot + milliseconds * 1_000_000))
    }

    /// Answers those for whom there is a verdict.
    func keepBootChecks() {
        guard !boots.checks.isEmpty, state == .ready else { return }
        for index in boots.checks.indices.reversed() {
            let reply =
                boots.checks[index].failure.map(confirmed) ?? judged(boots.checks[index], index)
            guard let reply else { continue }
            let check = boots.checks.remove(at: index)
            server.reply(to: check.call, at: now.boot) { reply.write(into: &$0) }
        }
    }

    private var gateFacts: BootGateFacts? {
        let seen =
            switching.isActive
            ? switching.mind.bootGateFacts(mind, at: instant)
            : SwitchMind.blindFacts(mind, at: instant)
        guard var facts = seen else { return nil }
        facts.hasLedger = chronicle.isSound
        facts.hasFailedBefore = facts.system.map { boots.failed.contains($0) } ?? false
        return facts
    }

    /// The verdict, if it can be answered at once.
    private func judged(_ check: Boots.Check, _ index: Int) -> BootCheckReply? {
        // What has come while an exec lasted is read in the next turn.
        let isOver = check.deadline <= turnBegan
        // Nobody has seen yet which system runs: then it is none that a boot is failed for.
        let facts = gateFacts ?? (isOver ? SwitchMind.blindFacts(mind, at: instant) : nil)
        guard let facts, let verdict = facts.judge(isOver: isOver) else { return nil }
        let took = Interval(nanoseconds: now.boot - check.began)
        let reply = BootCheckReply(facts, verdict, took)
        let lost = chronicle.lost
        write(.bootChecked(facts, verdict, after: took))
        guard verdict == .failed, let system = facts.system else { return reply }
        // Only what the next boot will know may make it one.
        boots.failed.append(system)
        writeRecords()
        guard chronicle.isSound, chronicle.lost == lost else { return undurable(reply) }
        boots.checks[index].failure = Boots.Failure(
            reply: reply, ticket: chronicle.ticket, deadline: now.boot + Self.diskPatience)
        return boots.checks[index].failure.flatMap(confirmed)
    }

    /// A failure that has reached the disk, or has not in time.
    private func confirmed(_ failure: Boots.Failure) -> BootCheckReply? {
        guard chronicle.isSound else { return undurable(failure.reply) }
        if chronicle.isDurable(failure.ticket) { return failure.reply }
        return failure.deadline <= turnBegan ? undurable(failure.reply) : nil
    }

    private func undurable(_ reply: BootCheckReply) -> BootCheckReply {
        narrator.say(
            .error,
            "the boot is not failed: \(BootPass.notDurable.phrase); look at the state directory's "
                + "disk")
        var reply = reply
        reply.pass(BootPass.notDurable)
        return reply
    }
}

extension BootCheckReply {
    init(_ facts: BootGateFacts, _ verdict: BootVerdict, _ took: Interval) {
        self.init(passed: verdict != .failed, text: "")
        system = facts.system
        generation = facts.generation.map { Int64($0) }
        unhealthy = facts.unhealthy
        waitedMilliseconds = took.nanoseconds / 1_000_000
        switch verdict {
        case .passed(let why): pass(why)
        case .failed:
            text = "healthy on the last generation, and not on this one"
        }
    }

    fileprivate mutating func pass(_ why: BootPass) {
        passed = true
        reason = why.rawValue
        text = why.phrase
    }
}
