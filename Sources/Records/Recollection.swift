import JSON
public import Supervision

/// What the lines of a ledger's newest segment add up to: the state that a new daemon begins with,
/// and the `carry` records that let the next segment stand for itself.
public struct Recollection: Sendable {
    /// When something was written down, on both clocks, and in which boot.
    struct Moment: Sendable {
        var wall: Int64
        var boottime: Int64
        var boot: String
    }

    struct Past: Sendable {
        var attempt = 0
        var process: ProcessIdentity?
        var launch: UInt64 = 0
        var began: Moment?
        var crashes: [Moment] = []
        var incidents: [Moment] = []
        var incident: (id: Int, opened: Moment)?
        var isHandedOver = false
        var failedStarts = 0
        var rest: (Rest, Moment)?
        var over: UnitSight.Invocation?
        var stopping: (Stopping.Aftermath, Moment)?
        var restarting: Moment?
        /// The start command ended as it may, and nothing has happened since.
        var detached: Moment?
        /// A pause, and how many milliseconds it lasts.
        var pause: (began: Moment, milliseconds: Int64)?
        var attempts = 0
        var nextRemedy = 0
        var provenProbes: [UInt64] = []
        var suspectedProbes: [UInt64] = []
        /// The last word is an exit that counts as a crash until more is known.
        var mayNotCount = false
        /// The same for SafeSwitch, which counts failures.
        var mayNotFail = false
        /// It was started, outside of any incident: it may be healthy by now.
        var hopes: Moment?
        /// Probes, or a start time-out, are why it was ended last.
        var wasEnded = false
        var failures: [Moment] = []
        /// It ran without an open incident when it was last heard of.
        var isHealthy = false
        /// It was so when the probation began.
        var wasHealthyBefore = false
        /// Its incident began, and whether it was healthy until then.
        var unhealthy: (since: Moment, wasHealthy: Bool)?
        /// The last incident that it had, open or not.
        var lastIncident: Int?
    }

    var pasts: [String: Past] = [:]
    /// In the order of their first record, so that a carry has an order.
    var order: [String] = []
    var nextIncident = 1
    var commonCause: (id: Int, opened: Moment)?
    var switching = SwitchPast()
    var boots = BootPast()

    /// Nothing yet.
    public init() {}

    /// Takes one whole line in. What is not understood is passed over: a newer Regen wrote it.
    public mutating func take(_ line: UnsafeRawBufferPointer) {
        guard let json = try? JSONValue.parse(line, limit: line.count),
            let event = json["ev"]?.string, let wall = json["t"]?.decimal,
            let boottime = json["bt"]?.decimal, let boot = json["boot"]?.string
        else { return }
        let moment = Moment(wall: wall, boottime: boottime, boot: boot)
        if event == "carry" { return recall(json, at: moment) }
        if let incident = json.count("incident"), incident > 0 {
            nextIncident = max(nextIncident, incident + 1)
        }
        takeCommonCause(event, json, at: moment)
        boots.take(event, json, at: moment)
        enterBoot(at: moment)
        takeSwitching(event, json, at: moment)
        guard let service = json["service"]?.string else { return }
        if pasts[service] == nil {
            pasts[service] = Past()
            order.append(service)
        }
        let isSwitching = switching.isSwitching
        pasts[service]!.take(event, json, isSwitching: isSwitching, at: moment)
        pasts[service]!.takeHealth(event, json, isSwitching: isSwitching, at: moment)
    }

    private mutating func takeCommonCause(_ event: String, _ json: JSONValue, at moment: Moment) {
        switch event {
        case "commoncause.begin": commonCause = json.count("incident").map { ($0, moment) }
        case "commoncause.end", "commoncause.handover": commonCause = nil
        default: break
        }
    }

    /// What the mind is to remember, in terms of this boot's clock. An earlier boot's moments are
    /// aged by the wall clock; a negative age counts as none.
    public func memory(wall: Int64, boottime: Int64, boot: String) -> Memory {
        var memory = Memory()
        memory.nextIncident = nextIncident
        let now = Moment(wall: wall, boottime: boottime, boot: boot)
        memory.commonCause = commonCause.map {
            OpenIncident(id: $0.id, opened: $0.opened.instant(at: now))
        }
        for (name, past) in pasts { memory.instances[name] = past.memory(at: now) }
        return memory
    }
}

extension Recollection.Moment {
    /// Nanoseconds from here to `now`; never negative. Saturates: a clock says what it likes. What an
    /// earlier boot has left is older than this one, whatever the clock was set to.
    func age(at now: Self) -> Int64 {
        let isSameBoot = boot == now.boot
        let (start, end) = isSameBoot ? (boottime, now.boottime) : (wall, now.wall)
        let (age, overflow) = end.subtractingReportingOverflow(start)
        let least = isSameBoot ? 0 : max(0, now.boottime)
        return overflow ? (start < end ? .max : least) : max(least, age)
    }

    func instant(at now: Self) -> Instant {
        Instant(nanoseconds: now.boottime - age(at: now))
    }

    /// This moment, told by the clock of a boot that begins at `moment`; `newest` is the last one that is
    /// known of the boot before. All that happened before it keeps its order, and how far it lies
    /// apart, whatever the wall clock was set to meanwhile.
    func carriedOver(from newest: Self, to moment: Self) -> Self {
        let between = boot == newest.boot ? age(at: newest) : 0
        let (age, overflow) = newest.age(at: moment).addingReportingOverflow(between)
        return moment.earlier(byNanoseconds: overflow ? .max : age)
    }

    mutating func carryOver(from newest: Self, to moment: Self) {
        self = carriedOver(from: newest, to: moment)
    }

    /// A century: what is older is of no interest, and its nanoseconds fit 64 bits.
    private static let longestAge: Int64 = 100 * 365 * 86_400_000

    /// The moment so many milliseconds before this one; a negative age counts as none.
    func earlier(by milliseconds: Int64) -> Self {
        earlier(byNanoseconds: min(max(0, milliseconds), Self.longestAge) * 1_000_000)
    }

    private func earlier(byNanoseconds nanoseconds: Int64) -> Self {
        let age = min(nanoseconds, Self.longestAge * 1_000_000)
        func before(_ start: Int64) -> Int64 {
            let (moment, overflow) = start.subtractingReportingOverflow(age)
            return overflow ? .min : moment
        }
        return Self(wall: before(wall), boottime: before(boottime), boot: boot)
    }
}

extension Recollection.Past {
    mutating func take(
        _ event: String, _ json: JSONValue, isSwitching: Bool, at moment: Recollection.Moment
    ) {
        switch event {
        case "process.start": begin(json, at: moment, endsStop: true)
        case "daemon.adopt":
            // A unit that is up when the next daemon comes has had its restart, or needs none any more.
            let isOver = json["launch"]?.decimal == 0 && stopping?.0 == .restart
            begin(json, at: moment, endsStop: isOver || (json.count("attempt") ?? 0) > attempt)
        case "process.exit": takeExit(json, isSwitching: isSwitching, at: moment)
        case "process.fail":
            attempt = max(attempt, (json.count("attempt") ?? 0))
            restarting = moment
            rest = nil
            detached = nil
        case "restart.attempt": takeRestart(json, isSwitching: isSwitching, at: moment)
        case "service.start":
            forgive()
            rest = nil
            stopping = nil
            restarting = moment
            detached = nil
        case "service.stop":
            stopping = json["then"]?.string.flatMap(Stopping.Aftermath.init).map { ($0, moment) }
            restarting = nil
            detached = nil
        case "service.rest":
            rest = json["why"]?.string.flatMap(Rest.init).map { ($0, moment) }
            over = json["invocation"]?.string.map(UnitSight.Invocation.init(hexadecimal:))
            // Its own end, or one that somebody wanted: not a crash after all.
            if mayNotCount, rest?.0 != .failed, rest?.0 != .outside { _ = crashes.popLast() }
            mayNotCount = false
            stopping = nil
            restarting = nil
            detached = nil
            // The configuration no longer has it: if it comes back, it comes as a new one.
            if rest?.0 == .fresh {
                forgive()
                crashes = []
                incidents = []
                pause = nil
            }
        default: takeRecovery(event, json, at: moment)
        }
    }

    private mutating func takeRestart(
        _ json: JSONValue, isSwitching: Bool, at moment: Recollection.Moment
    ) {
        let rule = json["rule"]?.string.flatMap(RestartRule.init)
        if rule == .startTimeout || rule == .failedStart && !isSwitching { failedStarts += 1 }
        if rule == .unhealthy || rule == .startTimeout { attempts += 1 }
        // The system was switched for its sake: what it did on the other one is forgotten.
        if rule == .switched {
            crashes = []
            attempts = 0
        }
        restarting = moment
        detached = nil
        mayNotCount = false
    }

    private mutating func takeRecovery(
        _ event: String, _ json: JSONValue, at moment: Recollection.Moment
    ) {
        switch event {
        case "service.detach":
            detached = moment
            restarting = nil
        case "service.pause":
            pause = json["for_ms"]?.integer.map { (moment, max(0, $0)) }
        case "service.resume": pause = nil
        case "remedy.end": nextRemedy = (json.count("place") ?? 0) + 1
        case "probe.proven":
            guard let fingerprint = json["fingerprint"]?.decimal else { return }
            provenProbes.remember(UInt64(bitPattern: fingerprint))
            suspectedProbes.removeAll { $0 == UInt64(bitPattern: fingerprint) }
        case "probe.suspect":
            guard let fingerprint = json["fingerprint"]?.decimal else { return }
            suspectedProbes.remember(UInt64(bitPattern: fingerprint))
        default: takeIncident(event, json, at: moment)
        }
    }

    private mutating func takeIncident(
        _ event: String, _ json: JSONValue, at moment: Recollection.Moment
    ) {
        switch event {
        case "incident.open":
            incident = json.count("incident").map { ($0, moment) }
            attempts = 0
            nextRemedy = 0
            guard json["kind"]?.string != FailureKind.unkillable.rawValue else { return }
            incidents = (incidents + [moment]).suffix(Mind.incidentsOfALoop)
        case "incident.resolve":
            incident = nil
            failedStarts = 0
            attempts = 0
            nextRemedy = 0
        case "incident.handover":
            incident = nil
            attempts = 0
            isHandedOver = json["reason"]?.string != HandoverReason.operatorStopped.rawValue
            if !isHandedOver { failedStarts = 0 }
        case "service.recover": forgive()
        default: break
        }
    }

    private mutating func begin(
        _ json: JSONValue, at moment: Recollection.Moment, endsStop: Bool
    ) {
        attempt = max(attempt, (json.count("attempt") ?? 0))
        process = json.process
        launch = UInt64(bitPattern: json["launch"]?.decimal ?? 0)
        began = moment
        rest = nil
        restarting = nil
        detached = nil
        mayNotCount = false
        if endsStop { stopping = nil }
    }

    private mutating func takeExit(
        _ json: JSONValue, isSwitching: Bool, at moment: Recollection.Moment
    ) {
        process = nil
        guard json["asked"]?.bool == false else {
            // Nobody has stopped it for good: somebody else restarts systemd's unit.
            if stopping == nil, detached == nil { restarting = moment }
            return
        }
        restarting = moment
        // What ends while the system is switched says nothing of itself.
        if isSwitching { return }
        crashes = (crashes + [moment]).suffix(CrashLoopPolicy.mostCrashes)
        mayNotCount = true
    }

    private mutating func forgive() {
        if isHandedOver {
            crashes = []
            incidents = []
        }
        isHandedOver = false
        failedStarts = 0
        attempts = 0
    }

    func memory(at now: Recollection.Moment) -> InstanceMemory {
        var memory = InstanceMemory()
        memory.attempt = attempt
        memory.crashes = crashes.map { $0.instant(at: now) }
        memory.incidents = incidents.map { $0.instant(at: now) }
            .filter { Instant(nanoseconds: now.boottime) - $0 <= Mind.loopOfIncidents }
        memory.incident = incident.map {
            OpenIncident(id: $0.id, opened: $0.opened.instant(at: now))
        }
        memory.isHandedOver = isHandedOver
        memory.failedStarts = failedStarts
        if began?.boot == now.boot { memory.process = process }
        memory.launch = launch
        memory.isRestarting = restarting?.boot == now.boot
        if let rest, rest.1.boot == now.boot { memory.rest = rest.0 }
        memory.over = over
        if let stopping, stopping.1.boot == now.boot { memory.stopping = stopping.0 }
        memory.isDetached = detached?.boot == now.boot
        memory.pausedUntil = pause.map { pause in
            pause.began.instant(at: now)
                + Interval(nanoseconds: min(pause.milliseconds, .max / 1_000_000) * 1_000_000)
        }
        memory.attempts = attempts
        memory.nextRemedy = nextRemedy
        memory.provenProbes = provenProbes
        memory.suspectedProbes = suspectedProbes
        return memory
    }
}

extension JSONValue {
    /// A decimal string, as 64-bit numbers are written, or an integer.
    var decimal: Int64? { string.flatMap { Int64($0) } ?? integer }

    /// A number that counts something: not negative, and with room to go on counting.
    func count(_ key: String) -> Int? {
        guard let number = self[key]?.integer, number >= 0, number < JSONWriter.integerLimit
        else { return nil }
        return Int(number)
    }

    var process: ProcessIdentity? {
        guard let pid = self["pid"]?.integer.flatMap(Int32.init(exactly:)),
            let ticks = self["start_ticks"]?.decimal
        else { return nil }
        return ProcessIdentity(pid: pid, startTicks: UInt64(clamping: ticks))
    }
}
