import SafeSwitch
import Supervision
import Testing

/// A machine for these tests: services and generations whose mishaps each test scripts, both minds, and
/// hands that answer at once unless they are told to wait.
struct World {
    var mind: Mind
    var switcher: SwitchMind
    var policy: SafeSwitchPolicy
    var definitions: [InstanceDefinition]
    /// An hour after boot: room for what happened before.
    var now = Instant(nanoseconds: 0) + .hours(1)
    /// A Wednesday at noon.
    var wall: Int64 = (20_000 * 24 + 12) * 3_600_000_000_000
    var landscape: Landscape
    /// Systems in the store that are in no profile.
    var built: [NixSystem] = []
    /// What blame finds.
    var comparison = Comparison.differing
    /// What services run on a system.
    var parts: [String: String] = [:]
    /// On which systems a service ends as soon as it is started.
    var breaks: [String: [String]] = [:]
    /// What the ledger remembers: of everything, and of what is on the disk for certain.
    var memory = SwitchMemory()
    var certain = SwitchMemory()

    // What the hands do otherwise than at once and well.
    var surveyTrouble: [String] = []
    /// The same for those that compare.
    var questionTrouble: [String] = []
    var answersSurveys = true
    var diskWorks = true
    var deedTroubles: [DeedOutcome] = []
    /// Else they are done, and nobody is told before `tellDeeds`.
    var answersDeeds = true
    private var owed: [Int] = []
    var activations: [Run] = []
    var answersActivations = true
    /// What happens to the machine just before the next look.
    var beforeLook: ((inout World) -> Void)?
    /// Killed before this action, counted from now.
    var diesBefore: Int?
    var losesRecords = false

    // What was seen.
    var records: [SwitchRecord] = []
    var serviceRecords: [Record] = []
    var performed: [Deed] = []
    var activated: [String] = []
    var answers: [SwitchAnswer] = []
    var told: [Event] = []
    var reloads = 0
    var looks = 0
    var deaths = 0
    /// Accusations, and the answers to them.
    var accusations = 0
    var replies: [Triaged] = []

    private var facts: [Fact] = []
    private var pid: Int32 = 100
    /// switch-to-configuration, while it runs: the serial that waits for its end.
    private(set) var running: (serial: Int?, process: ProcessIdentity, system: String, Activation)?
    private(set) var held: [SwitchAction] = []

    enum Fact {
        case service(Event)
        case `switch`(SwitchEvent)
    }

    /// How switch-to-configuration goes.
    enum Run {
        case exits(Int32, switches: Bool)
        case dies(switches: Bool)
        case cannotBegin(isTransient: Bool)
    }

    /// A machine on generation 1, which was booted and is known good, with these services up.
    init(
        _ definitions: [InstanceDefinition] = [service("web"), service("db")],
        knownGood: Bool = true, _ change: (inout SafeSwitchPolicy) -> Void = { _ in }
    ) {
        policy = SafeSwitchPolicy()
        change(&policy)
        self.definitions = definitions
        landscape = Landscape()
        mind = Mind(seed: 1)
        switcher = SwitchMind()
        landscape.add("/a")
        landscape.current = "/a"
        landscape.booted = "/a"
        memory.current = "/a"
        memory.booted = ["/a"]
        if knownGood { memory.knownGood = ["/a"] }
        certain = memory
        start()
        wait(.seconds(5))
        records = []
        looks = 0
    }

    /// One whose last change breaks `web`, which has crashed once since.
    static func broken(_ change: (inout SafeSwitchPolicy) -> Void = { _ in }) -> World {
        var world = World { change(&$0) }
        world.breaks["web"] = ["/b"]
        world.deploy("/b")
        return world
    }

    /// One with another generation that nobody has switched to yet.
    static func undeployed() -> World {
        var world = World()
        world.landscape.add("/b")
        world.landscape.defaultGeneration = 1
        return world
    }

    /// Waits for the next intent, which the disk does not take: its serial.
    mutating func holdIntent() throws -> Int {
        diskWorks = false
        for _ in 0..<100 where held.isEmpty { wait(.milliseconds(100)) }
        guard case .recordDurably(_, let serial)? = held.last else { throw NoIntent() }
        return serial
    }

    struct NoIntent: Error {}

    // MARK: Life

    /// A daemon starts with what the ledger remembers.
    mutating func start() {
        var past = Memory()
        for definition in definitions {
            var instance = InstanceMemory()
            instance.provenProbes = definition.probes.map(\.fingerprint)
            if deaths > 0, let id = mind.id(named: definition.name) {
                let status = mind.status(id, at: now)
                instance.attempt = status.attempt
                past.nextIncident = max(past.nextIncident, (status.incident ?? 0) + 10 * deaths)
                if let incident = status.incident {
                    instance.incident = OpenIncident(id: incident, opened: now)
                }
            }
            past.instances[definition.name] = instance
        }
        mind = Mind(seed: 1, memory: past)
        switcher = SwitchMind(memory: memory)
        tell(.configured(definitions))
        facts.append(.switch(configuration))
        facts.append(.switch(.ledger(isSound: true)))
        facts.append(.switch(.begun))
        tell(Event.begun)
    }

    private var configuration: SwitchEvent {
        .configured(policy, definitions.map { Subject(service: $0.name, paths: ["/bin/x"]) })
    }

    mutating func configure(_ change: (inout SafeSwitchPolicy) -> Void) {
        change(&policy)
        tell(configuration)
    }

    /// kill -9, and a new daemon.
    mutating func die() {
        deaths += 1
        if losesRecords { memory = certain } else { noteHealth() }
        certain = memory
        facts = []
        held = []
        running?.serial = nil
        start()
    }

    /// A power cut, or what a reboot does: the profile's system comes up.
    mutating func boot(_ system: String? = nil) {
        let chosen = landscape.generations.first { $0.number == landscape.defaultGeneration }
        landscape.current = system ?? chosen?.path
        landscape.booted = landscape.current
        landscape.switchHolder = nil
        running = nil
        memory.isNewBoot = true
        die()
        memory.isNewBoot = false
    }

    private mutating func noteHealth() {
        for definition in definitions {
            memory.services[definition.name, default: ServiceHistory()].isHealthy =
                standing(definition.name) == .healthy
        }
    }

    // MARK: Time and events

    mutating func tell(_ event: Event) {
        facts.append(.service(event))
        settle()
    }

    mutating func tell(_ event: SwitchEvent) {
        facts.append(.switch(event))
        settle()
    }

    /// Lets so much time pass; each deadline on the way comes at its own instant.
    mutating func wait(_ interval: Interval) {
        let end = now + interval
        for _ in 0..<100_000 {
            let next = [mind.nextDeadline(), switcher.nextDeadline()].compactMap { $0 }.min()
            guard let next, next <= end else {
                return pass(to: end)
            }
            pass(to: max(now, next))
            if let due = mind.nextDeadline(), due <= now { tell(Event.deadlineReached) }
            if let due = switcher.nextDeadline(), due <= now { tell(SwitchEvent.deadlineReached) }
        }
        Issue.record("time does not pass: a deadline stays due")
    }

    private mutating func pass(to instant: Instant) {
        // What was written at an instant is on the disk at the next one.
        if instant > now {
            noteHealth()
            certain = memory
        }
        wall += (instant - now).nanoseconds
        now = instant
    }

    private mutating func settle() {
        while !facts.isEmpty {
            switch facts.removeFirst() {
            case .service(let event):
                var actions: [Action] = []
                mind.handle(event, at: now, into: &actions)
                for action in actions { perform(action) }
            case .switch(let event):
                var actions: [SwitchAction] = []
                switcher.handle(event, at: now, wall: wall, services: mind, into: &actions)
                for action in actions {
                    if let left = diesBefore {
                        diesBefore = left == 0 ? nil : left - 1
                        if left == 0 { return die() }
                    }
                    perform(action)
                }
            }
        }
    }

    // MARK: Services

    private mutating func perform(_ action: Action) {
        switch action {
        case .spawn(let id, _): spawn(id)
        case .terminate(let id, _), .kill(let id):
            facts.append(.service(.instance(id, .exited(.signal(15, outOfMemory: false)))))
            facts.append(.service(.instance(id, .treeEnded)))
        case .watchTree(let id): facts.append(.service(.instance(id, .treeEnded)))
        case .probe(let id, let probe, let serial):
            facts.append(
                .service(.instance(id, .probed(probe: probe, serial: serial, .passed))))
        case .triage(let id, let incident, let reason):
            accusations += 1
            facts.append(.switch(.accused(id, incident: incident, reason)))
        case .record(let record):
            serviceRecords.append(record)
            note(record)
            facts.append(.switch(.noted(record)))
        case .remedy, .sweep, .forget, .finish: break
        }
    }

    private mutating func spawn(_ id: InstanceID) {
        pid += 1
        facts.append(
            .service(
                .instance(id, .spawned(ProcessIdentity(pid: pid, startTicks: UInt64(pid))))))
        if isBroken(mind.definition(id).name) {
            facts.append(.service(.instance(id, .exited(.code(1)))))
        }
    }

    private func isBroken(_ name: String) -> Bool {
        breaks[name]?.contains(landscape.current ?? "") == true
    }

    /// It ends, whatever runs.
    mutating func crash(_ name: String) {
        guard let id = mind.id(named: name) else { return }
        tell(.instance(id, .exited(.code(1))))
    }

    /// Crashes until the loop is certain.
    mutating func loop(_ name: String) {
        let before = accusations
        crash(name)
        for _ in 0..<300 where accusations == before { wait(.milliseconds(100)) }
    }

    func standing(_ name: String) -> Standing {
        mind.id(named: name).map { mind.standing($0) } ?? .idle
    }

    // MARK: The machine

    /// Somebody switches to a system, new or not; services that cannot live there end. Whoever is
    /// broken on it crash-loops as time passes.
    mutating func deploy(_ system: String) {
        if !landscape.generations.contains(where: { $0.path == system }) { landscape.add(system) }
        landscape.defaultGeneration =
            landscape.generations.last { $0.path == system }?.number
        landscape.current = system
        tell(.changed)
        for definition in definitions where isBroken(definition.name) { crash(definition.name) }
    }

    /// The switch-to-configuration that runs comes to its end.
    mutating func finishActivation(_ run: Run = .exits(0, switches: true)) {
        guard let (serial, _, system, activation) = running else { return }
        running = nil
        landscape.switchHolder = nil
        let status: Supervision.ExitStatus
        let switches: Bool
        switch run {
        case .exits(let code, let goesThere): (status, switches) = (.code(code), goesThere)
        case .dies(let goesThere):
            (status, switches) = (.signal(9, outOfMemory: false), goesThere)
        case .cannotBegin: (status, switches) = (.unknown, false)
        }
        if switches, activation != .boot { landscape.current = system }
        guard let serial else { return }
        tell(.activationEnded(serial: serial, status))
    }

    private mutating func perform(_ action: SwitchAction) {
        switch action {
        case .survey(let serial, let question, let system): look(serial, question, system)
        case .record(let record): write(record)
        case .recordDurably(let record, let serial):
            guard diskWorks else { return held.append(action) }
            write(record)
            noteHealth()
            certain = memory
            facts.append(.switch(.durable(serial: serial)))
        case .perform(let deed, let serial): perform(deed, serial)
        case .activate(let system, let activation, _, let serial):
            activate(system, activation, serial)
        case .resumeWatch(let process, _, let serial):
            if running?.process == process {
                running?.serial = serial
                if answersActivations { finishLeftOver() }
            } else {
                facts.append(.switch(.activationEnded(serial: serial, .unknown)))
            }
        case .tell(let event):
            if case .instance(_, .triaged(let reply)) = event { replies.append(reply) }
            told.append(event)
            facts.append(.service(event))
        case .reload:
            reloads += 1
            facts.append(.service(.configured(definitions)))
            facts.append(.switch(configuration))
        case .answer(_, let answer): answers.append(answer)
        }
    }

    private mutating func look(_ serial: Int, _ question: Question?, _ system: String?) {
        looks += 1
        if let change = beforeLook {
            beforeLook = nil
            change(&self)
        }
        guard answersSurveys else { return }
        if question != nil, !questionTrouble.isEmpty {
            let trouble = questionTrouble.removeFirst()
            facts.append(.switch(.surveyFailed(serial: serial, trouble)))
        } else if surveyTrouble.isEmpty {
            var seen = landscape
            if let system, seen.system(system) == nil { seen.systems.append(look(at: system)) }
            facts.append(
                .switch(.surveyed(serial: serial, seen, question.map(compare))))
        } else {
            let trouble = surveyTrouble.removeFirst()
            facts.append(.switch(.surveyFailed(serial: serial, trouble)))
        }
    }

    private func compare(_ question: Question) -> Comparison {
        guard question.before == question.after else { return comparison }
        let part = parts[question.after] ?? "\(question.after)/x"
        var same = Comparison()
        same.paths = [.init(path: "/bin/x", difference: .same, before: part, after: part)]
        return same
    }

    private func look(at path: String) -> NixSystem {
        if let known = built.first(where: { $0.path == path }) { return known }
        var system = NixSystem(path: path)
        system.defects = [.missing]
        return system
    }

    private mutating func perform(_ deed: Deed, _ serial: Int) {
        let outcome = deedTroubles.isEmpty ? .done : deedTroubles.removeFirst()
        performed.append(deed)
        if outcome == .done {
            switch deed {
            case .setProfile(let generation, _): landscape.defaultGeneration = generation
            case .addGeneration(let path):
                landscape.add(path)
            case .markKnownGood(let path): landscape.knownGoodProfile = path
            case .reboot: break
            }
        }
        guard answersDeeds else { return owed.append(serial) }
        facts.append(.switch(.done(serial: serial, outcome)))
    }

    mutating func tellDeeds() {
        let serials = owed
        owed = []
        for serial in serials { tell(.done(serial: serial, .done)) }
    }

    private mutating func activate(_ system: String, _ activation: Activation, _ serial: Int) {
        let run = activations.isEmpty ? Run.exits(0, switches: true) : activations.removeFirst()
        if case .cannotBegin(let isTransient) = run {
            let outcome = DeedOutcome.failed("no such program", isTransient: isTransient)
            return facts.append(.switch(.done(serial: serial, outcome)))
        }
        activated.append("\(activation.rawValue) \(system)")
        pid += 1
        let process = ProcessIdentity(pid: pid, startTicks: UInt64(pid))
        running = (serial, process, system, activation)
        landscape.switchHolder = pid
        facts.append(.switch(.activationBegan(serial: serial, process)))
        guard answersActivations else { return }
        // It ends by itself, whether or not a daemon is there to see it.
        let (status, switches): (Supervision.ExitStatus, Bool) =
            switch run {
            case .exits(let code, let goesThere): (.code(code), goesThere)
            case .dies(let goesThere): (.signal(9, outOfMemory: false), goesThere)
            case .cannotBegin: (.unknown, false)
            }
        running = nil
        landscape.switchHolder = nil
        if switches, activation != .boot { landscape.current = system }
        facts.append(.switch(.activationEnded(serial: serial, status)))
    }

    private mutating func finishLeftOver() {
        guard let (serial, _, system, activation) = running, let serial else { return }
        running = nil
        landscape.switchHolder = nil
        if activation != .boot { landscape.current = system }
        facts.append(.switch(.activationEnded(serial: serial, .unknown)))
    }

    // MARK: The ledger

    private mutating func write(_ record: SwitchRecord) {
        records.append(record)
        let healthy = definitions.map(\.name).filter { standing($0) == .healthy }
        memory.fold(record, healthy: healthy, at: now)
    }

    private mutating func note(_ record: Record) {
        guard case .processExited(let id, _, _, _, _, asked: false) = record else { return }
        memory.services[mind.definition(id).name, default: ServiceHistory()].failures.append(now)
    }
}

/// A service that SafeSwitch may be asked for, with a probe.
func service(
    _ name: String, probed: Bool = true, _ change: (inout ServicePolicy) -> Void = { _ in }
) -> InstanceDefinition {
    var policy = ServicePolicy()
    policy.rollback = .auto
    change(&policy)
    // Half-hours pass here: it need not look every two seconds.
    let probe = ProbeDefinition(policy: ProbePolicy(interval: .seconds(20)), fingerprint: 1)
    let probes = probed ? [probe] : []
    return InstanceDefinition(
        name: name, service: name, policy: policy, launch: 1, probes: probes)
}

extension Landscape {
    /// Another generation, complete, and the default.
    mutating func add(_ path: String) {
        let number = (generations.last?.number ?? 0) + 1
        generations.append(Generation(number: number, path: path, date: 0))
        if system(path) == nil { systems.append(NixSystem(path: path)) }
        defaultGeneration = number
    }

    mutating func change(_ path: String, _ change: (inout NixSystem) -> Void) {
        if let k = systems.firstIndex(where: { $0.path == path }) { change(&systems[k]) }
    }
}

extension Comparison {
    static let differing: Comparison = {
        var comparison = Comparison()
        comparison.paths = [
            PathDifference(path: "/bin/x", difference: .differs, before: "/old", after: "/new")
        ]
        return comparison
    }()

    static let same: Comparison = {
        var comparison = Comparison()
        comparison.paths = [
            PathDifference(path: "/bin/x", difference: .same, before: "/old", after: "/old")
        ]
        return comparison
    }()
}

extension SwitchMemory {
    /// What a record adds to what is remembered: the rule that the ledger's reader follows.
    mutating func fold(_ record: SwitchRecord, healthy: [String], at now: Instant) {
        switch record {
        case .generationChanged(_, let to, _, let origin):
            current = to
            if origin == .boot { booted.append(to) }
        case .probationBegan(
            let system, let generation, let previous, let previousGeneration, let lasts):
            probation = ProbationMemory(
                system: system, generation: generation, previous: previous,
                previousGeneration: previousGeneration, began: now, ends: now + lasts)
            for name in healthy {
                services[name, default: ServiceHistory()].wasHealthyBefore = true
            }
        case .probationEnded(let system, _, let outcome, _):
            probation = nil
            if outcome == .knownGood { knownGood.append(system) }
        case .intended(let flight):
            self.flight = flight
            nextFlight = flight.id + 1
            isConfirmed = false
            guard case .rollback(let incident) = flight.purpose else { return }
            rollbacks.append(now)
            rolledBack.append(incident)
        case .stepBegan(let id, let step):
            guard flight?.id == id else { return }
            flight?.step = step
            if step == .reboot { lastReboot = now }
        case .activationBegan(_, let process, _, let run, _):
            flight?.process = process
            flight?.runs = run
        case .activationEnded: flight?.process = nil
        case .flightEnded(let id, let outcome):
            guard let ended = flight, ended.id == id else { return }
            flight = nil
            guard case .abandoned = outcome, case .rollback(let incident) = ended.purpose else {
                return
            }
            _ = rollbacks.popLast()
            rolledBack.removeAll { $0 == incident }
        case .trialConfirmed: isConfirmed = true
        case .quarantined(let system, _, let culprit, _):
            quarantined += [system] + (culprit.map { [$0] } ?? [])
        case .knownGoodMarked, .unchanged, .triaged, .planned, .stepFailed, .flightLasts,
            .quarantineEntered, .foreignSwitchBegan, .foreignSwitchEnded, .foreignSwitchLasts,
            .bootedElsewhere, .notTheGeneration:
            break
        }
    }
}

extension [SwitchRecord] {
    var verdicts: [Verdict] {
        compactMap { if case .triaged(_, let verdict) = $0 { verdict } else { nil } }
    }

    var plans: [PlanOutcome] {
        compactMap { if case .planned(_, let outcome) = $0 { outcome } else { nil } }
    }

    var refusals: [Refusal] {
        plans.compactMap { if case .refuse(let refusal) = $0 { refusal } else { nil } }
    }

    var intents: [Flight] {
        compactMap { if case .intended(let flight) = $0 { flight } else { nil } }
    }

    var steps: [Flight.Step] {
        compactMap { if case .stepBegan(_, let step) = $0 { step } else { nil } }
    }

    var ends: [FlightOutcome] {
        compactMap { if case .flightEnded(_, let outcome) = $0 { outcome } else { nil } }
    }

    var probations: [ProbationOutcome] {
        compactMap { if case .probationEnded(_, _, let outcome, _) = $0 { outcome } else { nil } }
    }

    /// The systems before, of the probations that began.
    var previous: [String?] {
        compactMap {
            if case .probationBegan(_, _, let previous, _, _) = $0 { .some(previous) } else { nil }
        }
    }

    var changes: [ChangeOrigin] {
        compactMap { if case .generationChanged(_, _, _, let by) = $0 { by } else { nil } }
    }
}
