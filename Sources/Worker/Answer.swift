public import JSON

/// What a worker says about one look.
public struct Answer: Equatable, Sendable {
    /// What it found.
    public enum Outcome: String, CaseIterable, Sendable {
        /// The service answered as it should.
        case passed
        /// It did not, or not in time.
        case failed
        /// The worker could not look. Says nothing of the service.
        case unknown
    }

    /// The number that the question had.
    public var serial: Int
    /// What it found.
    public var outcome: Outcome
    /// Why, unless it passed: one line for a person, at most `longestReason` bytes.
    public var reason: String
    /// How long the look took, in microseconds.
    public var microseconds: Int64
    /// What was measured, for probes that weigh it against earlier looks.
    public var value: Int64?

    /// The longest `reason` in bytes; more is cut.
    public static let longestReason = 300
    /// The longest line of an answer in bytes.
    public static let longestLine = 4096

    /// An answer.
    public init(
        serial: Int, outcome: Outcome, reason: String = "", microseconds: Int64 = 0,
        value: Int64? = nil
    ) {
        self.serial = serial
        self.outcome = outcome
        self.reason = reason
        self.microseconds = microseconds
        self.value = value
    }

    /// One line without its newline.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("serial", Int64(serial))
        json.string("outcome", outcome.rawValue)
        if !reason.isEmpty { json.string("reason", reason.cut(to: Self.longestReason)) }
        json.integer("us", microseconds)
        if let value {
            json.key("value")
            json.decimal(value)
        }
        json.endObject()
    }
}

extension String {
    /// At most so many bytes of it, cut between characters, as they will be read: a JSON text has no
    /// U+0000, and U+FFFD in its place is longer.
    public func cut(to bytes: Int) -> String {
        let isPlain = !unicodeScalars.contains("\0")
        if isPlain, utf8.count <= bytes { return self }
        var text = ""
        for character in isPlain ? self : withoutNUL {
            guard text.utf8.count + character.utf8.count <= bytes else { break }
            text.append(character)
        }
        return text
    }

    private var withoutNUL: String {
        String(UnicodeScalarView(unicodeScalars.map { $0 == "\0" ? "\u{fffd}" : $0 }))
    }
}
