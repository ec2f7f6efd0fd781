/// The mind: a value that is told what happened and answers what to do.
///
/// No clock, no randomness but a seed, no input or output, and it never fails: a failure is an
/// event. The same events in the same order give the same actions, in production and in simulation.
public struct Mind: Sendable {
    /// So many incidents of one service within `loopOfIncidents` are a loop, whatever their spacing.
    public static let incidentsOfALoop = 6
    /// See `incidentsOfALoop`.
    public static let loopOfIncidents = Interval.hours(1)
    /// From SIGKILL to the finding that it did not help.
    public static let killWait = Interval.seconds(5)
    /// The longest start time-out; each failed start doubles it up to here.
    public static let longestStart = Interval.minutes(15)

    var instances: [Instance] = []
    /// By name. Looked up, never iterated.
    var places: [String: Int] = [:]
    var vacancies: [Int] = []
    var deadlines = Deadlines()
    /// What is due apart from the phases: looks, and the ends of pauses.
    var cares = Deadlines()
    var jitter: Jitter
    let memory: Memory
    /// Those of the names in `memory` that have been configured since this daemon's start.
    var recalled: Set<String> = []
    var nextIncident: Int
    /// The highest attempt of what was forgotten. Later instances count on from here, so that no
    /// process in the kernel has the number of an earlier one of the same name.
    var forgottenAttempts = 0
    var hasBegun = false
    /// The system is being switched.
    var isSwitching = false
    /// The last look or remedy that was asked for. Answers tell theirs.
    var lastSerial = 0
    /// Places of critical instances, and of all that those are started after.
    var needed: [Int] = []
    /// Services with probes.
    var probedServices = 0
    /// By service number: when a probe of it last struck.
    var lastStrikes: [Instant?] = []
    /// When any did.
    var lastStrike: Instant?
    /// The common cause that is under way.
    var trouble: CommonCause?
    /// Who waits for a turn to be restarted, longest first; may hold some that no longer do.
    var waiting: [Int] = []
    /// Whose restart by probes is neither confirmed nor failed; may hold some that no longer are.
    var healing: [Int] = []
    /// When the last of those restarts was confirmed or failed: who is next has to fail once more
    /// since then, for that restart may have been what was needed.
    var turnSince = Instant(nanoseconds: .min)
    /// Until then the machine is taken to be stalled.
    var stalledUntil = Instant(nanoseconds: .min)
    var lastStall: Instant?
    var stallBegan = Instant(nanoseconds: .min)
    /// The daemon is ending: nothing starts any more.
    var ending: Ending?

    /// A mind that knows no service yet. The seed makes its jitter reproducible.
    public init(seed: UInt64, memory: Memory = Memory()) {
        self.jitter = Jitter(seed: seed)
        self.memory = memory
        self.nextIncident = memory.nextIncident
    }

    /// Takes in what happened and appends what to do to `actions`, in the order in which to do it.
    ///
    /// Records follow their actions: the hands may write them after everything else.
    public mutating func handle(
        _ event: Event, at now: Instant, into actions: inout [Action]
    ) {
        if probedServices > 0, let due = nextDeadline(), now - due > Self.lateness {
            noteStall(since: due, at: now)
        }
        switch event {
        case .configured(let definitions):
            // One that is ending has no use for another: the next daemon reads it anyway.
            if ending == nil { configure(definitions, at: now, into: &actions) }
        case .begun: begin(at: now, into: &actions)
        case .deadlineReached: wakeDue(at: now, into: &actions)
        case .machineStalled: noteStall(since: now, at: now)
        case .switchBegan: beginSwitch()
        case .switchEnded: endSwitch(at: now, into: &actions)
        case .generationChanged: countAnew()
        case .stopAllAsked: stopAll(at: now, into: &actions)
        case .endAsked(let stopping): end(stopping: stopping, at: now, into: &actions)
        case .instance(let id, let event):
            guard instances.indices.contains(id.index), !instances[id.index].isVacant else {
                return
            }
            step(id.index, event, at: now, into: &actions)
        }
        if trouble != nil { tendCommonCause(at: now, into: &actions) }
        finishIfDown(into: &actions)
    }

    /// When to call `handle(.deadlineReached)` at the latest; `nil`: never.
    public mutating func nextDeadline() -> Instant? {
        var next = nextOfPhases()
        if let care = nextCare(), next.map({ care < $0 }) ?? true { next = care }
        if let check = trouble?.check, next.map({ check < $0 }) ?? true { next = check }
        return next
    }

    private mutating func nextOfPhases() -> Instant? {
        while let first = deadlines.first {
            if instances[first.index].deadline == first.instant { return first.instant }
            deadlines.removeFirst()
        }
        return nil
    }

    private mutating func nextCare() -> Instant? {
        while let first = cares.first {
            if instances[first.index].careDeadline == first.instant { return first.instant }
            cares.removeFirst()
        }
        return nil
    }

    private mutating func wakeDue(at now: Instant, into actions: inout [Action]) {
        while let due = nextDeadline(), due <= now {
            if nextOfPhases() == due, let index = deadlines.first?.index {
                deadlines.removeFirst()
                instances[index].deadline = nil
                step(index, .due, at: now, into: &actions)
            } else if nextCare() == due, let index = cares.first?.index {
                cares.removeFirst()
                instances[index].careDeadline = nil
                giveUpLooks(index, at: now, into: &actions)
                care(index, at: now, into: &actions)
            } else {
                tendCommonCause(at: now, into: &actions)
            }
        }
    }

    /// The one place that sets a deadline.
    mutating func wake(_ i: Int, at instant: Instant?) {
        instances[i].deadline = instant
        guard let instant else { return }
        deadlines.insert(instant, for: i)
        if deadlines.entries.count > 4 * instances.count + 64 {
            let instances = instances
            deadlines.compact { instances[$0.index].deadline == $0.instant }
        }
    }

    mutating func enter(_ i: Int, _ phase: Phase, until deadline: Instant? = nil) {
        instances[i].phase = phase
        instances[i].patience = .none
        wake(i, at: deadline)
        if !instances[i].probes.isEmpty, !isLookedAt(i) { endLooks(i) }
    }
}

/// The daemon's end, under way.
struct Ending: Sendable {
    /// What `on_exit: auto` means.
    var stopsByDefault: Bool
    /// Every place before this one is down or left alone. Nothing comes up again, so it only grows.
    var cursor = 0
    var isFinished = false

    /// Whether a service with this policy is stopped.
    func stops(_ policy: ExitPolicy) -> Bool {
        switch policy {
        case .auto: stopsByDefault
        case .stop: true
        case .leave: false
        }
    }
}
