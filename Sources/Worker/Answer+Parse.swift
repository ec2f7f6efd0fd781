import JSON

extension Answer {
    /// Reads a line that a worker wrote; `nil` when it is none. A worker is not believed blindly:
    /// what strangers told it may have got the better of it.
    public init?(line: [UInt8]) {
        guard let json = try? JSONValue.parse(line, limit: Self.longestLine),
            let serial = json["serial"]?.integer.flatMap({ Int(exactly: $0) }),
            let outcome = json["outcome"]?.string.flatMap({ Outcome(rawValue: $0) }),
            let microseconds = json["us"]?.integer
        else { return nil }
        self.init(
            serial: serial, outcome: outcome, reason: json["reason"]?.string ?? "",
            microseconds: microseconds, value: json["value"]?.string.flatMap { Int64($0) })
        guard reason.utf8.count <= Self.longestReason else { return nil }
    }
}
