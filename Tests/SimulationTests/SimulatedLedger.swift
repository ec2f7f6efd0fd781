import Supervision

/// A record as it lies in the simulated ledger.
struct SimRecord {
    var boot: Int
    /// Since that boot.
    var at: Instant
    /// Nanoseconds of the wall clock, which is stepped at times.
    var wall: Int64
    var name: String
    /// What the process that the record tells of was started with.
    var launch: UInt64
    var record: Record
}

/// What the mind remembers of the ledger, at a given time of a given boot.
func remember(_ ledger: [SimRecord], boot: Int, now: Instant, wall: Int64) -> Memory {
    var fold = Fold(boot: boot, now: now, wall: wall)
    for record in ledger { fold.take(record) }
    var memory = Memory()
    memory.commonCause = fold.commonCause
    memory.nextIncident = fold.nextIncident
    for (name, place) in fold.places { memory.instances[name] = fold.instances[place] }
    return memory
}

private struct Fold {
    let boot: Int
    let now: Instant
    let wall: Int64
    var nextIncident = 1
    var commonCause: OpenIncident?
    var places: [String: Int] = [:]
    var instances: [InstanceMemory] = []
    /// The last word on the instance is an exit that counts as a crash until more is known.
    var mayNotCount: [Bool] = []

    init(boot: Int, now: Instant, wall: Int64) {
        self.boot = boot
        self.now = now
        self.wall = wall
    }

    /// When it happened, in instants of this boot. A negative age counts as none.
    private func instant(of record: SimRecord) -> Instant {
        if record.boot == boot { return record.at }
        return Instant(nanoseconds: now.nanoseconds - max(now.nanoseconds, wall - record.wall))
    }

    private mutating func place(of name: String) -> Int {
        if let place = places[name] { return place }
        places[name] = instances.count
        instances.append(InstanceMemory())
        mayNotCount.append(false)
        return instances.count - 1
    }

    mutating func take(_ record: SimRecord) {
        switch record.record {
        case .commonCauseBegan(let id, _, _):
            commonCause = OpenIncident(id: id, opened: instant(of: record))
            nextIncident = max(nextIncident, id + 1)
            return
        case .commonCauseEnded, .commonCauseHandedOver:
            commonCause = nil
            return
        default: break
        }
        let i = place(of: record.name)
        takeRecovery(record, i)
        takeIncidents(record, i)
        takeLife(record, i)
    }

    private mutating func takeRecovery(_ record: SimRecord, _ i: Int) {
        let isOfThisBoot = record.boot == boot
        switch record.record {
        case .detached:
            instances[i].isDetached = isOfThisBoot
            instances[i].isRestarting = false
        case .spawnFailed, .restartDecided, .startAsked, .stopBegan, .rested, .processStarted,
            .processAdopted:
            instances[i].isDetached = false
        case .paused(_, let interval):
            instances[i].pausedUntil =
                instant(of: record) + .milliseconds(interval.nanoseconds / 1_000_000)
        case .resumed: instances[i].pausedUntil = nil
        case .remedied(_, _, let place, _, _): instances[i].nextRemedy = place + 1
        case .probeProven(_, _, let fingerprint):
            instances[i].provenProbes.remember(fingerprint)
            instances[i].suspectedProbes.removeAll { $0 == fingerprint }
        case .probeSuspected(_, _, let fingerprint):
            instances[i].suspectedProbes.remember(fingerprint)
        default: break
        }
    }

    private mutating func takeIncidents(_ record: SimRecord, _ i: Int) {
        switch record.record {
        case .incidentOpened(_, let id, let kind, _):
            let opened = instant(of: record)
            instances[i].attempts = 0
            instances[i].nextRemedy = 0
            instances[i].incident = OpenIncident(id: id, opened: opened)
            if kind != .unkillable {
                instances[i].incidents.append(opened)
                instances[i].incidents = instances[i].incidents.suffix(Mind.incidentsOfALoop)
            }
            nextIncident = max(nextIncident, id + 1)
        case .incidentResolved:
            instances[i].incident = nil
            instances[i].failedStarts = 0
            instances[i].attempts = 0
            instances[i].nextRemedy = 0
        case .incidentHandedOver(_, _, let reason):
            instances[i].incident = nil
            instances[i].attempts = 0
            instances[i].isHandedOver = reason != .operatorStopped
            if reason == .operatorStopped { instances[i].failedStarts = 0 }
        case .recovered:
            instances[i].isHandedOver = false
            instances[i].failedStarts = 0
            instances[i].attempts = 0
            instances[i].crashes = []
            instances[i].incidents = []
        default: break
        }
    }

    private mutating func takeLife(_ record: SimRecord, _ i: Int) {
        let isOfThisBoot = record.boot == boot
        switch record.record {
        case .processStarted(_, let process, let attempt):
            begin(i, process, attempt, record.launch, isOfThisBoot)
            instances[i].stopping = nil
        case .processAdopted(_, let process, let attempt):
            let isOver = record.launch == 0 && instances[i].stopping == .restart
            if isOver || attempt > instances[i].attempt { instances[i].stopping = nil }
            begin(i, process, attempt, record.launch, isOfThisBoot)
        case .processExited(_, _, _, _, _, let asked):
            instances[i].process = nil
            if asked {
                if instances[i].stopping == nil, !instances[i].isDetached {
                    instances[i].isRestarting = isOfThisBoot
                }
                return
            }
            instances[i].isRestarting = isOfThisBoot
            instances[i].crashes.append(instant(of: record))
            instances[i].crashes = instances[i].crashes.suffix(CrashLoopPolicy.mostCrashes)
            mayNotCount[i] = true
        case .spawnFailed(_, let attempt, _):
            instances[i].attempt = max(attempt, instances[i].attempt)
            instances[i].isRestarting = isOfThisBoot
            instances[i].rest = nil
        case .restartDecided(_, _, let rule, _, _):
            if rule == .failedStart || rule == .startTimeout { instances[i].failedStarts += 1 }
            if rule == .unhealthy || rule == .startTimeout { instances[i].attempts += 1 }
            instances[i].isRestarting = isOfThisBoot
            mayNotCount[i] = false
        case .startAsked:
            mayNotCount[i] = false
            if instances[i].isHandedOver { instances[i].crashes = [] }
            if instances[i].isHandedOver { instances[i].incidents = [] }
            instances[i].isHandedOver = false
            instances[i].failedStarts = 0
            instances[i].attempts = 0
            instances[i].rest = nil
            instances[i].stopping = nil
            instances[i].isRestarting = isOfThisBoot
        case .stopBegan(_, let aftermath):
            instances[i].stopping = isOfThisBoot ? aftermath : nil
            instances[i].isRestarting = false
        case .rested(_, let rest, let run):
            instances[i].over = run
            if mayNotCount[i], rest != .failed, rest != .outside {
                _ = instances[i].crashes.popLast()
            }
            mayNotCount[i] = false
            instances[i].rest = isOfThisBoot ? rest : nil
            instances[i].stopping = nil
            instances[i].isRestarting = false
            if rest == .fresh {
                instances[i].isHandedOver = false
                instances[i].failedStarts = 0
                instances[i].attempts = 0
                instances[i].crashes = []
                instances[i].incidents = []
                instances[i].pausedUntil = nil
            }
        default: break
        }
    }

    private mutating func begin(
        _ i: Int, _ process: ProcessIdentity, _ attempt: Int, _ launch: UInt64,
        _ isOfThisBoot: Bool
    ) {
        instances[i].attempt = max(attempt, instances[i].attempt)
        instances[i].process = isOfThisBoot ? process : nil
        instances[i].launch = launch
        instances[i].rest = nil
        instances[i].isRestarting = false
        mayNotCount[i] = false
    }
}
