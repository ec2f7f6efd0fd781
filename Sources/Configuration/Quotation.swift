/// So much of a text is quoted in a message.
private let mostQuoted = 60

/// The text between apostrophes, cut when it is long, control characters made visible.
func quoted(_ text: String) -> String { "'\(escaped(text))'" }

/// The text with control characters made visible, cut when it is long.
func escaped(_ text: String) -> String {
    var result = visible(String.UnicodeScalarView(text.unicodeScalars.prefix(mostQuoted)))
    if text.unicodeScalars.dropFirst(mostQuoted).first != nil { result += "…" }
    return result
}

/// The text with control and direction characters made visible (`\u{1b}`), so that what a file says
/// cannot move the cursor or recolour the terminal of whoever reads it.
public func visible(_ text: String) -> String { visible(text.unicodeScalars) }

private func visible(_ scalars: String.UnicodeScalarView) -> String {
    var result = ""
    for scalar in scalars {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
