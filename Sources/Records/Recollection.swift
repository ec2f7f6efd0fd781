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
        var stopping: (Stopping.Aftermath, Moment)?
    }

    var pasts: [String: Past] = [:]
    /// In the order of their first record, so that a carry has an order.
    var order: [String] = []
    var nextIncident = 1

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
        guard let service = json["service"]?.string else { return }
        if pasts[service] == nil {
            pasts[service] = Past()
            order.append(service)
        }
        if let incident = json["incident"]?.integer, incident > 0 {
            nextIncident = max(nextIncident, Int(incident) + 1)
        }
        pasts[service]!.take(event, json, at: moment)
    }

    /// What the mind is to remember, in terms of this boot's clock. An earlier boot's moments are
    /// aged by the wall clock; a negative age counts as none.
    public func memory(wall: Int64, boottime: Int64, boot: String) -> Memory {
        var memory = Memory()
        memory.nextIncident = nextIncident
        let now = Moment(wall: wall, boottime: boottime, boot: boot)
        for (name, past) in pasts { memory.instances[name] = past.memory(at: now) }
        return memory
    }
}

extension Recollection.Moment {
    /// Nanoseconds from here to `now`; never negative.
    func age(at now: Self) -> Int64 {
        max(0, boot == now.boot ? now.boottime - boottime : now.wall - wall)
    }

    func instant(at now: Self) -> Instant {
        Instant(nanoseconds: now.boottime - age(at: now))
    }

    /// The moment so many nanoseconds before this one.
    func earlier(by age: Int64) -> Self {
        Self(wall: wall - age, boottime: boottime - age, boot: boot)
    }
}

extension Recollection.Past {
    private static let hour: Int64 = 3_600_000_000_000

    mutating func take(_ event: String, _ json: JSONValue, at moment: Recollection.Moment) {
        switch event {
        case "process.start", "daemon.adopt":
            attempt = Int(json["attempt"]?.integer ?? 0)
            process = json.process
            launch = UInt64(bitPattern: json["launch"]?.decimal ?? 0)
            began = moment
            rest = nil
            if event == "process.start" { stopping = nil }
        case "process.exit":
            process = nil
            if json["asked"]?.bool == false {
                crashes = (crashes + [moment]).suffix(CrashLoopPolicy.mostCrashes)
            }
        case "process.fail":
            attempt = Int(json["attempt"]?.integer ?? 0)
            failedStarts += 1
        case "incident.open":
            incident = json["incident"]?.integer.map { (Int($0), moment) }
            incidents = (incidents + [moment]).suffix(Mind.incidentsOfALoop)
        case "incident.resolve":
            incident = nil
            failedStarts = 0
        case "incident.handover":
            incident = nil
            isHandedOver = json["reason"]?.string != HandoverReason.operatorStopped.rawValue
        case "service.recover":
            isHandedOver = false
            failedStarts = 0
            crashes = []
            incidents = []
        case "service.stop":
            stopping = json["then"]?.string.flatMap(Stopping.Aftermath.init).map { ($0, moment) }
            if stopping?.0 == .failStart { failedStarts += 1 }
        case "service.rest":
            stopping = nil
            rest = json["why"]?.string.flatMap(Rest.init).map { ($0, moment) }
            if rest?.0 == .finished { _ = crashes.popLast() }  // its own end, not a crash
        default: break
        }
    }

    func memory(at now: Recollection.Moment) -> InstanceMemory {
        var memory = InstanceMemory()
        memory.attempt = attempt
        memory.crashes = crashes.map { $0.instant(at: now) }
        memory.incidents = incidents.filter { $0.age(at: now) <= Self.hour }
            .map { $0.instant(at: now) }
        memory.incident = incident.map {
            OpenIncident(id: $0.id, opened: $0.opened.instant(at: now))
        }
        memory.isHandedOver = isHandedOver
        memory.failedStarts = failedStarts
        guard began?.boot == now.boot || rest?.1.boot == now.boot else { return memory }
        if began?.boot == now.boot {
            memory.process = process
            memory.launch = launch
        }
        if let rest, rest.1.boot == now.boot { memory.rest = rest.0 }
        if let stopping, stopping.1.boot == now.boot { memory.stopping = stopping.0 }
        return memory
    }
}

extension JSONValue {
    /// A decimal string, as 64-bit numbers are written, or an integer.
    var decimal: Int64? { string.flatMap { Int64($0) } ?? integer }

    var process: ProcessIdentity? {
        guard let pid = self["pid"]?.integer.flatMap(Int32.init(exactly:)),
            let ticks = self["start_ticks"]?.decimal
        else { return nil }
        return ProcessIdentity(pid: pid, startTicks: UInt64(clamping: ticks))
    }
}
