import Supervision

/// A rule that did not hold for units.
struct UnitViolation: Error, CustomStringConvertible {
    enum Rule: String {
        case stopped = "what somebody stopped is not started"
        case jobs = "never two jobs at once for a unit"
        case switching = "nothing is asked while a switch runs"
        case others = "what is another's to start is never asked for"
        case healthy = "a healthy unit is never restarted"
        case counted = "no crash is counted twice"
        case healed = "what was up and failed is started again"
        case stops = "nothing is stopped unless an operator says so"
        case liveness = "whatever the phase, something brings the unit on"
        case incidents = "every incident ends once"
        case flood = "one event leads to few actions"
        case deadlines = "no deadline is left in the past"
    }

    var rule: Rule
    var what: String
    var description: String { "\(rule.rawValue): \(what)" }
}

/// A fault that is planted in the hands or the memory: the rules must catch it.
enum UnitSabotage: CaseIterable {
    case handsHideStops, handsHideSwitches, handsHideSights
    case handsMistakeStarters, handsMistakeProbes, handsInventRestarts
    case foldForgetsProcesses, foldForgetsIncidents, foldForgetsWork, foldForgetsBoots
}

/// A machine with systemd, whose units Regen looks after, and is killed at any point. All of it
/// follows from one seed.
struct UnitMachine {
    struct Killed: Error {}

    static let chaosEvents = 800
    static let settling = Interval.minutes(40)

    var random: SplitMix64
    let sabotage: UnitSabotage?
    var now = Instant(nanoseconds: 0) + .minutes(1)
    var boot = 1
    var wall: Int64 = 1_700_000_000_000_000_000
    var systemd = SimSystemd()
    var definitions: [InstanceDefinition] = []
    var isConfigured: [Bool] = []
    var ledger: [SimRecord] = []
    var mind: Mind?
    var hands = UnitHands(units: 0)
    var killRate: Int?
    var isCalm = false
    var operatorAt = Instant(nanoseconds: 0)
    /// The bus is gone until then.
    var busLostUntil = Instant(nanoseconds: 0)
    /// A switch of the system runs until then; what it does next, and when.
    var switchEnds: Instant?
    var switchStep: Instant?
    var tellings: [(due: Instant, event: Event)] = []
    var facts: [UnitFacts] = []
    var events = 0
    var trace: ((String) -> Void)?

    init(seed: UInt64, sabotage: UnitSabotage? = nil) {
        random = SplitMix64(seed: seed)
        self.sabotage = sabotage
        populate()
    }

    /// A whole life: chaos, quiet, and one crash each.
    mutating func run() throws(UnitViolation) {
        killRate = random.oneIn(4) ? nil : Int(random.within(20...300))
        while events < Self.chaosEvents { try liveOn(until: nil) }
        try settle()
        try checkSettled()
        try crashEach()
        try checkIncidents()
    }

    mutating func liveOn(until limit: Instant?) throws(UnitViolation) {
        if mind == nil { try startRegen() }
        let next = nextHappening()
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
            nanoseconds: random.oneIn(40)
                ? random.within(0...5_000_000_000) : random.within(0...2_000_000))
    }

    private mutating func nextHappening() -> Instant? {
        var next: Instant?
        func consider(_ instant: Instant?) {
            guard let instant else { return }
            next = next.map { min($0, instant) } ?? instant
        }
        for unit in systemd.units { consider(unit.next) }
        consider(mind?.nextDeadline())
        if !isCalm { consider(operatorAt) }
        consider(switchStep)
        consider(switchEnds)
        if busLostUntil > now { consider(busLostUntil) }
        for telling in tellings { consider(telling.due) }
        for i in systemd.units.indices where hands.jobs[i] != nil {
            consider(hands.lostAt[i] ?? (jobEnd(i) == nil ? nil : now))
        }
        for look in hands.looks { consider(look.due) }
        for answer in hands.answers { consider(answer.due) }
        consider(hands.sightsAt)
        return next
    }

    /// Nothing breaks any more.
    private mutating func settle() throws(UnitViolation) {
        isCalm = true
        killRate = nil
        busLostUntil = now
        hands.lostAt = hands.lostAt.map { $0.map { min($0, now) } }
        for i in systemd.units.indices {
            systemd.units[i].effect = .works
            systemd.units[i].endsAt = systemd.units[i].isOneshot ? systemd.units[i].endsAt : nil
            if systemd.units[i].activity == .activating, systemd.units[i].next == nil {
                systemd.units[i].doneAt = now
            }
        }
        let end = now + Self.settling
        while now < end || mind == nil { try liveOn(until: end) }
    }

    /// Each unit that runs crashes once more: it is counted once, and is up again.
    private mutating func crashEach() throws(UnitViolation) {
        guard let mind else { return }
        for id in mind.all where mind.status(id, at: now).phase == .running {
            guard let i = hands.owner(id) else { continue }
            // A look that comes back before systemd's word finds one that hangs, and no crash.
            while hands.looks.contains(where: { $0.id == id }) { try liveOn(until: nil) }
            let unit = systemd.units[i]
            let policy = definitions[i].policy
            if unit.isOthers || policy.restart == .never || unit.activity != .active { continue }
            let before = (ends: facts[i].ends, invocation: unit.invocation)
            systemd.units[i].endsAt = now
            systemd.units[i].endStatus = .signal(9, outOfMemory: false)
            let end = now + .minutes(5)
            while now < end { try liveOn(until: end) }
            let status = self.mind.map { $0.status(id, at: now) }
            if facts[i].ends != before.ends + 1 {
                throw UnitViolation(
                    rule: .counted, what: "u\(i): \(facts[i].ends - before.ends) for one")
            }
            if status?.waitsFor != nil { continue }
            if systemd.units[i].invocation == before.invocation || status?.phase != .running {
                throw UnitViolation(
                    rule: .healed, what: "u\(i) is \(status.map { "\($0.phase)" } ?? "?")")
            }
        }
    }

    func say(_ line: @autoclosure () -> String) { trace?(line()) }
}

/// What the run knows of a unit apart from systemd.
struct UnitFacts {
    /// When Regen's operator asked for a start last, or a stop.
    var orderedUp: Instant?
    var isOrderedDown = false
    /// Ends that the ledger takes for crashes or a unit's own.
    var ends = 0
    /// The ledger's last word is that it runs, or is to.
    var isUp = false
    /// It ran at some time.
    var hasRun = false
    /// It ran in an earlier boot, and all that Regen was told of it in this one is that it does not come up.
    var isExpected = false
    /// It healed stops at some time.
    var hasHealed = false
    /// It was `.nobody` or `restart: never` at some time.
    var mayRest = false
}

/// What dies with Regen.
struct UnitHands {
    struct Look {
        var id: InstanceID
        var probe: Int
        var serial: Int
        var due: Instant
    }

    var owners: [Int?] = []
    var looks: [Look] = []
    /// What will be told then: of remedies, of triage.
    var answers: [(due: Instant, event: Event)] = []
    /// When the units that have changed are looked at.
    var sightsAt: Instant?
    /// By the unit: a job is under way, by the mind's place.
    var jobs: [InstanceID?]
    /// When the answer comes although nobody knows.
    var lostAt: [Instant?]
    /// The last sight that the mind was told, and when.
    var told: [(sight: UnitSight, at: Instant)?]
    /// A look of a probe failed in this run.
    var hasFailedLook: [Bool]
    var hasBegun = false
    var isSwitching = false
    var isEnding = false

    init(units: Int) {
        jobs = Array(repeating: nil, count: units)
        lostAt = Array(repeating: nil, count: units)
        told = Array(repeating: nil, count: units)
        hasFailedLook = Array(repeating: false, count: units)
    }

    func owner(_ id: InstanceID) -> Int? {
        owners.indices.contains(id.index) ? owners[id.index] : nil
    }
}
