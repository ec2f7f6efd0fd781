import Linux
import Worker

/// A notice as mail (RFC 5322, MIME). The same notice is the same letter, byte by byte.
///
/// Every line is shorter than 998 bytes and ASCII, so that it needs no extension of SMTP. Lines that
/// begin with a dot are libcurl's matter.
struct Letter {
    /// The longest subject in bytes, before it is encoded; more is cut.
    static let longestSubject = 200
    /// The longest line of the body, its `=` included.
    private static let longestLine = 76
    /// The most bytes of one encoded word between its question marks: 75 at most for all of it, and
    /// 76 for the line of the first one.
    private static let longestWord = 54

    private let notice: Announcement
    private let from: String
    private let to: [String]

    init(_ notice: Announcement, from: String, to: [String]) {
        self.notice = notice
        self.from = from
        self.to = to
    }

    /// The whole letter.
    var bytes: [UInt8] {
        let time = UTCTime(milliseconds: notice.unixMilliseconds)
        let head = [
            "From: \(from)", "To: \(to.joined(separator: ",\r\n "))",
            "Subject: \(Self.header(subject))", "Date: \(time.inMail)",
            "Message-ID: \(messageID)", "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable", "",
        ]
        let body = body(time).flatMap { Self.quotedPrintable($0) }
        return Array((head + body).joined(separator: "\r\n").utf8) + Array("\r\n".utf8)
    }

    private var subject: String {
        let text = onOneLine("[regen] \(notice.host): \(notice.text)")
        let cut = text.cut(to: Self.longestSubject)
        return cut.utf8.count < text.utf8.count ? cut + "..." : cut
    }

    /// The right side is the sender's: a host's own name is no address that the world knows.
    private var messageID: String {
        let host = notice.host.utf8.map { byte -> Character in
            let character = Character(UnicodeScalar(byte))
            return character.isASCII && (character.isLetter || character.isNumber) ? character : "-"
        }
        return "<\(notice.id).\(String(host))@\(from.drop { $0 != "@" }.dropFirst())>"
    }

    /// What is known of it, the text first, and what to type next.
    private func body(_ time: UTCTime) -> [String] {
        var facts = [("event", "\(notice.event) (\(notice.severity.rawValue))")]
        var next: [String] = []
        if let service = notice.service { facts.append(("service", service)) }
        if let incident = notice.incident {
            facts.append(("incident", "\(incident)"))
            next.append("regen explain \(incident)")
        }
        facts += [("time", time.inISO8601), ("host", notice.host), ("notice", notice.id)]
        next.append(notice.service.map { "regen status \($0)" } ?? "regen status")
        let lines = [notice.text, ""] + facts.map { "\($0.0): \($0.1)" }
        return (lines + ["", "Next, on \(notice.host):"] + next.map { "  \($0)" }).map(onOneLine)
    }

    // MARK: - Encoding

    /// A header's value: as it is, or in encoded words (RFC 2047).
    private static func header(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.contains("=?")
        if isPlain { return text }
        var words = [""]
        for scalar in text.unicodeScalars {
            let encoded = String(scalar).utf8.map { byte in
                switch byte {
                case UInt8(ascii: " "): "_"
                case UInt8(ascii: "?"), UInt8(ascii: "_"): escaped(byte)
                default: isLiteral(byte) ? String(UnicodeScalar(byte)) : escaped(byte)
                }
            }.joined()
            if words[words.count - 1].utf8.count + encoded.utf8.count > longestWord {
                words.append("")
            }
            words[words.count - 1] += encoded
        }
        return words.map { "=?utf-8?q?\($0)?=" }.joined(separator: "\r\n ")
    }

    /// A line of text as lines of quoted-printable (RFC 2045).
    static func quotedPrintable(_ text: String) -> [String] {
        var lines = [""]
        for (index, byte) in text.utf8.enumerated() {
            let isLast = index == text.utf8.count - 1
            let isPlain = isLiteral(byte) || byte == UInt8(ascii: " ") && !isLast
            let encoded = isPlain ? String(UnicodeScalar(byte)) : escaped(byte)
            if lines[lines.count - 1].utf8.count + encoded.utf8.count >= longestLine {
                lines[lines.count - 1] += "="
                lines.append("")
            }
            lines[lines.count - 1] += encoded
        }
        return lines
    }

    /// What stands for itself, but for a space.
    private static func isLiteral(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=")
    }

    private static func escaped(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.utf8.count == 1 ? "=0\(digits)" : "=\(digits)"
    }
}
