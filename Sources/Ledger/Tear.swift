import Linux

/// Tells a torn tail from a damage that no crash leaves, by the form of a segment's lines alone.
///
/// A power cut takes any sectors of what was not flushed, not only the last ones: whole lines behind
/// the first damage are part of the tail. What was flushed it never takes, and a line vouches for all
/// before it: by `"synced":true`, and by being a `carry`, for a segment has its name only when all
/// that it carries over is durable. Behind the damage no chain can be checked; but what is longer
/// than one write and what a disk adds to it was durable in part, whoever took the marks away.
struct Tear {
    /// Where the tail begins: the first damage behind all that is vouched for.
    private(set) var offset: Int64?
    /// Why some damage was not a crash's: a place and what vouches for it.
    private(set) var tampering: String?
    /// How far the segment was looked at, in bytes.
    private(set) var size: Int64 = 0

    private let segment: LedgerSegment
    /// The last whole line before the damage.
    private var last: Int64?
    private var pieces = 0
    private var endsWithLineFeed = true

    init(_ segment: LedgerSegment) { self.segment = segment }

    /// Looks at all of it.
    init(of segment: LedgerSegment) throws(SystemError) {
        self.init(segment)
        try LineScanner.scan(segment.path) { line, offset in
            _ = take(line, offset)
            return true
        }
        if size == 0 { offset = 0 }
    }

    /// The line, if it is whole and no part of a tail.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ offset: Int64) -> LedgerLine? {
        size = offset + Int64(bytes.count)
        endsWithLineFeed = bytes.last == LineForm.lineFeed
        let line = LineForm.flaw(in: bytes) == nil ? LedgerLine(bytes, offset: offset) : nil
        if let line, self.offset == nil || vouches(line) {
            settle(behind: line)
            return line
        }
        self.offset = self.offset ?? offset
        pieces += 1
        return nil
    }

    /// A number that has been before is an old block of the disk's, and says nothing. The first line
    /// of all is durable before its file has a name, so any line vouches for that.
    private func vouches(_ line: LedgerLine) -> Bool {
        guard let last else { return true }
        return line.sequence > last && (line.isSynced || line.isEvent("carry"))
    }

    private mutating func settle(behind line: LedgerLine) {
        if let offset, tampering == nil {
            tampering =
                "\(segment.name) byte \(offset): no line, though line \(line.sequence) says that it was durable"
        }
        offset = nil
        pieces = 0
        last = line.sequence
    }

    /// One line without its end, as a write in progress shows it too.
    var isPartialLine: Bool {
        guard let offset else { return false }
        return pieces <= 1 && !endsWithLineFeed && size - offset <= Int64(LedgerLimits.line)
    }

    /// Why what begins at `offset` is no torn tail; nil when it is, or there is none.
    func objection(hasPredecessor: Bool) -> String? {
        guard let offset else { return nil }
        let place = "\(segment.name) byte \(offset)"
        let length = size - offset
        if length > LedgerLimits.tornTail {
            return "\(place): a damage, and \(length) bytes from there on: more than one write"
        }
        // Each segment's first line is synced, so one whole line before the damage is enough.
        return last != nil || hasPredecessor || isPartialLine
            ? nil : "\(place): no line of a ledger"
    }
}
