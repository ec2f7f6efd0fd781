public import JSON

/// What the daemon tells about itself: the type `Daemon` of the interface.
public struct DaemonReport: Equatable, Sendable {
    /// The daemon's process.
    public var pid: Int32
    /// The daemon's version.
    public var version: String
    /// Where the ledger is kept.
    public var stateDirectory: String
    /// Where the control socket is.
    public var runtimeDirectory: String
    /// The configuration's file; `nil` when it came from elsewhere.
    public var configFile: String?
    /// When it was started, in milliseconds since 1970.
    public var startedUnixMilliseconds: Int64
    /// One word: `starting`, `ready` or `stopping`.
    public var state: String
    /// The state of the ledger.
    public var ledger: LedgerCondition
    /// The control group under which the services are; `nil` where none are used.
    public var cgroup: String?
    /// How many services there are.
    public var services: ServiceCounts
    /// The helper processes that look and that tell people.
    public var workers: [WorkerReport] = []
    /// The ways in which people are told.
    public var routes: [RouteReport] = []
    /// That many services fail together, and what is made of it; `nil` when they do not.
    public var commonCause: CommonCauseReport?
    /// Whether the machine as a whole is so slow that nothing late is a service's own fault.
    public var stalled = false
    /// How SafeSwitch is; `nil` where it is off.
    public var safeSwitch: SwitchReport?
    /// Why the machine has booted; `nil`: the daemon that saw it boot did not say.
    public var boot: BootCauseReport?
    /// How the hardware watches; `nil` where the configuration has no `watchdog:`.
    public var watchdog: WatchdogReport?

    /// A daemon's description.
    public init(
        pid: Int32, version: String, stateDirectory: String, runtimeDirectory: String,
        configFile: String?, startedUnixMilliseconds: Int64, state: String,
        ledger: LedgerCondition, cgroup: String?, services: ServiceCounts
    ) {
        self.pid = pid
        self.version = version
        self.stateDirectory = stateDirectory
        self.runtimeDirectory = runtimeDirectory
        self.configFile = configFile
        self.startedUnixMilliseconds = startedUnixMilliseconds
        self.state = state
        self.ledger = ledger
        self.cgroup = cgroup
        self.services = services
    }
}

/// The state of the ledger: the type `Ledger` of the interface.
public struct LedgerCondition: Equatable, Sendable {
    /// One word: `sound`, `degraded` or `off`.
    public var state: String
    /// Why it is not sound.
    public var detail: String?
    /// How many records there are.
    public var records: Int64?
    /// The SHA-256 of the last record, 64 lowercase hexadecimal digits.
    public var head: String?

    /// A ledger's state.
    public init(
        state: String, detail: String? = nil, records: Int64? = nil, head: String? = nil
    ) {
        self.state = state
        self.detail = detail
        self.records = records
        self.head = head
    }
}

/// How many services there are: the type `Counts` of the interface. Copies are counted each.
public struct ServiceCounts: Equatable, Sendable {
    /// All of them.
    public var total: Int64
    /// Those that are running.
    public var running: Int64
    /// Those that only a human can help.
    public var handedOver: Int64

    /// The counts.
    public init(total: Int64, running: Int64, handedOver: Int64) {
        self.total = total
        self.running = running
        self.handedOver = handedOver
    }
}

extension DaemonReport {
    /// Writes the object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("pid", Int64(pid))
        json.string("version", version)
        json.string("state_directory", stateDirectory)
        json.string("runtime_directory", runtimeDirectory)
        json.member("config_file", configFile)
        json.integer("started_unix_ms", startedUnixMilliseconds)
        json.string("state", state)
        json.key("ledger")
        ledger.write(into: &json)
        json.member("cgroup", cgroup)
        json.key("services")
        services.write(into: &json)
        json.members("workers", workers) { $0.write(into: &$1) }
        json.members("routes", routes) { $0.write(into: &$1) }
        json.member("common_cause", commonCause) { $0.write(into: &$1) }
        if stalled { json.bool("stalled", true) }
        json.member("switch", safeSwitch) { $0.write(into: &$1) }
        json.member("boot", boot) { $0.write(into: &$1) }
        json.member("watchdog", watchdog) { $0.write(into: &$1) }
        json.endObject()
    }

    /// Reads the object and ignores keys that it does not know; `nil` when a needed one is missing.
    public init?(_ json: JSONValue) {
        guard let pid = json["pid"]?.integer.flatMap(Int32.init(exactly:)),
            let version = json["version"]?.string,
            let stateDirectory = json["state_directory"]?.string,
            let runtimeDirectory = json["runtime_directory"]?.string,
            let state = json["state"]?.string
        else { return nil }
        self.init(
            pid: pid, version: version, stateDirectory: stateDirectory,
            runtimeDirectory: runtimeDirectory, configFile: json["config_file"]?.string,
            startedUnixMilliseconds: json["started_unix_ms"]?.integer ?? 0, state: state,
            ledger: LedgerCondition(json["ledger"] ?? .null), cgroup: json["cgroup"]?.string,
            services: ServiceCounts(json["services"] ?? .null))
        workers = (json["workers"]?.array ?? []).compactMap(WorkerReport.init)
        routes = (json["routes"]?.array ?? []).compactMap(RouteReport.init)
        commonCause = json["common_cause"].flatMap(CommonCauseReport.init)
        stalled = json["stalled"]?.bool ?? false
        safeSwitch = json["switch"].flatMap(SwitchReport.init)
        boot = json["boot"].flatMap(BootCauseReport.init)
        watchdog = json["watchdog"].flatMap(WatchdogReport.init)
    }
}

extension LedgerCondition {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("state", state)
        json.member("detail", detail)
        json.member("records", records)
        json.member("head", head)
        json.endObject()
    }

    init(_ json: JSONValue) {
        self.init(
            state: json["state"]?.string ?? "unknown", detail: json["detail"]?.string,
            records: json["records"]?.integer, head: json["head"]?.string)
    }
}

extension ServiceCounts {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("total", total)
        json.integer("running", running)
        json.integer("handed_over", handedOver)
        json.endObject()
    }

    init(_ json: JSONValue) {
        self.init(
            total: json["total"]?.integer ?? 0, running: json["running"]?.integer ?? 0,
            handedOver: json["handed_over"]?.integer ?? 0)
    }
}
