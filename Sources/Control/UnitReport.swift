public import JSON

/// What the daemon tells about a unit of systemd: the type `Unit` of the interface.
public struct UnitReport: Equatable, Sendable {
    /// `nginx.service`
    public var name: String
    /// systemd's own words for where it stands, `active (running)`; `nil`: it has not said.
    public var state: String?
    /// Who starts it again when it fails: `systemd`, `regen` or `nobody`; `nil`: not known yet.
    public var restarts: String?

    /// A unit.
    public init(name: String, state: String? = nil, restarts: String? = nil) {
        self.name = name
        self.state = state
        self.restarts = restarts
    }

    /// Writes the object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("name", name)
        json.member("state", state)
        json.member("restarts", restarts)
        json.endObject()
    }

    /// Reads the object; `nil` without a name.
    public init?(_ json: JSONValue) {
        guard let name = json["name"]?.string else { return nil }
        self.init(
            name: name, state: json["state"]?.string, restarts: json["restarts"]?.string)
    }
}
