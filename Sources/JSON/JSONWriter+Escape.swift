extension JSONWriter {
    /// Appends a string's inside: runs of plain ASCII in one go, everything else escaped.
    mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        var index = 0
        while index < text.count {
            let start = index
            while index < text.count, Self.isPlain(text[index]) { index += 1 }
            append(UnsafeRawBufferPointer(rebasing: text[start..<index]))
            guard index < text.count else { return }
            if text[index] < 0x80 {
                escape(ascii: text[index])
                index += 1
            } else {
                let (scalar, length) = Self.decode(text, at: index)
                escape(scalar: scalar)
                index += length
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func escape(ascii byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x0a: append("\\n")
        case 0x0d: append("\\r")
        case 0x09: append("\\t")
        // Our own reader refuses U+0000, so that no path is ever cut short at one.
        case 0x00: append("\\ufffd")
        default: escape(unit: UInt16(byte))
        }
    }

    private mutating func escape(scalar: UInt32) {
        if scalar < 0x10000 {
            escape(unit: UInt16(scalar))
        } else {
            let offset = scalar - 0x10000
            escape(unit: UInt16(0xd800 + (offset >> 10)))
            escape(unit: UInt16(0xdc00 + (offset & 0x3ff)))
        }
    }

    private mutating func escape(unit: UInt16) {
        append("\\u")
        appendHexadecimal(unit >> 12)
        appendHexadecimal(unit >> 8)
        appendHexadecimal(unit >> 4)
        appendHexadecimal(unit)
    }

    /// The scalar at `index` and its length in bytes; U+FFFD for what is not UTF-8, as long as
    /// the part that could have begun a character (Unicode 3.9, "maximal subpart").
    private static func decode(
        _ text: UnsafeRawBufferPointer, at index: Int
    ) -> (scalar: UInt32, length: Int) {
        let lead = text[index]
        // The range of the second byte rules out overlong forms, surrogates and above U+10FFFF.
        let (length, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
        case 0xe0: (length, second) = (3, 0xa0...0xbf)
        case 0xed: (length, second) = (3, 0x80...0x9f)
        case 0xe1...0xef: (length, second) = (3, 0x80...0xbf)
        case 0xf0: (length, second) = (4, 0x90...0xbf)
        case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
        case 0xf4: (length, second) = (4, 0x80...0x8f)
        default: return (0xfffd, 1)
        }
        var scalar = UInt32(lead) & (0xff >> UInt32(length + 1))
        for step in 1..<length {
            guard index + step < text.count else { return (0xfffd, step) }
            let byte = text[index + step]
            guard step == 1 ? second.contains(byte) : (0x80...0xbf).contains(byte) else {
                return (0xfffd, step)
            }
            scalar = scalar << 6 | UInt32(byte & 0x3f)
        }
        return (scalar, length)
    }
}
