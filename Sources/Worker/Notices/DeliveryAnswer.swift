public import JSON

/// What `regen-net notify` says about one attempt.
public struct DeliveryAnswer: Equatable, Sendable {
    /// What came of it.
    public enum Outcome: String, CaseIterable, Sendable {
        /// The server has taken it.
        case delivered
        /// The server will never take it.
        case refused
        /// Another attempt may succeed.
        case failed
        /// The worker could not try. Says nothing of the server.
        case unknown
    }

    /// The number that the attempt had.
    public var serial: Int
    /// What came of it.
    public var outcome: Outcome
    /// The status of HTTP or the code of SMTP's reply, where there was one.
    public var status: Int?
    /// Nobody said yes or no, and all was said: the server may have taken it.
    public var mayBeTold = false
    /// Why, unless it was delivered to all: one line for a person, at most `longestReason` bytes, and
    /// never a part of a secret.
    public var reason: String
    /// How long it took, in microseconds.
    public var microseconds: Int64

    /// The longest `reason` in bytes; more is cut.
    public static let longestReason = 300
    /// The longest line of an answer in bytes.
    public static let longestLine = 4096

    /// An answer.
    public init(
        serial: Int, outcome: Outcome, status: Int? = nil, reason: String = "",
        microseconds: Int64 = 0
    ) {
        self.serial = serial
        self.outcome = outcome
        self.status = status
        self.reason = reason
        self.microseconds = microseconds
    }

    /// What an HTTP status says. Redirects are not followed: the configuration says who is told.
    public static func outcome(ofStatus status: Int) -> Outcome {
        switch status {
        case 200...299: .delivered
        // "Not in time", "too early" and "too many" will pass.
        case 408, 425, 429: .failed
        case 300...499: .refused
        default: .failed
        }
    }

    /// What the code of an SMTP server's reply says.
    public static func outcome(ofReply code: Int) -> Outcome {
        switch code {
        case 200...299: .delivered
        case 500...599: .refused
        default: .failed
        }
    }

    /// One line without its newline.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("serial", Int64(serial))
        json.string("outcome", outcome.rawValue)
        if let status { json.integer("status", Int64(status)) }
        if mayBeTold { json.bool("may_be_told", true) }
        if !reason.isEmpty { json.string("reason", reason.cut(to: Self.longestReason)) }
        json.integer("us", microseconds)
        json.endObject()
    }

    /// Reads a line that a worker wrote; `nil` when it is none. A worker is not believed blindly:
    /// what strangers told it may have got the better of it.
    public init?(line: [UInt8]) {
        guard let json = try? JSONValue.parse(line, limit: Self.longestLine),
            let serial = json["serial"]?.int,
            let outcome = json["outcome"]?.string.flatMap({ Outcome(rawValue: $0) }),
            let microseconds = json["us"]?.integer
        else { return nil }
        self.init(
            serial: serial, outcome: outcome, status: json["status"]?.int,
            reason: json["reason"]?.string ?? "", microseconds: microseconds)
        mayBeTold = json["may_be_told"]?.bool ?? false
        guard reason.utf8.count <= Self.longestReason else { return nil }
    }
}
