import SafeSwitch
import Supervision

/// What must always hold of SafeSwitch, by what the world knows.
extension SimulatedMachine {
    /// The bound of an answer, and some more: turns are late.
    private static let longestTriage = Interval.minutes(16)
    /// What a look shows may be so old when something is done because of it.
    private static let sight: Int64 = 30_000_000_000

    mutating func check(_ action: SwitchAction, of all: [SwitchAction]) throws(Violation) {
        switch action {
        case .recordDurably(.intended(let flight), _):
            try checkIntent(flight)
            if case .rollback(let incident) = flight.purpose {
                try checkRollback(flight, incident, all)
            }
        case .record(.flightEnded(let id, let outcome)): try checkLanding(id, outcome)
        case .perform(.markKnownGood, _): break
        case .perform(.reboot, _):
            try checkDeed("a reboot")
            // A daemon that was told to go on asks for the same one again.
            let asked = (boot, oversight.words.journeys.last?.flight.id)
            if oversight.askedReboot ?? (0, nil) == asked { break }
            oversight.askedReboot = asked
            if let last = oversight.lastReboot, truth - last < SwitchMind.rebootLimit.nanoseconds,
                isLastResort(oversight.words.journeys.last?.flight)
            {
                throw Violation(rule: .window, what: "a second reboot within a day")
            }
            oversight.lastReboot = truth
        case .perform(let deed, _): try checkDeed("\(deed)")
        case .activate(_, _, let flight, _): try checkActivation(flight)
        case .tell(.switchBegan), .tell(.switchEnded):
            let begins = action == .tell(.switchBegan)
            if sabotage == .handsForgetEnds, !begins { return }
            if begins == oversight.isSwitchTold {
                throw Violation(rule: .pairs, what: begins ? "begun twice" : "ended twice")
            }
            oversight.isSwitchTold = begins
        default: break
        }
    }

    // MARK: Intents

    private func checkIntent(_ flight: Flight) throws(Violation) {
        if oversight.landed.contains(flight.id)
            || oversight.words.journeys.contains(where: { $0.flight.id == flight.id })
        {
            throw Violation(rule: .twice, what: "switch \(flight.id) is intended again")
        }
    }

    private func isLastResort(_ flight: Flight?) -> Bool {
        flight?.mode == .reboot && safeSwitch.onExhausted == .rebootIntoKnownGood
    }

    /// Is this rollback one that may be?
    private mutating func checkRollback(
        _ flight: Flight, _ incident: Int, _ all: [SwitchAction]
    ) throws(Violation) {
        try checkTarget(flight)
        guard let number = oversight.owners[incident] else {
            throw Violation(rule: .evidence, what: "nobody has incident \(incident)")
        }
        let policy = instances[number].definition.policy.rollback
        let isInWindow = safeSwitch.maintenance.contains { $0.contains(wall: stamp.wall) }
        if safeSwitch.mode != .automatic || isInWindow || policy == .never || policy == .propose {
            throw Violation(rule: .evidence, what: "\(safeSwitch.mode), \(policy), \(isInWindow)")
        }
        // The very last resort has no other evidence than that nothing else is left.
        if isLastResort(flight), oversight.rolledBack.contains(incident) { return }
        let isLimited =
            oversight.lastRollback.map { truth - $0 < safeSwitch.limit.nanoseconds - 1_000_000_000 }
            ?? false
        if isLastResort(flight), isLimited { return }
        if oversight.rolledBack.contains(incident) {
            throw Violation(rule: .window, what: "incident \(incident) has had its rollback")
        }
        if isLimited {
            throw Violation(rule: .window, what: "a second rollback within the window")
        }
        if !isLastResort(flight) { try checkEvidence(flight, incident, number) }
        oversight.previousRollback = oversight.lastRollback
        oversight.lastRollback = truth
        oversight.rolledBack.insert(incident)
        oversight.rollbacks += 1
    }

    private func checkEvidence(
        _ flight: Flight, _ incident: Int, _ number: Int
    ) throws(Violation) {
        let name = instances[number].name
        guard let probation = oversight.words.probation, probation.system == flight.from,
            let previous = probation.previous
        else { throw Violation(rule: .evidence, what: "no probation of \(flight.from)") }
        let comparison = nixos.compare(number, previous, flight.from)
        if !comparison.serviceDiffers, !comparison.isBlind {
            throw Violation(rule: .evidence, what: "\(name) does not differ from \(previous)")
        }
        let policy = instances[number].definition.policy.rollback
        let from = nixos.place(of: flight.from)
        let wasHealthy = oversight.healthy.indices.contains {
            $0 != from && oversight.healthy[$0].contains(number)
        }
        // A process of the system before may have come up when this one was in force already.
        let own = from.map { nixos.systems[$0].versions[number] }
        let wasVersionHealthy =
            oversight.healthyVersions[number]?.contains { $0 != own } ?? false
        if !wasHealthy, !wasVersionHealthy, policy != .always {
            throw Violation(rule: .evidence, what: "\(name) was never healthy before")
        }
        let slack = SwitchMind.signSlack.nanoseconds
        // Another change that has begun by now is not what it goes back from.
        let isUnderWay = nixos.activation.map { $0.isChange && !$0.isInForce } ?? false
        let began =
            isUnderWay || from != nixos.current
            ? oversight.previousChange : oversight.changeBegan
        let failures = oversight.failures[number].count { $0 + slack >= began }
        if failures < (oversight.loops.contains(incident) ? 1 : 3) {
            throw Violation(rule: .evidence, what: "\(name) has failed \(failures) times")
        }
    }

    private func checkTarget(_ flight: Flight) throws(Violation) {
        guard let target = nixos.place(of: flight.to) else {
            throw Violation(rule: .target, what: "\(flight.to) is nothing")
        }
        if oversight.words.quarantined.contains(flight.to) {
            throw Violation(rule: .target, what: "\(flight.to) is quarantined")
        }
        if let fence = safeSwitch.fence, let generation = flight.generation, generation < fence {
            throw Violation(rule: .target, what: "\(generation) is below the fence")
        }
        if let gone = nixos.systems[target].goneSince, truth - gone > Self.sight {
            throw Violation(rule: .target, what: "\(flight.to) is gone")
        }
        if flight.to == flight.from, !isLastResort(flight) {
            throw Violation(rule: .target, what: "\(flight.to) is what runs")
        }
        let isKnownGood =
            oversight.words.knownGood.contains(flight.to) || nixos.knownGood == target
            || target == 0
        let wasGood =
            oversight.healthy.indices.contains(target) && !oversight.healthy[target].isEmpty
        if !isKnownGood, !wasGood {
            throw Violation(rule: .target, what: "nothing was ever healthy on \(flight.to)")
        }
    }

    // MARK: Deeds

    private mutating func checkDeed(_ what: String) throws(Violation) {
        guard let last = oversight.words.journeys.indices.last else {
            throw Violation(rule: .intent, what: "\(what) without a switch")
        }
        let journey = oversight.words.journeys[last]
        if !journey.isDurable, journey.flight.purpose != .retreat {
            throw Violation(rule: .intent, what: "\(what) before its intent is on the disk")
        }
        if hands.seen.isForeign {
            throw Violation(rule: .foreign, what: "\(what) while somebody else switches")
        }
        oversight.words.journeys[last].hasBegun = true
    }

    private mutating func checkActivation(_ flight: Int) throws(Violation) {
        try checkDeed("switch \(flight)")
        guard let journey = oversight.words.journeys.last, journey.flight.id == flight else {
            throw Violation(rule: .intent, what: "switch \(flight) is not intended")
        }
        if nixos.activation?.flight == flight {
            throw Violation(rule: .twice, what: "switch \(flight) runs already")
        }
        let target = nixos.place(of: journey.flight.to)
        let isTest = journey.flight.mode != .reboot && journey.flight.purpose != .settle
        if isTest, journey.wholeRuns > 0, nixos.current == target {
            throw Violation(rule: .twice, what: "switch \(flight) has run to its end")
        }
    }

    // MARK: Ends

    private mutating func checkLanding(_ id: Int, _ outcome: FlightOutcome) throws(Violation) {
        guard let journey = oversight.words.journeys.first(where: { $0.flight.id == id }) else {
            throw Violation(rule: .flights, what: "switch \(id) ends, and was not under way")
        }
        let chosen = nixos.system(of: nixos.chosen)
        if journey.isSetBack, !journey.isDisturbed, chosen == nixos.place(of: journey.flight.to) {
            throw Violation(rule: .agreement, what: "the profile of switch \(id) is left behind")
        }
        guard outcome == .succeeded || outcome == .degraded, !journey.isDisturbed else { return }
        let flight = journey.flight
        let target = nixos.place(of: flight.to)
        let isChosen = nixos.system(of: nixos.chosen) == target
        let isRunning = nixos.current == target
        let isSound =
            switch (flight.purpose, flight.mode) {
            case (.settle, _): isChosen && isRunning && journey.hasBootEntry
            case (.retreat, _): isRunning
            case (.trial, _): isRunning
            case (.rollback, _), (.asked, _): isChosen && isRunning
            }
        if !isSound {
            throw Violation(
                rule: .agreement,
                what: "switch \(id) to \(flight.to) has succeeded, and s\(nixos.current) runs, "
                    + "\(nixos.chosen) is chosen")
        }
        if case .rollback = flight.purpose { oversight.rescues += 1 }
    }

    func checkFlights() throws(Violation) {
        if oversight.words.journeys.count > 1 {
            let all = oversight.words.journeys.map(\.flight.id)
            throw Violation(rule: .flights, what: "\(all) are under way at once")
        }
    }

    /// After every turn.
    mutating func checkSwitching() throws(Violation) {
        if hands.surveys.count > 32 || hands.later.count > 32 {
            throw Violation(rule: .flood, what: "\(hands.surveys.count) looks at once")
        }
        guard let mind else { return }
        for id in mind.all { noteHealth(id) }
        for place in hands.accused.indices {
            guard let since = hands.accused[place] else { continue }
            if !mind.all.contains(InstanceID(place)) {
                hands.accused[place] = nil
            } else if now - since > Self.longestTriage {
                let name = mind.definition(InstanceID(place)).name
                throw Violation(rule: .answers, what: "\(name) was accused at \(since)")
            }
        }
    }

    /// Nothing is under way any more.
    func checkSwitchingSettled() throws(Violation) {
        guard hasNixOS else { return }
        if let journey = oversight.words.journeys.first {
            throw Violation(rule: .flights, what: "\(journey.flight) never ended")
        }
        if let place = hands.accused.firstIndex(where: { $0 != nil }) {
            throw Violation(rule: .answers, what: "place \(place) has no answer")
        }
    }

    // MARK: What came to pass

    /// What the mind says of services, for the evidence.
    mutating func noteEvidence(_ record: Record) {
        switch record {
        case .processExited(let id, _, _, _, _, asked: false):
            if let number = hands.owners[id.index] { oversight.noteFailure(number, at: truth) }
        case .stopBegan(let id, .heal), .stopBegan(let id, .failStart):
            if let number = hands.owners[id.index] { oversight.noteFailure(number, at: truth) }
        case .incidentOpened(let id, let incident, _, _):
            if let number = hands.owners[id.index] { oversight.owners[incident] = number }
        default: break
        }
    }

    mutating func noteHealth(_ id: InstanceID) {
        guard let mind, mind.all.contains(id), let number = hands.owners[id.index],
            mind.standing(id) == .healthy || isWell(number)
        else { return }
        while oversight.healthy.count <= nixos.current { oversight.healthy.append([]) }
        oversight.healthy[nixos.current].insert(number)
        guard let main = kernel.main(of: number) else { return }
        let version = Int(kernel.processes[main].launch >> 32)
        oversight.healthyVersions[number, default: []].insert(version)
    }

    /// Whether it works, whether anybody has noticed or not.
    private func isWell(_ number: Int) -> Bool {
        guard let main = kernel.main(of: number) else { return false }
        return kernel.processes[main].health.isWell(at: now)
    }
}
