import SafeSwitch
import Supervision

/// What the lines so far say of SafeSwitch, but for what they say of services.
struct SwitchPast: Sendable {
    typealias Moment = Recollection.Moment

    var nextFlight = 1
    var current: String?
    var knownGood: [String] = []
    var quarantined: [String] = []
    var booted: [String] = []
    var rollbacks: [Moment] = []
    var rolledBack: [Int] = []
    var lastReboot: Moment?
    var probation: Probation?
    /// The switch under way, when it began, and when it was last heard of.
    var flight: (Flight, began: Moment, heard: Moment)?
    var isConfirmed = false
    /// switch-to-configuration of that switch runs, or is about to.
    var isActivating = false
    /// Somebody else's switch, as far as the last daemon saw it.
    var foreign: Foreign?
    /// The probation that another change has just ended.
    var replaced: Probation?
    /// What runs was taken as it is: nothing was there before it to compare with.
    var isFirst = false
    /// A daemon has started then and has not seen yet which system runs; the last word before it.
    var unseen: (since: Moment, heard: Moment)?
    /// The newest line, and whether it only carries what earlier boots have left.
    var newest: Moment?
    var carriesNewBoot = false

    /// What began before its lasting: that is counted from when the change was seen.
    struct Probation: Sendable {
        var system: String
        var generation: Int?
        var previous: String?
        var previousGeneration: Int?
        var began: Moment
        var seen: Moment
        var milliseconds: Int64
        /// The first of the changes that it is about began.
        var chain: Moment?
    }

    struct Foreign: Sendable {
        var began: Moment
        var pid: Int32
        var ended: Moment?
        /// By the daemon that lives.
        var isSeen = true
    }

    /// Services end because of a switch, not of themselves.
    var isSwitching: Bool {
        if let foreign, foreign.ended == nil, foreign.isSeen { return true }
        return isActivating
    }

    /// What is seen of a change may be so many nanoseconds younger than the change itself.
    static let slack = Interval.seconds(2).nanoseconds

    /// Who runs for so many nanoseconds after a start has come up: the default start time-out.
    static let proof = Interval.seconds(90).nanoseconds

    mutating func take(_ record: SwitchRecord, at moment: Moment) {
        switch record {
        case .generationChanged(let from, let to, _, let origin):
            current = to
            unseen = nil
            isFirst = from == nil
            if origin == .boot { booted.keep(to) }
        case .unchanged: unseen = nil
        case .bootedElsewhere(_, _, let system, _): booted.keep(system)
        case .probationBegan(
            let system, let generation, let previous, let previousGeneration, let lasts):
            probation = Probation(
                system: system, generation: generation, previous: previous,
                previousGeneration: previousGeneration, began: firstSign(of: moment),
                seen: moment, milliseconds: max(0, lasts.nanoseconds / 1_000_000))
            if let replaced, previous != nil, replaced.previous == previous {
                probation?.chain = replaced.chain ?? replaced.began
            }
            replaced = nil
            isFirst = false
            unseen = nil
        case .probationEnded(let system, _, let outcome, _):
            replaced = outcome == .replaced ? probation : nil
            probation = nil
            if outcome == .knownGood { knownGood.keep(system) }
        case .quarantined(let system, _, let culprit, _):
            quarantined.keep(system)
            if let culprit { quarantined.keep(culprit) }
        case .foreignSwitchBegan(let pid):
            // An earlier daemon has seen it begin.
            let isKnown = foreign.map { !$0.isSeen && $0.ended == nil } ?? false
            foreign = Foreign(began: isKnown ? foreign?.began ?? moment : moment, pid: pid)
        case .foreignSwitchEnded: foreign?.ended = moment
        case .intended(let flight): intend(flight, at: moment)
        case .stepBegan, .stepFailed, .activationBegan, .activationEnded, .flightEnded,
            .trialConfirmed, .flightLasts:
            takeFlight(record, at: moment)
        case .knownGoodMarked, .triaged, .planned, .quarantineEntered, .foreignSwitchLasts,
            .notTheGeneration:
            break
        }
    }

    /// A change that is seen now may have begun with a switch that has ended just before, or before
    /// this daemon.
    func firstSign(of moment: Moment) -> Moment {
        let start = unseen?.since ?? moment
        guard let foreign else { return start }
        if let ended = foreign.ended, ended.age(at: moment) > Self.slack { return start }
        return foreign.began
    }

    /// Who was healthy then was so before a change that is seen now.
    func lastCalm(before moment: Moment) -> Moment {
        let sign = firstSign(of: moment)
        guard let heard = unseen?.heard, heard.age(at: moment) > sign.age(at: moment) else {
            return sign
        }
        return heard
    }

    private mutating func intend(_ flight: Flight, at moment: Moment) {
        nextFlight = max(nextFlight, flight.id + 1)
        self.flight = (flight, moment, moment)
        isConfirmed = false
        isActivating = false
        guard case .rollback(let incident) = flight.purpose else { return }
        rollbacks = (rollbacks + [moment]).suffix(SwitchMemory.mostSystems)
        rolledBack.removeAll { $0 == incident }
        rolledBack = (rolledBack + [incident]).suffix(SwitchMemory.mostSystems)
    }

    private mutating func takeFlight(_ record: SwitchRecord, at moment: Moment) {
        guard flight?.0.id == record.flight else { return }
        if flight?.heard.boot != moment.boot { flight?.0.process = nil }
        flight?.heard = moment
        switch record {
        case .stepBegan(_, let step):
            flight?.0.step = step
            isActivating = step == .activate
            if step == .reboot { lastReboot = moment }
        case .stepFailed: isActivating = false
        case .activationBegan(_, let process, _, let run, _):
            flight?.0.process = process
            flight?.0.runs = run
            isActivating = true
        case .activationEnded:
            flight?.0.process = nil
            isActivating = false
        case .trialConfirmed: isConfirmed = true
        case .flightEnded(_, let outcome): land(outcome)
        default: break
        }
    }

    private mutating func land(_ outcome: FlightOutcome) {
        // What was not done has not had its turn.
        if case .abandoned = outcome, case .rollback(let incident)? = flight?.0.purpose {
            _ = rollbacks.popLast()
            rolledBack.removeAll { $0 == incident }
        }
        flight = nil
        isConfirmed = false
        isActivating = false
    }

    /// Another daemon looks for itself, and says so anew.
    mutating func beginDaemon(at moment: Moment) {
        if foreign?.ended != nil { foreign = nil }
        foreign?.isSeen = false
        noteStart(at: moment)
        isActivating = flight.map { $0.0.process != nil && $0.heard.boot == moment.boot } ?? false
    }

    /// No switch outlives its boot.
    mutating func forgetForeign(at moment: Moment) {
        if foreign?.began.boot != moment.boot { foreign = nil }
    }

    /// Until it has looked, nobody knows which system runs.
    mutating func noteStart(at moment: Moment) {
        guard unseen == nil, let newest else { return }
        let isNewBoot = newest.boot != moment.boot
        unseen = (moment, isNewBoot ? newest.carriedOver(from: newest, to: moment) : newest)
    }

    // MARK: Clocks

    /// A new boot begins at `moment`: what failures are weighed against is told by its clock.
    mutating func carryOver(from newest: Moment, to moment: Moment) {
        probation?.carryOver(from: newest, to: moment)
        replaced?.carryOver(from: newest, to: moment)
        unseen?.since.carryOver(from: newest, to: moment)
        unseen?.heard.carryOver(from: newest, to: moment)
    }

    /// The wall clock was set forward by so many nanoseconds, just before `moment`: what an earlier boot
    /// has left has become no older by that. From now on it ages by the uptime of this boot.
    mutating func stepForward(by step: Int64, at moment: Moment) {
        var before = moment
        before.wall = moment.wall.subtractingClamped(step)
        func anchor(_ old: inout Moment) {
            guard old.boot != moment.boot else { return }
            old = moment.earlier(by: old.age(at: before) / 1_000_000)
        }
        for place in rollbacks.indices { anchor(&rollbacks[place]) }
        if var reboot = lastReboot {
            anchor(&reboot)
            lastReboot = reboot
        }
    }

    /// The same, with a step that nobody has recorded yet.
    func stepped(to now: Moment) -> SwitchPast {
        guard let newest, newest.boot == now.boot else { return self }
        let step = now.wall.subtractingClamped(newest.wall)
            .subtractingClamped(now.boottime.subtractingClamped(newest.boottime))
        guard step > ClockWatch.tolerance else { return self }
        var past = self
        past.stepForward(by: step, at: now)
        return past
    }

    /// Nothing of this boot is known yet.
    func isNewBoot(at now: Moment) -> Bool {
        if let flight { return flight.heard.boot != now.boot }
        guard let newest else { return false }
        return newest.boot != now.boot || carriesNewBoot
    }

    func memory(at now: Moment) -> SwitchMemory {
        var memory = SwitchMemory()
        memory.nextFlight = nextFlight
        memory.current = current
        memory.knownGood = knownGood
        memory.quarantined = quarantined
        memory.booted = booted
        memory.rollbacks = rollbacks.map { $0.instant(at: now) }
        memory.rolledBack = rolledBack
        memory.lastReboot = lastReboot.map { $0.instant(at: now) }
        memory.isNewBoot = isNewBoot(at: now)
        memory.probation = probation.map { $0.memory(at: now) }
        if let foreign, foreign.ended == nil, foreign.began.boot == now.boot {
            memory.foreign = ForeignSwitch(began: foreign.began.instant(at: now), pid: foreign.pid)
        }
        memory.unseenSince = unseen?.since.instant(at: now)
        memory.lastHeard = (unseen?.heard ?? newest)?.instant(at: now)
        memory.isConfirmed = isConfirmed
        if let (flight, began, heard) = flight {
            memory.flight = flight
            memory.flight?.began = began.instant(at: now)
            if heard.boot != now.boot { memory.flight?.process = nil }
        }
        return memory
    }
}

extension SwitchPast.Probation {
    fileprivate mutating func carryOver(
        from newest: Recollection.Moment, to moment: Recollection.Moment
    ) {
        began.carryOver(from: newest, to: moment)
        seen.carryOver(from: newest, to: moment)
        chain?.carryOver(from: newest, to: moment)
    }

    fileprivate func memory(at now: Recollection.Moment) -> ProbationMemory {
        var memory = ProbationMemory(
            system: system, generation: generation, previous: previous,
            previousGeneration: previousGeneration, began: began.instant(at: now),
            ends: seen.instant(at: now)
                + Interval(nanoseconds: min(milliseconds, .max / 1_000_000) * 1_000_000))
        memory.chainBegan = chain?.instant(at: now)
        return memory
    }
}

extension SwitchRecord {
    /// The switch that it is about, where it is about one under way.
    fileprivate var flight: Int? {
        switch self {
        case .stepBegan(let flight, _), .stepFailed(let flight, _, _),
            .activationBegan(let flight, _, _, _, _), .activationEnded(let flight, _),
            .flightEnded(let flight, _), .flightLasts(let flight, _, _),
            .trialConfirmed(let flight, _):
            flight
        default: nil
        }
    }
}

extension Int64 {
    /// The difference, or the number nearest to it that there is: a clock says what it likes.
    func subtractingClamped(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (self < 0 ? .min : .max) : difference
    }
}

extension [String] {
    /// Puts a system last, and keeps the latest `SwitchMemory.mostSystems`.
    mutating func keep(_ system: String) {
        removeAll { $0 == system }
        append(system)
        if count > SwitchMemory.mostSystems { removeFirst() }
    }
}
