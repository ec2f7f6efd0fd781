import JSON

/// How the hardware watches: the type `Watchdog` of the interface, part of `Status`.
public struct WatchdogReport: Equatable, Sendable {
    /// One word: `feeding`, `starving`, `waiting` (no device is held) or `test` (none would ever be).
    public var state: String
    /// What fails, while it is not fed: `loop-turned`, `critical-supervised`, `ledger-answered`.
    public var condition: String?
    /// Why no device is used, where that is a rule.
    public var reason: String?
    /// How often systemd hears that regend is alive; `nil`: it does not want to.
    public var watchedMilliseconds: Int64?
    /// The devices that are wanted.
    public var devices: [Device] = []

    /// See `state`.
    public static let feeding = "feeding"
    /// See `state`.
    public static let starving = "starving"
    /// See `state`.
    public static let waiting = "waiting"
    /// See `state`.
    public static let test = "test"

    /// A watchdog without devices.
    public init(state: String) { self.state = state }

    /// One device: the type `WatchdogDevice` of the interface.
    public struct Device: Equatable, Sendable {
        /// Its path.
        public var path: String
        /// One word: `armed`, `busy` (somebody else feeds it), `absent`, `unusable`, `off` (not to be
        /// opened: `reason` says why) or `test`.
        public var state: String
        /// What its driver calls it.
        public var identity: String?
        /// The time-out that it has.
        public var timeoutMilliseconds: Int64?
        /// It cannot be stopped any more; `nil`: nobody knows.
        public var isNoWayOut: Bool?
        /// It stops when regend is killed.
        public var disarmsAtDeath = false
        /// Who feeds it, or why it cannot be used.
        public var detail: String?

        /// See `state`.
        public static let armed = "armed"
        /// See `state`.
        public static let busy = "busy"
        /// See `state`.
        public static let absent = "absent"
        /// See `state`.
        public static let unusable = "unusable"
        /// See `state`.
        public static let off = "off"
        /// See `state`.
        public static let test = "test"

        /// A device of which no more is known.
        public init(path: String, state: String) {
            self.path = path
            self.state = state
        }
    }
}

extension WatchdogReport {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("state", state)
        json.member("condition", condition)
        json.member("reason", reason)
        json.member("watched_ms", watchedMilliseconds)
        json.members("devices", devices) { $0.write(into: &$1) }
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let state = json["state"]?.string else { return nil }
        self.init(state: state)
        condition = json["condition"]?.string
        reason = json["reason"]?.string
        watchedMilliseconds = json["watched_ms"]?.integer
        devices = (json["devices"]?.array ?? []).compactMap(Device.init)
    }
}

extension WatchdogReport.Device {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("path", path)
        json.string("state", state)
        json.member("identity", identity)
        json.member("timeout_ms", timeoutMilliseconds)
        if let isNoWayOut { json.bool("nowayout", isNoWayOut) }
        if disarmsAtDeath { json.bool("disarms_at_death", true) }
        json.member("detail", detail)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let path = json["path"]?.string, let state = json["state"]?.string else { return nil }
        self.init(path: path, state: state)
        identity = json["identity"]?.string
        timeoutMilliseconds = json["timeout_ms"]?.integer
        isNoWayOut = json["nowayout"]?.bool
        disarmsAtDeath = json["disarms_at_death"]?.bool ?? false
        detail = json["detail"]?.string
    }
}
