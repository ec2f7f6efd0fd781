import Supervision

/// A service with the default policy, changed as told.
func service(
    _ name: String, of service: String? = nil, launch: UInt64 = 1, confirmed: Bool = false,
    probes: [ProbeDefinition] = [], remedies: [RemedyKind] = [.restart], detaches: Bool = false,
    after: [String] = [], _ change: (inout ServicePolicy) -> Void = { _ in }
) -> InstanceDefinition {
    var policy = ServicePolicy(after: after)
    change(&policy)
    return InstanceDefinition(
        name: name, service: service ?? name, policy: policy, launch: launch,
        probes: confirmed ? [probe()] : probes, remedies: remedies, detaches: detaches)
}

/// A probe with the default policy, changed as told.
func probe(
    _ fingerprint: UInt64 = 1, _ change: (inout ProbePolicy) -> Void = { _ in }
) -> ProbeDefinition {
    var policy = ProbePolicy()
    change(&policy)
    return ProbeDefinition(policy: policy, fingerprint: fingerprint)
}

/// The vocabulary of these tests: a mind, an instant that is moved by hand, and what it asked for.
struct Machine {
    var mind: Mind
    /// An hour after boot: room for what happened before.
    var now = Instant(nanoseconds: 0) + .hours(1)
    /// What the last event led to.
    var last: [Action] = []
    /// What every event led to.
    var all: [Action] = []
    private var pid: Int32 = 100
    /// The looks under way: by place and probe, the serial.
    private(set) var looks: [[Int]: Int] = [:]
    /// What looks find at once; without it they wait for `answer`.
    private var findings: [String: ProbeOutcome] = [:]

    /// A mind that was told its services and, unless `begun` is false, to start them.
    init(
        _ definitions: InstanceDefinition..., memory: Memory = Memory(), begun: Bool = true,
        proven: Bool = true, seed: UInt64 = 1
    ) {
        self.init(definitions, memory: memory, begun: begun, proven: proven, seed: seed)
    }

    /// The same. Unless `proven` is false, every probe has passed at some time.
    init(
        _ definitions: [InstanceDefinition], memory: Memory = Memory(), begun: Bool = true,
        proven: Bool = true, seed: UInt64 = 1
    ) {
        var memory = memory
        for definition in definitions where proven {
            memory.instances[definition.name, default: InstanceMemory()].provenProbes +=
                definition.probes.map(\.fingerprint)
        }
        mind = Mind(seed: seed, memory: memory)
        configure(definitions)
        if begun { tell(.begun) }
    }

    mutating func tell(_ event: Event) {
        last.removeAll()
        mind.handle(event, at: now, into: &last)
        for case .probe(let id, let probe, let serial) in last {
            looks[[id.index, probe]] = serial
        }
        all += last
        answerAtOnce()
    }

    /// What `find` said, for every look that began just now.
    private mutating func answerAtOnce() {
        guard !findings.isEmpty else { return }
        let told = last
        var led: [Action] = []
        for case .probe(let id, let probe, let serial) in told {
            guard let finding = findings[mind.definition(id).name] else { continue }
            tell(.instance(id, .probed(probe: probe, serial: serial, finding)))
            led += last
        }
        last = told + led
    }

    /// From now on each look of the service finds that, at once.
    mutating func find(_ finding: ProbeOutcome?, _ names: String...) {
        for name in names { findings[name] = finding }
    }

    /// The look under way of that probe is answered.
    mutating func answer(_ name: String, probe: Int = 0, _ outcome: ProbeOutcome) {
        let serial = looks[[id(name).index, probe]] ?? -1
        tell(name, .probed(probe: probe, serial: serial, outcome))
    }

    /// Waits for the next look of that probe, and answers it.
    mutating func strike(_ name: String, probe: Int = 0, times: Int = 1) {
        for _ in 1...times {
            waitForLook(name, probe: probe)
            answer(name, probe: probe, .failed)
        }
    }

    /// Lets time pass until that probe looks.
    mutating func waitForLook(_ name: String, probe: Int = 0) {
        let before = looks[[id(name).index, probe]]
        if isLooking(name, probe: probe) { return }
        for _ in 1...1000 where looks[[id(name).index, probe]] == before {
            guard let deadline = mind.nextDeadline() else { return }
            wait(deadline - now)
        }
    }

    private func isLooking(_ name: String, probe: Int) -> Bool {
        var copy = mind
        var actions: [Action] = []
        let serial = looks[[id(name).index, probe]] ?? -1
        let last = copy.status(id(name), at: now).probes[probe].lastOutcome
        let outcome: ProbeOutcome = last == .passed ? .unknown : .passed
        copy.handle(
            .instance(id(name), .probed(probe: probe, serial: serial, outcome)), at: now,
            into: &actions)
        return copy.status(id(name), at: now).probes[probe].lastOutcome == outcome
    }

    /// The process is made, and its probes pass.
    mutating func bringUpProbed(_ names: String...) {
        for name in names {
            spawn(name)
            for k in mind.definition(id(name)).probes.indices { answer(name, probe: k, .passed) }
        }
    }

    mutating func tell(_ name: String, _ event: InstanceEvent) {
        tell(.instance(id(name), event))
    }

    mutating func configure(_ definitions: [InstanceDefinition]) { tell(.configured(definitions)) }

    /// Lets so much time pass; each deadline on the way is told at its own instant. `last` is then
    /// all that they led to.
    mutating func wait(_ interval: Interval) {
        let end = now + interval
        var told: [Action] = []
        while let deadline = mind.nextDeadline(), deadline <= end {
            now = max(now, deadline)
            tell(.deadlineReached)
            told += last
        }
        now = end
        last = told
    }

    /// The hand made the process.
    mutating func spawn(_ name: String) { tell(name, .spawned(freshProcess())) }

    mutating func freshProcess() -> ProcessIdentity {
        pid += 1
        return ProcessIdentity(pid: pid, startTicks: UInt64(pid) * 10)
    }

    /// The process is made, and lives long enough to be a success.
    mutating func bringUp(_ names: String...) {
        for name in names {
            spawn(name)
            wait(.seconds(1))
        }
    }

    mutating func crash(_ name: String, _ status: ExitStatus = .code(1)) {
        tell(name, .exited(status))
    }

    /// A short run: the process is made and crashes at once; then its back-off passes.
    mutating func crashQuickly(_ name: String) {
        spawn(name)
        crash(name)
    }

    /// The main process and its tree end, as asked.
    mutating func goDown(_ name: String) {
        tell(name, .exited(.signal(15, outOfMemory: false)))
        tell(name, .treeEnded)
    }

    func id(_ name: String) -> InstanceID { mind.id(named: name) ?? InstanceID(-1) }

    func status(_ name: String) -> InstanceStatus { mind.status(id(name), at: now) }

    func phase(_ name: String) -> Phase { status(name).phase }

    /// From now to what the instance is woken for.
    func pause(_ name: String) -> Interval? { status(name).deadline.map { $0 - now } }
}

extension [Action] {
    var records: [Record] {
        compactMap { if case .record(let record) = $0 { record } else { nil } }
    }

    var deeds: [Action] { filter { if case .record = $0 { false } else { true } } }

    /// The places of the instances to be spawned, in order.
    var spawns: [Int] {
        compactMap { if case .spawn(let id, _) = $0 { id.index } else { nil } }
    }

    /// The places of the instances that are sent their stop signal, in order.
    var terminations: [Int] {
        compactMap { if case .terminate(let id, _) = $0 { id.index } else { nil } }
    }

    var handovers: [HandoverReason] {
        records.compactMap {
            if case .incidentHandedOver(_, _, let reason) = $0 { reason } else { nil }
        }
    }

    var openings: [FailureKind] {
        records.compactMap { if case .incidentOpened(_, _, let kind, _) = $0 { kind } else { nil } }
    }

    /// The places of the instances that are looked at, in order.
    var looks: [Int] {
        compactMap { if case .probe(let id, _, _) = $0 { id.index } else { nil } }
    }

    /// The counts of strikes, in order.
    var strikes: [Int] {
        records.compactMap {
            if case .probeStruck(_, _, let strike, _) = $0 { strike } else { nil }
        }
    }

    /// The places of the remedies that are tried, in order.
    var remedies: [Int] {
        compactMap { if case .remedy(_, let remedy, _, _) = $0 { remedy } else { nil } }
    }

    var resolutions: Int {
        records.count { if case .incidentResolved = $0 { true } else { false } }
    }

    var rules: [RestartRule] {
        records.compactMap {
            if case .restartDecided(_, _, let rule, _, _) = $0 { rule } else { nil }
        }
    }
}

extension Phase {
    static func stopping(
        _ stage: Stopping.Stage, _ aftermath: Stopping.Aftermath, mainEnded: Bool = false
    ) -> Phase {
        var stopping = Stopping.sample
        stopping.stage = stage
        stopping.aftermath = aftermath
        stopping.mainEnded = mainEnded
        return .stopping(stopping)
    }
}

extension Stopping {
    /// `Stopping` has no public initialiser: only the mind makes one. So the mind is asked for one.
    static let sample: Stopping = {
        var machine = Machine(service("sample"))
        machine.spawn("sample")
        machine.tell("sample", .stopAsked)
        guard case .stopping(let stopping) = machine.phase("sample") else { fatalError() }
        return stopping
    }()
}
