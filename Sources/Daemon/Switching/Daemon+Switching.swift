import Configuration
import Control
import Ledger
import Linux
import Records
import SafeSwitch
import Supervision

/// SafeSwitch beside the mind: facts for it, and hands for what it wants. It is told once in a turn of
/// the loop, when services have been seen to: a restart never waits for it.
extension Daemon {
    /// Remembers what SafeSwitch's mind is to be told in this turn or the next.
    func tellSwitch(_ event: SwitchEvent) {
        if switching.isActive { switching.events.append(event) }
    }

    /// Tells it what has happened, and does what it says.
    func serveSwitch() {
        guard switching.isActive else { return }
        // What is under way then goes on with the next daemon.
        guard state == .ready else { return dropSwitchEvents() }
        checkSystemWatch()
        checkIntents()
        checkOrders()
        tendActivation()
        if let deadline = switching.mind.nextDeadline(), deadline <= instant {
            tellSwitch(.deadlineReached)
        }
        var left = Switching.eventsPerTurn
        while switching.hasWork, left > 0 {
            left -= 1
            let event = switching.events[switching.next]
            switching.next += 1
            take(event)
        }
        if !switching.hasWork { dropSwitchEvents() }
    }

    private func take(_ event: SwitchEvent) {
        switching.mind.handle(
            event, at: instant, wall: now.wall, services: mind, into: &switching.actions)
        // What an action brings about at once is an event that waits for its turn.
        for action in switching.actions { perform(action) }
        switching.actions.removeAll(keepingCapacity: true)
    }

    private func dropSwitchEvents() {
        switching.next = 0
        if switching.events.empty() { mustTrim = true }
    }

    /// When SafeSwitch is to be looked after.
    var nextSwitchDeadline: Int64? {
        guard switching.isActive, state == .ready else { return nil }
        var next = switching.mind.nextDeadline()?.nanoseconds ?? .max
        next = min(next, switching.watch?.due ?? .max)
        for intent in switching.intents { next = min(next, intent.deadline) }
        for order in switching.orders { next = min(next, order.deadline) }
        next = min(next, switching.activation?.deadline ?? .max)
        return next == .max ? nil : next
    }

    private func perform(_ action: SwitchAction) {
        switch action {
        case .survey(let serial, let question, let system):
            survey(serial, question, also: system)
        case .record(let record): write(record)
        case .recordDurably(let record, let serial): writeDurably(record, serial)
        case .perform(let deed, let serial): self.perform(deed, serial)
        case .activate(let system, let activation, let flight, let serial):
            activate(system, activation, flight: flight, serial: serial)
        case .resumeWatch(let process, let flight, let serial):
            resumeWatch(process, flight: flight, serial: serial)
        case .tell(let event):
            note(event)
            tell(event)
        case .reload:
            switching.wantsReload = true
            reload()
        case .answer(let request, let answer): self.answer(request, answer)
        }
    }

    private func note(_ event: Event) {
        switch event {
        case .switchBegan: switching.subjects.switchBegan()
        case .switchEnded: switching.subjects.switchEnded()
        case .generationChanged: switching.subjects.generationChanged()
        default: break
        }
    }

    // MARK: - Beginning and configuration

    /// A configuration is in force: the mind has its instances.
    func configureSwitching(_ configuration: Configuration) {
        switching.subjects.load(configuration, options)
        let policy = configuration.safeSwitch
        switching.policy = policy
        if policy != nil || switching.flight != nil { switching.activate() }
        guard switching.isActive else { return }
        watchSystem(policy)
        tellSubjects()
    }

    /// What blame compares of each instance.
    func tellSubjects() {
        guard switching.isActive else { return }
        var subjects = [Subject?](repeating: nil, count: hands.count)
        for id in mind.all where subjects.indices.contains(id.index) {
            let definition = mind.definition(id)
            subjects[id.index] = switching.subjects.subject(
                definition.name, of: definition.service)
            subjects[id.index]?.unit = (hands[id.index] as? UnitHand).map { "\($0.unit)" }
        }
        tellSwitch(.configured(switching.policy ?? SafeSwitchPolicy(mode: .off), subjects))
    }

    private func watchSystem(_ policy: SafeSwitchPolicy?) {
        let isWanted = policy.map { $0.mode != .off } ?? false || switching.flight != nil
        guard isWanted != (switching.watch != nil) else { return }
        guard isWanted else {
            if let token = switching.watchToken, let raw = switching.watch?.raw {
                poller.remove(token, raw)
            }
            switching.watch = nil
            return
        }
        do throws(SystemError) {
            let watch = try SystemWatch(root: options.root)
            switching.watchToken = try poller.add(
                watch.raw, for: .readable, as: Source.systemWatch.name)
            switching.watch = consume watch
        } catch {
            // The slow poll sees changes too, later.
            narrator.say(.warning, "cannot watch for switches at once: \(error)")
        }
    }

    private func checkSystemWatch() {
        if switching.watch?.takeDue(at: now.boot) == true { tellSwitch(.changed) }
    }

    // MARK: - Records

    private func write(_ record: SwitchRecord) {
        switching.story.take(record, at: now)
        switch record {
        case .generationChanged(_, _, let generation, _):
            writeRecords()  // what is pending was of the generation before
            chronicle.generation = generation
        case .intended(let flight): switching.flight = flight.id
        case .flightEnded(let flight, _) where flight == switching.flight:
            switching.flight = nil
            switching.isInherited = false
            if switching.owesReload {
                switching.owesReload = false
                reload()
            }
        default: break
        }
        write(.switching(record))
    }

    private func writeDurably(_ record: SwitchRecord, _ serial: Int) {
        let lost = chronicle.lost
        write(record)
        writeRecords()
        guard chronicle.isSound, chronicle.lost == lost,
            switching.intents.count < Switching.mostWaiting
        else { return tellSwitch(.notDurable(serial: serial)) }
        switching.intents.append(
            Switching.Intent(
                serial: serial, ticket: chronicle.ticket,
                deadline: now.boot + SwitchMind.durableWait.nanoseconds))
        checkIntents()
    }

    /// Tells which records have reached the disk, and which will not in time.
    private func checkIntents() {
        let isSound = chronicle.isSound
        if switching.toldSound != isSound {
            switching.toldSound = isSound
            tellSwitch(.ledger(isSound: isSound))
        }
        switching.intents.removeAll { intent in
            if isSound, chronicle.isDurable(intent.ticket) {
                tellSwitch(.durable(serial: intent.serial))
                return true
            }
            guard !isSound || intent.deadline <= now.boot else { return false }
            tellSwitch(.notDurable(serial: intent.serial))
            return true
        }
    }
}
