public import JSON

/// The answer to `BootCheck`: whether this boot may count as a good one.
public struct BootCheckReply: Equatable, Sendable {
    /// It may.
    public var passed: Bool
    /// Why, in one word; `nil`: it may not.
    public var reason: String?
    /// Why, in words.
    public var text: String
    /// The system that runs, and its generation; `nil`: nobody looks after generations here.
    public var system: String?
    /// See `system`.
    public var generation: Int64?
    /// Critical services that should be up and are not, or not well; at most `mostUnhealthy`.
    public var unhealthy: [String] = []
    /// So many milliseconds were waited.
    public var waitedMilliseconds: Int64 = 0

    /// More names are not told.
    public static let mostUnhealthy = 64

    /// An answer.
    public init(passed: Bool, text: String) {
        self.passed = passed
        self.text = text
    }

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.bool("passed", passed)
        json.member("reason", reason)
        json.string("text", text)
        json.member("system", system)
        json.member("generation", generation)
        json.names("unhealthy", Array(unhealthy.prefix(Self.mostUnhealthy)))
        json.integer("waited_ms", waitedMilliseconds)
        json.endObject()
    }

    /// Reads the parameters of the answer; `nil` when they are not understood.
    public init?(_ json: JSONValue) {
        guard let passed = json["passed"]?.bool, let text = json["text"]?.string else { return nil }
        self.init(passed: passed, text: text)
        reason = json["reason"]?.string
        system = json["system"]?.string
        generation = json["generation"]?.integer
        unhealthy = json["unhealthy"]?.strings ?? []
        waitedMilliseconds = json["waited_ms"]?.integer ?? 0
    }
}

/// Why the machine has booted: the type `Boot` of the interface.
public struct BootCauseReport: Equatable, Sendable {
    /// One word: `clean`, `watchdog`, `power-loss`, `panic` or `unknown`.
    public var cause: String
    /// From what this was concluded.
    public var evidence: String

    /// A cause.
    public init(cause: String, evidence: String) {
        self.cause = cause
        self.evidence = evidence
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("cause", cause)
        json.string("evidence", evidence)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let cause = json["cause"]?.string else { return nil }
        self.init(cause: cause, evidence: json["evidence"]?.string ?? "")
    }
}
