import Linux

/// A file of the ledger and which records of it count.
public struct LedgerSegment: Equatable, Sendable {
    /// The ledger's directory.
    public let directory: String
    /// The sequence number in the file's name, which its first line has.
    public let first: Int64
    /// The first record that is not of this segment: where the next one begins. Lines from there on
    /// were never acknowledged; a disk error made the writer abandon them.
    public var end: Int64

    /// `00000000000000131072.jsonl`
    public var name: String { Self.name(first) }
    /// Where the file is.
    public var path: String { "\(directory)/\(name)" }

    static let suffix = ".jsonl"
    static let digits = 20

    static func name(_ first: Int64) -> String {
        let number = String(first)
        return String(repeating: "0", count: digits - number.utf8.count) + number + suffix
    }

    /// The segments of a directory in order.
    static func all(in directory: String) throws(SystemError) -> [LedgerSegment] {
        var segments: [LedgerSegment] = []
        for name in try Directory.names(in: directory) where name.hasSuffix(suffix) {
            guard let first = Int64(name.dropLast(suffix.utf8.count)), first >= 0,
                Self.name(first) == name
            else { continue }
            if !segments.isEmpty { segments[segments.count - 1].end = first }
            segments.append(LedgerSegment(directory: directory, first: first, end: .max))
        }
        return segments
    }
}
