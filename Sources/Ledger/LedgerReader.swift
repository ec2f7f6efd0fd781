public import Linux

/// Reads a ledger's records in order, with or without a writer at work. It checks nothing but that
/// a line begins as one; for more there is `LedgerVerifier`.
public struct LedgerReader: Sendable {
    /// The ledger's directory.
    public let directory: String

    /// A reader of `<state>/ledger`.
    public init(directory: String) { self.directory = directory }

    /// The segments as they are now, in order.
    public func segments() throws(SystemError) -> [LedgerSegment] {
        try LedgerSegment.all(in: directory)
    }

    /// Calls `body` for each record of a segment in order until it returns false.
    ///
    /// Passed over: what is no line, a last one that is not whole yet, and abandoned lines.
    public func forEachLine(
        of segment: LedgerSegment, _ body: (LedgerLine) -> Bool
    ) throws(SystemError) {
        try LineScanner.scan(segment.path) { bytes, offset in
            guard bytes.last == LineForm.lineFeed, let line = LedgerLine(bytes, offset: offset),
                line.sequence < segment.end
            else { return true }
            return body(line)
        }
    }

    /// Calls `body` for each record of all segments in order until it returns false.
    public func forEachLine(_ body: (LedgerLine) -> Bool) throws(SystemError) {
        var goesOn = true
        for segment in try segments() where goesOn {
            try forEachLine(of: segment) { line in
                goesOn = body(line)
                return goesOn
            }
        }
    }

    /// The last `count` lines, each with its LF, oldest first; fewer when there are fewer, and
    /// never more than a segment has.
    public func tail(_ count: Int) throws(SystemError) -> [[UInt8]] {
        let count = min(count, Int(LedgerLimits.segmentRecords))
        var lines: [[UInt8]] = []
        for segment in try segments().reversed() where lines.count < count {
            lines = try tail(count - lines.count, of: segment) + lines
        }
        return lines
    }

    private func tail(_ count: Int, of segment: LedgerSegment) throws(SystemError) -> [[UInt8]] {
        let size = try File(opening: segment.path, .read).size()
        // No line is longer than the limit and no abandoned end than a group, so this is far
        // enough back; the first is cut.
        let span = Int64(count + 1) * Int64(LedgerLimits.line) + Int64(LedgerLimits.group)
        let start = max(0, size - span)
        var last: [[UInt8]] = []
        try LineScanner.scan(segment.path, from: start) { bytes, offset in
            guard offset > start || start == 0, bytes.last == LineForm.lineFeed,
                let line = LedgerLine(bytes, offset: offset), line.sequence < segment.end
            else { return true }
            if last.count >= 2 * count { last.removeFirst(last.count - count) }
            last.append([UInt8](bytes))
            return true
        }
        return last.suffix(count)
    }
}
