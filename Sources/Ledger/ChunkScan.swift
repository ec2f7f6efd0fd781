import Linux

/// A part of a segment that one processor verifies: the lines that begin within it.
struct ChunkScan {
    /// Bytes of a chunk: big enough to be read in one go, small enough for the caches.
    static let size = 1 << 20

    /// What a processor needs for one chunk after the other.
    final class Workspace {
        let hash = SHA256()
        let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: ChunkScan.size + LedgerLimits.line + 1, alignment: 64)
        deinit { memory.deallocate() }
    }

    /// Lines of the chain in this chunk.
    var lines: Int64 = 0
    var firstSequence: Int64 = 0
    /// The first line's `prev`, as text.
    var firstPrevious = HexadecimalDigest()
    var lastSequence: Int64 = 0
    var head: Digest = .zero
    /// Where the last line begins.
    var lastOffset: Int64 = 0
    /// Where the lines begin that the next segment numbers anew.
    var abandonedAt: Int64?
    /// Where a last line begins that does not end.
    var partialAt: Int64?
    /// Something is not as it should be: what and whose fault it is takes a closer look.
    var isDirty = false
    /// Where the ledger's own records begin; at most so many.
    var remarkable: [Int64] = []
    static let remarkableLimit = 64
    var gaps = 0
    var clocksBack: Int64 = 0
    var unusualKeys: Int64 = 0

    /// Reads and judges the chunk that begins at `start` of a file of `size` bytes.
    init(
        _ file: borrowing File, from start: Int64, fileSize: Int64, end: Int64,
        _ workspace: Workspace
    ) throws(SystemError) {
        // One byte more in front tells whether a line begins at the very start.
        let lead = start > 0 ? 1 : 0
        let stop = min(fileSize, start + Int64(Self.size + LedgerLimits.line))
        let wanted = Int(stop - start) + lead
        var held = 0
        while held < wanted {
            let rest = UnsafeMutableRawBufferPointer(rebasing: workspace.memory[held..<wanted])
            let count = try file.read(into: rest, at: start - Int64(lead) + Int64(held))
            if count == 0 { break }
            held += count
        }
        // The writer may have cut a refused write since the size was read.
        let reachesEnd = stop == fileSize || held < wanted
        let bytes = UnsafeRawBufferPointer(rebasing: workspace.memory[..<held])
        judge(
            bytes, lead: lead, base: start - Int64(lead), reachesEnd: reachesEnd, end: end,
            workspace.hash)
    }

    private mutating func judge(
        _ bytes: UnsafeRawBufferPointer, lead: Int, base: Int64, reachesEnd: Bool, end: Int64,
        _ hash: SHA256
    ) {
        var cursor = 0
        if lead > 0 {
            guard let distance = bytes.distance(toFirst: LineForm.lineFeed, from: 0) else { return }
            cursor = distance + 1
        }
        let limit = min(bytes.count, lead + Self.size)
        var peek = LinePeek()
        var expected = HexadecimalDigest()
        while cursor < limit {
            guard let distance = bytes.distance(toFirst: LineForm.lineFeed, from: cursor) else {
                if reachesEnd { partialAt = base + Int64(cursor) } else { isDirty = true }
                return
            }
            let line = UnsafeRawBufferPointer(rebasing: bytes[cursor...(cursor + distance)])
            let offset = base + Int64(cursor)
            guard let sequence = LineForm.sequence(of: line), distance < LedgerLimits.line,
                line[distance - 1] == UInt8(ascii: "}"),
                LineForm.isPrintable(UnsafeRawBufferPointer(rebasing: line[..<distance]))
            else {
                isDirty = true
                return
            }
            if sequence.value >= end {
                abandonedAt = offset
                return
            }
            let previous = LineForm.previousText(of: line)
            if lines == 0 {
                firstSequence = sequence.value
                firstPrevious = previous
            } else if previous != expected || sequence.value != lastSequence + 1 {
                isDirty = true
                return
            }
            head = hash.digest(of: line)
            expected = head.hexadecimal
            lines += 1
            lastSequence = sequence.value
            lastOffset = offset
            take(peek.look(at: line, prefixEnd: sequence.end), offset)
            cursor += distance + 1
        }
    }

    @inline(__always)
    private mutating func take(_ sight: LinePeek.Sight, _ offset: Int64) {
        if sight.isGap { gaps += 1 }
        if sight.isOfLedger, remarkable.count < Self.remarkableLimit { remarkable.append(offset) }
        if sight.goesBack { clocksBack += 1 }
        if sight.hasUnusualKeys { unusualKeys += 1 }
    }
}
