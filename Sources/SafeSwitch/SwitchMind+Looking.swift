import Supervision

/// Looks at the generations, and what they show: changes, and other people's switches.
extension SwitchMind {
    mutating func configure(
        _ policy: SafeSwitchPolicy, _ subjects: [Subject?], _ turn: inout Turn
    ) {
        self.policy = policy
        self.subjects = subjects
        watched = rewatched(subjects)
        cases = cases.filter { watchedService($0.service)?.name == $0.name }
        if policy.mode == .off {
            pollAt = nil
            if hasBegun { endForeignSwitch(&turn) }
            while let one = cases.first { close(one, .handOver(nil), &turn) }
        } else if hasBegun, pollAt == nil {
            pollAt = turn.now
        }
        inspect(&turn)
    }

    private func rewatched(_ subjects: [Subject?]) -> [Watched?] {
        var places: [String: Int] = [:]
        for (place, service) in watched.enumerated() {
            if let service { places[service.name] = place }
        }
        return subjects.map { subject in
            guard let name = subject?.service else { return nil }
            if let place = places[name] { return watched[place] }
            return Watched(name, hasBegun ? nil : memory.services[name])
        }
    }

    func watchedService(_ id: InstanceID) -> Watched? {
        watched.indices.contains(id.index) ? watched[id.index] : nil
    }

    /// What an earlier daemon left is known by now.
    mutating func begin(_ turn: inout Turn) {
        hasBegun = true
        guard policy.mode != .off || memory.flight != nil else { return endForeignSwitch(&turn) }
        // Nobody has looked yet: what fails meanwhile may fail because of a change.
        firstSign = memory.foreign?.began ?? memory.unseenSince ?? turn.now
        watch(&turn)
    }

    /// Something moved. Who is healthy at the first sign of a change was so before it.
    mutating func notice(_ services: borrowing Mind, _ turn: inout Turn) {
        guard hasBegun, policy.mode != .off else { return }
        if firstSign == nil {
            firstSign = turn.now
            for place in watched.indices where watched[place] != nil {
                if services.standing(InstanceID(place)) == .healthy { watched[place]?.beHealthy() }
            }
        }
        pollAt = turn.now
    }

    /// Looks whether anything has changed. While such a look is under way, the next one waits for it.
    mutating func watch(_ turn: inout Turn) {
        pollAt = nil
        let isWatching = looks.contains { if case .watch = $0.purpose { true } else { false } }
        if isWatching {
            pollAt = turn.now + Self.retryPause
        } else {
            look(.watch, nil, &turn)
        }
    }

    mutating func look(_ purpose: Look.Purpose, _ question: Question?, _ turn: inout Turn) {
        lastSerial += 1
        looks.append(Look(serial: lastSerial, purpose: purpose, asked: turn.now))
        turn.actions.append(
            .survey(serial: lastSerial, question, also: goal(of: purpose)))
    }

    /// The system that a look is about, which may be in no profile.
    private func goal(of purpose: Look.Purpose) -> String? {
        switch purpose {
        case .flight: aloft?.flight.to
        case .request(_, .trial(let path, _, _, _)): path
        case .watch, .weigh, .inspect, .request: nil
        }
    }

    private mutating func taken(_ serial: Int) -> Look? {
        looks.firstIndex { $0.serial == serial }.map { looks.remove(at: $0) }
    }

    mutating func surveyed(
        _ serial: Int, _ landscape: Landscape, _ comparison: Comparison?,
        _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let look = taken(serial) else { return }
        // An older look knows less than what was seen since.
        if serial > seenSerial {
            seenSerial = serial
            see(landscape, services, &turn)
        }
        let landscape = brought(landscape, upTo: seenSerial == serial ? nil : self.landscape)
        switch look.purpose {
        case .watch: break
        case .weigh(let before, let after):
            guard isAwaited(serial) else { return }
            weigh(comparison, before: before, after: after, services, &turn)
        case .inspect: inspected(serial, comparison, &turn)
        case .flight: seenFromFlight(landscape, services, &turn)
        case .request(let request, let wish):
            answer(request, wish, landscape, services, &turn)
        }
    }

    /// What an older look was about, by what was seen since.
    private func brought(_ old: Landscape, upTo newer: Landscape?) -> Landscape {
        guard var newer else { return old }
        newer.systems += old.systems.filter { newer.system($0.path) == nil }
        return newer
    }

    mutating func lookFailed(
        _ serial: Int, _ trouble: String, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let look = taken(serial) else { return }
        isBlind = !isOriented
        planPoll(&turn)
        switch look.purpose {
        case .watch: break
        case .weigh: if isAwaited(serial) { weighBlindly(trouble, services, &turn) }
        case .inspect: inspectedInVain(serial)
        case .flight: flightUnseen(trouble, services, &turn)
        case .request(let request, _):
            turn.actions.append(.answer(request: request, .refused(.unseen(trouble))))
        }
    }

    private mutating func planPoll(_ turn: inout Turn) {
        guard policy.mode != .off || memory.flight != nil else { return }
        let next = turn.now + (foreign == nil ? Self.poll : Self.switchPoll)
        // A sign that came during the look is looked after at once.
        pollAt = pollAt.map { min($0, next) } ?? next
    }

    private mutating func see(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        self.landscape = landscape
        seeForeignSwitch(landscape, &turn)
        planPoll(&turn)
        if hasBegun {
            if isOriented {
                seeChange(landscape, by: .other, services, &turn)
            } else {
                isOriented = true
                orient(landscape, services, &turn)
            }
        }
        // Its change is on record before its end is: no death in between forgets what led to it.
        if landscape.switchHolder == nil { endForeignSwitch(&turn) }
    }

    // MARK: Other people's switches

    private mutating func seeForeignSwitch(_ landscape: Landscape, _ turn: inout Turn) {
        if aloft?.isActivating == true { return }
        let own = memory.flight?.process?.pid
        if own != nil, own == landscape.switchHolder { return }
        guard let pid = landscape.switchHolder, foreign == nil else { return }
        // Another one: the one that an earlier daemon saw has led to nothing.
        if let earlier = memory.foreign, earlier.pid != pid, landscape.current == memory.current {
            turn.record(.foreignSwitchEnded(after: turn.now - earlier.began))
            memory.foreign = nil
        }
        foreign = ForeignSwitch(began: memory.foreign?.began ?? turn.now, pid: pid)
        memory.foreign = nil
        turn.record(.foreignSwitchBegan(pid: pid))
        tellSwitching(&turn)
    }

    /// It has ended, or had when this daemon began to look.
    private mutating func endForeignSwitch(_ turn: inout Turn) {
        guard let began = (foreign ?? memory.foreign)?.began else { return }
        foreign = nil
        memory.foreign = nil
        turn.record(.foreignSwitchEnded(after: turn.now - began))
        tellSwitching(&turn)
    }

    mutating func tendForeignSwitch(_ turn: inout Turn) {
        guard let foreign, !foreign.isTold, foreign.began + policy.overdue <= turn.now else {
            return
        }
        self.foreign?.isTold = true
        turn.record(.foreignSwitchLasts(turn.now - foreign.began))
    }

    /// An earlier daemon left a switch under way, and nobody has looked yet what became of it: what is
    /// down until then may be down because of it.
    private var mayBeSwitching: Bool {
        guard hasBegun, !isOriented, !isBlind, !memory.isNewBoot else { return false }
        return memory.foreign != nil || memory.flight?.step == .activate
    }

    /// Keeps the mind told, in pairs, whether a switch runs; and has the configuration read after it.
    mutating func tellSwitching(_ turn: inout Turn) {
        let isSwitching = foreign != nil || aloft?.isActivating == true || mayBeSwitching
        if isSwitching != hasToldSwitch {
            hasToldSwitch = isSwitching
            turn.actions.append(.tell(isSwitching ? .switchBegan : .switchEnded))
        }
        if owesReload, !isSwitching {
            owesReload = false
            turn.actions.append(.reload)
        }
    }

    // MARK: Changes

    mutating func seeChange(
        _ landscape: Landscape, by origin: ChangeOrigin, _ services: borrowing Mind,
        _ turn: inout Turn
    ) {
        // What happens while Regen switches is that switch's own matter.
        if let aloft, aloft.flight.step != .confirm { return }
        guard let current = landscape.current else { return }
        guard current != memory.current else { return beCalm(services, &turn) }
        if aloft != nil { end(.notActivated(current: current), services, &turn) }
        // In this order: a death in between must not leave a change without its probation.
        openProbation(of: current, after: memory.current, services, &turn)
        enter(current, by: origin, &turn)
        firstSign = nil
    }

    private mutating func beCalm(_ services: borrowing Mind, _ turn: inout Turn) {
        guard foreign == nil else { return }
        firstSign = nil
        if memory.lastHeard != nil, let current = memory.current {
            memory.lastHeard = nil
            turn.record(.unchanged(system: current))
        }
        inspect(&turn)
        for place in watched.indices {
            guard let service = watched[place] else { continue }
            switch services.standing(InstanceID(place)) {
            case .healthy: watched[place]?.beHealthy()
            case .idle: watched[place]?.wasHealthy = false
            // It may just be starting, as it was asked to.
            case .unhealthy: if service.unhealthySince != nil { watched[place]?.wasHealthy = false }
            }
        }
    }

    /// Another system runs: everyone is told.
    mutating func enter(_ system: String, by origin: ChangeOrigin, _ turn: inout Turn) {
        let from = memory.current
        memory.lastHeard = nil
        let generation = generation(of: system)
        memory.current = system
        turn.record(.generationChanged(from: from, to: system, generation: generation, by: origin))
        turn.actions.append(.tell(.generationChanged))
        owesReload = true
        tellSwitching(&turn)
        let isBad = memory.quarantined.contains(system)
        guard isBad else { return planInspection(of: system) }
        inspection = nil
        turn.record(.quarantineEntered(system: system, generation: generation, culprit: nil))
    }

    /// The number of a system: the profile's own choice where several lead to it, else the highest.
    func generation(of system: String) -> Int? {
        guard let landscape else { return nil }
        let numbers = landscape.generations(of: system).map(\.number)
        if let chosen = landscape.defaultGeneration, numbers.contains(chosen) { return chosen }
        return numbers.last
    }
}

extension Array where Element: Equatable {
    /// Puts something last, and keeps the latest `SwitchMemory.mostSystems`.
    mutating func keep(_ element: Element) {
        removeAll { $0 == element }
        append(element)
        if count > SwitchMemory.mostSystems { removeFirst() }
    }
}
