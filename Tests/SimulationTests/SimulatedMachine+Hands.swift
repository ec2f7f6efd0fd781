import Records
import SafeSwitch
import Supervision

/// Regen's daemon, simulated: its start, its wake-ups and its hands.
extension SimulatedMachine {
    // MARK: Start

    mutating func startRegen() throws(Violation) {
        let pause = random.oneIn(5) ? random.within(0...20_000_000_000) : 1_000_000
        now = now + Interval(nanoseconds: pause)
        life += 1
        advanceSystems()
        _ = kernel.reap(at: now)
        if !isCalm, random.oneIn(4) { changeConfiguration() }
        readSystem()
        for i in instances.indices where !instances[i].isConfigured {
            // Nothing was ours, so nothing is left over.
            instances[i].detachedLaunch = nil
        }
        let remember = remembersByLines ? rememberByLines : remember
        var memory = remember(
            ledger, boot, now, wall + now.nanoseconds)
        sabotageMemory(&memory)
        say("--- Regen starts")
        mind = Mind(seed: random.next(), memory: memory)
        hands = SimHands()
        dog.reopen(at: now)
        startSwitcher()
        do {
            try adopt(memory)
        } catch let violation as Violation {
            throw violation
        } catch {
            die()
        }
    }

    private mutating func adopt(_ memory: Memory) throws {
        killWhatHasNoMain()
        let leftovers = instances.indices.filter { isLeftover($0, memory) }
        var records: [SimRecord] = []
        try handle(
            .configured(configuration + leftovers.map { leftover($0, memory) }), into: &records)
        let said = hands.switchEvents
        hands.switchEvents = []
        tellConfiguration()
        hands.switchEvents += said
        for number in instances.indices {
            guard let id = mind?.id(named: instances[number].name) else { continue }
            try tellPast(of: number, id, memory, into: &records)
        }
        if !leftovers.isEmpty { try handle(.configured(configuration), into: &records) }
        try handle(.begun, into: &records)
        if hasNixOS { hands.switchEvents += [.ledger(isSound: true), .begun] }
        try serveSwitch(into: &records)
        try write(records)
    }

    /// What a main process left that ended while Regen was down: nobody else would ever end it.
    private mutating func killWhatHasNoMain() {
        for i in kernel.processes.indices where kernel.main(of: kernel.processes[i].owner) == nil {
            kernel.processes[i].kill(at: now)
        }
    }

    private func isLeftover(_ number: Int, _ memory: Memory) -> Bool {
        let instance = instances[number]
        if instance.isConfigured { return false }
        let past = memory.instances[instance.name]
        return kernel.main(of: number) != nil || past?.process != nil || past?.incident != nil
    }

    private func leftover(_ number: Int, _ memory: Memory) -> InstanceDefinition {
        var definition = instances[number].definition
        if let main = kernel.main(of: number) { definition.launch = kernel.processes[main].launch }
        return definition
    }

    private mutating func tellPast(
        of number: Int, _ id: InstanceID, _ memory: Memory, into records: inout [SimRecord]
    ) throws {
        let past = memory.instances[instances[number].name]
        if let main = kernel.main(of: number) {
            let process = kernel.processes[main]
            guard past?.process == process.identity || process.attempt > past?.attempt ?? 0 else {
                return
            }
            watch(id, process, isChild: false)
            let launch = sabotage == .adoptionMistakesLaunch ? 0 : process.launch
            try handle(
                .instance(
                    id,
                    .adopted(
                        process.identity, attempt: process.attempt, since: process.born,
                        launch: launch)), into: &records)
        } else if let process = past?.process {
            try handle(.instance(id, .vanished(process)), into: &records)
        }
    }

    private mutating func watch(_ id: InstanceID, _ process: SimProcess, isChild: Bool) {
        hands.makeRoom(id.index + 1)
        hands.watches[id.index] = SimHands.Watch(process: process.identity, isChild: isChild)
        forgetTallies(id)
    }

    private mutating func forgetTallies(_ id: InstanceID) {
        hands.makeRoom(id.index + 1)
        hands.watchedSince[id.index] = now
        hands.startTimeouts[id.index] = mind?.definition(id).policy.start.timeout ?? .zero
        hands.tallies[id.index] = [:]
    }

    // MARK: Wake-ups

    mutating func wakeUp() throws(Violation) {
        var batch: [Event] = []
        var records: [SimRecord] = []
        do {
            if !isCalm, operatorAt <= now {
                operatorAt =
                    now
                    + Interval(
                        nanoseconds: random.within(1...(isOrderly ? 300 : 20) * 1_000_000_000))
                if let act = operatorEvents() { batch += act } else { throw Killed() }
            }
            advanceSystems()
            try collectSwitchEvents()
            batch += deaths() + treeEnds() + findings() + mendings()
            batch.shuffle(using: &random)
            if random.oneIn(2) {
                try handle(batch, into: &records)
            } else {
                for event in batch { try handle(event, into: &records) }
            }
            // Facts first: a success that is known by now is no time-out.
            if sabotage != .handsLoseDeadlines, let deadline = mind?.nextDeadline(),
                deadline <= now
            {
                try handle(.deadlineReached, into: &records)
            }
            try serveSwitch(into: &records)
            try write(records)
            try tendWatchdog()
            if hands.ending == nil, mind == nil { say("--- Regen ended") }
        } catch let violation as Violation {
            throw violation
        } catch {
            die()
        }
    }

    private mutating func deaths() -> [Event] {
        var events: [Event] = []
        for process in kernel.reap(at: now) where process.isMain {
            say("    kernel: \(instances[process.owner].name) \(process.identity.pid) ended")
            for i in hands.watches.indices where hands.watches[i]?.process == process.identity {
                let isChild = hands.watches[i]?.isChild ?? false
                hands.watches[i] = nil
                if sabotage == .handsLoseExits, random.oneIn(20) { continue }
                hands.isDeathUntold[i] = true
                let status: Supervision.ExitStatus =
                    if !isChild {
                        .unknown
                    } else if process.isSignalled {
                        .signal(process.wasKilled ? 9 : 15, outOfMemory: false)
                    } else {
                        process.status
                    }
                events.append(.instance(InstanceID(i), .exited(status)))
            }
        }
        return events
    }

    private mutating func treeEnds() -> [Event] {
        var events: [Event] = []
        for i in hands.treeWatches.indices where hands.treeWatches[i] {
            guard let owner = hands.owners[i] else { continue }
            if kernel.isEmpty(of: owner) || sabotage == .handsSkipTree {
                hands.treeWatches[i] = false
                events.append(.instance(InstanceID(i), .treeEnded))
            }
        }
        return events
    }

    /// What looks found.
    private mutating func findings() -> [Event] {
        var events: [Event] = []
        let done = hands.looks.filter { $0.due <= now }
        guard !done.isEmpty else { return [] }
        hands.looks.removeAll { $0.due <= now }
        for look in done {
            var outcome = finding(look)
            if sabotage == .handsMistakeUnknown, outcome == .unknown {
                outcome = .failed
                hands.mistaken.append(look.serial)
            }
            events.append(
                .instance(
                    look.id, .probed(probe: look.probe, serial: look.serial, outcome)))
        }
        return events
    }

    private mutating func finding(_ look: SimHands.Look) -> ProbeOutcome {
        guard let owner = hands.owners[look.id.index], let mind,
            mind.definition(look.id).probes.indices.contains(look.probe)
        else { return .unknown }
        let fingerprint = mind.definition(look.id).probes[look.probe].fingerprint
        if fingerprint >= Self.neverPasses {
            return sabotage == .handsTellDeadProbes && random.oneIn(20) ? .passed : .failed
        }
        if now < blindUntil || !isCalm && random.oneIn(30) { return .unknown }
        if look.isSlow { return .failed }
        if instances[owner].usesDatabase, now < databaseDeadUntil { return .failed }
        let health =
            instances[owner].definition.detaches
            ? instances[owner].daemon
            : kernel.main(of: owner).map { kernel.processes[$0].health }
        guard let health, health.isWell(at: now) else { return .failed }
        if let flaps = health.flaps, random.oneIn(flaps) { return .failed }
        return .passed
    }

    /// What came of remedies.
    private mutating func mendings() -> [Event] {
        let done = hands.remedies.filter { $0.due <= now }
        guard !done.isEmpty else { return [] }
        hands.remedies.removeAll { $0.due <= now }
        return done.map {
            let outcome = isCalm ? .applied : random.pick(RemedyOutcome.allCases)
            return .instance($0.id, .remedied(serial: $0.serial, outcome))
        }
    }

    private mutating func look(_ id: InstanceID, _ probe: Int, _ serial: Int) {
        // By now there may be no such probe: an answer would be an old one.
        guard let probes = mind?.definition(id).probes, probes.indices.contains(probe) else {
            return
        }
        let timeout = probes[probe].policy.timeout
        let isSlow = !isCalm && random.oneIn(30)
        // The hands answer in any case, or nearly.
        if !isCalm, random.oneIn(200) { return }
        let wait =
            isSlow ? timeout : Interval(nanoseconds: random.within(100_000...20_000_000))
        hands.looks.append(
            SimHands.Look(
                id: id, probe: probe, serial: serial, due: now + wait, isSlow: isSlow))
    }

    private mutating func mend(_ id: InstanceID, _ serial: Int) {
        if !isCalm, random.oneIn(20) { return }
        let wait = isCalm ? 1 : random.within(0...60)
        hands.remedies.append(
            SimHands.Remedy(id: id, serial: serial, due: now + .seconds(wait)))
    }

    // MARK: Hands

    /// Handles the event and what comes of it, all but the records.
    mutating func handle(_ event: Event, into records: inout [SimRecord]) throws {
        try handle([event], into: &records)
    }

    /// Handles the events, performs what they ask for, handles what came of that, and so on.
    private mutating func handle(_ events: [Event], into records: inout [SimRecord]) throws {
        var events = events
        while !events.isEmpty, mind != nil {
            var deeds: [SimAction] = []
            for event in events { deeds += try think(event) }
            events.removeAll()
            for deed in deeds {
                try mayDie()
                if let line = deed.line {
                    records.append(line)
                    tellRecord(line.record)
                } else if try perform(deed, into: &events) {
                    try write(records)
                    records = []
                    mind = nil
                    return
                }
            }
        }
    }

    /// What the mind makes of it. Whom a place stands for is settled here: by the time of the deed,
    /// the place may be another's.
    private mutating func think(_ event: Event) throws -> [SimAction] {
        if case .instance(let id, .exited) = event { hands.isDeathUntold[id.index] = false }
        noteReasons(event)
        noteFinding(event)
        var actions: [Action] = []
        let before = restingFrom(event)
        let hadCommonCause = mind?.commonCause(at: now) != nil
        let queue = hadCommonCause ? probeCausedInWaiting() : []
        say("\(now.nanoseconds / 1_000_000) ms  \(brief(event))")
        mind?.handle(event, at: now, into: &actions)
        events += 1
        for action in actions { say("        \(action)") }
        if keepsActions { self.actions += actions }
        if case .configured = event {
            knowOwners()
            if hands.hasBegun { tellConfiguration() }
        }
        if hasNixOS, case .instance(let id, _) = event { noteHealth(id) }
        if case .begun = event { hands.hasBegun = true }
        try check(event, actions, before: before)
        try checkHerd(event, actions, hadCommonCause: hadCommonCause)
        try checkQueue(queue, event, actions)
        return actions.map { action in
            let owner = action.instance.flatMap { hands.owners[$0.index] }
            return SimAction(
                action: action, owner: owner, line: line(action, owner),
                definition: action.instance.flatMap { mind?.definition($0) })
        }
    }

    mutating func mayDie() throws {
        guard let killRate, killsLeft > 0, random.oneIn(killRate) else { return }
        killsLeft -= 1
        throw Killed()
    }

    /// True if that was the daemon's last deed.
    private mutating func perform(_ deed: SimAction, into queue: inout [Event]) throws -> Bool {
        let owner = deed.owner ?? -1
        switch deed.action {
        case .spawn(let id, let attempt): queue.append(try spawn(id, owner, attempt))
        case .terminate: try signal(owner, deed.definition) { $0.terminate(at: $1) }
        case .kill: try signal(owner, deed.definition) { $0.kill(at: $1) }
        case .sweep:
            for i in kernel.processes.indices where kernel.processes[i].owner == owner {
                kernel.processes[i].kill(at: now)
            }
        case .watchTree(let id):
            hands.makeRoom(id.index + 1)
            hands.treeWatches[id.index] = true
            if kernel.isEmpty(of: owner) || sabotage == .handsSkipTree {
                hands.treeWatches[id.index] = false
                queue.append(.instance(id, .treeEnded))
            }
        case .record: break
        case .triage(let id, let incident, let reason):
            try accuse(id, incident, reason, into: &queue)
        case .probe(let id, let probe, let serial): look(id, probe, serial)
        case .remedy(let id, _, _, let serial): mend(id, serial)
        case .forget(let id):
            hands.watches[id.index] = nil
            hands.treeWatches[id.index] = false
        case .finish:
            try checkFinish()
            return true
        }
        return false
    }

    private mutating func accuse(
        _ id: InstanceID, _ incident: Int, _ reason: HandoverReason, into queue: inout [Event]
    ) throws {
        guard hasNixOS else { return queue.append(.instance(id, .triaged(.handOver(nil)))) }
        hands.makeRoom(id.index + 1)
        hands.accused[id.index] = now
        if reason == .crashLoop { oversight.loops.insert(incident) }
        hands.switchEvents.append(.accused(id, incident: incident, reason))
    }

    private mutating func tellRecord(_ record: Record) {
        guard hasNixOS else { return }
        noteEvidence(record)
        hands.switchEvents.append(.noted(record))
    }

    private mutating func signal(
        _ owner: Int, _ definition: InstanceDefinition?,
        _ signal: (inout SimProcess, Instant) -> Void
    ) throws {
        for i in kernel.processes.indices where kernel.processes[i].owner == owner {
            try checkSignal(kernel.processes[i], definition)
            // Once there was a reason, there is one.
            kernel.processes[i].isWanted = false
            signal(&kernel.processes[i], now)
        }
    }

    private mutating func spawn(
        _ id: InstanceID, _ owner: Int, _ attempt: Int
    ) throws -> Event {
        guard let definition = mind?.definition(id), definition.name == instances[owner].name else {
            throw Violation(rule: .startedTwice, what: "spawn of nobody")
        }
        if attempt <= instances[owner].recordedAttempt {
            throw Violation(
                rule: .startedTwice, what: "\(definition.name), attempt \(attempt) again")
        }
        let isUnwanted = instances[owner].isNextUnwanted
        instances[owner].isNextUnwanted = false
        if !isCalm, !isOrderly, random.oneIn(12) {
            return .instance(id, .spawnFailed(SpawnFailure(step: .execute, code: 2)))
        }
        let copies = sabotage == .handsSpawnTwice && random.oneIn(40) ? 2 : 1
        var process = freshProcess(owner, definition, attempt)
        process.isWanted = !isUnwanted
        applyEffect(to: &process)
        for _ in 1...copies { kernel.processes.append(process) }
        try checkAlone(owner)
        for _ in 0..<(random.oneIn(3) && !definition.detaches ? random.below(3) : 0) {
            kernel.processes.append(descendant(of: process))
        }
        watch(id, process, isChild: true)
        return .instance(id, .spawned(process.identity))
    }

    private mutating func freshProcess(
        _ owner: Int, _ definition: InstanceDefinition, _ attempt: Int
    ) -> SimProcess {
        var process = SimProcess(
            identity: kernel.freshIdentity(at: now), owner: owner, attempt: attempt,
            launch: definition.launch, isMain: true, born: now, end: nil, status: .code(0),
            obedience: .milliseconds(100), unkillableUntil: now)
        process.health.passes = now + .milliseconds(50)
        if definition.detaches {
            instances[owner].daemon = isCalm ? process.health : freshHealth()
            process.end = now + .milliseconds(random.within(1...3000))
            if random.oneIn(6), !isCalm { process.status = .code(1) }
            return process
        }
        if isCalm || isOrderly && !random.oneIn(20) { return process }
        process.end = lifetime().map { now + $0 }
        process.status = random.pick([
            .code(0), .code(1), .code(255), .signal(11, outOfMemory: false),
            .signal(9, outOfMemory: true),
        ])
        if random.oneIn(6) { process.obedience = nil }
        if random.oneIn(25) {
            process.unkillableUntil = now + .seconds(random.within(1...300))
        }
        process.health = freshHealth()
        return process
    }

    private mutating func freshHealth() -> SimHealth {
        var health = SimHealth(passes: now + .milliseconds(50))
        switch random.below(8) {
        case 0: health.passes = nil
        case 1: health.passes = now + .seconds(random.within(1...100))
        default: break
        }
        if random.oneIn(3) { health.hangs = now + .seconds(random.within(1...600)) }
        if random.oneIn(6) { health.flaps = 2 + random.below(8) }
        return health
    }

    private mutating func lifetime() -> Interval? {
        switch random.below(10) {
        case 0, 1: Interval(nanoseconds: random.within(0...1_200_000_000))
        case 2: .milliseconds(random.within(1...30_000))
        case 3, 4: .seconds(random.within(1...300))
        case 5, 6, 7: .minutes(random.within(1...120))
        default: nil
        }
    }

    private mutating func descendant(of main: SimProcess) -> SimProcess {
        var process = main
        process.identity = kernel.freshIdentity(at: now)
        process.isMain = false
        process.end = isCalm || random.oneIn(2) ? nil : lifetime().map { now + $0 }
        if random.oneIn(3), !isCalm { process.obedience = nil }
        return process
    }

    // MARK: The ledger, and the end

    /// Records follow everything else of a wake-up.
    mutating func write(_ records: [SimRecord]) throws {
        for record in records {
            try mayDie()
            if sabotage == .ledgerLosesEnds, case .incidentResolved = record.record { continue }
            ledger.append(record)
            if hasNixOS {
                diary.write(
                    .mind(record.record), stamp, name: record.name, launch: record.launch)
            }
            try note(record)
        }
    }

    private func line(_ action: Action, _ owner: Int?) -> SimRecord? {
        guard case .record(let record) = action else { return nil }
        guard let id = record.instance, let owner else {
            // What tells of the whole machine.
            return SimRecord(
                boot: boot, at: now, wall: wall + now.nanoseconds, name: "", launch: 0,
                record: record)
        }
        var launch = mind?.definition(id).launch ?? 0
        switch record {
        case .processStarted(_, let process, _), .processAdopted(_, let process, _):
            launch = kernel.processes.first { $0.identity == process }?.launch ?? launch
        default: break
        }
        return SimRecord(
            boot: boot, at: now, wall: wall + now.nanoseconds, name: instances[owner].name,
            launch: launch, record: record)
    }

    mutating func die() {
        say("--- Regen is killed")
        mind = nil
        switcher = nil
        nixos.activation?.serial = nil
        hands = SimHands()
        loseWishes()
    }

    private mutating func knowOwners() {
        guard let mind else { return }
        for id in mind.all {
            hands.makeRoom(id.index + 1)
            hands.owners[id.index] = numbers[mind.definition(id).name]
        }
    }

    private func sabotageMemory(_ memory: inout Memory) {
        for name in memory.instances.keys {
            if sabotage == .foldForgetsDetached { memory.instances[name]?.isDetached = false }
            if sabotage == .foldForgetsProcesses { memory.instances[name]?.process = nil }
            if sabotage == .foldForgetsIncidents { memory.instances[name]?.incident = nil }
        }
    }

    private func brief(_ event: Event) -> String {
        switch event {
        case .configured(let definitions): "configured \(definitions.map(\.name))"
        case .instance(let id, let event):
            "\(mind?.definition(id).name ?? "?") [\(id.index)] \(event)"
        case .begun, .deadlineReached, .machineStalled, .stopAllAsked, .endAsked, .switchBegan,
            .switchEnded, .generationChanged:
            "\(event)"
        }
    }
}

/// An action, and whom it is about.
struct SimAction {
    var action: Action
    var owner: Int?
    var line: SimRecord?
    /// As it was configured when the mind decided.
    var definition: InstanceDefinition?
}

extension Action {
    /// Whom it is about.
    var instance: InstanceID? {
        switch self {
        case .spawn(let id, _), .terminate(let id, _), .kill(let id), .sweep(let id),
            .watchTree(let id), .forget(let id), .probe(let id, _, _), .remedy(let id, _, _, _),
            .triage(let id, _, _):
            id
        case .record(let record): record.instance
        case .finish: nil
        }
    }
}

extension Record {
    /// Whom it tells of.
    var instance: InstanceID? {
        switch self {
        case .commonCauseBegan, .commonCauseEnded, .commonCauseHandedOver: nil
        case .processStarted(let id, _, _), .processAdopted(let id, _, _),
            .processExited(let id, _, _, _, _, _), .spawnFailed(let id, _, _),
            .restartDecided(let id, _, _, _, _), .crashLoopDetected(let id, _, _, _, _),
            .incidentOpened(let id, _, _, _), .incidentResolved(let id, _, _),
            .incidentHandedOver(let id, _, _), .recovered(let id), .stopBegan(let id, _),
            .stopForced(let id), .startAsked(let id), .rested(let id, _, _), .detached(let id),
            .paused(let id, _), .resumed(let id), .probeProven(let id, _, _),
            .probeSuspected(let id, _, _), .probeStruck(let id, _, _, _),
            .probeCleared(let id, _, _), .probeHeld(let id, _, _), .remedied(let id, _, _, _, _):
            id
        }
    }
}
