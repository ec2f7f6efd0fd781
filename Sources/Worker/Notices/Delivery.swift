public import JSON

/// What `regend` tells `regen-net notify`: one line of JSON each, ended by a newline.
///
/// It names the route and nothing more of it: where that leads to, and its secrets, the worker has
/// from the descriptor that it was started with.
public struct Delivery: Equatable, Sendable {
    /// Names the attempt; the answer has it too. From 0 to 2^53 - 1.
    public var serial: Int
    /// The route's name.
    public var route: String
    /// What is to be told.
    public var announcement: Announcement

    /// The longest line in bytes, without its newline: control characters take six bytes each.
    public static let longestLine = 8 << 10

    /// An attempt to tell something.
    public init(serial: Int, route: String, _ announcement: Announcement) {
        self.serial = serial
        self.route = route
        self.announcement = announcement
    }

    /// One line without its newline.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("deliver", Int64(serial))
        json.string("route", route)
        json.key("notice")
        announcement.write(into: &json)
        json.endObject()
    }

    /// Reads a line that `write` wrote; `nil` when it is none.
    public init?(line: [UInt8]) {
        guard let json = try? JSONValue.parse(line, limit: Self.longestLine),
            let serial = json["deliver"]?.int, serial >= 0, let route = json["route"]?.string,
            route.utf8.count <= Announcement.longestWord,
            let announcement = json["notice"].flatMap({ Announcement($0) })
        else { return nil }
        self.init(serial: serial, route: route, announcement)
    }
}
