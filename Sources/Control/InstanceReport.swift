public import JSON

/// What the daemon tells about one copy of a service: the type `Instance` of the interface.
public struct InstanceReport: Equatable, Sendable {
    /// `web@1` for the first of several; the service's name for the only one.
    public var name: String
    /// The service's name in the configuration.
    public var service: String
    /// One word: `running`, `backing-off`, `handed-over`, … (see the interface's text).
    public var phase: String
    /// Whether it should be running.
    public var wanted: Bool
    /// Critical services are handled before the others.
    public var critical: Bool
    /// The user that it runs as; `nil` for the daemon's own.
    public var user: String?
    /// The main process.
    public var pid: Int32?
    /// When the phase began, in milliseconds of CLOCK_BOOTTIME.
    public var sinceMilliseconds: Int64?
    /// For how many milliseconds the process has been running.
    public var uptimeMilliseconds: Int64?
    /// So many starts since the daemon was started.
    public var attempt: Int64
    /// So many of them nobody asked for.
    public var restarts: Int64
    /// Crashes within the crash loop's window.
    public var crashesInWindow: Int64
    /// The number of the open incident.
    public var incident: Int64?
    /// How the last process ended.
    public var lastExit: LastExit?
    /// What it waits for.
    public var waitingFor: String?
    /// Milliseconds until the next start.
    public var nextStartMilliseconds: Int64?
    /// What its probes said last, in the configuration's order.
    public var probes: [ProbeReport] = []
    /// Until when nothing is done to it, because somebody asked for that.
    public var pause: PauseReport?
    /// The unhealthy service because of which it is not restarted for its own strikes.
    public var heldBy: String?
    /// The recovery step in hand, as the configuration calls it.
    public var remedy: String?
    /// So many recovery steps were tried in the open incident.
    public var remedyAttempts: Int64?
    /// What was found out before the first of them.
    public var diagnosis: DiagnosisReport?
    /// The last that it wrote before it failed.
    public var lastOutput: OutputReport?
    /// What came of `Heal`; only in its answer.
    public var healing: Healing?
    /// One sentence for people.
    public var note: String?
    /// Where the service's log is.
    public var log: String?
    /// The unit of systemd that it is; `nil`: it is Regen's own process.
    public var unit: UnitReport?

    /// An instance of which no more is known than what is given.
    public init(name: String, service: String, phase: String, wanted: Bool) {
        self.name = name
        self.service = service
        self.phase = phase
        self.wanted = wanted
        critical = false
        attempt = 0
        restarts = 0
        crashesInWindow = 0
    }

    /// The phase of an instance that does what it should.
    public static let running = "running"
    /// The phase of an instance that is down and not meant to run.
    public static let stopped = "stopped"
    /// The phase of an instance that only a human can help.
    public static let handedOver = "handed-over"
}

/// What came of an operator's wish that an instance be healed.
public enum Healing: String, CaseIterable, Sendable {
    /// Healing was begun; the rest of the report tells how it is afterwards.
    case asked
    /// It was healthy, or not meant to run: nothing to heal.
    case nothing
}

/// How a process ended: the type `Exit` of the interface.
public enum LastExit: Equatable, Sendable {
    /// It ended by itself with this code.
    case code(Int32)
    /// This signal ended it; `oom` when the kernel sent it for want of memory.
    case signal(Int32, oom: Bool)
    /// Nobody can know: it was adopted, and so not the daemon's child.
    case unknown
}

extension InstanceReport {
    /// Writes the object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("name", name)
        json.string("service", service)
        json.string("phase", phase)
        json.bool("wanted", wanted)
        json.bool("critical", critical)
        json.member("user", user)
        json.member("pid", pid.map(Int64.init))
        json.member("since_bt_ms", sinceMilliseconds)
        json.member("uptime_ms", uptimeMilliseconds)
        json.integer("attempt", attempt)
        json.integer("restarts", restarts)
        json.integer("crashes_in_window", crashesInWindow)
        json.member("incident", incident)
        json.member("last_exit", lastExit) { $0.write(into: &$1) }
        json.member("waiting_for", waitingFor)
        json.member("next_start_ms", nextStartMilliseconds)
        json.members("probes", probes) { $0.write(into: &$1) }
        json.member("pause", pause) { $0.write(into: &$1) }
        json.member("held_by", heldBy)
        json.member("remedy", remedy)
        json.member("remedy_attempts", remedyAttempts)
        json.member("diagnosis", diagnosis) { $0.write(into: &$1) }
        json.member("last_output", lastOutput) { $0.write(into: &$1) }
        json.member("healing", healing?.rawValue)
        json.member("note", note)
        json.member("log", log)
        json.member("unit", unit) { $0.write(into: &$1) }
        json.endObject()
    }

    /// Reads the object and ignores keys that it does not know; `nil` without a name and a phase.
    public init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let phase = json["phase"]?.string else { return nil }
        self.init(
            name: name, service: json["service"]?.string ?? name, phase: phase,
            wanted: json["wanted"]?.bool ?? true)
        critical = json["critical"]?.bool ?? false
        user = json["user"]?.string
        pid = json["pid"]?.integer.flatMap(Int32.init(exactly:))
        sinceMilliseconds = json["since_bt_ms"]?.integer
        uptimeMilliseconds = json["uptime_ms"]?.integer
        attempt = json["attempt"]?.integer ?? 0
        restarts = json["restarts"]?.integer ?? 0
        crashesInWindow = json["crashes_in_window"]?.integer ?? 0
        incident = json["incident"]?.integer
        lastExit = json["last_exit"].flatMap(LastExit.init)
        waitingFor = json["waiting_for"]?.string
        nextStartMilliseconds = json["next_start_ms"]?.integer
        probes = (json["probes"]?.array ?? []).compactMap(ProbeReport.init)
        pause = json["pause"].flatMap(PauseReport.init)
        heldBy = json["held_by"]?.string
        remedy = json["remedy"]?.string
        remedyAttempts = json["remedy_attempts"]?.integer
        diagnosis = json["diagnosis"].flatMap(DiagnosisReport.init)
        lastOutput = json["last_output"].flatMap(OutputReport.init)
        healing = json["healing"]?.string.flatMap(Healing.init)
        note = json["note"]?.string
        log = json["log"]?.string
        unit = json["unit"].flatMap(UnitReport.init)
    }
}

extension LastExit {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .code(let code): json.integer("code", Int64(code))
        case .signal(let signal, let oom):
            json.integer("signal", Int64(signal))
            json.bool("oom", oom)
        case .unknown: json.bool("unknown", true)
        }
        json.endObject()
    }

    init?(_ json: JSONValue) {
        if let code = json["code"]?.integer.flatMap(Int32.init(exactly:)) {
            self = .code(code)
        } else if let signal = json["signal"]?.integer.flatMap(Int32.init(exactly:)) {
            self = .signal(signal, oom: json["oom"]?.bool ?? false)
        } else if json["unknown"]?.bool == true {
            self = .unknown
        } else {
            return nil
        }
    }
}

extension JSONWriter {
    /// A member that is left out when there is no value.
    mutating func member(_ key: StaticString, _ value: String?) {
        if let value { string(key, value) }
    }

    /// A member that is left out when there is no value.
    mutating func member(_ key: StaticString, _ value: Int64?) {
        if let value { integer(key, value) }
    }

    /// A member that is left out when there is no value.
    mutating func member<Value>(
        _ key: StaticString, _ value: Value?, _ write: (Value, inout JSONWriter) -> Void
    ) {
        guard let value else { return }
        self.key(key)
        write(value, &self)
    }

    /// An array that is left out when it is empty.
    mutating func members<Value>(
        _ key: StaticString, _ values: [Value], _ write: (Value, inout JSONWriter) -> Void
    ) {
        guard !values.isEmpty else { return }
        self.key(key)
        beginArray()
        for value in values { write(value, &self) }
        endArray()
    }
}
