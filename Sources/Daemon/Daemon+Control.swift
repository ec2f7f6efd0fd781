import Configuration
import Control
import JSON
import Ledger
import Linux
import Probing
import Records
import Supervision

/// The control socket: calls become events, and answers tell what came of them.
extension Daemon {
    /// The longest that an answer waits for what was asked; then it tells how things stand.
    static let answerPatience: Int64 = 60_000_000_000
    /// The longest that an answer waits for the disk.
    static let diskPatience: Int64 = 2_000_000_000

    func controlReady(_ name: UInt64, _ readiness: Readiness) {
        var readiness = readiness
        // A hang-up or an error is found by reading.
        if !readiness.isDisjoint(with: [.hungUp, .failed]) { readiness.insert(.readable) }
        server.ready(ControlSource(name: name), for: readiness, at: now.boot)
    }

    func serveCalls() {
        if let deadline = server.nextDeadline, deadline <= now.boot { server.expire(at: now.boot) }
        while let call = server.nextCall(at: now.boot) { serve(call) }
        server.drainPollChanges { change in
            switch change {
            case .add(let source, let descriptor, let readiness):
                controlTokens[source.name] = try? poller.add(
                    descriptor, for: readiness, as: Source.control(source.name).name)
            case .modify(let source, let descriptor, let readiness):
                guard let token = controlTokens[source.name] else { return }
                try? poller.change(token, descriptor, for: readiness)
            case .remove(let source, let descriptor):
                guard let token = controlTokens.removeValue(forKey: source.name) else { return }
                poller.remove(token, descriptor)
            }
        }
    }

    private func serve(_ call: Call) {
        switch call.request {
        case .status(let service): reply(to: call, service)
        case .start(let names): act(call, "Start", names, .up, .startAsked)
        case .stop(let names): act(call, "Stop", names, .down, .stopAsked)
        case .restart(let names): act(call, "Restart", names, .up, .restartAsked)
        case .heal(let names):
            let well = places(of: names).filter { isWell($0) }
            act(call, "Heal", names, .up, .healAsked)
            if !waiters.isEmpty, waiters[waiters.count - 1].call == call.id {
                waiters[waiters.count - 1].well = Set(well)
            }
        case .pause(let names, let milliseconds):
            let until = Instant(nanoseconds: now.boot + milliseconds * 1_000_000)
            act(call, "Pause", names, .now, .pauseAsked(until: until))
        case .resume(let names): act(call, "Resume", names, .now, .resumeAsked)
        case .probe(let service): probe(call, service)
        case .notify(let route): tryRoute(call, route)
        case .reload:
            guard state == .ready else { return refuseWhileEnding(call) }
            write(
                .asked(method: "Reload", services: [], uid: call.peer.uid, pid: call.peer.pid))
            reloadWaiters.append(call.id)
            reloadAsked()
        case .stopAll:
            write(
                .asked(method: "StopAll", services: [], uid: call.peer.uid, pid: call.peer.pid))
            let ids = mind.all
            tell(.stopAllAsked)
            wait(call.id, ids, .down)
        case .logPath(let service): replyLogPath(call.id, service)
        case .bootCheck(let milliseconds): serveBootCheck(call, milliseconds: milliseconds)
        case .generations, .planRollback, .rollback, .switch, .confirmSwitch:
            serveSwitch(call)
        }
    }

    private func places(of names: [String]) -> [Int] {
        names.flatMap { mind.ids(of: $0) }.map(\.index)
    }

    /// Nothing about it needs healing: it works as far as anyone knows, or is not meant to run.
    private func isWell(_ place: Int) -> Bool {
        let status = mind.status(InstanceID(place), at: instant)
        switch status.phase {
        case .running:
            return status.incident == nil && status.pausedUntil == nil
                && status.probes.allSatisfy { $0.strikes == 0 }
        case .stopped(let rest): return rest == .finished
        case .starting, .backingOff, .stopping, .handedOver: return false
        }
    }

    private func refuseWhileEnding(_ call: Call) {
        server.fail(call.id, with: .notNow(reason: "regend is ending"), at: now.boot)
    }

    private func act(
        _ call: Call, _ method: StaticString, _ names: [String], _ goal: Waiter.Goal,
        _ event: InstanceEvent
    ) {
        guard state == .ready else { return refuseWhileEnding(call) }
        var ids: [InstanceID] = []
        for name in names {
            let found = mind.ids(of: name)
            guard !found.isEmpty else {
                return server.fail(call.id, with: .noSuchService(name: name), at: now.boot)
            }
            for id in found where !ids.contains(id) { ids.append(id) }
        }
        write(.asked(method: method, services: names, uid: call.peer.uid, pid: call.peer.pid))
        for id in ids { tell(id.index, event) }
        wait(call.id, ids, goal)
    }

    /// Looks with every probe now.
    private func probe(_ call: Call, _ service: String) {
        let ids = mind.ids(of: service)
        guard !ids.isEmpty else {
            return server.fail(call.id, with: .noSuchService(name: service), at: now.boot)
        }
        write(.asked(method: "Probe", services: [service], uid: call.peer.uid, pid: call.peer.pid))
        let inquiry = Inquiry(call.id)
        for id in ids {
            guard let hand = hands[id.index] else { continue }
            for probe in hand.watch.probes.indices {
                inquiry.looks.append((id.index, hand.facts.name, probe))
            }
        }
        // One more than there are, so that answers that come at once do not end it early.
        inquiry.open = inquiry.looks.count + 1
        for look in inquiry.looks {
            self.look(
                look.place, probe: look.probe,
                for: .asked(inquiry, place: look.place, probe: look.probe))
        }
        answered(inquiry)
    }

    /// One of its looks has come back.
    func answered(_ inquiry: Inquiry) {
        inquiry.open -= 1
        guard inquiry.open == 0 else { return }
        let looks = inquiry.looks.compactMap { look -> ProbeReply.Look? in
            guard let hand = hands[look.place], hand.facts.name == look.name,
                hand.watch.probes.indices.contains(look.probe)
            else { return nil }
            let sighting = hand.watch.sightings[look.probe]
            return ProbeReply.Look(
                instance: look.name, probe: hand.watch.names[look.probe],
                outcome: sighting.outcome, tookMicroseconds: sighting.microseconds,
                reason: sighting.reason.isEmpty ? nil : sighting.reason)
        }
        let reply = ProbeReply(probes: looks)
        server.reply(to: inquiry.call, at: now.boot) { reply.write(into: &$0) }
    }

    private func replyLogPath(_ call: Call.ID, _ service: String) {
        guard let id = mind.ids(of: service).first, let hand = hands[id.index] else {
            return server.fail(call, with: .noSuchService(name: service), at: now.boot)
        }
        guard let path = hand.log?.path else {
            let place = (hand as? UnitHand).map { ": journalctl -u \($0.unit)" } ?? ""
            let reason = "\(service) has no log of its own\(place)"
            return server.fail(call, with: .notNow(reason: reason), at: now.boot)
        }
        server.reply(to: call, at: now.boot) { json in
            json.beginObject()
            json.string("path", path)
            json.endObject()
        }
    }

    // MARK: - Answers that wait

    /// A call that is answered when what it asked for has come about.
    struct Waiter {
        enum Goal {
            case up
            case down
            /// Nothing that takes time was asked for.
            case now
        }

        let call: Call.ID
        let instances: [(id: InstanceID, name: String)]
        let goal: Goal
        var deadline: Int64
        /// Places that needed no healing, where that was asked for.
        var well: Set<Int>?
        /// What must be on the disk before the answer; `nil` until there is something to tell.
        var ticket: UInt64?
    }

    private func wait(_ call: Call.ID, _ ids: [InstanceID], _ goal: Waiter.Goal) {
        waiters.append(
            Waiter(
                call: call, instances: ids.map { ($0, mind.definition($0).name) }, goal: goal,
                deadline: now.boot + Self.answerPatience))
    }

    /// Answers those whose wish has come about. Connections bound their number.
    func answerWaiters() {
        guard !waiters.isEmpty else { return }
        for i in waiters.indices where waiters[i].ticket == nil && isDone(waiters[i]) {
            // An answer holds even if we die in the next instant, so what it tells comes first.
            writeRecords()
            waiters[i].ticket = chronicle.ticket
            waiters[i].deadline = min(waiters[i].deadline, now.boot + Self.diskPatience)
        }
        let done = waiters.indices.filter {
            waiters[$0].deadline <= now.boot || state != .ready
                || waiters[$0].ticket.map(chronicle.isDurable) == true
        }
        for index in done.reversed() {
            let waiter = waiters.remove(at: index)
            let reply = ServicesReply(
                services: current(waiter).map { id in
                    var report = report(id)
                    report.healing = waiter.well.map { $0.contains(id.index) ? .nothing : .asked }
                    return report
                })
            server.reply(to: waiter.call, at: now.boot) { reply.write(into: &$0) }
        }
    }

    /// Those of its instances that are still there.
    private func current(_ waiter: Waiter) -> [InstanceID] {
        waiter.instances.filter { mind.id(named: $0.name) == $0.id }.map(\.id)
    }

    private func isDone(_ waiter: Waiter) -> Bool {
        current(waiter).allSatisfy { id in
            switch (waiter.goal, mind.status(id, at: instant).phase) {
            case (.now, _): true
            case (.down, .stopped): true
            case (.down, .stopping(let stopping)): stopping.stage == .stuck
            case (.down, _): false
            case (.up, .running), (.up, .handedOver), (.up, .stopped), (.up, .backingOff): true
            case (.up, .starting), (.up, .stopping): false
            }
        }
    }

    // MARK: - Status

    private func reply(to call: Call, _ service: String?) {
        let ids = service.map { mind.ids(of: $0) } ?? mind.all
        if let service, ids.isEmpty {
            return server.fail(call.id, with: .noSuchService(name: service), at: now.boot)
        }
        var reply = StatusReply(daemon: report(), services: ids.map { report($0) })
        if !call.mayAct { reply = reply.forReaders }
        server.reply(to: call.id, at: now.boot) { reply.write(into: &$0) }
    }

    private func report() -> DaemonReport {
        let all = mind.all.map { mind.status($0, at: instant) }
        var report = DaemonReport(
            pid: ProcessTable.own, version: Version.text, stateDirectory: stateDirectory,
            runtimeDirectory: runtimeDirectory, configFile: options.configurationFile,
            startedUnixMilliseconds: started.wall / 1_000_000, state: state.rawValue,
            ledger: chronicle.report, cgroup: forge.cgroup,
            services: ServiceCounts(
                total: Int64(all.count), running: Int64(all.count { $0.phase == .running }),
                handedOver: Int64(all.count { $0.isHandedOver })))
        report.stalled = mind.isStalled(at: instant)
        report.commonCause = mind.commonCause(at: instant).map { cause in
            CommonCauseReport(
                incident: Int64(cause.incident),
                sinceUnixMilliseconds: (now.wall + cause.began.nanoseconds - now.boot) / 1_000_000,
                count: Int64(cause.services), of: Int64(cause.of))
        }
        report.safeSwitch = switchReport
        report.boot = boots.report.map {
            BootCauseReport(cause: $0.cause.rawValue, evidence: $0.evidence)
        }
        report.watchdog = watchdogReport
        report.workers = workers.slots.compactMap { $0.map { workerReport($0) } }
        report.routes = notices.routes.map { routeReport($0) }
        return report
    }

    private func workerReport(_ slot: WorkerSlot) -> WorkerReport {
        WorkerReport(
            role: slot.role.rawValue,
            state: slot.process != nil
                ? WorkerReport.ready : slot.notBefore > now.boot ? "down" : "starting",
            account: slot.account?.name, pid: slot.process?.pid,
            restarts: Int64(slot.replacements), reason: slot.process == nil ? slot.reason : nil)
    }

    private func report(_ id: InstanceID) -> InstanceReport {
        let status = mind.status(id, at: instant)
        let hand = hands[id.index]
        var report = InstanceReport(
            name: status.definition.name, service: status.definition.service,
            phase: status.phase.word, wanted: status.phase.isWanted)
        report.critical = status.definition.policy.critical
        report.user = (hand?.identity?.user).flatMap { $0.isEmpty ? nil : $0 }
        report.attempt = Int64(status.attempt)
        report.restarts = Int64(hand?.restarts ?? 0)
        report.crashesInWindow = Int64(status.crashes)
        report.incident = status.incident.map { Int64($0) }
        report.lastExit = status.lastExit.map { LastExit($0) }
        report.waitingFor = status.waitsFor
        report.log = hand?.log?.path
        if let process = status.process {
            // A unit may be up without a main process.
            if process.pid > 0 { report.pid = process.pid }
            report.uptimeMilliseconds = (instant - status.since).nanoseconds / 1_000_000
        }
        if let deadline = status.deadline, status.phase.isWaiting {
            report.nextStartMilliseconds = max(0, (deadline - instant).nanoseconds / 1_000_000)
        }
        report.note = note(status, hand)
        report.unit = (hand as? UnitHand).map { $0.report }
        if let hand { tellHealth(of: hand, status, in: &report) }
        return report
    }

    private func tellHealth(
        of hand: Hand, _ status: InstanceStatus, in report: inout InstanceReport
    ) {
        let watch = hand.watch
        for (i, probe) in watch.probes.enumerated() where status.probes.indices.contains(i) {
            let sighting = watch.sightings[i]
            var told = ProbeReport(name: watch.names[i], of: Int64(probe.policy.strikes))
            // What was seen of a process that has ended says nothing any more.
            let isLooking = status.process != nil || hand.detaches
            told.outcome = isLooking ? sighting.outcome : .never
            told.strikes = Int64(status.probes[i].strikes)
            told.suspect = status.probes[i].isSuspect
            told.reason = sighting.reason.isEmpty ? nil : sighting.reason
            if told.outcome != .never {
                told.agoMilliseconds = (now.boot - sighting.at) / 1_000_000
                told.tookMicroseconds = sighting.microseconds
            }
            report.probes.append(told)
        }
        if let until = status.pausedUntil {
            report.pause = PauseReport(
                untilUnixMilliseconds: (now.wall + until.nanoseconds - now.boot) / 1_000_000)
        }
        report.heldBy = status.heldBy
        report.remedy = status.remedy?.rawValue
        if status.attempts > 0 { report.remedyAttempts = Int64(status.attempts) }
        report.diagnosis = watch.diagnosis
        report.lastOutput = watch.lastOutput
    }

    private func note(_ status: InstanceStatus, _ hand: Hand?) -> String? {
        switch status.phase {
        case .stopped(.failed):
            return [Rest.failed.words, status.lastFailure?.words].compactMap { $0 }
                .joined(separator: ": ")
        case .stopped(let rest):
            return hand?.detaches == true
                ? "\(rest.words); what its start command left behind is not Regen's, and goes on"
                : rest.words
        case .stopping(let stopping):
            return stopping.stage == .stuck ? "SIGKILL did not end it" : nil
        case .starting, .running, .backingOff, .handedOver: break
        }
        if status.process == nil, let failure = status.lastFailure { return failure.words }
        if status.isQueued { return "unhealthy; waits for its turn, because of a common cause" }
        if status.isHandedOver { return "handed over to a human; tried on at the slowest pace" }
        return hand?.watch.notice.status.map { "says: \($0)" }
    }
}

extension ControlSource {
    /// Both halves in one number: the slot is small, the generation has 32 bits.
    fileprivate var name: UInt64 { UInt64(slot) << 32 | UInt64(generation) }

    fileprivate init(name: UInt64) {
        self.init(slot: Int32(name >> 32), generation: UInt32(truncatingIfNeeded: name))
    }
}

extension LastExit {
    fileprivate init(_ status: ExitStatus) {
        switch status {
        case .code(let code): self = .code(code)
        case .signal(let signal, let outOfMemory): self = .signal(signal, oom: outOfMemory)
        case .unknown: self = .unknown
        }
    }
}

extension Phase {
    fileprivate var word: String {
        switch self {
        case .stopped: "stopped"
        case .starting: "starting"
        case .running: "running"
        case .backingOff: "backing-off"
        case .stopping: "stopping"
        case .handedOver: "handed-over"
        }
    }

    /// Whether it should run.
    fileprivate var isWanted: Bool {
        switch self {
        case .stopped(let rest): rest == .failed
        case .stopping(let stopping): stopping.aftermath.isRecovery
        case .starting, .running, .backingOff, .handedOver: true
        }
    }

    /// Whether its deadline is the next attempt.
    fileprivate var isWaiting: Bool { self == .backingOff || self == .handedOver }
}
