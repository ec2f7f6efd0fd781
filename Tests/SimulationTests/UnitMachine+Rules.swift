import Supervision

/// What must always hold for units.
extension UnitMachine {
    // MARK: What is known

    mutating func noteEvent(_ event: Event) {
        switch event {
        case .switchBegan: hands.isSwitching = sabotage != .handsHideSwitches
        case .switchEnded: hands.isSwitching = false
        case .instance(let id, let event):
            guard let i = hands.owner(id) else { return }
            switch event {
            case .startAsked, .restartAsked:
                facts[i].orderedUp = now
            case .healAsked: facts[i].orderedUp = now
            case .stopAsked: facts[i].isOrderedDown = true
            default: break
            }
        default: break
        }
    }

    mutating func note(_ record: SimRecord) throws {
        guard let i = definitions.firstIndex(where: { $0.name == record.name }) else { return }
        switch record.record {
        case .processStarted, .processAdopted:
            facts[i].isUp = true
            facts[i].hasRun = true
            facts[i].isOrderedDown = false
            facts[i].orderedUp = nil
        case .processExited(_, _, _, _, _, asked: false): facts[i].ends += 1
        case .incidentHandedOver(_, _, .notOurs):
            let starter = hands.told[i]?.sight.starter
            if facts[i].isUp || facts[i].isExpected, starter != .nobody {
                throw UnitViolation(rule: .healed, what: "u\(i) was up, and is handed over")
            }
        case .startAsked: facts[i].isOrderedDown = false
        case .stopBegan(_, .restart): facts[i].orderedUp = now
        case .rested:
            facts[i].isUp = false
            facts[i].isExpected = false
        default: break
        }
        try checkCount(i)
    }

    /// No crash is counted twice, and none that was none.
    private func checkCount(_ i: Int) throws(UnitViolation) {
        let unit = systemd.units[i]
        if facts[i].ends > unit.ends + (facts[i].hasHealed ? unit.stops : 0) {
            throw UnitViolation(
                rule: .counted, what: "u\(i): \(facts[i].ends) of \(unit.ends)")
        }
    }

    // MARK: Deeds

    private func checkAsking(_ i: Int) throws(UnitViolation) {
        if hands.jobs[i] != nil { throw UnitViolation(rule: .jobs, what: "u\(i)") }
        if switchEnds != nil, hands.isSwitching || sabotage == .handsHideSwitches {
            throw UnitViolation(rule: .switching, what: "u\(i)")
        }
    }

    mutating func checkStart(_ i: Int) throws(UnitViolation) {
        try checkAsking(i)
        let unit = systemd.units[i]
        let ordered = facts[i].orderedUp
        if ordered != nil { return }
        if unit.isOthers { throw UnitViolation(rule: .others, what: "u\(i)") }
        guard let told = hands.told[i] else {
            throw UnitViolation(rule: .healed, what: "u\(i) was not looked at")
        }
        if let stopped = unit.stoppedAt, stopped < told.at, !facts[i].hasHealed {
            throw UnitViolation(rule: .stopped, what: "u\(i)")
        }
        if told.sight.activity == .active {
            if !hands.hasFailedLook[i] { throw UnitViolation(rule: .healthy, what: "u\(i)") }
        }
    }

    func checkStop(_ i: Int) throws(UnitViolation) {
        try checkAsking(i)
        if !facts[i].isOrderedDown { throw UnitViolation(rule: .stops, what: "u\(i)") }
    }

    // MARK: States

    func check(_ event: Event, _ actions: [Action]) throws(UnitViolation) {
        if actions.count > 20 + 16 * systemd.units.count {
            throw UnitViolation(rule: .flood, what: "\(actions.count) actions for \(event)")
        }
        if case .deadlineReached = event, let mind, var copy = Optional(mind),
            let deadline = copy.nextDeadline(), deadline <= now
        {
            throw UnitViolation(rule: .deadlines, what: "\(deadline) at \(now)")
        }
    }

    /// Once every sight is told, something must bring each unit on.
    func check() throws(UnitViolation) {
        guard let mind, hands.hasBegun, !hands.isEnding, !hands.isSwitching, switchEnds == nil,
            tellings.isEmpty
        else { return }
        for id in mind.all {
            guard let i = hands.owner(id), !systemd.changed.contains(i), hands.jobs[i] == nil,
                hands.told[i] != nil
            else { continue }
            let status = mind.status(id, at: now)
            let unit = systemd.units[i]
            let isSound =
                switch status.phase {
                case .stopped: unit.isDown || unit.activity == .deactivating
                case .starting(.parked):
                    status.waitsFor != nil || status.pausedUntil != nil || waitsForStop(status)
                case .starting(.awaited): unit.next != nil
                case .starting(.spawning): false
                case .starting(.remedying): status.deadline != nil
                case .starting(.unproven):
                    unit.isWell && (status.deadline != nil || status.pausedUntil != nil)
                case .running: unit.isWell
                case .backingOff, .handedOver:
                    status.deadline != nil || status.pausedUntil != nil || status.isQueued
                case .stopping: status.deadline != nil || unit.next != nil
                }
            if !isSound {
                throw UnitViolation(
                    rule: .liveness, what: "u\(i): \(status.phase), \(unit.activity)")
            }
        }
    }

    private func waitsForStop(_ status: InstanceStatus) -> Bool {
        guard let mind else { return false }
        return mind.all.contains { id in
            if case .stopping = mind.status(id, at: now).phase {
                return status.definition.policy.after.contains(mind.definition(id).service)
            }
            return false
        }
    }

    func checkSettled() throws(UnitViolation) {
        guard let mind else { throw UnitViolation(rule: .liveness, what: "Regen is down") }
        for id in mind.all {
            guard let i = hands.owner(id) else { continue }
            let status = mind.status(id, at: now)
            let unit = systemd.units[i]
            let isWell =
                switch status.phase {
                case .running: unit.isWell
                case .stopped(.outside), .stopped(.fresh), .stopped(.finished):
                    unit.isDown && (unit.activity != .failed || unit.wasStopped)
                case .stopped(.failed), .stopped(.asked): unit.isDown
                case .starting(.parked): status.waitsFor != nil
                case .stopped(.ended), .starting, .backingOff, .handedOver, .stopping: false
                }
            if !isWell || status.incident != nil && status.waitsFor == nil {
                throw UnitViolation(
                    rule: .liveness,
                    what: "u\(i) settled as \(status.phase), \(unit.activity), "
                        + "incident \(status.incident ?? 0)")
            }
        }
    }

    func checkIncidents() throws(UnitViolation) {
        if let what = ledger.incidentFault(except: isExcused) {
            throw UnitViolation(rule: .incidents, what: what)
        }
    }

    /// It waits for another, or is not Regen's any more.
    private func isExcused(_ name: String) -> Bool {
        guard let mind, let id = mind.id(named: name) else { return true }
        return mind.status(id, at: now).waitsFor != nil
    }
}
