import Supervision

/// A unit with the default policy of units, changed as told.
func unit(
    _ name: String, healsStops: Bool = false, probes: [ProbeDefinition] = [],
    remedies: [RemedyKind] = [.restart], after: [String] = [],
    _ change: (inout ServicePolicy) -> Void = { _ in }
) -> InstanceDefinition {
    var policy = ServicePolicy(restart: .onFailure, after: after)
    change(&policy)
    return InstanceDefinition(
        name: name, service: name, policy: policy, launch: 1, probes: probes, remedies: remedies,
        keeper: .systemd(healsStops: healsStops))
}

/// What systemd would say, step by step: each is told to the mind.
extension Machine {
    /// The unit is up in this run, with a process of that number.
    mutating func up(
        _ name: String, _ run: UInt64 = 1, restarts: Int = 0, starter: Starter = .regen
    ) {
        see(
            name,
            UnitSight(
                activity: .active, invocation: invocation(run), process: main(run), since: now,
                restarts: restarts, starter: starter))
    }

    /// The unit is in this state; its process has ended so.
    mutating func see(
        _ name: String, _ activity: UnitSight.Activity, _ run: UInt64 = 1,
        exit: ExitStatus? = nil, isFailure: Bool = false, wasStopped: Bool = false,
        restarts: Int = 0, starter: Starter = .regen
    ) {
        see(
            name,
            UnitSight(
                activity: activity, invocation: invocation(run), since: now, restarts: restarts,
                exit: exit, isFailure: isFailure, wasStopped: wasStopped, starter: starter))
    }

    /// It crashed, and systemd leaves it so.
    mutating func fails(
        _ name: String, _ run: UInt64 = 1, _ status: ExitStatus = .code(1), restarts: Int = 0,
        starter: Starter = .regen
    ) {
        see(
            name, .failed, run, exit: status, isFailure: true, restarts: restarts, starter: starter)
    }

    /// It crashed, and systemd is going to start it again.
    mutating func retries(_ name: String, _ run: UInt64 = 1, restarts: Int = 0) {
        see(
            name, .activating, run, exit: .code(1), isFailure: true, restarts: restarts,
            starter: .systemd)
    }

    /// Somebody stopped it.
    mutating func stopped(_ name: String, _ run: UInt64 = 1) {
        see(
            name, .inactive, run, exit: .signal(15, outOfMemory: false), wasStopped: true)
    }

    mutating func see(_ name: String, _ sight: UnitSight) { tell(name, .unit(sight)) }

    /// The job ended, and this is where the unit stands then.
    mutating func done(_ name: String, _ end: UnitJobEnd = .done) { tell(name, .jobEnded(end)) }

    func invocation(_ run: UInt64) -> UnitSight.Invocation {
        UnitSight.Invocation(high: 7, low: run)
    }

    func main(_ run: UInt64) -> ProcessIdentity {
        ProcessIdentity(pid: Int32(1000 + run), startTicks: run)
    }
}

extension [Action] {
    /// The exits: whether each was asked for.
    var exits: [Bool] {
        records.compactMap {
            if case .processExited(_, _, _, _, _, let asked) = $0 { asked } else { nil }
        }
    }

    var rests: [Rest] {
        records.compactMap { if case .rested(_, let rest, _) = $0 { rest } else { nil } }
    }
}
