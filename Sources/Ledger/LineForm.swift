/// The part of a line's form that is normative, read by fixed offsets:
/// `{"prev":"<64 hex>","seq":<n>,` … `}` LF, printable ASCII, at most 4,096 bytes.
enum LineForm {
    /// Where the predecessor's digest begins.
    static let previousOffset = 9
    /// Where the sequence number begins.
    static let sequenceOffset = 81
    /// The longest sequence number that is read; 2^53 has 16 digits.
    static let sequenceDigits = 16

    static let lineFeed: UInt8 = 0x0a

    // `{"prev":"` without its last byte, and `","seq":`, as little-endian words.
    private static let head: UInt64 = 0x3a22_7665_7270_227b
    private static let middle: UInt64 = 0x3a22_7165_7322_2c22

    /// The sequence number and where the `,` behind it stands; nil if the prefix is no prefix.
    /// The digits of `prev` are not looked at.
    @inline(__always)
    static func sequence(of line: UnsafeRawBufferPointer) -> (value: Int64, end: Int)? {
        guard line.count > sequenceOffset + 1, let base = line.baseAddress,
            UInt64(littleEndian: base.loadUnaligned(as: UInt64.self)) == head,
            base.load(fromByteOffset: 8, as: UInt8.self) == UInt8(ascii: "\""),
            UInt64(littleEndian: base.loadUnaligned(fromByteOffset: 73, as: UInt64.self)) == middle
        else { return nil }
        let bound = min(line.count, sequenceOffset + sequenceDigits + 1)
        var index = sequenceOffset
        var value: Int64 = 0
        while index < bound {
            let digit = base.load(fromByteOffset: index, as: UInt8.self) &- 0x30
            if digit > 9 { break }
            value = value * 10 + Int64(digit)
            index += 1
        }
        let digits = index - sequenceOffset
        guard digits >= 1, index < bound, line[index] == UInt8(ascii: ","),
            digits == 1 || line[sequenceOffset] != UInt8(ascii: "0")
        else { return nil }
        return (value, index)
    }

    /// Whether all bytes are 0x20…0x7e.
    @inline(__always)
    static func isPrintable(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        // Eight at a time, for this runs over every byte of a ledger that is verified: the high bit
        // comes up for bytes from 0x80 on, below 0x20, and for 0x7f.
        var high: UInt64 = 0
        var index = 0
        while index + 8 <= bytes.count {
            let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            high |= word | (word &- 0x2020_2020_2020_2020) | (word &+ 0x0101_0101_0101_0101)
            index += 8
        }
        var isPrintable = high & 0x8080_8080_8080_8080 == 0
        while index < bytes.count {
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            isPrintable = isPrintable && byte &- 0x20 <= 0x5e
            index += 1
        }
        return isPrintable
    }

    /// What is wrong with the form of a line, from `{` through LF; nil when nothing is.
    static func flaw(in line: UnsafeRawBufferPointer) -> String? {
        guard line.last == lineFeed else { return "a line that does not end" }
        guard line.count <= LedgerLimits.line else { return "a line of \(line.count) bytes" }
        guard sequence(of: line) != nil, previous(of: line) != nil else {
            return "a line that does not begin as one"
        }
        guard isPrintable(UnsafeRawBufferPointer(rebasing: line.dropLast())) else {
            return "bytes that are not printable ASCII"
        }
        guard line[line.count - 2] == UInt8(ascii: "}") else { return "a line without its end" }
        return nil
    }

    /// The digest that the line says its predecessor has.
    static func previous(of line: UnsafeRawBufferPointer) -> Digest? {
        guard line.count >= sequenceOffset, let base = line.baseAddress else { return nil }
        return Digest(hexadecimal: base + previousOffset)
    }

    /// The same as 64 digits, to be compared with a computed one.
    @inline(__always)
    static func previousText(of line: UnsafeRawBufferPointer) -> HexadecimalDigest {
        precondition(line.count >= sequenceOffset, "too short to have one")
        return line.baseAddress.map { HexadecimalDigest($0 + previousOffset) }
            ?? HexadecimalDigest()
    }
}
