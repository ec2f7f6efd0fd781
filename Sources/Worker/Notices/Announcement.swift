public import JSON

/// Something that happened, as it is told to people: the body of the request that a webhook gets.
///
/// Keys never change their meaning; new ones may be added. See docs/operations.md.
public struct Announcement: Equatable, Sendable {
    /// How much it matters.
    public enum Severity: String, CaseIterable, Comparable, Sendable {
        /// Good news, or none.
        case info
        /// Something is wrong and is being dealt with.
        case warning
        /// A human must look.
        case critical

        private var rank: Int {
            switch self {
            case .info: 0
            case .warning: 1
            case .critical: 2
            }
        }

        /// Whether one matters less than the other.
        public static func < (a: Severity, b: Severity) -> Bool { a.rank < b.rank }
    }

    /// The same for each attempt to tell it, and for nothing else.
    public var id: String
    /// Rises by one with each notice of a daemon's life.
    public var sequence: Int
    /// When it happened, in milliseconds since 1970.
    public var unixMilliseconds: Int64
    /// The machine.
    public var host: String
    /// The ledger's word for it: `incident.handover`.
    public var event: String
    /// How much it matters.
    public var severity: Severity
    /// The service's instance, where it is about one.
    public var service: String?
    /// The incident, where it is about one.
    public var incident: Int?
    /// A sentence for a person.
    public var text: String

    /// The longest text in bytes; more is cut.
    public static let longestText = 512
    /// The longest of the other texts in bytes; more is cut.
    public static let longestWord = 128

    /// A notice.
    public init(
        id: String, sequence: Int, unixMilliseconds: Int64, host: String, event: String,
        severity: Severity, service: String? = nil, incident: Int? = nil, text: String
    ) {
        self.id = id
        self.sequence = sequence
        self.unixMilliseconds = unixMilliseconds
        self.host = host
        self.event = event
        self.severity = severity
        self.service = service
        self.incident = incident
        self.text = text
    }

    /// The object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("id", id.cut(to: Self.longestWord))
        json.integer("sequence", Int64(sequence))
        json.integer("time_unix_ms", unixMilliseconds)
        json.string("host", host.cut(to: Self.longestWord))
        json.string("event", event.cut(to: Self.longestWord))
        json.string("severity", severity.rawValue)
        if let service { json.string("service", service.cut(to: Self.longestWord)) }
        if let incident { json.integer("incident", Int64(incident)) }
        json.string("text", text.cut(to: Self.longestText))
        json.endObject()
    }

    /// Reads what `write` wrote; `nil` when it is none, or holds more than it may.
    init?(_ json: JSONValue) {
        guard let id = json["id"]?.string, let sequence = json["sequence"]?.int,
            let time = json["time_unix_ms"]?.integer, let host = json["host"]?.string,
            let event = json["event"]?.string,
            let severity = json["severity"]?.string.flatMap({ Severity(rawValue: $0) }),
            let text = json["text"]?.string
        else { return nil }
        self.init(
            id: id, sequence: sequence, unixMilliseconds: time, host: host, event: event,
            severity: severity, service: json["service"]?.string, incident: json["incident"]?.int,
            text: text)
        let words = [id, host, event, service ?? ""]
        guard text.utf8.count <= Self.longestText,
            words.allSatisfy({ $0.utf8.count <= Self.longestWord })
        else { return nil }
    }
}
