import JSON

/// A way in which people are told: the type `Route` of the interface.
public struct RouteReport: Equatable, Sendable {
    /// The state of one that works, as far as anyone knows.
    public static let ready = "ready"

    /// Its name.
    public var name: String
    /// One word: `ready`, `failing` or `unusable`.
    public var state: String
    /// Notices that have not been told.
    public var waiting: Int64
    /// When somebody was told last, in milliseconds since 1970.
    public var deliveredUnixMilliseconds: Int64?
    /// Since when nobody could be told, in milliseconds since 1970.
    public var failingSinceUnixMilliseconds: Int64?
    /// Why it is not ready.
    public var reason: String?

    /// A route.
    public init(
        name: String, state: String, waiting: Int64 = 0, deliveredUnixMilliseconds: Int64? = nil,
        failingSinceUnixMilliseconds: Int64? = nil, reason: String? = nil
    ) {
        self.name = name
        self.state = state
        self.waiting = waiting
        self.deliveredUnixMilliseconds = deliveredUnixMilliseconds
        self.failingSinceUnixMilliseconds = failingSinceUnixMilliseconds
        self.reason = reason
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("name", name)
        json.string("state", state)
        json.integer("waiting", waiting)
        json.member("delivered_unix_ms", deliveredUnixMilliseconds)
        json.member("failing_since_unix_ms", failingSinceUnixMilliseconds)
        json.member("reason", reason)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let name = json["name"]?.string, let state = json["state"]?.string else { return nil }
        self.init(
            name: name, state: state, waiting: json["waiting"]?.integer ?? 0,
            deliveredUnixMilliseconds: json["delivered_unix_ms"]?.integer,
            failingSinceUnixMilliseconds: json["failing_since_unix_ms"]?.integer,
            reason: json["reason"]?.string)
    }
}
