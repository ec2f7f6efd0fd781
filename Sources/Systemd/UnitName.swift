/// The name of a unit that may be sent to PID 1: `nginx.service`, `worker@3.service`.
///
/// Stricter than systemd in one way: a backslash begins an escape `\x2d`, nothing else.
public struct UnitName: Hashable, Sendable, CustomStringConvertible {
    /// The whole name, with its type.
    public let text: String

    /// A name may have so many bytes (UNIT_NAME_MAX without its NUL).
    public static let longest = 255

    static let types: Set<String> = [
        "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path",
        "slice", "scope",
    ]

    /// `nil`: not a unit's name. A template without an instance, `worker@.service`, is none: it
    /// has no state.
    public init?(_ text: String) {
        guard let parts = Self.split(text), Self.isWellFormed(parts.stem) else { return nil }
        let at = parts.stem.firstIndex(of: UInt8(ascii: "@"))
        if let at, at == parts.stem.startIndex || at == parts.stem.endIndex - 1 { return nil }
        self.text = text
    }

    /// The whole name.
    public var description: String { text }

    /// The bytes before the type, and the type; `nil` when the length or the type is wrong.
    static func split(_ text: String) -> (stem: [UInt8], type: String)? {
        let bytes = Array(text.utf8)
        guard bytes.count <= longest, let dot = bytes.lastIndex(of: UInt8(ascii: ".")), dot > 0
        else { return nil }
        let type = String(decoding: bytes[(dot + 1)...], as: UTF8.self)
        return types.contains(type) ? (Array(bytes[..<dot]), type) : nil
    }

    /// Only what unit names are made of, and whole escapes.
    static func isWellFormed(_ stem: some Collection<UInt8>) -> Bool {
        var rest = stem[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\") {
                guard rest.popFirst() == UInt8(ascii: "x"), rest.popFirst().map(isHex) == true,
                    rest.popFirst().map(isHex) == true
                else { return false }
            } else if !isAlphanumeric(byte) && !":-_.@".utf8.contains(byte) {
                return false
            }
        }
        return true
    }

    /// Where PID 1 shows the unit on the bus: every byte that is not a letter or a digit is `_` and
    /// two hexadecimal digits, and so is a digit at the beginning.
    var objectPath: String { Self.objectPath(text) }

    /// The same of a name's beginning, which is the path's beginning.
    static func objectPath(_ text: String) -> String {
        var label = ""
        for (index, byte) in text.utf8.enumerated() {
            let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            if isAlphanumeric(byte) && !(isDigit && index == 0) {
                label.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                label += "_" + hexadecimal(byte)
            }
        }
        return "/org/freedesktop/systemd1/unit/" + label
    }
}

/// Two lower-case digits.
func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return byte < 16 ? "0" + digits : digits
}

func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"):
        true
    default: false
    }
}

private func isHex(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
        UInt8(ascii: "A")...UInt8(ascii: "F"):
        true
    default: false
    }
}
