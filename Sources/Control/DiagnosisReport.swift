import JSON

/// What was found out about a failure before the first remedy: the type `Diagnosis` of the
/// interface.
public struct DiagnosisReport: Equatable, Sendable {
    /// More lines of evidence are not sent.
    public static let mostEvidence = 32

    /// One word for the kind of failure: `exit-code`, `oom-kill`, `hang`, … On the wire: `class`.
    public var kind: String
    /// It in one sentence for people.
    public var text: String
    /// The facts that were looked at, a line each.
    public var evidence: [String]
    /// When, in milliseconds since 1970.
    public var atUnixMilliseconds: Int64

    /// A diagnosis.
    public init(kind: String, text: String, evidence: [String] = [], atUnixMilliseconds: Int64) {
        self.kind = kind
        self.text = text
        self.evidence = evidence
        self.atUnixMilliseconds = atUnixMilliseconds
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("class", kind)
        json.string("text", text)
        if !evidence.isEmpty { json.names("evidence", Array(evidence.prefix(Self.mostEvidence))) }
        json.integer("at_unix_ms", atUnixMilliseconds)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let kind = json["class"]?.string, let text = json["text"]?.string else { return nil }
        self.init(
            kind: kind, text: text, evidence: json["evidence"]?.strings ?? [],
            atUnixMilliseconds: json["at_unix_ms"]?.integer ?? 0)
    }
}

/// What a service wrote, as far as everybody may know: the type `Output` of the interface.
public struct OutputReport: Equatable, Sendable {
    /// Its length.
    public var bytes: Int64
    /// Its SHA-256, 64 lowercase hexadecimal digits.
    public var sha256: String
    /// Where it is in the journal; `nil`: in a log of its own.
    public var journal: JournalPlace?

    /// Where a unit's output is.
    public struct JournalPlace: Equatable, Sendable {
        /// The unit that wrote it.
        public var unit: String
        /// Where it begins.
        public var cursor: String

        /// A place.
        public init(unit: String, cursor: String) {
            self.unit = unit
            self.cursor = cursor
        }
    }

    /// An output.
    public init(bytes: Int64, sha256: String, journal: JournalPlace? = nil) {
        self.bytes = bytes
        self.sha256 = sha256
        self.journal = journal
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("bytes", bytes)
        json.string("sha256", sha256)
        if let journal {
            json.string("unit", journal.unit)
            json.string("cursor", journal.cursor)
        }
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let bytes = json["bytes"]?.integer, let sha256 = json["sha256"]?.string else {
            return nil
        }
        self.init(bytes: bytes, sha256: sha256)
        if let unit = json["unit"]?.string, let cursor = json["cursor"]?.string {
            journal = JournalPlace(unit: unit, cursor: cursor)
        }
    }
}

/// That nothing is done to an instance for a while: the type `Paused` of the interface.
public struct PauseReport: Equatable, Sendable {
    /// Until when, in milliseconds since 1970.
    public var untilUnixMilliseconds: Int64

    /// A pause that ends then.
    public init(untilUnixMilliseconds: Int64) {
        self.untilUnixMilliseconds = untilUnixMilliseconds
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("until_unix_ms", untilUnixMilliseconds)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let until = json["until_unix_ms"]?.integer else { return nil }
        self.init(untilUnixMilliseconds: until)
    }
}
