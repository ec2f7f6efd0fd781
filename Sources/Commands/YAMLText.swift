import Configuration

/// The text that Yams is given: checked UTF-8 in which every `*` has become another character.
enum YAMLText {
    /// What stands for `*`: the first character for private use. A file that has it already is refused.
    static let star: Unicode.Scalar = "\u{E000}"

    /// The text as it was written.
    static func restored(_ text: String) -> String {
        guard text.unicodeScalars.contains(star) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(scalar == star ? "*" : scalar) }
        return String(result)
    }

    /// Checks the bytes and replaces `*`.
    static func prepared(_ bytes: [UInt8]) throws(ConfigurationErrors) -> String {
        var result = String.UnicodeScalarView()
        result.reserveCapacity(bytes.count)
        var decoder = Unicode.UTF8()
        var input = bytes.makeIterator()
        var position = Position(line: 1, column: 1)
        var separators = 0
        while true {
            switch decoder.decode(&input) {
            case .emptyInput: return String(result)
            case .error: throw refused(position, "a byte that is not UTF-8 text")
            case .scalarValue("\u{FEFF}") where result.isEmpty: continue
            case .scalarValue(let scalar):
                guard isText(scalar) else {
                    let number = String(scalar.value, radix: 16, uppercase: true)
                    throw refused(position, "a character that is not text (U+\(number))")
                }
                separators += isSeparator(scalar) ? 1 : 0
                guard separators <= YAMLTree.mostSeparators else {
                    throw refused(
                        position, "more structure than a configuration has", "split it up")
                }
                result.append(scalar == "*" ? star : scalar)
                position.column += 1
                if scalar == "\n" { position = Position(line: position.line + 1, column: 1) }
            }
        }
    }

    /// What YAML calls printable, but for the character that we need ourselves.
    private static func isText(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE001...0xFEFE, 0xFF00...0xFFFD,
            0x10000...0x10FFFF:
            true
        default: false
        }
    }

    /// Between two values of any YAML text there is at least one of these.
    private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", ",", ":", "?", "[", "{": true
        default: false
        }
    }

    private static func refused(
        _ position: Position, _ what: String, _ hint: String = "a configuration is UTF-8 text"
    ) -> ConfigurationErrors {
        ConfigurationErrors([
            ConfigurationError(
                at: position, path: "", message: "there is \(what)",
                hint: hint)
        ])
    }
}
