import Supervision

/// What an earlier daemon, or an earlier boot, has left.
extension SwitchMind {
    /// The first look: what runs, what was to run, and how far a switch has come.
    mutating func orient(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        noteBoot(landscape, &turn)
        if let ends = memory.probation?.ends {
            memory.probation?.ends = max(ends, turn.now + Self.settleWait)
        }
        let flight = memory.flight
        memory.flight = nil
        if memory.isNewBoot, flight?.step != .reboot { seeBoot(landscape, &turn) }
        if let flight { resume(flight, landscape, services, &turn) }
        guard policy.mode != .off else { return }
        if memory.current == nil { return seeFirst(landscape, &turn) }
        // What ran still runs: nothing has come of a switch before it began.
        if landscape.current == memory.current, let foreign { firstSign = foreign.began }
        seeChange(landscape, by: memory.isNewBoot ? .boot : .other, services, &turn)
        rebootProbation(landscape, services, &turn)
    }

    /// The ledger is to know what this machine has booted, also where that is no change.
    private mutating func noteBoot(_ landscape: Landscape, _ turn: inout Turn) {
        guard let booted = landscape.booted, !memory.booted.contains(booted) else { return }
        memory.booted.keep(booted)
        guard memory.isNewBoot, booted == memory.current else { return }
        turn.record(
            .generationChanged(
                from: booted, to: booted, generation: generation(of: booted), by: .boot))
    }

    /// Nothing is remembered: whatever runs is taken as it is.
    private mutating func seeFirst(_ landscape: Landscape, _ turn: inout Turn) {
        guard let current = landscape.current else { return }
        memory.current = current
        memory.lastHeard = nil
        let origin: ChangeOrigin = landscape.booted == current ? .boot : .other
        turn.record(
            .generationChanged(
                from: nil, to: current, generation: generation(of: current), by: origin))
        if !isKnownGood(current) { beginProbation(of: current, previous: nil, &turn) }
        // From now on it is known what runs: the next sign is of another change.
        firstSign = foreign?.began
    }

    /// The machine was to boot what the profile says.
    private mutating func seeBoot(_ landscape: Landscape, _ turn: inout Turn) {
        let bootBegan = (turn.wall - turn.now.nanoseconds) / 1_000_000_000
        guard let booted = landscape.booted,
            let chosen = landscape.missedBoot(bootBegan: bootBegan)
        else { return }
        turn.record(
            .bootedElsewhere(
                expected: chosen.path, expectedGeneration: chosen.number, booted: booted,
                generation: generation(of: booted)))
    }

    /// A boot into what ran already, and is not known good, is a probation too.
    private mutating func rebootProbation(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard memory.isNewBoot, memory.probation == nil, let current = landscape.current,
            current == memory.current, !isKnownGood(current), aloft == nil
        else { return }
        openProbation(of: current, after: nil, services, &turn)
    }

    // MARK: A switch under way

    private mutating func resume(
        _ flight: Flight, _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        var aloft = Aloft(flight, .look, at: turn.now)
        aloft.isConfirmed = memory.isConfirmed
        aloft.healthyBefore = onceHealthy
        aloft.accused = cases
        if let one = sufferer(of: aloft, services, turn.now) { aloft.accused.append(one) }
        cases = []
        self.aloft = aloft
        // Its moments are of an earlier boot.
        if memory.isNewBoot { return resumeAfterBoot(flight, landscape, services, &turn) }
        switch flight.step {
        case .intent, .profile: resumeIntent(landscape, services, &turn)
        case .activate: resumeActivation(landscape, services, &turn)
        case .verify, .restore: lookFromFlight(&turn)
        case .reboot: resumeReboot(services, &turn)
        case .confirm: resumeConfirm(landscape, services, &turn)
        }
    }

    /// Whoever this switch is for, if it still is not well: what accused it has died with its daemon.
    private func sufferer(
        of aloft: Aloft, _ services: borrowing Mind, _ now: Instant
    ) -> Case? {
        guard let incident = aloft.incident else { return nil }
        for place in watched.indices {
            let id = InstanceID(place)
            guard let service = watched[place], services.status(id, at: now).incident == incident
            else { continue }
            if aloft.accused.contains(where: { $0.service == id }) { return nil }
            var one = Case(id, service.name, incident, reason: nil, began: now)
            one.system = aloft.flight.from
            return one
        }
        return nil
    }

    private var onceHealthy: [InstanceID] {
        watched.indices.filter { watched[$0]?.wasHealthy == true }.map { InstanceID($0) }
    }

    /// Perhaps nothing was done yet. It still is, unless it is too late for that.
    private mutating func resumeIntent(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let flight = aloft?.flight else { return }
        if landscape.switchHolder != nil {
            // What it records is on its way to the disk for a while: this may be its own.
            aloft?.flight.step = .verify
            return lookFromFlight(after: Self.switchPoll, &turn)
        }
        if flight.from != flight.to, flight.isReached(in: landscape) {
            aloft?.flight.step = .verify
            return lookFromFlight(&turn)
        }
        if flight.began + Self.resumeWait <= turn.now {
            return abandon(.unseen("regend was away for too long"), services, &turn)
        }
        aloft?.flight.step = .intent
        lookFromFlight(&turn)
    }

    /// switch-to-configuration may still run.
    private mutating func resumeActivation(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let flight = aloft?.flight else { return }
        if let process = flight.process {
            lastSerial += 1
            aloft?.awaits = .activation(lastSerial)
            tellSwitching(&turn)
            turn.actions.append(
                .resumeWatch(process, flight: flight.id, serial: lastSerial))
        } else {
            // Begun or not: what is there tells, once nobody holds the lock.
            aloft?.flight.step = .verify
            lookFromFlight(&turn)
        }
    }

    /// The machine was to go down, and has not. By now nobody may want that any more.
    private mutating func resumeReboot(_ services: borrowing Mind, _ turn: inout Turn) {
        let asked = memory.lastReboot ?? aloft?.flight.began ?? turn.now
        if turn.now < asked + Self.rebootWait { return lookFromFlight(&turn) }
        stepFailed("regend was away for too long", mayRetry: false, services, &turn)
    }

    private mutating func resumeConfirm(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft else { return }
        guard landscape.current == aloft.flight.to else {
            return end(.notActivated(current: landscape.current), services, &turn)
        }
        let until = confirmEnd(of: aloft, turn.now)
        self.aloft?.awaits = .probes(until: until)
        self.aloft?.leastUntil = turn.now + Self.leastConfirm
        for one in aloft.accused { turn.answer(one.service, .retry) }
    }

    /// A trial that waits for a human's word is not made longer by a death. Services that were just
    /// started get some time, and those that are to be well again all of theirs.
    private func confirmEnd(of aloft: Aloft, _ now: Instant) -> Instant {
        let length = confirmation(of: aloft.flight)
        guard case .trial(_, let confirm) = aloft.flight.purpose else { return now + length }
        let end = aloft.flight.began + length
        return confirm != nil && !aloft.isConfirmed ? end : max(end, now + Self.settleWait)
    }

    /// The machine has booted since. Which system it booted decides.
    private mutating func resumeAfterBoot(
        _ flight: Flight, _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        if flight.wasCut(in: landscape) { return resumeCut(flight, landscape, services, &turn) }
        aloft?.wasRebooted = true
        if case .trial = flight.purpose {
            return end(.notActivated(current: landscape.current), services, &turn)
        }
        if flight.step == .reboot, landscape.booted != flight.to, let booted = landscape.booted {
            turn.record(
                .bootedElsewhere(
                    expected: flight.to, expectedGeneration: flight.generation, booted: booted,
                    generation: generation(of: booted)))
        }
        guard landscape.current == flight.to, flight.step != .intent else {
            return end(.notActivated(current: landscape.current), services, &turn)
        }
        // The moments of an earlier boot say nothing of how long this one takes.
        aloft?.flight.began = turn.now
        arrive(landscape, services, &turn)
    }

    /// The machine went down in the middle. It goes on, once and at once; else what boots is to be what
    /// runs.
    private mutating func resumeCut(
        _ flight: Flight, _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        aloft?.flight.process = nil
        if flight.runs < Self.mostRuns, turn.now < flight.began + Self.resumeWait {
            aloft?.flight.step = .verify
            return lookFromFlight(&turn)
        }
        begin(.restore, &turn)
        restore(landscape, services, &turn)
    }
}

extension Flight {
    /// Whether the profile was set, and nothing has come of it.
    fileprivate func wasCut(in landscape: Landscape) -> Bool {
        switch step {
        case .profile, .activate, .verify, .restore: undoing(in: landscape) != nil
        case .intent, .reboot, .confirm: false
        }
    }
}
