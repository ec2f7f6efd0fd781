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

/// The answer to `Start`, `Stop`, `Restart` and `StopAll`: what came of it.
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

/// The answer to `Reload`: names of services.
public struct ReloadReply: Equatable, Sendable {
    /// New in the configuration.
    public var added: [String]
    /// In it with other values than before.
    public var changed: [String]
    /// No longer in it.
    public var removed: [String]

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
        json.endObject()
    }

    /// Reads the parameters of the answer; a list that is not there is empty.
    public init(_ json: JSONValue) {
        added = json["added"]?.strings ?? []
        changed = json["changed"]?.strings ?? []
        removed = json["removed"]?.strings ?? []
    }
}

extension JSONWriter {
    fileprivate mutating func services(_ services: [InstanceReport]) {
        key("services")
        beginArray()
        for service in services { service.write(into: &self) }
        endArray()
    }

    mutating func names(_ key: StaticString, _ names: [String]) {
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
