public import Supervision

/// The mind of SafeSwitch: a value that is told what happened to the machine's generations and its
/// services and answers what to do. Like `Mind`: no clock, no input or output, and it never fails.
public struct SwitchMind: Sendable {
    /// So long an intent may take to be durable. What is not durable by then does not happen.
    public static let durableWait = Interval.seconds(2)
    /// So long a look may take.
    public static let surveyWait = Interval.seconds(10)
    /// From one look at the generations to the next, if nothing moves.
    public static let poll = Interval.minutes(1)
    /// The same while a switch runs whose end is awaited.
    public static let switchPoll = Interval.seconds(2)
    /// So long a deed that may yet succeed is tried again, `retryPause` after each failure.
    public static let retryWait = Interval.minutes(1)
    /// See `retryWait`.
    public static let retryPause = Interval.seconds(1)
    /// So long services have after a switch to be well again.
    public static let confirmWait = Interval.minutes(5)
    /// Where nobody was ill, they are watched for so long before all counts as well.
    public static let leastConfirm = Interval.seconds(10)
    /// A switch that an earlier daemon had intended, and of which no run of switch-to-configuration is
    /// on record, is begun after all within so long; later a human is told instead.
    public static let resumeWait = Interval.minutes(5)
    /// A probation ends no earlier than so long after the daemon's start: services need time.
    public static let settleWait = Interval.minutes(2)
    /// A machine that was told to reboot and still runs after so long does not.
    public static let rebootWait = Interval.minutes(5)
    /// Reboots because nothing else is left are at least so far apart.
    public static let rebootLimit = Interval.hours(24)
    /// What is seen of a change may be so much younger than the change itself.
    public static let signSlack = Interval.seconds(2)
    /// So many accused services wait at once; for one more a human is told.
    public static let mostCases = 64
    /// So often one case, or one step of a switch, is looked at before the look has failed.
    public static let mostLooks = 3
    /// So often switch-to-configuration is run for one step: once more, if it dies.
    public static let mostRuns = 2
    /// So many questions of operators wait at once.
    public static let mostRequests = 8

    var policy = SafeSwitchPolicy(mode: .off)
    /// What lasts: what the next daemon would remember if this one died now, but for services.
    var memory: SwitchMemory
    /// By place: what is known of each service.
    var watched: [Watched?] = []
    /// By place: what blame compares.
    var subjects: [Subject?] = []
    var hasLedger = false
    var hasBegun = false
    /// The first landscape was seen, and what an earlier daemon left is understood.
    var isOriented = false
    /// The first look has failed. Nothing waits for the next one.
    var isBlind = false
    var landscape: Landscape?
    /// The last number given to a look, a record or a deed. Answers tell theirs.
    var lastSerial = 0
    /// The look whose landscape is the latest.
    var seenSerial = 0
    /// Looks under way, in the order in which they were asked for.
    var looks: [Look] = []
    /// When to look again.
    var pollAt: Instant?
    /// The first sign of a change since all was calm.
    var firstSign: Instant?
    var foreign: ForeignSwitch?
    /// The mind was told that a switch began.
    var hasToldSwitch = false
    /// The configuration is to be read again as soon as no switch runs.
    var owesReload = false
    /// Accusations in the order of their coming. The first is investigated.
    var cases: [Case] = []
    /// Incidents whose rollback has not helped, the latest last; at most `mostSystems`.
    var unhelped: [Int] = []
    /// The switch under way.
    var aloft: Aloft?
    var marking: Marking?
    /// What runs may have a part that is quarantined.
    var inspection: Inspection?

    /// A mind that remembers.
    public init(memory: SwitchMemory = SwitchMemory()) { self.memory = memory }

    /// Takes in what happened and appends what to do to `actions`, in the order in which to do it.
    /// `services` is asked how each is doing. `wall`: nanoseconds since 1970, for maintenance windows.
    public mutating func handle(
        _ event: SwitchEvent, at now: Instant, wall: Int64, services: borrowing Mind,
        into actions: inout [SwitchAction]
    ) {
        if policy.mode == .off, aloft == nil, case .noted = event { return }
        var turn = Turn(now: now, wall: wall)
        swap(&turn.actions, &actions)
        take(event, services, &turn)
        wakeDue(services, &turn)
        tellSwitching(&turn)
        swap(&turn.actions, &actions)
    }

    private mutating func take(
        _ event: SwitchEvent, _ services: borrowing Mind, _ turn: inout Turn
    ) {
        switch event {
        case .configured(let policy, let subjects): configure(policy, subjects, &turn)
        case .begun: begin(&turn)
        case .deadlineReached: break
        case .changed: notice(services, &turn)
        case .surveyed(let serial, let landscape, let comparison):
            surveyed(serial, landscape, comparison, services, &turn)
        case .surveyFailed(let serial, let trouble): lookFailed(serial, trouble, services, &turn)
        case .ledger(let isSound): hasLedger = isSound
        case .durable(let serial): durable(serial, &turn)
        case .notDurable(let serial): notDurable(serial, services, &turn)
        case .noted(let record): note(record, services, &turn)
        case .accused(let id, let incident, let reason):
            accuse(id, incident, reason, services, &turn)
        case .done(let serial, let outcome): done(serial, outcome, services, &turn)
        case .activationBegan(let serial, let process, let place):
            activationBegan(serial, process, in: place, &turn)
        case .activationEnded(let serial, let status):
            activationEnded(serial, status, services, &turn)
        case .asked(let request, let wish): asked(request, wish, services, &turn)
        }
    }
}

/// One call of `handle`: the time, and what it leads to.
struct Turn {
    let now: Instant
    let wall: Int64
    var actions: [SwitchAction] = []

    mutating func record(_ record: SwitchRecord) { actions.append(.record(record)) }

    mutating func answer(_ service: InstanceID, _ triaged: Triaged) {
        actions.append(.tell(.instance(service, .triaged(triaged))))
    }
}

/// A switch that is not Regen's.
public struct ForeignSwitch: Equatable, Sendable {
    /// When it was first seen.
    public var began: Instant
    /// Who holds the lock.
    public var pid: Int32
    /// A human was told that it lasts.
    var isTold = false

    /// A switch of somebody's.
    public init(began: Instant, pid: Int32) {
        self.began = began
        self.pid = pid
    }
}

/// A profile `last-known-good` to be set.
struct Marking: Sendable {
    var system: String
    var began: Instant
    /// The deed under way; `nil`: it is tried again at `next`.
    var serial: Int?
    var next: Instant
}
