import JSON

/// What one probe of an instance said last: the type `Probe` of the interface.
public struct ProbeReport: Equatable, Sendable {
    /// What the last look found.
    public enum Outcome: String, CaseIterable, Sendable {
        /// The service answered as it should.
        case passed
        /// It did not, or not in time.
        case failed
        /// Nobody could look: the probing itself is broken. Says nothing of the service.
        case unknown
        /// Nobody has looked yet.
        case never
    }

    /// The kind and what it looks at, for people: `tcp 127.0.0.1:80`.
    public var name: String
    /// What the last look found.
    public var outcome: Outcome
    /// So many failed looks in a row count against the service.
    public var strikes: Int64
    /// So many, and it is unhealthy.
    public var of: Int64
    /// Whether it failed and has never passed under this configuration: it causes nothing.
    public var suspect: Bool
    /// Why, unless it passed.
    public var reason: String?
    /// So many milliseconds ago the last look ended.
    public var agoMilliseconds: Int64?
    /// So many microseconds the last look took.
    public var tookMicroseconds: Int64?

    /// A probe that nobody has looked with, unless told otherwise.
    public init(
        name: String, outcome: Outcome = .never, strikes: Int64 = 0, of: Int64,
        suspect: Bool = false, reason: String? = nil, agoMilliseconds: Int64? = nil,
        tookMicroseconds: Int64? = nil
    ) {
        self.name = name
        self.outcome = outcome
        self.strikes = strikes
        self.of = of
        self.suspect = suspect
        self.reason = reason
        self.agoMilliseconds = agoMilliseconds
        self.tookMicroseconds = tookMicroseconds
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("name", name)
        json.string("outcome", outcome.rawValue)
        json.integer("strikes", strikes)
        json.integer("of", of)
        if suspect { json.bool("suspect", true) }
        json.member("reason", reason)
        json.member("ago_ms", agoMilliseconds)
        json.member("took_us", tookMicroseconds)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let name = json["name"]?.string else { return nil }
        self.init(
            name: name,
            outcome: json["outcome"]?.string.flatMap(Outcome.init) ?? .unknown,
            strikes: json["strikes"]?.integer ?? 0, of: json["of"]?.integer ?? 0,
            suspect: json["suspect"]?.bool ?? false, reason: json["reason"]?.string,
            agoMilliseconds: json["ago_ms"]?.integer, tookMicroseconds: json["took_us"]?.integer)
    }
}

extension InstanceReport {
    /// Takes out what a probe's command may have said: it is for those who may act.
    mutating func withholdReasons() {
        for i in probes.indices { probes[i].reason = nil }
        diagnosis?.evidence = []
        // Its text is the class in words and the first piece of evidence.
        if let text = diagnosis?.text, let colon = text.firstIndex(of: ":") {
            diagnosis?.text = String(text[..<colon])
        }
    }
}
