import Supervision

/// The operator, who starts, stops, reloads, kills, suspends and reboots as the seed says.
extension SimulatedMachine {
    // MARK: What there is

    mutating func populate() {
        let most = 1 + random.below(12)
        let usesDatabase = random.oneIn(2)
        var rank = 0
        while instances.count < most {
            let copies = random.oneIn(5) ? 2 + random.below(2) : 1
            for copy in 1...copies {
                let service = "s\(rank)"
                let name = copies == 1 ? service : "\(service)@\(copy)"
                let definition = InstanceDefinition(
                    name: name, service: service, policy: policy(rank: rank), launch: 1,
                    probes: probes(), remedies: remedies(), detaches: random.oneIn(8))
                numbers[name] = instances.count
                var instance = SimInstance(
                    name: name, service: service, rank: rank, definition: definition)
                instance.usesDatabase = usesDatabase && !random.oneIn(4)
                instances.append(instance)
                notePolicy(instances.count - 1)
            }
            rank += 1
        }
        renewConfiguration()
        // Most services are SafeSwitch's business; where it is off they are as well, for triage.
        hasNixOS = random.oneIn(2)
        isOrderly = hasNixOS && random.oneIn(2)
        populateSystems()
    }

    /// From here on a fingerprint is that of a probe that never passes.
    static let neverPasses: UInt64 = 900

    private mutating func probes() -> [ProbeDefinition] {
        guard random.oneIn(2) else { return [] }
        return (0...random.below(2)).map { place in
            let policy = ProbePolicy(
                interval: .seconds(random.within(5...60)),
                timeout: .milliseconds(random.within(100...3000)), strikes: 1 + random.below(4),
                confirmInterval: .milliseconds(random.within(250...3000)))
            return ProbeDefinition(
                policy: policy,
                fingerprint: random.oneIn(6)
                    ? Self.neverPasses + UInt64(place) : UInt64(1 + 2 * random.below(3) + place))
        }
    }

    private mutating func remedies() -> [RemedyKind] {
        guard random.oneIn(4) else { return [.restart] }
        return (0..<random.below(4)).map { _ in random.pick(RemedyKind.allCases) }
    }

    private mutating func policy(rank: Int) -> ServicePolicy {
        var policy = ServicePolicy()
        policy.restart = random.pick([.always, .always, .always, .onFailure, .never])
        if random.oneIn(3) {
            policy.backoff = BackoffPolicy(
                quick: .milliseconds(random.within(0...3000)),
                first: .milliseconds(random.within(0...2000)),
                most: .seconds(random.within(2...45)), clear: .seconds(random.within(1...90)))
        }
        if random.oneIn(3) {
            policy.stop = StopPolicy(
                grace: .milliseconds(random.within(0...8000)), hung: .seconds(1))
        }
        if random.oneIn(6) { policy.crashLoop = nil }
        if random.oneIn(4) {
            policy.crashLoop = CrashLoopPolicy(
                crashes: 1 + random.below(6), within: .seconds(random.within(5...120)))
        }
        if random.oneIn(3) {
            policy.start = StartPolicy(
                timeout: .seconds(random.within(2...60)), retries: 1 + random.below(5))
        }
        policy.autostart = !random.oneIn(8)
        policy.rollback = random.pick([.auto, .auto, .auto, .always, .propose, .never])
        policy.critical = random.oneIn(4)
        policy.onExit = random.pick([.auto, .auto, .auto, .stop, .leave])
        for other in 0..<rank where random.oneIn(3) { policy.after.append("s\(other)") }
        return policy
    }

    private mutating func notePolicy(_ number: Int) {
        let policy = instances[number].definition.policy
        if policy.restart != .always { instances[number].mayRest = true }
        if !policy.autostart { instances[number].mayWait = true }
    }

    private mutating func renewConfiguration() {
        configuration = instances.filter(\.isConfigured).map(\.definition)
        if random.oneIn(3) { configuration.shuffle(using: &random) }
    }

    mutating func changeConfiguration() {
        for _ in 0...random.below(3) {
            let number = random.below(instances.count)
            switch random.below(5) {
            case 0: instances[number].isConfigured.toggle()
            case 1, 2: instances[number].definition.launch += 1
            case 3:
                instances[number].definition.policy = policy(rank: instances[number].rank)
            default:
                instances[number].definition.probes = probes()
                instances[number].definition.remedies = remedies()
            }
            notePolicy(number)
            if !instances[number].isConfigured { instances[number].wish = .unknown }
        }
        renewConfiguration()
    }

    // MARK: What is done

    /// What the operator does now; `nil`: Regen is killed.
    mutating func operatorEvents() -> [Event]? {
        switch random.below(64) {
        case 0...11: return ask(.startAsked)
        case 12...21: return ask(.stopAsked)
        case 22...29: return ask(.restartAsked)
        case 30...32: return stopAll()
        case 33...38: return instances.indices.flatMap { ask(.startAsked, $0) }
        case 39...47:
            changeConfiguration()
            return [.configured(configuration)]
        case 48...52: return killRate == nil ? [] : nil
        case 53...55: return askEnd(stopping: random.oneIn(2))
        case 56:
            let sleep = Interval.minutes(random.within(1...600))
            say("--- the machine sleeps for \(sleep.nanoseconds / 1_000_000_000) s")
            now = now + sleep
            kernel.sleep(sleep)
            return []
        case 57:
            reboot()
            return nil
        case 59: return ask(.healAsked)
        case 60: return pause()
        case 61:
            databaseDeadUntil = now + .seconds(random.within(1...120))
            return []
        case 62: return trouble()
        case 58:
            wall += random.within(-7_200_000_000_000...7_200_000_000_000)
            return []
        default: return []
        }
    }

    private mutating func pause() -> [Event] {
        if random.oneIn(3) { return ask(.resumeAsked) }
        return ask(.pauseAsked(until: now + .seconds(random.within(-5...600))))
    }

    /// The probing breaks, or the machine is slow.
    private mutating func trouble() -> [Event] {
        if random.oneIn(2) {
            blindUntil = now + .seconds(random.within(1...300))
            return []
        }
        now = now + .milliseconds(random.within(0...20_000))
        return random.oneIn(2) ? [.machineStalled] : []
    }

    private mutating func ask(_ event: InstanceEvent) -> [Event] {
        ask(event, random.below(instances.count))
    }

    private mutating func ask(_ event: InstanceEvent, _ number: Int) -> [Event] {
        guard hands.ending == nil, instances[number].isConfigured,
            let id = mind?.id(named: instances[number].name)
        else { return [] }
        switch event {
        case .startAsked, .restartAsked:
            instances[number].isWishDurable = false
            instances[number].wish = .up
        case .stopAsked:
            instances[number].isWishDurable = false
            instances[number].wish = .down
        // Where it rests, that is a wish to have it up.
        case .healAsked: instances[number].wish = .unknown
        default: break
        }
        return [.instance(id, event)]
    }

    private mutating func stopAll() -> [Event] {
        guard hands.ending == nil else { return [] }
        for number in instances.indices where instances[number].isConfigured {
            // What is down already is left as it is.
            if let id = mind?.id(named: instances[number].name), let mind,
                case .stopped = mind.status(id, at: now).phase
            {
                continue
            }
            instances[number].isWishDurable = false
            instances[number].wish = .down
        }
        return [.stopAllAsked]
    }

    mutating func sayEnd(stopping: Bool) throws(Violation) {
        var records: [SimRecord] = []
        do {
            for event in askEnd(stopping: stopping) { try handle(event, into: &records) }
        } catch let violation as Violation {
            throw violation
        } catch {
            die()
        }
    }

    private mutating func askEnd(stopping: Bool) -> [Event] {
        guard hands.ending == nil else { return [] }
        hands.ending = stopping
        return [.endAsked(stopping: stopping)]
    }

    func stops(_ policy: ServicePolicy) -> Bool {
        policy.onExit == .stop || policy.onExit == .auto && hands.ending == true
    }

    /// From now on, whose process may be ended?
    mutating func noteReasons(_ event: Event) {
        switch event {
        case .instance(let id, .stopAsked), .instance(let id, .restartAsked),
            .instance(let id, .healAsked):
            if let owner = hands.owners[id.index] { giveReason(owner) }
        case .stopAllAsked: for number in instances.indices { giveReason(number) }
        case .endAsked:
            for number in instances.indices where stops(instances[number].definition.policy) {
                giveReason(number)
            }
        case .configured: noteOutdated()
        case .instance, .begun, .deadlineReached, .machineStalled, .switchBegan, .switchEnded,
            .generationChanged:
            break
        }
    }

    private mutating func noteOutdated() {
        for number in instances.indices {
            let launch = instances[number].isConfigured ? instances[number].definition.launch : nil
            // Once it is another one's, it may be begun anew.
            if instances[number].detachedLaunch != launch { instances[number].detachedLaunch = nil }
            if let mind, let id = mind.id(named: instances[number].name),
                mind.definition(id).launch != launch
            {
                giveReason(number)
            }
            for i in kernel.processes.indices
            where kernel.processes[i].owner == number && kernel.processes[i].launch != launch {
                kernel.processes[i].isWanted = false
            }
        }
    }

    private mutating func giveReason(_ number: Int) {
        if let id = mind?.id(named: instances[number].name) {
            switch mind?.status(id, at: now).phase {
            case .starting(.spawning): instances[number].isNextUnwanted = true
            case .stopping(let stopping) where stopping.stage == .unspawned:
                instances[number].isNextUnwanted = true
            default: break
            }
        }
        for i in kernel.processes.indices where kernel.processes[i].owner == number {
            kernel.processes[i].isWanted = false
        }
    }

    mutating func reboot(isOrderly: Bool = false) {
        say("--- the machine reboots")
        let pause = random.within(0...600_000_000_000)
        wall += now.nanoseconds + pause
        trueBase += now.nanoseconds + pause
        boot += 1
        now = Instant(nanoseconds: 0) + .seconds(30)
        operatorAt = now
        kernel.processes = []
        for number in instances.indices {
            instances[number].wish = .unknown
            instances[number].daemon = nil
            instances[number].detachedLaunch = nil
        }
        bootSystem(isOrderly: isOrderly)
    }

    // MARK: What is remembered of it

    mutating func note(_ record: SimRecord) throws {
        guard let number = numbers[record.name] else { return }
        try noteDetached(record, number)
        noteAttempt(record)
        switch (record.record, instances[number].wish) {
        case (.stopBegan(_, .rest), .down), (.rested(_, .asked, _), .down),
            (.stopBegan(_, .restart), .up), (.startAsked, .up):
            instances[number].isWishDurable = true
        default: break
        }
    }

    mutating func noteAttempt(_ record: SimRecord) {
        guard let number = numbers[record.name] else { return }
        switch record.record {
        case .processStarted(_, _, let attempt), .processAdopted(_, _, let attempt),
            .spawnFailed(_, let attempt, _):
            instances[number].recordedAttempt = max(attempt, instances[number].recordedAttempt)
        default: break
        }
    }

    /// What is detached is not started again without a word of why.
    private mutating func noteDetached(_ record: SimRecord, _ number: Int) throws {
        switch record.record {
        case .detached: instances[number].detachedLaunch = record.launch
        case .processStarted:
            if instances[number].detachedLaunch == record.launch {
                throw Violation(rule: .startedTwice, what: "\(record.name), which is detached")
            }
            instances[number].detachedLaunch = nil
        case .restartDecided, .startAsked, .stopBegan, .rested, .spawnFailed:
            instances[number].detachedLaunch = nil
        default: break
        }
    }

    /// A word of the operator that no record tells of yet dies with Regen.
    mutating func loseWishes() {
        for number in instances.indices where !instances[number].isWishDurable {
            instances[number].wish = .unknown
        }
    }
}
