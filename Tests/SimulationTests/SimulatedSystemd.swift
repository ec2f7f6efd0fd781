import Supervision

/// A simulated unit, with the truth about it: what systemd does of itself, and what jobs do.
struct SimUnit {
    /// `Restart=`.
    enum Restart: CaseIterable { case no, onFailure, always }
    /// What the program does in the generation that runs.
    enum Effect { case works, crashes, hangs, neverReady }
    /// What Regen has asked systemd for and was not answered.
    enum Job { case up, down }

    let number: Int
    let restart: Restart
    let restartWait: Interval
    /// `StartLimitBurst=` within `StartLimitIntervalSec=`; `nil`: none.
    let startLimit: (burst: Int, within: Interval)?
    /// `Type=notify`: so long until it is ready; `nil`: `Type=simple`.
    let readiness: Interval?
    /// `Type=oneshot`, started by a timer: no one else's to start.
    let isOneshot: Bool
    /// `StartLimitAction=` is set.
    let hasAction: Bool

    var effect = Effect.works
    var isLoaded = true
    var activity = UnitSight.Activity.inactive
    var invocation: UInt64 = 0
    var process: ProcessIdentity?
    var since = Instant(nanoseconds: 0)
    var restarts = 0
    var exit: Supervision.ExitStatus?
    var isFailure = false
    var wasStopped = false
    var health = SimHealth()

    /// When what is under way is done: coming up, going down, the next attempt.
    var doneAt: Instant?
    /// When the process ends by itself, and how.
    var endsAt: Instant?
    var endStatus = Supervision.ExitStatus.code(1)
    /// A start follows the stop.
    var startsAgain = false
    var starts: [Instant] = []
    var job: Job?

    /// Somebody else stopped it then, and nobody has started it since.
    var stoppedAt: Instant?
    /// Runs that ended of themselves.
    var ends = 0
    /// Those that somebody stopped.
    var stops = 0

    var isOthers: Bool { isOneshot || hasAction }
    var isDown: Bool { activity == .inactive || activity == .failed || activity == .missing }
    /// It waits for its own next attempt.
    var isRetrying: Bool { activity == .activating && (exit != nil || isFailure) }
    var isWell: Bool { activity == .active }

    /// What a look at it says.
    var sight: UnitSight {
        if !isLoaded { return UnitSight(activity: .missing, starter: starter) }
        return UnitSight(
            activity: activity, invocation: UnitSight.Invocation(high: 1, low: invocation),
            process: process, since: since, restarts: restarts, exit: exit, isFailure: isFailure,
            wasStopped: wasStopped || isUnderStop, starter: starter)
    }

    /// With `Restart=always` only a stop leads to rest.
    private var isUnderStop: Bool {
        restart == .always && activity == .inactive && exit != nil && !isOneshot
    }

    var starter: Starter { isOthers ? .nobody : restart == .no ? .regen : .systemd }

    /// When something happens to it next.
    var next: Instant? {
        guard let doneAt else { return endsAt }
        return endsAt.map { min($0, doneAt) } ?? doneAt
    }
}

/// The simulated PID 1.
struct SimSystemd {
    var units: [SimUnit] = []
    /// Those that have changed since they were looked at.
    var changed: Set<Int> = []
    private var pid: Int32 = 1000

    // MARK: Jobs

    mutating func start(_ i: Int, at now: Instant) {
        guard units[i].isLoaded else { return }
        switch units[i].activity {
        case .active, .missing: return
        case .activating:
            if !units[i].isRetrying { return }
        case .deactivating:
            units[i].startsAgain = true
            return
        case .inactive, .failed: break
        }
        units[i].restarts = 0
        begin(i, at: now)
    }

    mutating func stop(_ i: Int, at now: Instant, by isRegen: Bool = false) {
        let wasWanted = !units[i].isDown
        units[i].startsAgain = false
        switch units[i].activity {
        case .inactive, .failed, .missing: return
        case .deactivating:
            // What ends by itself is past stopping.
            if units[i].exit != nil, !units[i].wasStopped { return }
        case .activating where units[i].isRetrying:
            units[i].doneAt = nil
            enter(i, .inactive, at: now)
        case .active, .activating:
            units[i].wasStopped = true
            units[i].endsAt = nil
            enter(i, .deactivating, at: now)
            units[i].doneAt = now + .milliseconds(100 + Int64(i) * 400)
        }
        if wasWanted {
            units[i].stoppedAt = isRegen ? nil : now
            units[i].stops += 1
        }
    }

    mutating func restart(_ i: Int, at now: Instant) {
        stop(i, at: now, by: true)
        start(i, at: now)
    }

    mutating func resetFailed(_ i: Int, at now: Instant) {
        units[i].starts = []
        guard units[i].activity == .failed else { return }
        units[i].isFailure = false
        units[i].restarts = 0
        enter(i, .inactive, at: now)
    }

    /// The unit is gone from the new system, or is back.
    mutating func load(_ i: Int, _ isLoaded: Bool, at now: Instant) {
        guard units[i].isLoaded != isLoaded else { return }
        let wasUp = !units[i].isDown
        if !isLoaded {
            units[i].doneAt = nil
            units[i].endsAt = nil
            units[i].process = nil
            units[i].startsAgain = false
        }
        units[i].isLoaded = isLoaded
        enter(i, isLoaded ? .inactive : .missing, at: now)
        units[i].exit = nil
        units[i].isFailure = false
        units[i].wasStopped = false
        units[i].restarts = 0
        if wasUp {
            units[i].stoppedAt = now
            // Seen only once it is back, it looks like any other stop.
            units[i].stops += 1
        }
    }

    // MARK: Its own course

    mutating func advance(_ i: Int, at now: Instant) {
        while let next = units[i].next, next <= now {
            if units[i].endsAt == next {
                units[i].endsAt = nil
                ended(i, at: next)
            } else {
                units[i].doneAt = nil
                done(i, at: next)
            }
        }
    }

    private mutating func begin(_ i: Int, at now: Instant) {
        // Somebody's last wish is that it runs, also where the start limit forbids it.
        units[i].stoppedAt = nil
        if let limit = units[i].startLimit {
            units[i].starts = units[i].starts.filter { now - $0 <= limit.within }
            if units[i].starts.count >= limit.burst {
                units[i].isFailure = true
                return enter(i, .failed, at: now)
            }
        }
        units[i].starts.append(now)
        pid += 1
        units[i].invocation += 1
        units[i].process = ProcessIdentity(pid: pid, startTicks: UInt64(pid))
        units[i].exit = nil
        units[i].isFailure = false
        units[i].wasStopped = false
        units[i].health = SimHealth(passes: now + .milliseconds(20))
        if units[i].isOneshot {
            enter(i, .activating, at: now)
            units[i].endsAt = now + .seconds(2)
            units[i].endStatus = units[i].effect == .works ? .code(0) : .code(1)
            return
        }
        switch units[i].effect {
        case .works: break
        case .hangs: units[i].health.passes = nil
        case .crashes:
            units[i].endsAt = now + .milliseconds(50 + Int64(units[i].invocation % 9) * 150)
            units[i].endStatus = .code(1)
        case .neverReady where units[i].readiness != nil:
            units[i].endsAt = now + .seconds(5)
            units[i].endStatus = .signal(15, outOfMemory: false)
        case .neverReady: units[i].health.passes = nil
        }
        if let readiness = units[i].readiness {
            enter(i, .activating, at: now)
            if units[i].effect != .neverReady { units[i].doneAt = now + readiness }
        } else {
            enter(i, .active, at: now)
        }
    }

    private mutating func done(_ i: Int, at now: Instant) {
        switch units[i].activity {
        case .activating where units[i].isRetrying:
            units[i].restarts += 1
            begin(i, at: now)
        case .activating: enter(i, .active, at: now)
        case .deactivating:
            units[i].process = nil
            if units[i].exit == nil { units[i].exit = .signal(15, outOfMemory: false) }
            if units[i].startsAgain {
                units[i].startsAgain = false
                enter(i, .inactive, at: now)
                units[i].restarts = 0
                return begin(i, at: now)
            }
            if units[i].wasStopped { return enter(i, .inactive, at: now) }
            rest(i, at: now)
        case .active, .inactive, .failed, .missing: break
        }
    }

    /// The process ended by itself.
    private mutating func ended(_ i: Int, at now: Instant) {
        units[i].doneAt = nil
        units[i].process = nil
        units[i].exit = units[i].endStatus
        units[i].isFailure = !units[i].endStatus.isClean
        units[i].ends += 1
        changed.insert(i)
        // Some have something to do behind.
        if i % 3 == 1, !units[i].isOneshot {
            enter(i, .deactivating, at: now)
            units[i].doneAt = now + .milliseconds(300)
        } else {
            rest(i, at: now)
        }
    }

    private mutating func rest(_ i: Int, at now: Instant) {
        let restarts =
            units[i].restart == .always || units[i].restart == .onFailure && units[i].isFailure
        if restarts, !units[i].isOneshot {
            enter(i, .activating, at: now)
            units[i].doneAt = now + units[i].restartWait
        } else {
            enter(i, units[i].isFailure ? .failed : .inactive, at: now)
        }
    }

    private mutating func enter(_ i: Int, _ activity: UnitSight.Activity, at now: Instant) {
        units[i].activity = activity
        units[i].since = now
        changed.insert(i)
    }
}
