import SafeSwitch
import Supervision

/// What must always hold, and did not.
struct Violation: Error, CustomStringConvertible {
    enum Rule: String {
        case startedTwice = "no instance has two processes"
        case unwantedStop = "nothing healthy is stopped without a reason"
        case liveness = "what should run runs, or a human was told, or it waits for such a one"
        case incidents = "every incident ends once"
        case tree = "after a stop the whole tree is gone"
        case deadlines = "no deadline is left in the past"
        case flood = "one event leads to few actions"
        case strikes = "nothing is ended for probes without their complete strikes"
        case herd = "with a common cause, probes cause restarts one at a time"
        case finish = "the end says finish once all is down, and not before"
        case evidence = "no rollback without evidence"
        case window = "at most one automatic rollback in a window, and for an incident"
        case target = "no rollback to a worse place"
        case intent = "nothing is switched before the intent is on the disk"
        case foreign = "nothing is switched while somebody else switches"
        case twice = "no switch is made twice"
        case flights = "one switch at a time, and each ends"
        case agreement = "after a switch, what runs and what boots are what it wanted"
        case answers = "every accusation is answered in time"
        case pairs = "the mind is told of switches in pairs"
        case justice = "a generation that breaks a healthy service is gone back from"
        case watchdog = "the device is fed while the loop is healthy, and never when it is not"
    }

    var rule: Rule
    var what: String
    var description: String { "\(rule.rawValue): \(what)" }
}

/// A fault that is planted in the simulated hands, kernel or fold: the rules must catch it.
enum Sabotage: CaseIterable {
    case foldForgetsProcesses, foldForgetsIncidents
    case handsLoseExits, handsLoseDeadlines, handsSpawnTwice, handsSkipTree
    case ledgerLosesEnds, adoptionMistakesLaunch
    case handsMistakeUnknown, handsTellDeadProbes, foldForgetsDetached
    case foldForgetsRollbacks, foldForgetsQuarantine, foldForgetsFlight
    case handsSkipIntents, handsRunTwice, handsLoseAnswers, handsHideSwitches, handsSkipDeeds
    case handsMistakeDifferences, handsSeeNothing, handsForgetEnds, ledgerLosesLandings
    case feederForgets, feederIgnoresDisks
}

/// A machine, its operator and its Regen, which is killed at any point and started again. All of
/// it follows from one seed.
struct SimulatedMachine {
    /// Regen is gone: killed, or the machine with it.
    struct Killed: Error {}

    static let chaosEvents = 1000
    static let settling = Interval.minutes(40)
    static let longestEnd = Interval.minutes(10)

    var random: SplitMix64
    let sabotage: Sabotage?
    var now = Instant(nanoseconds: 0) + .minutes(1)
    var boot = 1
    /// The wall clock at this boot's beginning.
    var wall: Int64 = 1_700_000_000_000_000_000

    var kernel = SimKernel()
    var ledger: [SimRecord] = []
    /// So many of its lines outlive a power cut, where there is a NixOS.
    var certainLines = 0
    var instances: [SimInstance] = []
    var numbers: [String: Int] = [:]
    var configuration: [InstanceDefinition] = []

    var mind: Mind?
    var hands = SimHands()
    /// One in so many actions is Regen's last.
    var killRate: Int?
    /// Never more often than so.
    var killsLeft = Int.max
    var isCalm = false
    /// What many services use is dead until then.
    var databaseDeadUntil = Instant(nanoseconds: 0)
    /// Nobody can look until then.
    var blindUntil = Instant(nanoseconds: 0)
    var operatorAt = Instant(nanoseconds: 0)

    /// The machine is a NixOS, and SafeSwitch is on.
    var hasNixOS = false
    /// Services fail of themselves only rarely: what fails, fails because of a generation.
    var isOrderly = false
    var nixos = SimSystems(services: 0)
    var safeSwitch = SafeSwitchPolicy()
    var switcher: SwitchMind?
    var diary = SimDiary()
    var oversight = SimOversight(services: 0)
    var deeds: [SimDeed] = []
    /// So many daemons there were.
    var life = 0
    /// What the true clock showed when this boot began.
    var trueBase: Int64 = 0
    /// The machine was told to.
    var rebootAt: Instant?
    var deployAt = Instant(nanoseconds: 0)
    /// Questions of operators to SafeSwitch.
    var requests = 0
    var switchActions: [SwitchAction] = []
    var dog: SimWatchdog

    var events = 0
    var actions: [Action] = []
    /// Regen remembers through the real ledger's lines; slow.
    var remembersByLines = false
    var keepsActions = false
    var trace: ((String) -> Void)?

    init(seed: UInt64, sabotage: Sabotage? = nil) {
        random = SplitMix64(seed: seed)
        self.sabotage = sabotage
        dog = SimWatchdog(seed: seed, at: now)
        populate()
    }

    /// A whole life: chaos, quiet, and a proper end.
    mutating func run() throws(Violation) {
        killRate = random.oneIn(4) ? nil : Int(random.within(30...300))
        while events < Self.chaosEvents { try liveOn(until: nil) }
        try settle()
        if hasNixOS { try seeJustice() }
        try end()
    }

    /// The next wake-up, or Regen's start where it is down.
    mutating func liveOn(until limit: Instant?) throws(Violation) {
        if mind == nil { return try startRegen() }
        let next = nextHappening()
        try feedQuietly(until: next.map { min($0, limit ?? $0) } ?? limit)
        if let limit, next.map({ $0 > limit }) ?? true {
            now = max(now, limit)
        } else if let next {
            now = max(now, next) + latency()
        }
        try wakeUp()
    }

    private mutating func latency() -> Interval {
        if isCalm { return Interval(nanoseconds: 1000) }
        return Interval(
            nanoseconds: random.oneIn(50)
                ? random.within(0...5_000_000_000) : random.within(0...2_000_000))
    }

    private mutating func nextHappening() -> Instant? {
        var next = kernel.nextEnd
        func consider(_ instant: Instant?) {
            guard let instant else { return }
            next = next.map { min($0, instant) } ?? instant
        }
        if sabotage != .handsLoseDeadlines { consider(mind?.nextDeadline()) }
        if !isCalm { consider(operatorAt) }
        consider(nextOfSystems)
        for look in hands.looks { consider(look.due) }
        for answer in hands.remedies { consider(answer.due) }
        return next
    }

    /// Nothing fails any more: in the end everything must be well, and every incident closed.
    private mutating func settle() throws(Violation) {
        isCalm = true
        killRate = nil
        for i in kernel.processes.indices {
            kernel.processes[i].end = nil
            kernel.processes[i].obedience = .milliseconds(100)
            kernel.processes[i].unkillableUntil = now
            // What hangs goes on hanging: it must be found.
            let health = kernel.processes[i].health
            kernel.processes[i].health.passes = health.passes.map { min($0, now) } ?? now
            kernel.processes[i].health.flaps = nil
        }
        for i in instances.indices { instances[i].daemon?.flaps = nil }
        databaseDeadUntil = now
        blindUntil = now
        settleSystems()
        let end = now + Self.settling
        while now < end || mind == nil { try liveOn(until: end) }
        try checkSettled()
        try checkIncidents()
        try checkSwitchingSettled()
    }

    private mutating func end() throws(Violation) {
        try sayEnd(stopping: random.oneIn(2))
        let limit = now + Self.longestEnd
        while mind != nil, now < limit { try liveOn(until: limit) }
        if mind != nil { throw Violation(rule: .finish, what: "the end never finished") }
    }

    func say(_ line: @autoclosure () -> String) { trace?(line()) }
}

/// What the run knows of an instance, whether it is configured or not.
struct SimInstance {
    enum Wish { case up, down, unknown }

    let name: String
    let service: String
    /// Its number among the services, for acyclic dependencies.
    let rank: Int
    /// As last configured.
    var definition: InstanceDefinition
    var isConfigured = true
    /// What the operator said last, as far as the ledger can know it.
    var wish = Wish.unknown
    /// The ledger has it, so a kill cannot lose it.
    var isWishDurable = false
    /// At some time its policy let it finish, or fail for good.
    var mayRest = false
    /// At some time it was not started by itself.
    var mayWait = false
    /// The highest attempt that the ledger knows of.
    var recordedAttempt = 0
    /// It fails with the database.
    var usesDatabase = false
    /// What its start command left behind, where it detaches.
    var daemon: SimHealth?
    /// The ledger's last word on it is that it is detached; what it was started with.
    var detachedLaunch: UInt64?
    /// Fingerprints of probes that have passed at some time.
    var proven: Set<UInt64> = []
    /// The process that is being made right now has a reason to be ended.
    var isNextUnwanted = false
}

/// What dies with Regen: who is watched for what.
struct SimHands {
    struct Watch {
        var process: ProcessIdentity
        var isChild: Bool
    }

    /// A look under way.
    struct Look {
        var id: InstanceID
        var probe: Int
        var serial: Int
        var due: Instant
        /// It took too long.
        var isSlow: Bool
    }

    /// A remedy under way.
    struct Remedy {
        var id: InstanceID
        var serial: Int
        var due: Instant
    }

    /// What was told of one probe since the process began, or this daemon.
    struct Tally {
        var fails = 0
        var last: ProbeOutcome?
        var hasPassed = false
    }

    /// A look at the generations under way, with what it has seen already.
    struct Survey {
        var serial: Int
        var question: Question?
        var due: Instant
        var landscape: Landscape?
        var comparison: Comparison?
        /// When it has seen that.
        var seenAt = Instant(nanoseconds: 0)
        /// Somebody else was switching.
        var isForeign = false
    }

    var looks: [Look] = []
    var remedies: [Remedy] = []
    /// What SafeSwitch is still to be told.
    var switchEvents: [SwitchEvent] = []
    /// What it will be told then.
    var later: [(due: Instant, event: SwitchEvent)] = []
    var surveys: [Survey] = []
    /// What was seen last. Answers may come in another order.
    var seen = (at: Instant(nanoseconds: 0), isForeign: false)
    /// By the serial of a look that is told next: when it saw, and whether somebody switched.
    var sights: [Int: (at: Instant, isForeign: Bool)] = [:]
    /// The configuration is read again then.
    var reloadAt: Instant?
    /// By the mind's place: since when it has waited for SafeSwitch's word.
    var accused: [Instant?] = []
    /// Looks that found nothing out, and of which the sabotaged hands say that they failed.
    var mistaken: [Int] = []
    /// By place and fingerprint. Looked up, never iterated.
    var tallies: [[UInt64: Tally]] = []
    /// The start time-out when that began.
    var startTimeouts: [Interval] = []
    /// Since when it is watched.
    var watchedSince: [Instant] = []
    /// The last restart of it was caused by probes.
    var isProbeCaused: [Bool] = []

    /// By the mind's place.
    var owners: [Int?] = []
    var watches: [Watch?] = []
    var treeWatches: [Bool] = []
    /// Deaths that came to be known and are still to be told.
    var isDeathUntold: [Bool] = []
    var hasBegun = false
    /// The daemon's end was asked for: what `on_exit: auto` means.
    var ending: Bool?

    mutating func makeRoom(_ count: Int) {
        while owners.count < count {
            owners.append(nil)
            accused.append(nil)
            watches.append(nil)
            treeWatches.append(false)
            isDeathUntold.append(false)
            tallies.append([:])
            watchedSince.append(Instant(nanoseconds: 0))
            startTimeouts.append(.zero)
            isProbeCaused.append(false)
        }
    }
}
