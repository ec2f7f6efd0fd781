/// Looks at the clocks and the event of one line after the other, at the price of a few loads: as a
/// rule these stand where they stood in the line before.
struct LinePeek {
    /// What a look showed.
    struct Sight {
        var hasUnusualKeys = false
        var goesBack = false
        /// Whether it is one of the ledger's own events, `ledger.…`.
        var isOfLedger = false
        /// Whether it is a `ledger.gap`.
        var isGap = false
    }

    private var eventOffset = 0
    private var wall: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var boot: (UInt64, UInt64) = (0, 0)
    private var bootEnd = 0
    private var bootID: Digest.Words = (0, 0, 0, 0)
    private var hasBefore = false

    // `","ev":"` and `ledger.` as little-endian words.
    private static let eventKey: UInt64 = 0x223a_2276_6522_2c22
    private static let ledger: UInt64 = 0x002e_7265_6764_656c
    private static let nowDigits = 19

    @inline(__always)
    mutating func look(at line: UnsafeRawBufferPointer, prefixEnd: Int) -> Sight {
        var sight = Sight()
        guard hasEvent(line, at: eventOffset) || find(in: line) else {
            sight.hasUnusualKeys = true
            hasBefore = false
            return sight
        }
        // A line that ends before that has a shorter event, which is none of the ledger's own.
        let event = eventOffset + 8 <= line.count ? word(line, eventOffset).littleEndian : 0
        sight.isOfLedger = event & ~(0xff << 56) == Self.ledger
        sight.isGap = sight.isOfLedger && event >> 56 == UInt64(UInt8(ascii: "g"))
        sight.goesBack = compareClocks(line, prefixEnd)
        return sight
    }

    @inline(__always)
    private func hasEvent(_ line: UnsafeRawBufferPointer, at offset: Int) -> Bool {
        // Quotes inside strings are escaped, so this is a key wherever it stands.
        offset > 64 && offset < line.count
            && word(line, offset - 8).littleEndian == Self.eventKey
    }

    private mutating func find(in line: UnsafeRawBufferPointer) -> Bool {
        guard let keys = LedgerLine(line, offset: 0)?.keys,
            keys.bootID.count == 32, hasEvent(line, at: keys.event.lowerBound)
        else { return false }
        hasBefore = hasBefore && eventOffset == keys.event.lowerBound
        eventOffset = keys.event.lowerBound
        return true
    }

    /// Whether a clock of this line stands before the one of the line before. Clocks whose numbers
    /// have another length are not compared: that happens once in a decade.
    @inline(__always)
    private mutating func compareClocks(_ line: UnsafeRawBufferPointer, _ prefixEnd: Int) -> Bool {
        let start = prefixEnd + 6
        let end = eventOffset - 8 - 32 - 10
        guard start + Self.nowDigits <= end else { return false }
        let wall = (
            word(line, start).bigEndian, word(line, start + 8).bigEndian,
            word(line, start + 11).bigEndian
        )
        let boot = (word(line, end - 16).bigEndian, word(line, end - 8).bigEndian)
        let bootID = line.loadUnaligned(fromByteOffset: end + 10, as: Digest.Words.self)
        let isComparable = hasBefore && end == bootEnd
        let goesBack =
            isComparable && (wall < self.wall || (bootID == self.bootID && boot < self.boot))
        self.wall = wall
        self.boot = boot
        self.bootID = bootID
        bootEnd = end
        hasBefore = true
        return goesBack
    }

    @inline(__always)
    private func word(_ line: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        line.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
}
