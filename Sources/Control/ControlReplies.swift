public import JSON

/// The answer to `Status`.
public struct StatusReply: Equatable, Sendable {
    /// The daemon.
    public var daemon: DaemonReport
    /// All instances, or those that were asked for, in the configuration's order.
    public var services: [InstanceReport]

    /// An answer.
    public init(daemon: DaemonReport, services: [InstanceReport]) {
        self.daemon = daemon
        self.services = services
    }

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.key("daemon")
        daemon.write(into: &json)
        json.services(services)
        json.endObject()
    }

    /// Reads the parameters of the answer; `nil` when they are not understood.
    public init?(_ json: JSONValue) {
        guard let daemon = json["daemon"].flatMap(DaemonReport.init),
            let services = ServicesReply(json)
        else { return nil }
        self.init(daemon: daemon, services: services.services)
    }
}

extension StatusReply {
    /// The answer for those who may not act: without what probes and commands said.
    public var forReaders: StatusReply {
        var reply = self
        for i in reply.services.indices { reply.services[i].withholdReasons() }
        return reply
    }
}

/// The answer to `Start`, `Stop`, `Restart`, `Heal`, `Pause`, `Resume` and `StopAll`: what came of
/// it.
public struct ServicesReply: Equatable, Sendable {
    /// The instances that were asked for, in the configuration's order.
    public var services: [InstanceReport]

    /// An answer.
    public init(services: [InstanceReport]) { self.services = services }

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.services(services)
        json.endObject()
    }

    /// Reads the parameters of the answer; `nil` when they are not understood.
    public init?(_ json: JSONValue) {
        guard let array = json["services"]?.array else { return nil }
        services = array.compactMap(InstanceReport.init)
        guard services.count == array.count else { return nil }
    }
}

/// The answer to `Probe`: what each look found.
public struct ProbeReply: Equatable, Sendable {
    /// The looks, by instance and then in the configuration's order; empty without probes.
    public var probes: [Look]

    /// An answer.
    public init(probes: [Look]) { self.probes = probes }

    /// One look: the type `Look` of the interface.
    public struct Look: Equatable, Sendable {
        /// The instance's name: `web@1`.
        public var instance: String
        /// The probe's name, the same as in `ProbeReport`.
        public var probe: String
        /// What it found; never `never`.
        public var outcome: ProbeReport.Outcome
        /// So many microseconds it took.
        public var tookMicroseconds: Int64
        /// Why, unless it passed.
        public var reason: String?

        /// What one look found.
        public init(
            instance: String, probe: String, outcome: ProbeReport.Outcome,
            tookMicroseconds: Int64, reason: String? = nil
        ) {
            self.instance = instance
            self.probe = probe
            self.outcome = outcome
            self.tookMicroseconds = tookMicroseconds
            self.reason = reason
        }
    }

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.key("probes")
        json.beginArray()
        for look in probes {
            json.beginObject()
            json.string("instance", look.instance)
            json.string("probe", look.probe)
            json.string("outcome", look.outcome.rawValue)
            json.integer("took_us", look.tookMicroseconds)
            json.member("reason", look.reason)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    /// Reads the parameters of the answer; `nil` when they are not understood.
    public init?(_ json: JSONValue) {
        guard let array = json["probes"]?.array else { return nil }
        probes = array.compactMap { json in
            guard let instance = json["instance"]?.string, let probe = json["probe"]?.string,
                let outcome = json["outcome"]?.string.flatMap(ProbeReport.Outcome.init)
            else { return nil }
            return Look(
                instance: instance, probe: probe, outcome: outcome,
                tookMicroseconds: json["took_us"]?.integer ?? 0, reason: json["reason"]?.string)
        }
        guard probes.count == array.count else { return nil }
    }
}

/// The answer to `Notify`: what came of one attempt.
public struct NotifyReply: Equatable, Sendable {
    /// The outcome of one that was told.
    public static let delivered = "delivered"

    /// One word: `delivered`, `refused` (the server will never take it), `failed` or `unknown`
    /// (nobody could try).
    public var outcome: String
    /// So many microseconds it took.
    public var tookMicroseconds: Int64
    /// Why, unless it was delivered to all.
    public var reason: String?

    /// An answer.
    public init(outcome: String, tookMicroseconds: Int64 = 0, reason: String? = nil) {
        self.outcome = outcome
        self.tookMicroseconds = tookMicroseconds
        self.reason = reason
    }

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("outcome", outcome)
        json.integer("took_us", tookMicroseconds)
        json.member("reason", reason)
        json.endObject()
    }

    /// Reads the parameters of the answer; `nil` when they are not understood.
    public init?(_ json: JSONValue) {
        guard let outcome = json["outcome"]?.string else { return nil }
        self.init(
            outcome: outcome, tookMicroseconds: json["took_us"]?.integer ?? 0,
            reason: json["reason"]?.string)
    }
}

/// The answer to `Reload`: names of services.
public struct ReloadReply: Equatable, Sendable {
    /// New in the configuration.
    public var added: [String]
    /// In it with other values than before.
    public var changed: [String]
    /// No longer in it.
    public var removed: [String]
    /// Nothing was read yet: a switch of the system is under way, and it is read after that.
    public var isDeferred = false

    /// An answer.
    public init(added: [String], changed: [String], removed: [String]) {
        self.added = added
        self.changed = changed
        self.removed = removed
    }

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.names("added", added)
        json.names("changed", changed)
        json.names("removed", removed)
        if isDeferred { json.bool("deferred", true) }
        json.endObject()
    }

    /// Reads the parameters of the answer; a list that is not there is empty.
    public init(_ json: JSONValue) {
        added = json["added"]?.strings ?? []
        changed = json["changed"]?.strings ?? []
        removed = json["removed"]?.strings ?? []
        isDeferred = json["deferred"]?.bool ?? false
    }
}

extension JSONWriter {
    fileprivate mutating func services(_ services: [InstanceReport]) {
        key("services")
        beginArray()
        for service in services { service.write(into: &self) }
        endArray()
    }

    /// A member that is a list of names.
    public mutating func names(_ key: StaticString, _ names: [String]) {
        self.key(key)
        beginArray()
        for name in names { string(name) }
        endArray()
    }
}

extension JSONValue {
    /// The elements, if this is an array of strings alone.
    var strings: [String]? {
        guard let array else { return nil }
        let strings = array.compactMap(\.string)
        return strings.count == array.count ? strings : nil
    }
}
