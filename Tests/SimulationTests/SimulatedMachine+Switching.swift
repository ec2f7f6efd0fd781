import Records
import SafeSwitch
import Supervision

/// SafeSwitch beside the mind, as the daemon has it: what it is told, and its hands.
extension SimulatedMachine {
    var stamp: SimStamp {
        SimStamp(boot: boot, at: now.nanoseconds, wall: wall + now.nanoseconds)
    }

    /// Nanoseconds by a clock that nobody sets and that never stops.
    var truth: Int64 { trueBase + now.nanoseconds }

    mutating func startSwitcher() {
        guard hasNixOS else { return }
        var memory = diary.memory(stamp)
        sabotageMemory(&memory)
        if trace != nil {
            for number in instances.indices {
                let name = instances[number].name
                say(
                    "    remembered of \(name): \(memory.services[name].map { "\($0)" } ?? "nothing")"
                )
            }
        }
        diary.write(.daemonStarted(pid: 1, version: "1"), stamp)
        // A new daemon takes in what is there, and its first words are synced with all before them.
        sync()
        oversight.resume(memory.flight)
        switcher = SwitchMind(memory: memory)
    }

    /// Everything that was said is on the disk.
    private mutating func sync() {
        diary.sync()
        certainLines = ledger.count
    }

    private func sabotageMemory(_ memory: inout SwitchMemory) {
        switch sabotage {
        case .foldForgetsRollbacks:
            memory.rollbacks = []
            memory.rolledBack = []
        case .foldForgetsQuarantine: memory.quarantined = []
        case .foldForgetsFlight: memory.flight = nil
        default: break
        }
    }

    /// A configuration is in force.
    mutating func tellConfiguration() {
        guard hasNixOS, let mind else { return }
        var subjects: [Subject?] = []
        for id in mind.all {
            while subjects.count <= id.index { subjects.append(nil) }
            let name = mind.definition(id).name
            guard let number = numbers[name], instances[number].isConfigured else { continue }
            subjects[id.index] = Subject(service: name, paths: ["/run/current-system/\(name)"])
        }
        hands.switchEvents.append(.configured(safeSwitch, subjects))
    }

    /// What each service is started with is what the running system has.
    mutating func readSystem() {
        guard hasNixOS else { return }
        let versions = nixos.systems[nixos.current].versions
        for number in instances.indices {
            let own = instances[number].definition.launch & 0xFFFF_FFFF
            instances[number].definition.launch = own | UInt64(versions[number]) << 32
        }
        for place in configuration.indices {
            guard let number = numbers[configuration[place].name] else { continue }
            configuration[place].launch = instances[number].definition.launch
        }
    }

    // MARK: Turns

    /// What has come due of the hands' work.
    mutating func collectSwitchEvents() throws {
        guard hasNixOS else { return }
        if let rebootAt, rebootAt <= now {
            reboot(isOrderly: true)
            throw Killed()
        }
        let late = hands.later.filter { $0.due <= now }
        hands.later.removeAll { $0.due <= now }
        for one in late {
            if case .durable = one.event {
                sync()
                oversight.certain = oversight.words
            }
            hands.switchEvents.append(one.event)
        }
        let looks = hands.surveys.filter { $0.due <= now }
        hands.surveys.removeAll { $0.due <= now }
        for look in looks { hands.switchEvents.append(answer(look)) }
    }

    /// SafeSwitch is told what has happened, and does what it says.
    mutating func serveSwitch(into records: inout [SimRecord]) throws {
        guard hasNixOS else { return }
        guard hands.ending == nil, mind != nil, hands.hasBegun else {
            return hands.switchEvents.removeAll()
        }
        if let due = hands.reloadAt, due <= now {
            hands.reloadAt = nil
            readSystem()
            try handle(.configured(configuration), into: &records)
        }
        var turns = 0
        var isDue = false
        while mind != nil {
            turns += 1
            if turns > 2000 { throw Violation(rule: .flood, what: "SafeSwitch never rests") }
            if hands.switchEvents.isEmpty {
                guard let due = switcher?.nextDeadline(), due <= now else { break }
                if isDue { throw Violation(rule: .deadlines, what: "SafeSwitch: \(due) at \(now)") }
                isDue = true
                try think(.deadlineReached, into: &records)
            } else {
                let event = hands.switchEvents.removeFirst()
                noteDelivery(event)
                try think(event, into: &records)
            }
        }
        try checkSwitching()
    }

    private mutating func think(_ event: SwitchEvent, into records: inout [SimRecord]) throws {
        guard let mind else { return }
        var actions: [SwitchAction] = []
        if trace != nil { say("\(now.nanoseconds / 1_000_000) ms  switch: \(brief(event))") }
        let wall = stamp.wall
        switcher?.handle(event, at: now, wall: wall, services: mind, into: &actions)
        events += 1
        if trace != nil { for action in actions { say("        switch: \(brief(action))") } }
        if keepsActions { switchActions += actions }
        if actions.count > 64 + 4 * instances.count {
            throw Violation(rule: .flood, what: "\(actions.count) actions for \(event)")
        }
        for action in actions {
            try mayDie()
            try check(action, of: actions)
            try perform(action, into: &records)
            if self.mind == nil { return }
        }
        try checkFlights()
    }

    private mutating func perform(
        _ action: SwitchAction, into records: inout [SimRecord]
    ) throws {
        switch action {
        case .survey(let serial, let question, _): survey(serial, question)
        case .record(let record): try write(record, &records)
        case .recordDurably(let record, let serial):
            if sabotage != .handsSkipIntents { try write(record, &records) }
            sync(serial)
        case .perform(let deed, let serial):
            let wait = random.oneIn(10) ? 3000 : random.within(1...50)
            deeds.append(
                SimDeed(deed: deed, serial: serial, due: now + .milliseconds(wait), life: life))
        case .activate(let system, let activation, let flight, let serial):
            activate(system, activation, flight, serial)
        case .resumeWatch(let process, _, let serial):
            if nixos.activation?.process == process, sabotage != .handsRunTwice {
                nixos.activation?.serial = serial
                nixos.activation?.isChild = false
            } else {
                let status: Supervision.ExitStatus =
                    sabotage == .handsRunTwice ? .signal(9, outOfMemory: false) : .unknown
                hands.later.append((now, .activationEnded(serial: serial, status)))
            }
        case .tell(let event):
            if case .instance(let id, .triaged) = event {
                if sabotage == .handsLoseAnswers { return }
                hands.accused[id.index] = nil
            }
            try handle(event, into: &records)
        case .reload: hands.reloadAt = now + .milliseconds(random.within(0...500))
        case .answer: break
        }
    }

    /// In the order in which all was said.
    private mutating func write(_ record: SwitchRecord, _ records: inout [SimRecord]) throws {
        try write(records)
        records = []
        if sabotage == .ledgerLosesLandings, case .flightEnded = record { return }
        diary.write(.switching(record), stamp)
        oversight.note(record)
        if !isCalm, case .intended = record, random.oneIn(4) {
            deployAt = now + .milliseconds(random.within(0...20_000))
        }
    }

    private mutating func sync(_ serial: Int) {
        let isTrouble = !isCalm && random.oneIn(12)
        let wait = Interval.milliseconds(
            isTrouble ? random.within(1...2500) : random.within(1...40))
        if isTrouble, random.oneIn(4) { return }
        hands.later.append(
            (now + wait, isTrouble ? .notDurable(serial: serial) : .durable(serial: serial)))
    }

    // MARK: Looks

    private mutating func survey(_ serial: Int, _ question: Question?) {
        // Some never come back.
        if !isCalm, random.oneIn(80) { return }
        let isSlow = !isCalm && random.oneIn(30)
        let wait = isSlow ? random.within(1000...15_000) : random.within(5...200)
        var look = SimHands.Survey(
            serial: serial, question: question, due: now + .milliseconds(wait))
        if random.oneIn(2) { see(&look) }
        hands.surveys.append(look)
    }

    private mutating func see(_ look: inout SimHands.Survey) {
        look.landscape = nixos.landscape()
        look.seenAt = now
        look.isForeign = nixos.activation.map { $0.flight == nil } ?? false
        if sabotage == .handsHideSwitches, look.isForeign { look.landscape?.switchHolder = nil }
        guard let question = look.question, let number = numbers[question.subject.service] else {
            return
        }
        look.comparison = nixos.compare(number, question.before, question.after)
        if sabotage == .handsMistakeDifferences {
            look.comparison?.unit = .differs
        }
    }

    private mutating func answer(_ look: SimHands.Survey) -> SwitchEvent {
        var look = look
        if look.landscape == nil { see(&look) }
        let fails = now < nixos.unseenUntil || !isCalm && random.oneIn(25)
        guard !fails, sabotage != .handsSeeNothing, let landscape = look.landscape else {
            return .surveyFailed(serial: look.serial, "nobody can look")
        }
        hands.sights[look.serial] = (look.seenAt, look.isForeign)
        return .surveyed(serial: look.serial, landscape, look.comparison)
    }

    private mutating func noteDelivery(_ event: SwitchEvent) {
        switch event {
        case .surveyed(let serial, _, _):
            oversight.signSince = nil
            if let seen = hands.sights.removeValue(forKey: serial), seen.at >= hands.seen.at {
                hands.seen = seen
            }
        case .changed: oversight.signSince = oversight.signSince ?? truth
        case .durable: oversight.confirmIntents()
        default: break
        }
    }

    // MARK: Said in short

    private func brief(_ event: SwitchEvent) -> String {
        switch event {
        case .configured(let policy, _): "configured \(policy.mode)"
        case .surveyed(let serial, let landscape, let comparison):
            "surveyed \(serial): current \(landscape.current ?? "-"), default "
                + "\(landscape.defaultGeneration ?? 0), holder \(landscape.switchHolder ?? 0)"
                + (comparison.map { ", differs \($0.serviceDiffers)" } ?? "")
        default: "\(event)"
        }
    }

    private func brief(_ action: SwitchAction) -> String {
        switch action {
        case .record(.planned(_, let outcome)): "planned \(outcome)"
        default: "\(action)"
        }
    }
}
