import Supervision

/// The daemon's side of units, simulated: what is told, and what is done.
extension UnitMachine {
    // MARK: Start and end

    mutating func startRegen() throws(UnitViolation) {
        now = now + .milliseconds(random.oneIn(5) ? random.within(0...20_000) : 1)
        advance()
        var memory = remember(ledger, boot: boot, now: now, wall: wall + now.nanoseconds)
        for name in memory.instances.keys.sorted() {
            switch sabotage {
            case .foldForgetsProcesses: memory.instances[name]?.process = nil
            case .foldForgetsIncidents: memory.instances[name]?.incident = nil
            case .foldForgetsWork: memory.instances[name]?.isRestarting = false
            case .foldForgetsBoots: memory.instances[name]?.attempt = 0
            default: break
            }
        }
        say("--- Regen starts")
        mind = Mind(seed: random.next(), memory: memory)
        hands = UnitHands(units: systemd.units.count)
        // What it is not told of is new to it when it comes back.
        for i in facts.indices where !isConfigured[i] {
            facts[i].isUp = false
            facts[i].isExpected = false
        }
        // What is told to one daemon is nothing to the next.
        tellings = []
        for i in systemd.units.indices { systemd.units[i].job = nil }
        systemd.changed = Set(systemd.units.indices)
        do {
            try configure(memory)
            if switchEnds != nil { try handle(.switchBegan) }
            if random.oneIn(2) { try lookAtUnits() }
            try handle(.begun)
            hands.hasBegun = true
            planSights()
        } catch let violation as UnitViolation {
            throw violation
        } catch {
            mind = nil
        }
    }

    /// What is configured no longer, and was somebody's when the last daemon ended, is said goodbye.
    private mutating func configure(_ memory: Memory) throws {
        let leftovers = definitions.indices.filter { i in
            let past = memory.instances[name(i)]
            return !isConfigured[i] && (past?.process != nil || past?.incident != nil)
        }
        if !leftovers.isEmpty {
            try handle(.configured(configuration + leftovers.map { definitions[$0] }))
        }
        try handle(.configured(configuration))
    }

    mutating func wakeUp() throws(UnitViolation) {
        advance()
        do {
            for event in dueTellings() { try handle(event) }
            if !isCalm, operatorAt <= now {
                operatorAt = now + .milliseconds(random.within(1...20_000))
                for event in try operatorEvents() { try handle(event) }
            }
            advance()
            try answerJobs()
            if let due = hands.sightsAt, due <= now { try lookAtUnits() }
            for look in hands.looks.filter({ $0.due <= now }) { try answer(look) }
            hands.looks.removeAll { $0.due <= now }
            let answers = hands.answers.filter { $0.due <= now }
            hands.answers.removeAll { $0.due <= now }
            for answer in answers { try handle(answer.event) }
            if let due = mind?.nextDeadline(), due <= now { try handle(.deadlineReached) }
            planSights()
            try check()
        } catch let violation as UnitViolation {
            throw violation
        } catch {
            say("--- Regen is killed")
            mind = nil
        }
    }

    private mutating func dueTellings() -> [Event] {
        let due = tellings.filter { $0.due <= now }
        tellings.removeAll { $0.due <= now }
        return due.map(\.event)
    }

    // MARK: Sights

    private mutating func planSights() {
        if systemd.changed.isEmpty {
            hands.sightsAt = nil
        } else if hands.sightsAt == nil {
            let wait =
                isCalm ? 1 : random.oneIn(20) ? random.within(1...3000) : random.within(0...60)
            hands.sightsAt = max(now + .milliseconds(wait), busLostUntil)
        }
    }

    /// Looks at every unit that has changed.
    private mutating func lookAtUnits() throws {
        guard busLostUntil <= now else { return }
        hands.sightsAt = nil
        for i in systemd.changed.sorted() {
            systemd.changed.remove(i)
            if sabotage == .handsHideSights, random.oneIn(20) { continue }
            try tellSight(i)
        }
    }

    private mutating func tellSight(_ i: Int) throws {
        guard let id = mind?.id(named: name(i)) else { return }
        var sight = systemd.units[i].sight
        switch sabotage {
        case .handsHideStops: sight.wasStopped = false
        case .handsMistakeStarters: sight.starter = .regen
        case .handsInventRestarts: if sight.exit != nil { sight.restarts += 1 }
        default: break
        }
        if hands.told[i]?.sight.invocation != sight.invocation { hands.hasFailedLook[i] = false }
        hands.told[i] = (sight, now)
        let failsToCome =
            sight.activity == .activating || sight.activity == .failed && !sight.wasStopped
        if !failsToCome { facts[i].isExpected = false }
        try handle(.instance(id, .unit(sight)))
    }

    // MARK: Jobs

    private mutating func answerJobs() throws {
        for i in systemd.units.indices {
            guard let id = hands.jobs[i], let end = jobEnd(i) else { continue }
            hands.jobs[i] = nil
            hands.lostAt[i] = nil
            systemd.units[i].job = nil
            try handle(.instance(id, .jobEnded(end)))
            systemd.changed.insert(i)
            if busLostUntil <= now, !random.oneIn(10) {
                systemd.changed.remove(i)
                try tellSight(i)
            }
        }
    }

    /// How the job of that unit ended; `nil`: it has not.
    func jobEnd(_ i: Int) -> UnitJobEnd? {
        let unit = systemd.units[i]
        if let lost = hands.lostAt[i] { return lost <= now ? .lost : nil }
        if busLostUntil > now { return .lost }
        if !unit.isLoaded { return .refused }
        switch unit.job {
        case nil: return .refused
        case .up:
            if unit.isWell { return .done }
            // Whoever stops it cancels the job.
            if unit.isDown, unit.stoppedAt != nil { return .refused }
            return unit.isDown || unit.isRetrying ? .failed : nil
        case .down: return unit.isDown ? .done : unit.activity == .deactivating ? nil : .refused
        }
    }

    private mutating func ask(_ i: Int, _ id: InstanceID, _ job: SimUnit.Job) throws {
        hands.jobs[i] = id
        guard busLostUntil <= now else {
            hands.lostAt[i] = now + .milliseconds(random.within(0...25_000))
            return
        }
        if !isCalm, random.oneIn(15) {
            hands.lostAt[i] = now + .milliseconds(random.within(0...60_000))
        }
        if !isCalm, random.oneIn(20) { return }
        systemd.units[i].job = job
        switch job {
        case .up:
            systemd.resetFailed(i, at: now)
            if systemd.units[i].isDown {
                systemd.start(i, at: now)
            } else {
                systemd.restart(i, at: now)
            }
        case .down: systemd.stop(i, at: now, by: true)
        }
    }

    // MARK: Looks

    private mutating func answer(_ look: UnitHands.Look) throws {
        guard let i = hands.owner(look.id) else { return }
        let unit = systemd.units[i]
        var outcome: ProbeOutcome =
            unit.isWell && unit.health.isWell(at: now) ? .passed : .failed
        if !isCalm, random.oneIn(25) { outcome = .unknown }
        if sabotage == .handsMistakeProbes, random.oneIn(3) {
            outcome = .failed
        } else if outcome == .failed {
            hands.hasFailedLook[i] = true
        }
        try handle(
            .instance(look.id, .probed(probe: look.probe, serial: look.serial, outcome)))
    }

    // MARK: Deeds

    /// Tells the mind, does what it asks for, and writes its records down.
    mutating func handle(_ event: Event) throws {
        guard mind != nil else { return }
        noteEvent(event)
        var actions: [Action] = []
        say("\(now.nanoseconds / 1_000_000) ms  \(brief(event))")
        mind?.handle(event, at: now, into: &actions)
        events += 1
        for action in actions {
            let owner = action.instance.flatMap { hands.owner($0) }
            say("        u\(owner ?? -1): \(action)")
        }
        if case .configured = event { knowOwners() }
        try check(event, actions)
        var records: [SimRecord] = []
        for action in actions {
            try mayDie()
            if case .record(let record) = action {
                records.append(line(record))
            } else {
                try perform(action, of: event)
            }
        }
        for record in records {
            try mayDie()
            ledger.append(record)
            try note(record)
        }
    }

    private func brief(_ event: Event) -> String {
        switch event {
        case .configured(let definitions): "configured \(definitions.map(\.name))"
        case .instance(let id, .unit(let sight)):
            "u\(hands.owner(id) ?? -1) \(sight.activity) #\(sight.invocation.low) "
                + "restarts \(sight.restarts), exit \(sight.exit.map { "\($0)" } ?? "-")"
                + (sight.isFailure ? ", failure" : "") + (sight.wasStopped ? ", stopped" : "")
                + ", \(sight.starter)"
        case .instance(let id, let event): "u\(hands.owner(id) ?? -1) \(event)"
        default: "\(event)"
        }
    }

    private mutating func mayDie() throws {
        if let killRate, random.oneIn(killRate) { throw Killed() }
    }

    private mutating func knowOwners() {
        guard let mind else { return }
        for id in mind.all {
            while hands.owners.count <= id.index { hands.owners.append(nil) }
            hands.owners[id.index] = definitions.firstIndex { $0.name == mind.definition(id).name }
        }
    }

    private func line(_ record: Record) -> SimRecord {
        let owner = record.instance.flatMap { hands.owner($0) }
        return SimRecord(
            boot: boot, at: now, wall: wall + now.nanoseconds, name: owner.map(name) ?? "",
            launch: 0, record: record)
    }

    private mutating func perform(_ action: Action, of event: Event) throws {
        switch action {
        case .spawn(let id, _):
            guard let i = hands.owner(id) else { return }
            try checkStart(i)
            try ask(i, id, .up)
        case .terminate(let id, _):
            guard let i = hands.owner(id) else { return }
            try checkStop(i)
            try ask(i, id, .down)
        case .probe(let id, let probe, let serial):
            let wait = random.within(1...20)
            hands.looks.append(
                UnitHands.Look(
                    id: id, probe: probe, serial: serial, due: now + .milliseconds(wait)))
        case .remedy(let id, _, _, let serial):
            let outcome = isCalm ? .applied : random.pick(RemedyOutcome.allCases)
            hands.answers.append(
                (
                    now + .seconds(random.within(0...20)),
                    .instance(id, .remedied(serial: serial, outcome))
                ))
        case .triage(let id, _, _):
            let word: Triaged = random.oneIn(2) ? .retry : .handOver(nil)
            hands.answers.append(
                (now + .seconds(random.within(0...60)), .instance(id, .triaged(word))))
        case .kill, .sweep, .watchTree:
            throw UnitViolation(rule: .stops, what: "\(action)")
        case .finish:
            mind = nil
            say("--- Regen ends")
        case .forget(let id):
            // Old answers are for nobody.
            hands.looks.removeAll { $0.id == id }
            hands.answers.removeAll {
                if case .instance(id, _) = $0.event { true } else { false }
            }
            if let i = hands.owner(id) { hands.told[i] = nil }
        case .record: break
        }
    }
}
