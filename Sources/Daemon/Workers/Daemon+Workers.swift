import Configuration
import JSON
import Ledger
import Linux
import Records
import Supervision
import Worker

/// Workers: started when they are needed, replaced when they fail, never believed blindly. What
/// becomes of one is never a strike.
extension Daemon {
    /// Beyond its own time-out, a network worker's answer may take so long; then the worker hangs.
    static let networkSlack: Int64 = 2_000_000_000
    /// The same for a looker: then what it looks at hangs.
    static let lookerSlack: Int64 = 250_000_000
    /// So long a look waits for a looker at most; the mind's patience has room for both.
    static let longestQueueing: Int64 = 4_000_000_000
    /// Whoever sees a look's deadline so much too late was held up himself: the machine was suspended,
    /// or stalled, and the looker with it.
    static let mostLateness: Int64 = 250_000_000

    // MARK: - Questions

    /// Has the network worker look with a probe. `id` is the probe's own number.
    func askNetwork(_ hand: Hand, probe: Int, id: Int, for purpose: Look.Purpose) {
        let definition = hand.watch.probes[probe]
        do throws(Fault) {
            let (index, slot, process) = try networkWorker(for: hand, definition.kind)
            if slot.defined.insert(id).inserted {
                process.ask { Request.define(id: id, definition).write(into: &$0) }
            }
            let patience = definition.policy.timeout.nanoseconds + Self.networkSlack
            let serial = note(purpose, by: index, deadline: now.boot + patience)
            process.ask { Request.look(id: id, serial: serial).write(into: &$0) }
            workers.dirty.insert(index)
        } catch { settle(purpose, .fault(error.text), asked: now.boot) }
    }

    /// Has a looker of the right account do something.
    func askLooker(
        _ hand: Hand, _ errand: LookRequest.Errand, timeout: Interval, for purpose: Look.Purpose
    ) {
        let account: Account?
        do throws(Fault) { account = try self.account(for: errand, hand) } catch {
            return settle(purpose, .fault(error.text), asked: now.boot)
        }
        let request = LookRequest(
            serial: workers.nextSerial, errand, of: hand.subject, timeout: timeout)
        workers.nextSerial += 1
        var patience = timeout.nanoseconds
        if case .probe = errand { patience = min(patience, Self.longestQueueing) }
        let deadline = now.boot + patience
        let waiting = Workers.Waiting(
            key: Self.key(account), account: account, request: request, purpose: purpose,
            deadline: deadline)
        guard workers.waiting.count < Workers.mostWaiting else {
            return settle(purpose, .fault("too many looks wait already"), asked: now.boot)
        }
        workers.check(by: deadline)
        if !assign(waiting) { workers.waiting.append(waiting) }
    }

    /// Who must look; `nil`: the daemon's own user.
    private func account(for errand: LookRequest.Errand, _ hand: Hand) throws(Fault) -> Account? {
        switch errand.account {
        case .daemon: return nil
        case .service:
            if hand.identity != nil, hand.account == nil { throw Fault(text: "no such user") }
            return hand.account
        case .journal:
            if ProcessTable.effectiveUser == 0, journalAccount == nil {
                throw Fault(text: "there is no group 'systemd-journal' to read the journal in")
            }
            return journalAccount
        }
    }

    /// Why nobody can be asked.
    struct Fault: Error {
        let text: String
    }

    /// Tells accounts apart.
    static func key(_ account: Account?) -> String {
        guard let account else { return "" }
        let groups = account.groups.map(String.init).joined(separator: ",")
        return "\(account.user):\(account.group):\(groups)"
    }

    func note(_ purpose: Look.Purpose, by index: Int, deadline: Int64) -> Int {
        let serial = workers.nextSerial
        workers.nextSerial += 1
        workers.looks[serial] = Look(
            purpose: purpose, worker: index, asked: now.boot, deadline: deadline)
        workers.check(by: deadline)
        return serial
    }

    // MARK: - Processes

    /// The worker that may touch what this kind of probe names: a path is the service's own
    /// business, and looked at by its user.
    private func networkWorker(
        for hand: Hand, _ kind: Probe.Kind
    ) throws(Fault) -> (Int, WorkerSlot, WorkerProcess) {
        var account = probeAccount
        if kind.namesPath {
            if hand.identity != nil, hand.account == nil { throw Fault(text: "no such user") }
            // A worker that talks to servers is never root.
            if let own = hand.account, own.user != 0 { account = own }
        }
        let key = Self.key(account)
        let index =
            workers.index(.network, key: key)
            ?? workers.add(WorkerSlot(.network, account, key: key))
        let slot = workers.slots[index]!
        if let process = slot.process { return (index, slot, process) }
        return (index, slot, try start(index, slot))
    }

    func start(_ index: Int, _ slot: WorkerSlot) throws(Fault) -> WorkerProcess {
        guard slot.notBefore <= now.boot else {
            throw Fault(text: "the worker failed (\(slot.reason ?? "?")) and is started again soon")
        }
        let command =
            slot.role == .looker
            ? [Self.siblingProgram("regend"), "--look"]
            : [Self.siblingProgram("regen-net"), slot.role.rawValue]
        var ingredients = SpawnPlan.Ingredients(
            command: command,
            environment: ["PATH=\(Forge.path)", "SWIFT_BACKTRACE=enable=no"])
        ingredients.account = slot.account
        ingredients.directory = "/"
        // A service's user can trace what runs as him, and would write in our name.
        let isOurs: Bool
        switch slot.role {
        case .network: isOurs = slot.key == Self.key(probeAccount)
        case .notifier: isOurs = true
        case .looker: isOurs = slot.account == nil
        }
        ingredients.output = isOurs ? .inherited : .null
        if slot.role == .looker { ingredients.limits = [forge.openFiles] }
        do {
            let process = try WorkerProcess(
                ingredients, null: null.raw,
                secret: slot.role == .notifier ? notices.route(slot.key)?.rawSecrets ?? -1 : -1,
                longestAnswer: slot.role.longestAnswer, by: spawner)
            process.token = try poller.add(
                process.raw, for: .readable, as: Source.worker(index).name)
            slot.process = process
            slot.defined = []
            return process
        } catch {
            let reason = reason(error, command[0], slot.account)
            slot.fail("it could not be started: \(reason)", at: now.boot)
            tellOfFault(slot)
            throw Fault(text: "the worker could not be started: \(reason)")
        }
    }

    private func reason(_ error: any Error, _ program: String, _ account: Account?) -> String {
        guard let failure = error as? SpawnPlan.Failure else { return "\(error)" }
        let user = account.map { " as \($0.name)" } ?? ""
        return "\(program)\(user): \(SystemError(failure.code, "").reason)"
    }

    // MARK: - Lookers

    /// Gives a question to a looker; false: all are busy, and there may be no more of them.
    private func assign(_ waiting: Workers.Waiting) -> Bool {
        let mine = workers.slots.indices.filter {
            workers.slots[$0]?.role == .looker && workers.slots[$0]?.key == waiting.key
        }
        if let idle = mine.first(where: { workers.slots[$0]?.isBusy == false }) {
            give(waiting, to: idle)
            return true
        }
        guard mine.count < Workers.mostOfAnAccount, makeRoom() else { return false }
        give(waiting, to: workers.add(WorkerSlot(.looker, waiting.account, key: waiting.key)))
        return true
    }

    /// True: there may be another looker. One that has nothing to do goes for it.
    private func makeRoom() -> Bool {
        guard workers.lookers >= Workers.mostLookers else { return true }
        let idle = workers.slots.indices.filter {
            workers.slots[$0]?.role == .looker && workers.slots[$0]?.isBusy == false
        }
        guard let oldest = idle.min(by: { lastAsked($0) < lastAsked($1) }) else { return false }
        close(oldest)
        return true
    }

    private func lastAsked(_ index: Int) -> Int64 { workers.slots[index]?.lastAsked ?? 0 }

    private func give(_ waiting: Workers.Waiting, to index: Int) {
        guard let slot = workers.slots[index] else { return }
        do throws(Fault) {
            let process: WorkerProcess
            if let running = slot.process {
                process = running
            } else {
                process = try start(index, slot)
            }
            slot.isBusy = true
            slot.lastAsked = now.boot
            // Its time begins now: that others hang is not its fault.
            let deadline = now.boot + waiting.request.timeout.nanoseconds + Self.lookerSlack
            workers.looks[waiting.request.serial] = Look(
                purpose: waiting.purpose, worker: index, asked: now.boot, deadline: deadline)
            process.ask { waiting.request.write(into: &$0) }
            workers.dirty.insert(index)
            workers.check(by: deadline)
            workers.check(by: now.boot + Workers.idleTime)
        } catch {
            workers.slots[index] = nil
            settle(waiting.purpose, .fault(error.text), asked: now.boot)
        }
    }

    /// Ends a looker that has nothing to do.
    private func close(_ index: Int) {
        guard let slot = workers.slots[index] else { return }
        if let process = slot.process {
            if let token = process.token { poller.remove(token, process.raw) }
            // It may have been stopped by its user, and would not see that its socket closes.
            process.kill()
        }
        workers.slots[index] = nil
    }

    /// Whoever still tries a remedy for a place must not go on: its process is to begin now.
    func endRemedy(_ place: Int) {
        func isMeant(_ purpose: Look.Purpose) -> Bool {
            if case .remedy(place, _) = purpose { true } else { false }
        }
        workers.waiting.removeAll { isMeant($0.purpose) }
        guard let look = workers.looks.values.first(where: { isMeant($0.purpose) }) else { return }
        lose(look.worker, "its remedy is no longer wanted", .fault("it is no longer wanted"))
    }

    // MARK: - Answers

    func workerReady(_ index: Int, _ readiness: Readiness) {
        guard let slot = workers.slots.indices.contains(index) ? workers.slots[index] : nil,
            let process = slot.process
        else { return }
        if readiness.contains(.writable) { workers.dirty.insert(index) }
        // There are no more answers than questions.
        let most = workers.looks.count
        var lines: [[UInt8]] = []
        let state = process.read { line in
            lines.append(line)
            return lines.count <= most
        }
        for line in lines {
            guard take(line, from: index, slot) else {
                return lose(index, "it wrote what is no answer")
            }
            // What an answer brings about can end the one that gave it.
            guard workers.slots[index] === slot, slot.process === process else { return }
        }
        switch state {
        case .open: serveWaiting()
        case .ended: lose(index, "it has ended")
        case .broken: lose(index, "it wrote a line without an end, or more than it was asked")
        }
    }

    private func take(_ line: [UInt8], from index: Int, _ slot: WorkerSlot) -> Bool {
        let finding: Finding
        let serial: Int
        switch slot.role {
        case .network:
            guard let answer = Answer(line: line) else { return false }
            (finding, serial) = (.answer(answer), answer.serial)
        case .notifier:
            guard let answer = DeliveryAnswer(line: line) else { return false }
            (finding, serial) = (.delivery(answer), answer.serial)
        case .looker:
            guard let answer = LookAnswer(line: line) else { return false }
            finding =
                switch answer {
                case .probe(let answer): .answer(answer)
                case .remedy(let answer): .remedy(answer)
                case .survey(let survey): .survey(survey)
                }
            serial = answer.serial
        }
        // Nobody may answer what another was asked.
        guard let look = workers.looks[serial], look.worker == index else { return false }
        workers.looks[serial] = nil
        slot.isBusy = false
        slot.faults = 0
        settle(look.purpose, finding, asked: look.asked)
        return true
    }

    /// A worker has ended, or is ended because it does not do what it should.
    func lose(_ index: Int, _ why: String, _ finding: Finding? = nil) {
        guard let slot = workers.slots[index], let process = slot.process else { return }
        if let token = process.token { poller.remove(token, process.raw) }
        process.kill()
        if finding == nil {
            write(.workerFailed(role: slot.role.rawValue, pid: process.pid, reason: why))
        }
        slot.fail(why, at: now.boot)
        tellOfFault(slot)
        // Before anybody is told, who could ask again at once: another looker has another place.
        if slot.role == .looker { workers.slots[index] = nil }
        let lost = workers.looks.filter { $0.value.worker == index }.keys.sorted()
        for serial in lost {
            guard let look = workers.looks.removeValue(forKey: serial) else { continue }
            settle(
                look.purpose, finding ?? .fault("the worker failed: \(why)"), asked: look.asked)
        }
        serveWaiting()
    }

    /// Gives to free lookers what waits for them, oldest first.
    private func serveWaiting() {
        guard !workers.waiting.isEmpty else { return }
        // What comes of one may ask anew, and be served before this ends: each is in one list only.
        let waiting = workers.waiting
        workers.waiting = []
        var busy: Set<String> = []
        for one in waiting {
            if one.deadline <= now.boot {
                settle(one.purpose, .fault("no looker was free"), asked: now.boot)
            } else if busy.contains(one.key) || !assign(one) {
                busy.insert(one.key)
                workers.waiting.append(one)
            }
        }
    }

    // MARK: - Once in a turn

    func keepWorkers() {
        flushWorkers()
        guard let due = workers.nextCheck, due <= now.boot else { return }
        workers.nextCheck = nil
        endLateLooks()
        serveWaiting()
        for index in workers.slots.indices {
            guard let slot = workers.slots[index], slot.role == .looker, !slot.isBusy else {
                continue
            }
            if slot.lastAsked + Workers.idleTime <= now.boot {
                close(index)
            } else {
                workers.check(by: slot.lastAsked + Workers.idleTime)
            }
        }
        for look in workers.looks.values { workers.check(by: look.deadline) }
        for waiting in workers.waiting { workers.check(by: waiting.deadline) }
    }

    /// What has come while an exec lasted is read in the next turn, before it is late.
    private func endLateLooks() {
        let late = workers.looks.filter { $0.value.deadline <= turnBegan }.keys.sorted()
        for serial in late {
            guard let look = workers.looks[serial], let slot = workers.slots[look.worker] else {
                continue
            }
            if slot.role == .looker, now.boot - look.deadline <= Self.mostLateness {
                lose(look.worker, "what it looked at hangs", .late)
            } else {
                lose(look.worker, "it does not answer")
            }
        }
    }

    private func flushWorkers() {
        guard !workers.dirty.isEmpty else { return }
        let dirty = workers.dirty.sorted()
        workers.dirty = []
        for index in dirty {
            guard let slot = workers.slots[index], let process = slot.process,
                let token = process.token
            else { continue }
            switch process.flush() {
            case .open:
                guard process.isCongested != process.isWatchedForWriting else { continue }
                process.isWatchedForWriting = process.isCongested
                let wanted: Readiness =
                    process.isCongested ? [.readable, .writable] : [.readable]
                try? poller.change(token, process.raw, for: wanted)
            case .ended: lose(index, "it has ended")
            case .broken: lose(index, "it does not read what it is asked")
            }
        }
    }

    /// No worker outlives the daemon: their sockets close, and they end.
    func endWorkers() {
        for slot in workers.slots { slot?.process?.kill() }
    }
}
