import JSON

/// One of the daemon's helper processes: the type `Worker` of the interface.
public struct WorkerReport: Equatable, Sendable {
    /// The state of one that works.
    public static let ready = "ready"

    /// What it is for, one word: `probe` or `notify`.
    public var role: String
    /// One word: `ready`, `starting` or `down`.
    public var state: String
    /// The user that it runs as; `nil` for the daemon's own.
    public var account: String?
    /// Its process.
    public var pid: Int32?
    /// So often it was replaced since the daemon was started.
    public var restarts: Int64
    /// Why it is not ready, or was replaced last.
    public var reason: String?

    /// A worker.
    public init(
        role: String, state: String, account: String? = nil, pid: Int32? = nil,
        restarts: Int64 = 0, reason: String? = nil
    ) {
        self.role = role
        self.state = state
        self.account = account
        self.pid = pid
        self.restarts = restarts
        self.reason = reason
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("role", role)
        json.member("account", account)
        json.member("pid", pid.map(Int64.init))
        json.string("state", state)
        json.integer("restarts", restarts)
        json.member("reason", reason)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let role = json["role"]?.string, let state = json["state"]?.string else { return nil }
        self.init(
            role: role, state: state, account: json["account"]?.string,
            pid: json["pid"]?.integer.flatMap(Int32.init(exactly:)),
            restarts: json["restarts"]?.integer ?? 0, reason: json["reason"]?.string)
    }
}

/// Many services fail together: the type `CommonCause` of the interface.
public struct CommonCauseReport: Equatable, Sendable {
    /// The number of the one incident.
    public var incident: Int64
    /// Since when, in milliseconds since 1970.
    public var sinceUnixMilliseconds: Int64
    /// So many services have strikes.
    public var count: Int64
    /// So many have probes.
    public var of: Int64

    /// A common cause.
    public init(incident: Int64, sinceUnixMilliseconds: Int64, count: Int64, of: Int64) {
        self.incident = incident
        self.sinceUnixMilliseconds = sinceUnixMilliseconds
        self.count = count
        self.of = of
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("incident", incident)
        json.integer("since_unix_ms", sinceUnixMilliseconds)
        json.integer("count", count)
        json.integer("of", of)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let incident = json["incident"]?.integer else { return nil }
        self.init(
            incident: incident, sinceUnixMilliseconds: json["since_unix_ms"]?.integer ?? 0,
            count: json["count"]?.integer ?? 0, of: json["of"]?.integer ?? 0)
    }
}
