/// Many services fail at once, or the machine itself does: what probes ask for is done one at a
/// time then.
extension Mind {
    /// A common cause needs at least so many services that struck together.
    public static let fewestOfACommonCause = 3
    /// A common cause that lasts so long is handed over to a human.
    public static let longestCommonCause = Interval.minutes(15)
    /// A deadline told so much too late: the loop was stopped, or the machine suspended.
    public static let lateness = Interval.seconds(1)
    /// A stall that goes on for longer is how this machine is, and excuses nobody any more.
    public static let longestStall = Interval.minutes(5)
    /// How often it is looked whether a common cause is over, once it may be.
    private static let calmPace = Interval.seconds(1)

    /// What is late now is nobody's own fault: the looks under way are void, for a while probes
    /// cause restarts only one at a time, and a start has as much more time as was lost.
    mutating func noteStall(since due: Instant, at now: Instant) {
        guard lastStall != now else { return }
        let lost = now - max(due, lastStall ?? due)
        let goesOn = lastStall.map { now - $0 <= Self.together } ?? false
        if !goesOn { stallBegan = now }
        lastStall = now
        // Whoever keeps the machine busy for good must not keep it from being healed.
        if now - stallBegan > Self.longestStall { return }
        stalledUntil = now + Self.together
        for i in instances.indices where !instances[i].probes.isEmpty {
            for k in instances[i].probes.indices where instances[i].probes[k].serial != nil {
                instances[i].probes[k].isVoid = true
            }
            if instances[i].phase == .starting(.unproven), instances[i].needsConfirmation,
                let deadline = instances[i].deadline
            {
                wake(i, at: deadline + lost)
            }
        }
    }

    /// How many services struck lately.
    func strikers(at now: Instant) -> Int {
        lastStrikes.count { last in last.map { now - $0 <= Self.together } ?? false }
    }

    /// After each strike: is it more than the service's own trouble?
    mutating func lookForCommonCause(at now: Instant, into actions: inout [Action]) {
        guard trouble == nil else { return }
        let count = strikers(at: now)
        if count >= Self.fewestOfACommonCause, 3 * count > probedServices {
            beginCommonCause(at: now, into: &actions)
        }
    }

    mutating func beginCommonCause(at now: Instant, into actions: inout [Action]) {
        let incident = OpenIncident(id: nextIncident, opened: now)
        nextIncident += 1
        trouble = CommonCause(incident: incident, check: now + Self.together)
        actions.append(
            .record(
                .commonCauseBegan(
                    incident: incident.id, services: strikers(at: now), of: probedServices)))
        for i in instances.indices {
            if case .lookingAround = instances[i].patience { queue(i) }
        }
    }

    /// Its turn to be restarted comes.
    mutating func queue(_ i: Int) {
        instances[i].patience = .queued
        waiting.append(i)
        planCare(i)
    }

    /// A restart that probes caused is under way.
    mutating func noteHealing(_ i: Int) {
        healing = healing.filter { $0 != i && isHealing($0) } + [i]
    }

    /// That restart is neither confirmed nor failed yet.
    private func isHealing(_ i: Int) -> Bool {
        guard instances[i].isProbeCaused, !instances[i].isVacant else { return false }
        switch instances[i].phase {
        case .stopping(let stopping):
            return stopping.stage != .stuck
                && (stopping.aftermath == .heal || stopping.aftermath == .failStart)
        case .starting(let stage): return stage != .parked
        case .stopped, .running, .backingOff, .handedOver: return false
        }
    }

    /// Some other restart that probes caused is under way, and they are made one at a time.
    mutating func mustQueue(_ i: Int) -> Bool {
        guard trouble != nil, instances[i].isProbeCaused else { return false }
        return healing.contains { $0 != i && isHealing($0) }
    }

    /// The next restart, once the last one is confirmed or has failed; the end of it, once calm.
    mutating func tendCommonCause(at now: Instant, into actions: inout [Action]) {
        let wasHealing = !healing.isEmpty
        healing = healing.filter(isHealing)
        if wasHealing, healing.isEmpty { turnSince = now }
        waiting = waiting.filter { !instances[$0].isVacant && instances[$0].patience == .queued }
        while healing.isEmpty, let i = nextToHeal() {
            waiting.removeAll { $0 == i }
            instances[i].patience = .none
            switch instances[i].phase {
            case .backingOff, .handedOver: recover(i, at: now, into: &actions)
            case .stopped, .starting, .running, .stopping: healInTurn(i, at: now, into: &actions)
            }
            healing = healing.filter(isHealing)
        }
        guard let common = trouble, common.check <= now else { return }
        endIfCalm(common, at: now, into: &actions)
    }

    private mutating func healInTurn(_ i: Int, at now: Instant, into actions: inout [Action]) {
        guard ending == nil, instances[i].stopWhenFree == nil, instances[i].phase == .running,
            let probe = instances[i].completeProbe
        else { return }
        if let dependency = unhealthyDependency(of: i) {
            hold(i, probe, for: dependency, into: &actions)
        } else {
            heal(i, at: now, into: &actions)
        }
    }

    /// Critical services first, then whoever waits longest.
    private func nextToHeal() -> Int? {
        for i in waiting where instances[i].policy.critical {
            switch evidence(i) {
            case .failed: return i
            case nil: return nil
            case .unknown, .passed: continue
            }
        }
        return waiting.first { evidence($0) == .failed }
    }

    /// What its failing probe has found since the last restart of another; `nil`: it has not
    /// looked yet.
    private func evidence(_ i: Int) -> ProbeOutcome? {
        guard instances[i].phase == .running, let k = instances[i].completeProbe else {
            return .failed
        }
        let probe = instances[i].probes[k]
        guard let look = probe.answeredLook, look > turnSince else { return nil }
        return probe.lastOutcome
    }

    private mutating func endIfCalm(
        _ common: CommonCause, at now: Instant, into actions: inout [Action]
    ) {
        let calm = (lastStrike ?? common.incident.opened) + Self.together
        if calm <= now, waiting.isEmpty {
            trouble = nil
            if common.isHandedOver { return }
            actions.append(
                .record(
                    .commonCauseEnded(
                        incident: common.incident.id, after: now - common.incident.opened)))
            return
        }
        trouble?.check = max(calm, now + Self.calmPace)
        let limit = common.incident.opened + Self.longestCommonCause
        if common.isHandedOver { return }
        if limit <= now {
            trouble?.isHandedOver = true
            actions.append(.record(.commonCauseHandedOver(incident: common.incident.id)))
        } else {
            trouble?.check = min(max(calm, now + Self.calmPace), limit)
        }
    }

    /// One that an earlier daemon left goes on until it is calm.
    mutating func recallCommonCause(at now: Instant) {
        guard let incident = memory.commonCause, trouble == nil else { return }
        lastStrike = now
        trouble = CommonCause(incident: incident, check: now + Self.together)
    }

    /// The services anew, by number. Strikes of those that stay are kept.
    mutating func countServices() {
        var numbers: [String: Int] = [:]
        var strikes: [Instant?] = []
        var isProbed: [Bool] = []
        for i in instances.indices where !instances[i].isVacant {
            let service = instances[i].definition.service
            let place = instances[i].serviceNumber
            let old = lastStrikes.indices.contains(place) ? lastStrikes[place] : nil
            let number = numbers[service] ?? strikes.count
            if number == strikes.count {
                numbers[service] = number
                strikes.append(old)
                isProbed.append(false)
            }
            instances[i].serviceNumber = number
            if !instances[i].probes.isEmpty { isProbed[number] = true }
        }
        lastStrikes = strikes
        probedServices = isProbed.count { $0 }
    }
}

/// A common cause that is under way.
struct CommonCause: Sendable {
    var incident: OpenIncident
    /// When to look whether it is over, or lasts too long.
    var check: Instant
    /// It lasted, and a human was told.
    var isHandedOver = false
}
