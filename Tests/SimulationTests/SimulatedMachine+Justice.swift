import SafeSwitch
import Supervision

/// The end of a life with SafeSwitch: what breaks a healthy service is gone back from, once; and what is
/// not to blame stays.
extension SimulatedMachine {
    /// No system breaks anything any more, and what runs comes to its end.
    mutating func settleSystems() {
        guard hasNixOS else { return }
        nixos.changeSystems { systems in
            for place in systems.indices {
                for number in systems[place].effects.indices {
                    systems[place].effects[number] = .works
                }
            }
        }
        nixos.activation?.dies = nil
        let soon = now + .seconds(30)
        if let activation = nixos.activation {
            nixos.activation?.bootsAt = min(activation.bootsAt, soon)
            nixos.activation?.runsAt = min(activation.runsAt, soon)
            nixos.activation?.ends = min(activation.ends, soon)
        }
        nixos.lockedUntil = now
        nixos.brokenUntil = now
        nixos.unseenUntil = now
        hands.surveys.removeAll { $0.due > soon }
    }

    private mutating func live(_ interval: Interval) throws(Violation) {
        let end = now + interval
        while now < end || mind == nil { try liveOn(until: end) }
    }

    mutating func seeJustice() throws(Violation) {
        // The window of the last rollback passes, also by a wall clock that was set back since.
        now = now + .hours(48)
        kernel.sleep(.hours(48))
        safeSwitch = SafeSwitchPolicy()
        tellConfiguration()
        try live(.minutes(12))
        let good = successor { _ in }
        deploy(good, .switch)
        try live(.minutes(15))
        guard let victim = victim(), isReachable(good) else { return }
        say("--- the victim is \(instances[victim].name)")
        let isHanging = hasProvenProbe(victim) && isPatient(victim) && random.oneIn(2)
        let rate = random.oneIn(3) ? nil : Int(random.within(5...60))
        let deaths = 1 + random.below(6)
        killsLeft = deaths
        let before = oversight.rollbacks
        let bad = successor {
            $0.versions[victim] += 100
            $0.effects[victim] = isHanging ? .hangs : .crashes
        }
        killRate = rate
        deploy(bad, .switch)
        let change = oversight.changeBegan
        try live(.minutes(40))
        killRate = nil
        try live(.minutes(2))
        let isSlow =
            isHanging && oversight.rollbacks == before
            && failsTooSlowly(victim, since: change, deaths: deaths - killsLeft)
        if isWaiting(instances[victim].name) || isHeldBack(victim) || isSlow {
            // A human's matter: see there.
            nixos.changeSystems { $0[bad].effects[victim] = .works }
            return try live(.minutes(20))
        }
        try checkRescue(victim, good, before)
        if random.oneIn(3) { try seeQuarantine(victim, bad) } else { try seeMore(victim) }
        try checkIncidents()
        try checkSwitchingSettled()
    }

    private func checkRescue(_ victim: Int, _ good: Int, _ before: Int) throws(Violation) {
        // Where nothing probed was healthy, another one may be better proven.
        let current = nixos.systems[nixos.current].path
        let isGood =
            nixos.current == good || oversight.wasKnownGood.contains(current)
            || nixos.current == 0
        if !isGood || nixos.system(of: nixos.chosen) != nixos.current
            || oversight.rollbacks != before + 1
        {
            throw Violation(
                rule: .justice,
                what: "s\(nixos.current) runs instead of s\(good), "
                    + "\(oversight.rollbacks - before) rollbacks for \(instances[victim].name)")
        }
        if !isHealthy(victim) {
            throw Violation(rule: .justice, what: "\(instances[victim].name) is not well again")
        }
    }

    /// A second one within the window, or one that is not to blame, stays.
    private mutating func seeMore(_ victim: Int) throws(Violation) {
        let isInWindow = random.oneIn(2)
        if !isInWindow {
            now = now + .hours(7)
            kernel.sleep(.hours(7))
            try live(.minutes(12))
        }
        let before = oversight.rollbacks
        let next = successor {
            if isInWindow { $0.versions[victim] += 200 }
            $0.effects[victim] = .crashes
        }
        deploy(next, .switch)
        try live(.minutes(30))
        if nixos.current != next || oversight.rollbacks != before {
            throw Violation(rule: .justice, what: "s\(nixos.current) instead of s\(next)")
        }
        nixos.changeSystems { $0[next].effects[victim] = .works }
        try live(.minutes(20))
    }

    /// Somebody goes to the quarantined one again, where all is well now; but nobody goes back there.
    private mutating func seeQuarantine(_ victim: Int, _ bad: Int) throws(Violation) {
        now = now + .hours(7)
        kernel.sleep(.hours(7))
        try live(.minutes(12))
        nixos.changeSystems { $0[bad].effects[victim] = .works }
        deploy(bad, .switch)
        try live(.minutes(3))
        die()
        try live(.minutes(12))
        let next = successor {
            $0.versions[victim] += 300
            $0.effects[victim] = .crashes
        }
        deploy(next, .switch)
        try live(.minutes(30))
        // Only one that was gone back from to some effect is quarantined.
        let isBad = oversight.words.quarantined.contains(nixos.systems[bad].path)
        if isBad, nixos.current == bad {
            throw Violation(rule: .justice, what: "back to the quarantined s\(bad)")
        }
        nixos.changeSystems { $0[next].effects[victim] = .works }
        try live(.minutes(20))
    }

    /// A new system like the one that runs, changed as told.
    private mutating func successor(_ change: (inout SimSystem) -> Void) -> Int {
        let base = nixos.systems[nixos.current]
        let place = nixos.add(versions: base.versions)
        nixos.changeSystems { systems in
            systems[place].kernel = base.kernel
            systems[place].initInterface = base.initInterface
            systems[place].inhibitor = base.inhibitor
            change(&systems[place])
        }
        return place
    }

    private func isHealthy(_ number: Int) -> Bool {
        guard let mind, let id = mind.id(named: instances[number].name) else { return false }
        return mind.standing(id) == .healthy
    }

    func isHandedOver(_ number: Int) -> Bool {
        guard let mind, let id = mind.id(named: instances[number].name) else { return false }
        return mind.status(id, at: now).isHandedOver
    }

    private func hasProvenProbe(_ number: Int) -> Bool {
        guard let mind, let id = mind.id(named: instances[number].name) else { return false }
        let status = mind.status(id, at: now)
        return status.probes.indices.contains {
            status.probes[$0].hasPassed
                && status.definition.probes[$0].fingerprint < Self.neverPasses
        }
    }

    /// Whether there is nothing to go back to that needs a reboot: that may be refused.
    private func isReachable(_ from: Int) -> Bool {
        nixos.generations.allSatisfy { generation in
            guard let place = nixos.place(of: generation.path) else { return true }
            let (one, other) = (nixos.systems[place], nixos.systems[from])
            return one.initInterface == other.initInterface && one.inhibitor == other.inhibitor
        }
    }

    /// Whether its own strikes lead to nothing, because of a dependency that a human was told of.
    private func isHeldBack(_ number: Int) -> Bool {
        guard let mind, let id = mind.id(named: instances[number].name),
            let other = mind.status(id, at: now).heldBy.flatMap({ numbers[$0] })
        else { return false }
        return isHandedOver(other)
    }

    /// Whether it has failed less than three times in the time that a probation waits at most, twice its
    /// own, and could not have sooner: each start that hangs is waited for twice as long as the last
    /// one, and anew by each daemon. The policy asks for three failures within the probation.
    private func failsTooSlowly(_ number: Int, since change: Int64, deaths: Int) -> Bool {
        let most = 2 * safeSwitch.probation.nanoseconds
        let failures = oversight.failures[number].count { $0 >= change && $0 - change <= most }
        let timeout = instances[number].definition.policy.start.timeout.nanoseconds
        let needed = timeout * Int64(1 + 2 + 4 + 4 * deaths)
        return failures < TriageFacts.failuresOfAProbation && !isHealthy(number) && needed > most
    }

    /// Whether a start that hangs fails three times before a human is told.
    private func isPatient(_ number: Int) -> Bool {
        let policy = instances[number].definition.policy
        return policy.start.retries > 3 && policy.escalation.attempts >= 3
    }

    /// Someone healthy for whose sake the machine may be taken back.
    private mutating func victim() -> Int? {
        let able = instances.indices.filter { number in
            let policy = instances[number].definition.policy
            return instances[number].isConfigured && isHealthy(number)
                && (policy.rollback == .auto || policy.rollback == .always)
                && policy.restart == .always && !instances[number].definition.detaches
        }
        return able.isEmpty ? nil : random.pick(able)
    }
}
