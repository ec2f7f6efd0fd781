import Supervision

/// What happens to the units besides Regen: programs, operators, switches, the bus, the machine.
extension UnitMachine {
    func name(_ i: Int) -> String { definitions[i].name }

    var configuration: [InstanceDefinition] {
        definitions.indices.filter { isConfigured[$0] }.map { definitions[$0] }
    }

    // MARK: What there is

    mutating func populate() {
        for i in 0..<(1 + random.below(6)) {
            let isOneshot = random.oneIn(8)
            systemd.units.append(
                SimUnit(
                    number: i, restart: random.pick(SimUnit.Restart.allCases),
                    restartWait: .milliseconds(random.within(100...5000)),
                    startLimit: random.oneIn(2)
                        ? (1 + random.below(5), .seconds(random.within(1...20))) : nil,
                    readiness: random.oneIn(3) ? .milliseconds(random.within(10...3000)) : nil,
                    isOneshot: isOneshot, hasAction: random.oneIn(8)))
            facts.append(UnitFacts())
            isConfigured.append(true)
            definitions.append(definition(i))
            noteRests(i)
        }
        bootUnits()
    }

    private mutating func definition(_ i: Int) -> InstanceDefinition {
        var policy = ServicePolicy(restart: .onFailure)
        policy.restart = random.pick([.onFailure, .onFailure, .onFailure, .always, .never])
        if random.oneIn(3) { policy.crashLoop = nil }
        if random.oneIn(3) { policy.backoff.most = .seconds(random.within(2...45)) }
        if random.oneIn(3) { policy.start.timeout = .seconds(random.within(2...60)) }
        if random.oneIn(2) { policy.rollback = .auto }
        for other in 0..<i where random.oneIn(4) { policy.after.append("u\(other)") }
        let hasProbes = random.oneIn(2) && !systemd.units[i].isOneshot
        let probes =
            hasProbes
            ? [
                ProbeDefinition(
                    policy: ProbePolicy(
                        interval: .seconds(random.within(5...60)), timeout: .seconds(1),
                        strikes: 1 + random.below(3), confirmInterval: .seconds(1)),
                    fingerprint: UInt64(i + 1))
            ] : []
        return InstanceDefinition(
            name: "u\(i)", service: "u\(i)", policy: policy, launch: 0, probes: probes,
            remedies: random.oneIn(4) ? [.environment, .restart] : [.restart],
            keeper: .systemd(healsStops: random.oneIn(6)))
    }

    private mutating func noteRests(_ i: Int) {
        if definitions[i].keeper == .systemd(healsStops: true) { facts[i].hasHealed = true }
        if definitions[i].policy.restart == .never || systemd.units[i].isOthers {
            facts[i].mayRest = true
        }
    }

    private mutating func bootUnits() {
        for i in systemd.units.indices {
            if !random.oneIn(6), !systemd.units[i].isOneshot { systemd.start(i, at: now) }
            plan(i)
        }
    }

    // MARK: Time

    mutating func advance() {
        for i in systemd.units.indices {
            let before = systemd.units[i].invocation
            systemd.advance(i, at: now)
            if systemd.units[i].invocation != before { plan(i) }
        }
        while let step = switchStep, step <= now { stepSwitch() }
        if let end = switchEnds, end <= now {
            switchEnds = nil
            switchStep = nil
            say("    the switch is over")
            tellings.append((now + .milliseconds(random.within(0...200)), .switchEnded))
        }
    }

    /// The fate of a run that begins.
    private mutating func plan(_ i: Int) {
        guard !isCalm, !systemd.units[i].isDown, systemd.units[i].endsAt == nil,
            systemd.units[i].effect == .works, random.oneIn(2)
        else { return }
        systemd.units[i].endsAt = now + .milliseconds(random.within(0...120_000))
        systemd.units[i].endStatus = random.pick([
            .code(0), .code(1), .code(3), .signal(11, outOfMemory: false),
        ])
        if random.oneIn(3) { systemd.units[i].health.hangs = now + .seconds(random.within(1...90)) }
    }

    // MARK: Switches

    private mutating func beginSwitch() {
        guard switchEnds == nil else { return }
        say("    a switch begins")
        switchEnds = now + .milliseconds(random.within(200...60_000))
        switchStep = now + .milliseconds(random.within(0...1000))
        tellings.append((now, .switchBegan))
    }

    private mutating func stepSwitch() {
        let i = random.below(systemd.units.count)
        switchStep = now + .milliseconds(random.within(1...4000))
        guard let end = switchEnds, now < end else {
            switchStep = nil
            return
        }
        // A generation changes a unit, and takes it down and up.
        switch random.below(8) {
        case 0: systemd.stop(i, at: now)
        case 1: systemd.start(i, at: now)
        case 2: systemd.load(i, random.oneIn(2), at: now)
        case 3: for i in systemd.units.indices { systemd.resetFailed(i, at: now) }
        default:
            systemd.units[i].effect =
                isCalm
                ? .works : random.pick([.works, .works, .works, .crashes, .hangs, .neverReady])
            systemd.restart(i, at: now)
        }
        plan(i)
    }

    // MARK: The operator

    /// What happens now, and what Regen is told of it.
    mutating func operatorEvents() throws -> [Event] {
        let i = random.below(systemd.units.count)
        switch random.below(40) {
        case 0...3:
            say("    systemctl stop u\(i)")
            systemd.stop(i, at: now)
        case 4...7:
            say("    systemctl start u\(i)")
            systemd.start(i, at: now)
            plan(i)
        case 8...10:
            say("    systemctl restart u\(i)")
            systemd.restart(i, at: now)
            plan(i)
        case 11...13: return ask(.stopAsked, i)
        case 14...17: return ask(.startAsked, i)
        case 18...19: return ask(.restartAsked, i)
        case 20: return ask(.healAsked, i)
        case 21:
            return random.oneIn(3)
                ? ask(.resumeAsked, i)
                : ask(.pauseAsked(until: now + .seconds(random.within(-5...300))), i)
        case 22: return [.stopAllAsked]
        case 23...25: beginSwitch()
        case 26, 27:
            let wait = random.oneIn(3) ? random.within(0...120_000) : 1000
            say("    the bus is lost")
            busLostUntil = now + .milliseconds(wait)
            systemd.changed = Set(systemd.units.indices)
        case 28, 29:
            if random.oneIn(3) { isConfigured[i].toggle() } else { definitions[i] = definition(i) }
            noteRests(i)
            if hands.isEnding { return [] }
            systemd.changed = Set(systemd.units.indices)
            return [.configured(configuration)]
        case 30: if killRate != nil { throw Killed() }
        case 31: return end()
        case 32: if random.oneIn(4) { try reboot() }
        case 33:
            systemd.units[i].effect = random.pick([.works, .crashes, .hangs, .neverReady])
            if systemd.units[i].effect == .hangs { systemd.units[i].health.hangs = now }
        case 34: systemd.units[i].effect = .works
        case 35: systemd.resetFailed(i, at: now)
        case 36:
            if let trigger = systemd.units.indices.first(where: { systemd.units[$0].isOneshot }) {
                systemd.start(trigger, at: now)
            }
        case 37: return [.machineStalled]
        default: break
        }
        return []
    }

    private mutating func ask(_ event: InstanceEvent, _ i: Int) -> [Event] {
        guard !hands.isEnding, let id = mind?.id(named: name(i)) else { return [] }
        return [.instance(id, event)]
    }

    private mutating func end() -> [Event] {
        if hands.isEnding { return [] }
        hands.isEnding = true
        return [.endAsked(stopping: random.oneIn(2))]
    }

    private mutating func reboot() throws {
        say("--- the machine reboots")
        wall += now.nanoseconds + random.within(0...600_000_000_000)
        boot += 1
        now = Instant(nanoseconds: 0) + .seconds(30)
        operatorAt = now
        busLostUntil = now
        switchEnds = nil
        switchStep = nil
        for i in systemd.units.indices {
            let old = systemd.units[i]
            systemd.units[i] = SimUnit(
                number: i, restart: old.restart, restartWait: old.restartWait,
                startLimit: old.startLimit, readiness: old.readiness, isOneshot: old.isOneshot,
                hasAction: old.hasAction, effect: old.effect)
            systemd.units[i].invocation = old.invocation
            systemd.units[i].ends = old.ends
            systemd.units[i].stops = old.stops
            facts[i].isUp = false
            facts[i].isExpected = facts[i].hasRun
            facts[i].orderedUp = nil
        }
        bootUnits()
        throw Killed()
    }
}
