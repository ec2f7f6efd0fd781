import JSON
import Ledger
import Linux

/// The newest lines of a ledger, all or those of one service, and then those that follow.
struct LedgerFeed {
    /// So many lines are looked at when the ledger has grown; if more were added, a segment is
    /// read from its beginning.
    static let step = 64

    private let reader: LedgerReader
    private let service: String?
    /// The record up to which everything was given.
    private var sequence: Int64 = -1
    /// What the newest segment's file was like when it was read last.
    private var seen: (path: String, size: Int64)?

    /// A feed of the ledger whose segments are in `directory`.
    init(directory: String, service: String?) {
        reader = LedgerReader(directory: directory)
        self.service = service
    }

    /// The last `count` lines that are wanted, with their line ends, oldest first.
    mutating func last(_ count: Int) throws(SystemError) -> [[UInt8]] {
        guard !(try reader.segments()).isEmpty else {
            throw SystemError(SystemError.noEntry, "find a ledger in \(reader.directory)")
        }
        _ = try hasGrown()
        let newest = try reader.tail(1).last.flatMap(Self.sequence) ?? -1
        sequence = newest
        guard count > 0 else { return [] }
        guard service != nil else {
            return try reader.tail(count).filter { Self.sequence($0) ?? .max <= newest }
        }
        var lines: [[UInt8]] = []
        try reader.forEachLine { line in
            guard line.sequence <= newest else { return false }
            guard isWanted(line.bytes) else { return true }
            if lines.count >= 2 * count { lines.removeFirst(lines.count - count) }
            lines.append([UInt8](line.bytes))
            return true
        }
        return lines.suffix(count)
    }

    /// The wanted lines that were added since the last call.
    mutating func next() throws(SystemError) -> [[UInt8]] {
        guard try hasGrown() else { return [] }
        var lines = try reader.tail(Self.step)
        if let first = lines.first.flatMap(Self.sequence), first > sequence + 1 {
            lines = try all(after: sequence)
        }
        lines.removeAll { Self.sequence($0) ?? .min <= sequence }
        sequence = lines.last.flatMap(Self.sequence) ?? sequence
        return lines.filter { line in line.withUnsafeBytes { isWanted($0) } }
    }

    /// Whether the newest segment is another one or longer than at the last call.
    private mutating func hasGrown() throws(SystemError) -> Bool {
        guard let newest = try reader.segments().last else { return false }
        let size = try ReadableFile.status(of: newest.path).size
        if let seen, seen == (newest.path, size) { return false }
        seen = (newest.path, size)
        return true
    }

    private func all(after sequence: Int64) throws(SystemError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for segment in try reader.segments() where segment.end > sequence {
            try reader.forEachLine(of: segment) { line in
                if line.sequence > sequence { lines.append([UInt8](line.bytes)) }
                return true
            }
        }
        return lines
    }

    private static func sequence(_ line: [UInt8]) -> Int64? {
        (try? JSONValue.parse(line, limit: LedgerLimits.line))?["seq"]?.integer
    }

    /// Whether the line names the service, one of its instances, or the instance.
    private func isWanted(_ line: UnsafeRawBufferPointer) -> Bool {
        guard let service else { return true }
        guard let json = try? JSONValue.parse(line, limit: LedgerLimits.line) else { return false }
        let named = [json["service"]?.string] + (json["services"]?.array ?? []).map(\.string)
        return named.contains { $0 == service || $0?.hasPrefix("\(service)@") == true }
    }
}
