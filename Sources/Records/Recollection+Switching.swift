import JSON
public import SafeSwitch
import Supervision

/// SafeSwitch's part of what the lines add up to.
extension Recollection {
    /// Those of SafeSwitch's events that say something for later.
    private static let lasting: Set<String> = [
        "generation.change", "generation.same", "boot.elsewhere", "probation.begin",
        "probation.end",
        "quarantine.add", "foreignswitch.begin", "foreignswitch.end", "switch.intent",
        "switch.step", "switch.falter", "switch.run", "switch.exit", "switch.end",
        "switch.confirm", "switch.linger",
    ]

    /// The systems, and the parts of systems, that Regen has switched away from.
    public var quarantined: [String] { switching.quarantined }

    /// What SafeSwitch is to remember, in terms of this boot's clock.
    ///
    /// An earlier boot's moments are aged by the wall clock; a negative age counts as none. Where the
    /// wall clock was set forward meanwhile, a rollback, a reboot and a probation become older by
    /// uptime only.
    public func switchMemory(wall: Int64, boottime: Int64, boot: String) -> SwitchMemory {
        let now = Moment(wall: wall, boottime: boottime, boot: boot)
        let settled = settled(at: now)
        var memory = settled.switching.stepped(to: now).memory(at: now)
        for (name, past) in settled.pasts {
            memory.services[name] = past.history(at: now)
        }
        return memory
    }

    /// The first word of a new boot. What an earlier one has started lived until the last line of that
    /// boot, as far as anybody knows: the time that the machine was off is no proof that it had come
    /// up. What is weighed against each other is told by this boot's clock from now on.
    mutating func enterBoot(at moment: Moment) {
        guard let newest = switching.newest, newest.boot != moment.boot else { return }
        for name in order {
            pasts[name]?.settleHope(at: newest)
            pasts[name]?.carryOver(from: newest, to: moment)
        }
        switching.carryOver(from: newest, to: moment)
    }

    /// The same, with a boot that no line is from yet.
    func settled(at now: Moment) -> Recollection {
        var settled = self
        settled.enterBoot(at: now)
        return settled
    }

    mutating func takeSwitching(_ event: String, _ json: JSONValue, at moment: Moment) {
        switching.forgetForeign(at: moment)
        defer {
            switching.newest = moment
            switching.carriesNewBoot = false
        }
        switch event {
        case "clock.step":
            guard let step = json["by_ms"]?.decimal, step > 0, step < .max / 1_000_000 else {
                return
            }
            switching.stepForward(by: step * 1_000_000, at: moment)
        case "boot": switching.noteStart(at: moment)
        case "daemon.start": switching.beginDaemon(at: moment)
        default:
            guard Self.lasting.contains(event), let record = SwitchRecord(event: event, json)
            else { return }
            takeChange(record, at: moment)
            switching.take(record, at: moment)
        }
    }

    /// What a change of generation means for the services.
    private mutating func takeChange(_ record: SwitchRecord, at moment: Moment) {
        switch record {
        // One that was only booted again is the same generation.
        case .generationChanged(let from?, let to, _, _) where from != to:
            for name in order { pasts[name]?.countAnew() }
        case .probationBegan(let system, _, _, _, _):
            guard takesBaseline else { return }
            let sign = switching.lastCalm(before: moment)
            let isChain = switching.replaced.map { $0.previous != system } ?? false
            for name in order { pasts[name]?.noteBaseline(since: sign, isChain, at: moment) }
        default: break
        }
    }

    /// A change that Regen made to help somebody is not one to weigh failures against.
    private var takesBaseline: Bool {
        if switching.isFirst { return false }
        guard let flight = switching.flight?.0 else { return true }
        if case .trial = flight.purpose { return true }
        return false
    }
}

extension Recollection.Past {
    /// Crash loops are counted per generation.
    fileprivate mutating func countAnew() {
        crashes = []
        incidents = []
        mayNotCount = false
    }

    /// Was it healthy until the change? One that has failed since the first sign of it was.
    fileprivate mutating func noteBaseline(
        since sign: Recollection.Moment, _ isChain: Bool, at moment: Recollection.Moment
    ) {
        var wasHealthy = isHealthy(at: moment)
        if let unhealthy, unhealthy.wasHealthy {
            let age = unhealthy.since.age(at: moment) - SwitchPast.slack
            wasHealthy = wasHealthy || age <= sign.age(at: moment)
        }
        wasHealthyBefore = wasHealthy || isChain && wasHealthyBefore
    }

    /// How it is doing, by the same records as the mind of SafeSwitch takes it.
    mutating func takeHealth(
        _ event: String, _ json: JSONValue, isSwitching: Bool, at moment: Recollection.Moment
    ) {
        switch event {
        case "process.start", "service.resume", "daemon.adopt":
            let lives = process != nil && began?.boot == moment.boot
            let isUp = event == "service.resume" ? lives : pause == nil
            if incident == nil, !isHandedOver, isUp { hopes = hopes ?? moment }
        case "service.pause":
            isHealthy = false
            hopes = nil
        case "process.exit":
            guard json["asked"]?.bool == false, !isSwitching else { return }
            fail(at: moment)
            mayNotFail = json["code"]?.integer == 0
        case "restart.attempt":
            mayNotFail = false
            let rule = json["rule"]?.string.flatMap(RestartRule.init)
            let isFailure =
                rule == .unhealthy || rule == .startTimeout || rule == .slowest && wasEnded
            if isFailure, !isSwitching { fail(at: moment) }
            wasEnded = false
        case "service.stop":
            let then = json["then"]?.string.flatMap(Stopping.Aftermath.init)
            wasEnded = then == .heal || then == .failStart
            // The next process has to prove itself anew.
            settleHope(at: moment)
        case "service.rest":
            if mayNotFail { _ = failures.popLast() }
            mayNotFail = false
            // The daemon's end is none of the service's doing.
            if json["why"]?.string != Rest.ended.rawValue {
                isHealthy = false
                hopes = nil
            }
            if json["why"]?.string == Rest.fresh.rawValue {
                wasHealthyBefore = false
                failures = []
            }
        case "incident.open":
            lastIncident = json.count("incident")
            let wasHealthy = isHealthy(at: moment)
            if wasHealthy || unhealthy == nil { unhealthy = (moment, wasHealthy) }
            isHealthy = false
            hopes = nil
        case "incident.handover":
            lastIncident = json.count("incident")
            isHealthy = false
            hopes = nil
        case "incident.resolve", "service.recover":
            unhealthy = nil
            isHealthy = true
        default: break
        }
    }

    /// A start says nothing of success. One that has lived for long outside of any incident was one.
    private func isHealthy(at moment: Recollection.Moment) -> Bool {
        isHealthy || hopes.map { $0.age(at: moment) >= SwitchPast.proof } ?? false
    }

    fileprivate mutating func settleHope(at moment: Recollection.Moment) {
        isHealthy = isHealthy(at: moment)
        hopes = nil
    }

    fileprivate mutating func carryOver(
        from newest: Recollection.Moment, to moment: Recollection.Moment
    ) {
        failures = failures.map { $0.carriedOver(from: newest, to: moment) }
        unhealthy?.since.carryOver(from: newest, to: moment)
        // What a service was about ended with its boot.
        (rest, stopping, restarting, detached) = (nil, nil, nil, nil)
    }

    private mutating func fail(at moment: Recollection.Moment) {
        failures = (failures + [moment]).suffix(ServiceHistory.mostFailures)
    }

    fileprivate func history(at now: Recollection.Moment) -> ServiceHistory {
        var history = ServiceHistory()
        history.failures = failures.map { $0.instant(at: now) }
        history.isHealthy = isHealthy(at: now)
        // Who is well again without a word of it has had an incident that was somebody's to end.
        if !history.isHealthy, let unhealthy, unhealthy.wasHealthy {
            history.healthyUntil = unhealthy.since.instant(at: now)
        }
        history.wasHealthyBefore = wasHealthyBefore
        history.lastIncident = lastIncident
        return history
    }
}
