import SafeSwitch
import Supervision

/// A deed under way in a child, which may outlive the daemon that began it.
struct SimDeed {
    var deed: SafeSwitch.Deed
    var serial: Int
    var due: Instant
    /// Which daemon wants to know.
    var life: Int
}

/// The simulated NixOS at work: activations, deeds, boots, and other people's deployments.
extension SimulatedMachine {
    mutating func populateSystems() {
        nixos = SimSystems(services: instances.count)
        oversight = SimOversight(services: instances.count)
        if random.oneIn(2) { nixos.knownGood = 0 }
        choosePolicy()
        readSystem()
    }

    private mutating func choosePolicy() {
        safeSwitch = SafeSwitchPolicy()
        safeSwitch.mode = random.pick([.automatic, .automatic, .automatic, .propose, .off])
        if isOrderly { safeSwitch.mode = .automatic }
        safeSwitch.allowReboot = random.oneIn(2)
        safeSwitch.onExhausted = random.oneIn(3) ? .rebootIntoKnownGood : .stay
        if random.oneIn(4) { safeSwitch.fence = 1 + random.below(nixos.generations.count + 1) }
        if random.oneIn(4) {
            let begin = random.below(1440)
            safeSwitch.maintenance = [
                MaintenanceWindow(days: [random.below(7)], begin: begin, end: (begin + 60) % 1440)
            ]
        }
        safeSwitch.probation = .minutes(random.within(2...10))
    }

    // MARK: Time

    /// When the system does something by itself.
    var nextOfSystems: Instant? {
        guard hasNixOS else { return nil }
        var next = nixos.activation?.next
        func consider(_ instant: Instant?) {
            guard let instant else { return }
            next = next.map { min($0, instant) } ?? instant
        }
        consider(rebootAt)
        if !isCalm { consider(deployAt) }
        if sabotage != .handsLoseDeadlines { consider(switcher?.nextDeadline()) }
        consider(hands.reloadAt)
        for deed in deeds { consider(deed.due) }
        for look in hands.surveys { consider(look.due) }
        for one in hands.later { consider(one.due) }
        return next
    }

    /// Everything that goes on whether Regen lives or not.
    mutating func advanceSystems() {
        guard hasNixOS else { return }
        while let next = nixos.activation?.next, next <= now { advanceActivation(next) }
        let due = deeds.filter { $0.due <= now }
        deeds.removeAll { $0.due <= now }
        for deed in due { finish(deed) }
        if !isCalm, deployAt <= now {
            deployAt =
                now
                + (isOrderly
                    ? .seconds(random.within(20...1500)) : .seconds(random.within(5...900)))
            meddle()
        }
    }

    private mutating func sign() {
        if switcher != nil, isCalm || !random.oneIn(10) { hands.switchEvents.append(.changed) }
    }

    // MARK: Activations

    private mutating func advanceActivation(_ instant: Instant) {
        guard var one = nixos.activation else { return }
        let end = min(one.ends, one.dies ?? one.ends)
        if instant < end, !one.refuses {
            if !one.hasBootEntry, one.activation != .test, one.bootsAt <= instant {
                one.hasBootEntry = true
                nixos.bootEntry = one.system
                nixos.activation = one
                return
            }
            if !one.isInForce, one.activation != .boot, one.runsAt <= instant {
                one.isInForce = true
                nixos.activation = one
                return enterSystem(one.system)
            }
        }
        nixos.activation = nil
        if !one.isInForce, one.isChange { oversight.takeBackChange() }
        let status =
            end == one.dies ? Supervision.ExitStatus.signal(9, outOfMemory: false) : one.status
        say("    switch-to-configuration \(one.activation) s\(one.system) ended: \(status)")
        if let flight = one.flight {
            oversight.noteRun(flight, one, isWhole: status == .code(0))
        }
        if let serial = one.serial {
            hands.switchEvents.append(
                .activationEnded(serial: serial, one.isChild ? status : .unknown))
        }
        sign()
    }

    /// Another system is in force: what is not made for it fails.
    private mutating func enterSystem(_ system: Int) {
        say("    s\(system) is in force")
        nixos.current = system
        if let activation = nixos.activation, activation.flight == nil { oversight.interfere() }
        for number in instances.indices { applyEffect(number) }
        sign()
    }

    private mutating func applyEffect(_ number: Int) {
        let effect = nixos.systems[nixos.current].effects[number]
        if effect == .works { return }
        for i in kernel.processes.indices
        where kernel.processes[i].owner == number && kernel.processes[i].isMain {
            if effect == .hangs {
                kernel.processes[i].health.hangs = now
            } else {
                let end = now + .milliseconds(random.within(0...2000))
                kernel.processes[i].end = kernel.processes[i].end.map { min($0, end) } ?? end
                kernel.processes[i].status = .code(1)
            }
        }
        instances[number].daemon?.hangs = now
    }

    /// How the running system treats a process that begins.
    mutating func applyEffect(to process: inout SimProcess) {
        guard hasNixOS else { return }
        switch nixos.systems[nixos.current].effects[process.owner] {
        case .works: break
        case .hangs:
            process.health.passes = nil
            instances[process.owner].daemon?.passes = nil
        case .crashes:
            process.end = now + .milliseconds(random.within(0...900))
            process.status = .code(1)
            instances[process.owner].daemon?.passes = nil
        }
    }

    private mutating func activation(
        of system: Int, _ activation: Activation, flight: Int?
    ) -> SimActivation {
        let isLong = !isCalm && random.oneIn(30)
        let length = isLong ? random.within(900_000...2_400_000) : random.within(500...60_000)
        let middle = length * random.within(20...95) / 100
        var one = SimActivation(
            flight: flight, process: kernel.freshIdentity(at: now), system: system,
            activation: activation, bootsAt: now + .milliseconds(middle / 2),
            runsAt: now + .milliseconds(middle), ends: now + .milliseconds(length),
            status: .code(0), isChange: system != nixos.current)
        if one.isChange { oversight.beginChange(at: truth) }
        if isCalm { return one }
        if random.oneIn(12) { one.dies = now + .milliseconds(random.within(0...length)) }
        if random.oneIn(6) { one.status = random.pick([.code(2), .code(4)]) }
        if random.oneIn(20) {
            one.status = .code(1)
            one.refuses = true
        }
        let (from, to) = (nixos.systems[nixos.current], nixos.systems[system])
        if activation != .boot,
            from.initInterface != to.initInterface || from.inhibitor != to.inhibitor
        {
            one.status = .code(100)
            one.refuses = true
            one.ends = now + .milliseconds(200)
        }
        return one
    }

    mutating func activate(
        _ path: String, _ activation: Activation, _ flight: Int, _ serial: Int
    ) {
        guard let system = nixos.place(of: path), nixos.systems[system].goneSince == nil,
            isCalm || !random.oneIn(25)
        else {
            let outcome = DeedOutcome.failed("it cannot be run", isTransient: random.oneIn(2))
            return hands.later.append((now, .done(serial: serial, outcome)))
        }
        guard nixos.activation == nil else {
            let process = kernel.freshIdentity(at: now)
            hands.switchEvents.append(.activationBegan(serial: serial, process))
            return hands.later.append(
                (now + .milliseconds(50), .activationEnded(serial: serial, .code(11))))
        }
        var one = self.activation(of: system, activation, flight: flight)
        one.serial = serial
        nixos.activation = one
        hands.switchEvents.append(.activationBegan(serial: serial, one.process))
    }

    // MARK: Deeds

    private mutating func finish(_ one: SimDeed) {
        let outcome = outcome(of: one.deed)
        say("    deed \(one.deed): \(outcome)")
        if one.life == life, switcher != nil {
            hands.switchEvents.append(.done(serial: one.serial, outcome))
        }
    }

    private mutating func outcome(of deed: SafeSwitch.Deed) -> DeedOutcome {
        if now < nixos.brokenUntil { return .failed("read-only", isTransient: false) }
        if case .reboot = deed { return askReboot() }
        if now < nixos.lockedUntil || !isCalm && random.oneIn(15) {
            return .failed("the profile is locked", isTransient: true)
        }
        switch deed {
        case .setProfile(let number, let path):
            guard nixos.generations.contains(where: { $0.number == number && $0.path == path })
            else { return .failed("no such generation", isTransient: false) }
            if sabotage != .handsSkipDeeds { nixos.chosen = number }
        case .addGeneration(let path):
            guard let system = nixos.place(of: path), nixos.systems[system].goneSince == nil else {
                return .failed("no such system", isTransient: false)
            }
            if nixos.generations.last?.path == path {
                nixos.chosen = nixos.generations.last?.number ?? 0
            } else {
                nixos.appendGeneration(system)
            }
        case .markKnownGood(let path):
            guard let system = nixos.place(of: path), nixos.systems[system].goneSince == nil else {
                return .failed("no such system", isTransient: false)
            }
            nixos.knownGood = system
        case .reboot: break
        }
        sign()
        return .done
    }

    private mutating func askReboot() -> DeedOutcome {
        if !isCalm, random.oneIn(8) { return .failed("no bus", isTransient: false) }
        if isCalm || !random.oneIn(8) { rebootAt = now + .seconds(random.within(1...30)) }
        return .done
    }

    // MARK: Boots

    /// What comes up when the machine is switched on again.
    mutating func bootSystem(isOrderly: Bool) {
        guard hasNixOS else { return }
        if !isOrderly { losePower() }
        let before = nixos.current
        if let cut = nixos.activation, !cut.isInForce, cut.isChange { oversight.takeBackChange() }
        rebootAt = nil
        nixos.activation = nil
        deeds = []
        let entry = nixos.bootEntry
        nixos.booted =
            nixos.systems[entry].goneSince == nil ? entry : nixos.system(of: nixos.chosen) ?? entry
        nixos.current = nixos.booted
        nixos.lockedUntil = now
        nixos.brokenUntil = now
        nixos.unseenUntil = now
        deployAt = now + .seconds(random.within(1...600))
        // What goes on after a boot where it was goes on being weighed.
        if nixos.current != before { oversight.beginChange(at: truth) }
        oversight.interfere()
        oversight.unplanned = truth
    }

    /// What was not on the disk yet was never said.
    private mutating func losePower() {
        diary.losePower()
        oversight.words = oversight.certain
        // Their numbers are free again.
        let next = diary.memory(stamp).nextFlight
        oversight.landed = oversight.landed.filter { $0 < next }
        ledger.removeLast(ledger.count - certainLines)
        for number in instances.indices { instances[number].recordedAttempt = 0 }
        for line in ledger { noteAttempt(line) }
    }

    // MARK: Other people

    private mutating func meddle() {
        switch random.below(20) {
        case 0...8: deploy(newSystem())
        case 9, 10: deploy(nixos.system(of: random.pick(nixos.generations).number) ?? 0)
        case 11: collectGarbage()
        case 12: nixos.lockedUntil = now + .seconds(random.within(1...90))
        case 13: nixos.brokenUntil = now + .seconds(random.within(1...200))
        case 14: nixos.unseenUntil = now + .seconds(random.within(1...120))
        case 15:
            if switcher != nil { askSwitch() }
        case 16:
            choosePolicy()
            if switcher != nil, hands.hasBegun { tellConfiguration() }
        case 17:
            // Nobody knows why.
            let number = random.below(instances.count)
            let current = nixos.current
            nixos.changeSystems { $0[current].effects[number] = .crashes }
        default: break
        }
    }

    mutating func newSystem() -> Int {
        let base = nixos.systems[nixos.system(of: nixos.chosen) ?? nixos.current]
        let place = nixos.add(versions: base.versions)
        let count = nixos.systems.count
        var system = nixos.systems[place]
        system.kernel = random.oneIn(8) ? base.kernel + 1 : base.kernel
        system.initInterface = random.oneIn(25) ? base.initInterface + 1 : base.initInterface
        system.inhibitor = random.oneIn(12) ? base.inhibitor + 1 : base.inhibitor
        for number in instances.indices {
            system.effects[number] = base.effects[number]
            if random.oneIn(4) {
                system.versions[number] = count
                system.effects[number] = random.pick([.works, .works, .crashes, .hangs])
            } else if random.oneIn(30) {
                // It breaks another one.
                system.effects[number] = .crashes
            }
        }
        nixos.changeSystems { $0[place] = system }
        return place
    }

    /// nixos-rebuild: the profile first, then switch-to-configuration.
    private mutating func deploy(_ system: Int) {
        let activation: Activation =
            random.oneIn(10) ? .boot : random.oneIn(8) ? .test : .switch
        deploy(system, activation)
    }

    mutating func deploy(_ system: Int, _ activation: Activation) {
        guard nixos.systems[system].goneSince == nil else { return }
        say("    somebody does \(activation) s\(system): \(nixos.systems[system].effects)")
        let path = nixos.systems[system].path
        if activation != .test {
            if let known = nixos.generations.last(where: { $0.path == path }) {
                nixos.chosen = known.number
            } else {
                nixos.appendGeneration(system)
                if nixos.generations.count > 12 { collectGarbage() }
            }
            oversight.interfere()
        }
        sign()
        // Another switch is running: this one gives up.
        guard nixos.activation == nil else { return }
        nixos.activation = self.activation(of: system, activation, flight: nil)
        sign()
    }

    private mutating func collectGarbage() {
        let numbers = nixos.generations.map(\.number).filter { _ in random.oneIn(3) }
        say("    generations \(numbers) are deleted")
        nixos.collect(numbers, at: truth)
        oversight.interfere()
        sign()
    }

    private mutating func askSwitch() {
        requests += 1
        let number = random.pick(nixos.generations).number
        let wish = random.pick([
            PlanFacts.Wish.anywhere, .knownGood, .generation(number),
        ])
        let path = nixos.systems[nixos.system(of: number) ?? 0].path
        let request: SwitchRequest =
            switch random.below(6) {
            case 0: .plan(wish)
            case 1: .rollback(wish, expected: nil, uid: 0)
            case 2: .generations
            case 3: .confirm(uid: 0)
            default:
                .trial(
                    path: path, generation: random.oneIn(2) ? number : nil,
                    confirm: random.oneIn(2) ? .minutes(random.within(1...5)) : nil, uid: 0)
            }
        hands.switchEvents.append(.asked(request: requests, request))
    }
}
