import Supervision

/// A switch of Regen's, step by step. Each step is recorded before it is done, and a deed can be done
/// twice without harm: so the next daemon can go on from any of them.
extension SwitchMind {
    func newFlight(
        _ purpose: Flight.Purpose, from: String, _ plan: Plan, _ turn: Turn
    ) -> Flight {
        Flight(
            id: memory.nextFlight, purpose: purpose, from: from, to: plan.target.activated,
            generation: plan.target.generation, mode: plan.mode, began: turn.now)
    }

    /// The intent goes to the disk. Nothing is done before it is there.
    mutating func depart(
        _ flight: Flight, request: (number: Int, plan: Plan?)? = nil, _ services: borrowing Mind,
        _ turn: inout Turn
    ) {
        var flight = flight
        flight.formerDefault = landscape?.defaultGeneration
        memory.nextFlight = flight.id + 1
        if case .rollback(let incident) = flight.purpose { count(incident, turn.now) }
        lastSerial += 1
        turn.actions.append(.recordDurably(.intended(flight), serial: lastSerial))
        var aloft = Aloft(
            flight, .disk(lastSerial, until: turn.now + Self.durableWait), at: turn.now)
        aloft.accused = cases
        aloft.request = request
        aloft.healthyBefore = healthyOnes(services)
        cases = []
        self.aloft = aloft
    }

    private mutating func count(_ incident: Int, _ now: Instant) {
        memory.rollbacks.keep(now)
        memory.rolledBack.keep(incident)
    }

    func healthyOnes(_ services: borrowing Mind) -> [InstanceID] {
        var all: [InstanceID] = []
        for place in watched.indices where watched[place] != nil {
            let id = InstanceID(place)
            if services.standing(id) == .healthy { all.append(id) }
        }
        return all
    }

    // MARK: The intent

    /// A record is on the disk.
    mutating func durable(_ serial: Int, _ turn: inout Turn) {
        guard let aloft, case .disk(serial, _) = aloft.awaits else { return }
        if aloft.flight.step == .reboot { return reboot(&turn) }
        if let request = aloft.request {
            let answer = SwitchAnswer.began(flight: aloft.flight.id, request.plan)
            turn.actions.append(.answer(request: request.number, answer))
        }
        lookFromFlight(&turn)
    }

    /// It is not, and will not be.
    mutating func notDurable(
        _ serial: Int, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft, case .disk(serial, _) = aloft.awaits else { return }
        if aloft.flight.step == .reboot {
            turn.record(.stepFailed(flight: aloft.flight.id, .reboot, Refusal.notDurable.sentence))
            return end(.notActivated(current: landscape?.current), services, &turn)
        }
        // A trial's own intent has said that it may be left.
        if case .retreat = aloft.flight.purpose { return lookFromFlight(&turn) }
        abandon(.notDurable, services, &turn)
    }

    // MARK: Looks

    mutating func lookFromFlight(_ turn: inout Turn) {
        aloft?.awaits = .look
        look(.flight, nil, &turn)
    }

    mutating func lookFromFlight(after wait: Interval, _ turn: inout Turn) {
        aloft?.awaits = .pause(until: turn.now + wait)
    }

    mutating func flightUnseen(
        _ trouble: String, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft, aloft.awaits == .look else { return }
        self.aloft?.failedLooks += 1
        guard aloft.failedLooks + 1 >= Self.mostLooks else {
            return lookFromFlight(after: Self.retryPause, &turn)
        }
        if aloft.flight.step == .intent {
            // Even unseen: what is left may be what makes looking take so long.
            if case .retreat = aloft.flight.purpose { return advance(&turn) }
            return abandon(.unseen(trouble), services, &turn)
        }
        turn.record(.stepFailed(flight: aloft.flight.id, aloft.flight.step, trouble))
        end(.notActivated(current: nil), services, &turn)
    }

    mutating func seenFromFlight(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft, aloft.awaits == .look else { return }
        self.aloft?.failedLooks = 0
        switch aloft.flight.step {
        case .intent: leave(landscape, services, &turn)
        case .profile, .activate: tryAgain(landscape, services, &turn)
        case .verify: verify(landscape, services, &turn)
        case .restore: restore(landscape, services, &turn)
        case .reboot: prepareReboot(&turn)
        case .confirm: break
        }
    }

    /// The last look before anything is done.
    private mutating func leave(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let flight = aloft?.flight else { return }
        // A trial is left, whoever switches just now: if they go elsewhere, that is another matter.
        if flight.isTrialsEnd, landscape.switchHolder != nil {
            return lookFromFlight(after: Self.switchPoll, &turn)
        }
        if let obstacle = flight.obstacle(in: landscape) {
            return abandon(obstacle, services, &turn)
        }
        advance(&turn)
    }

    /// A step that did not come off is done again, if that is still right.
    private mutating func tryAgain(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft else { return }
        let isLate = aloft.stepBegan + policy.overdue <= turn.now
        if landscape.switchHolder != nil, !isLate {
            return lookFromFlight(after: Self.switchPoll, &turn)
        }
        guard aloft.flight.obstacle(in: landscape) == nil else {
            return end(.notActivated(current: landscape.current), services, &turn)
        }
        perform(aloft.flight.step, &turn)
    }

    // MARK: Steps

    /// The next step of the table.
    mutating func advance(_ turn: inout Turn) {
        guard let next = aloft?.flight.next else { return }
        // The record of a reboot's beginning is one that is waited for.
        if next != .reboot { begin(next, &turn) }
        perform(next, &turn)
    }

    mutating func begin(_ step: Flight.Step, _ turn: inout Turn) {
        guard let id = aloft?.flight.id else { return }
        aloft?.flight.step = step
        aloft?.stepBegan = turn.now
        aloft?.hasFailed = false
        turn.record(.stepBegan(flight: id, step))
    }

    private mutating func perform(_ step: Flight.Step, _ turn: inout Turn) {
        guard let flight = aloft?.flight else { return }
        switch step {
        case .profile:
            lastSerial += 1
            aloft?.awaits = .deed(lastSerial)
            turn.actions.append(
                .perform(flight.profileDeed(in: landscape), serial: lastSerial))
        case .activate: activate(&turn)
        case .verify: lookFromFlight(&turn)
        case .reboot: prepareReboot(&turn)
        case .intent, .restore, .confirm: break
        }
    }

    mutating func activate(_ turn: inout Turn) {
        guard let flight = aloft?.flight else { return }
        lastSerial += 1
        aloft?.awaits = .activation(lastSerial)
        aloft?.flight.runs += 1
        tellSwitching(&turn)
        turn.actions.append(
            .activate(
                system: flight.to, flight.activation, flight: flight.id, serial: lastSerial))
    }

    /// What came of a deed, or of the attempt to begin an activation.
    mutating func done(
        _ serial: Int, _ outcome: DeedOutcome, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        if marking?.serial == serial { return marked(outcome, &turn) }
        guard let aloft else { return }
        switch (aloft.awaits, outcome) {
        case (.deed(serial), .done):
            guard aloft.flight.step != .restore else {
                return end(.notActivated(current: landscape?.current), services, &turn)
            }
            // Somebody else has begun meanwhile: the next step waits for them, and looks again.
            guard foreign != nil, let next = aloft.flight.next else { return advance(&turn) }
            begin(next, &turn)
            lookFromFlight(&turn)
        case (.reboot(serial, _), .done): break
        case (.deed(serial), .failed(let trouble, let isTransient)),
            (.reboot(serial, _), .failed(let trouble, let isTransient)):
            stepFailed(trouble, mayRetry: isTransient, services, &turn)
        case (.activation(serial), .failed(let trouble, let isTransient)):
            self.aloft?.flight.runs -= 1
            stepFailed(trouble, mayRetry: isTransient, services, &turn)
        case (.disk, _), (.look, _), (.pause, _), (.deed, _), (.activation, _), (.reboot, _),
            (.probes, _):
            break
        }
    }

    /// Recorded are the first failure and the last one of a step.
    mutating func stepFailed(
        _ trouble: String, mayRetry: Bool, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft else { return }
        let isOver = !mayRetry || aloft.stepBegan + Self.retryWait <= turn.now
        if isOver || !aloft.hasFailed {
            turn.record(.stepFailed(flight: aloft.flight.id, aloft.flight.step, trouble))
        }
        self.aloft?.hasFailed = true
        if isOver { return end(.notActivated(current: landscape?.current), services, &turn) }
        lookFromFlight(after: Self.retryPause, &turn)
    }

    mutating func activationBegan(
        _ serial: Int, _ process: ProcessIdentity, in place: ActivationPlace, _ turn: inout Turn
    ) {
        guard let aloft, aloft.awaits == .activation(serial) else { return }
        self.aloft?.flight.process = process
        turn.record(
            .activationBegan(
                flight: aloft.flight.id, process, aloft.flight.activation, run: aloft.flight.runs,
                in: place))
    }

    mutating func activationEnded(
        _ serial: Int, _ status: ExitStatus, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft, aloft.awaits == .activation(serial) else { return }
        self.aloft?.flight.process = nil
        self.aloft?.status = status
        turn.record(.activationEnded(flight: aloft.flight.id, status))
        begin(.verify, &turn)
        lookFromFlight(&turn)
        tellSwitching(&turn)
    }

    // MARK: Verifying

    /// What is so now? How switch-to-configuration ended is evidence, not a verdict.
    private mutating func verify(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        guard let aloft else { return }
        if landscape.switchHolder != nil {
            return lookFromFlight(after: Self.switchPoll, &turn)
        }
        let isThere = aloft.isThere(landscape)
        // It was to begin, and nobody knows whether it has: by now nobody may want it any more.
        let isLate =
            aloft.flight.runs == 0 && !aloft.flight.isTrialsEnd
            && aloft.flight.began + Self.resumeWait <= turn.now
        if aloft.hasDied(landscape), aloft.flight.runs < Self.mostRuns, !isLate,
            aloft.flight.isUndisturbed(in: landscape)
        {
            begin(.activate, &turn)
            activate(&turn)
        } else if isThere {
            arrive(landscape, services, &turn)
        } else if isLate || aloft.status == .code(1), aloft.flight.undoing(in: landscape) != nil {
            // Nothing has come of it: what boots is to be what runs.
            begin(.restore, &turn)
            restore(landscape, services, &turn)
        } else {
            end(.notActivated(current: landscape.current), services, &turn)
        }
    }

    /// Sets the profile back, unless that is done, or is nobody's business any more.
    mutating func restore(
        _ landscape: Landscape, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        if landscape.switchHolder != nil {
            return lookFromFlight(after: Self.switchPoll, &turn)
        }
        guard let deed = aloft?.flight.undoing(in: landscape) else {
            return end(.notActivated(current: landscape.current), services, &turn)
        }
        lastSerial += 1
        aloft?.awaits = .deed(lastSerial)
        turn.actions.append(.perform(deed, serial: lastSerial))
    }

    // MARK: Rebooting

    /// The next boot leads to the target. That the machine goes down for it must be on the disk.
    private mutating func prepareReboot(_ turn: inout Turn) {
        guard let flight = aloft?.flight else { return }
        memory.lastReboot = turn.now
        if flight.step != .reboot { aloft?.stepBegan = turn.now }
        aloft?.flight.step = .reboot
        lastSerial += 1
        aloft?.awaits = .disk(lastSerial, until: turn.now + Self.durableWait)
        turn.actions.append(
            .recordDurably(.stepBegan(flight: flight.id, .reboot), serial: lastSerial))
    }

    private mutating func reboot(_ turn: inout Turn) {
        lastSerial += 1
        aloft?.awaits = .reboot(lastSerial, until: turn.now + Self.rebootWait)
        turn.actions.append(
            .perform(.reboot(command: policy.rebootCommand), serial: lastSerial))
    }

    // MARK: Time

    /// When the switch under way wants to be looked after.
    var flightDeadline: Instant? {
        guard let aloft else { return nil }
        var next = Earliest()
        if !aloft.isTold, aloft.flight.step != .confirm {
            next.note(aloft.flight.began + policy.overdue)
        }
        switch aloft.awaits {
        case .disk(_, let until), .pause(let until), .reboot(_, let until): next.note(until)
        case .probes(let until):
            next.note(until)
            next.note(aloft.leastUntil)
        case .look, .deed, .activation: break
        }
        return next.instant
    }

    mutating func tendFlight(_ services: borrowing Mind, _ turn: inout Turn) {
        guard let aloft else { return }
        switch aloft.awaits {
        case .disk(let serial, let until) where until <= turn.now:
            notDurable(serial, services, &turn)
        case .pause(let until) where until <= turn.now: lookFromFlight(&turn)
        case .reboot(_, let until) where until <= turn.now:
            stepFailed("the machine still runs", mayRetry: false, services, &turn)
        case .probes: tendConfirm(services, &turn)
        case .disk, .pause, .reboot, .look, .deed, .activation: break
        }
        tellThatItLasts(&turn)
    }

    /// It takes long. It is not ended for that, but a human is told, once.
    private mutating func tellThatItLasts(_ turn: inout Turn) {
        guard let aloft, !aloft.isTold, aloft.flight.step != .confirm,
            aloft.flight.began + policy.overdue <= turn.now
        else { return }
        self.aloft?.isTold = true
        turn.record(
            .flightLasts(
                flight: aloft.flight.id, aloft.flight.step, turn.now - aloft.flight.began))
        for one in aloft.accused { turn.answer(one.service, .handOver(.switchLasts)) }
    }
}

extension Aloft {
    /// Whether the activation has done what it was for. Of a boot loader only the exit code tells.
    func isThere(_ landscape: Landscape) -> Bool {
        guard flight.isReached(in: landscape) else { return false }
        return flight.activation != .boot || status == .code(0)
    }

    /// Whether switch-to-configuration did not come to its end. 11: another one held the lock.
    func hasDied(_ landscape: Landscape) -> Bool {
        switch status {
        case .signal: true
        case .unknown, .code(11): !isThere(landscape)
        case .code: false
        }
    }
}
