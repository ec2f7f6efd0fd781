import Supervision

extension Probe {
    /// What it is called among people and in records: `http http://127.0.0.1:3001/health`, `listening
    /// 8080`; one line of at most `longestName` bytes.
    ///
    /// What can be a secret is not in it: no headers, no query of a URL, no argument of a command.
    public var name: String {
        shortened("\(kind.word.rawValue) \(visible(kind.detail))".trimmed, to: Probe.longestName)
    }

    /// The longest name, in bytes.
    public static let longestName = 80
}

extension Probe.Kind {
    fileprivate var detail: String {
        switch self {
        case .http(let probe): probe.detail
        case .tls(let probe):
            switch probe.source {
            case .server(let host, let port): Address.configured(host: host, port: port)
            case .file(let path): path
            }
        case .tcp(let host, let port): Address.configured(host: host, port: port)
        case .unix(let path): path
        case .listening(let port): String(port)
        case .command(let probe): programName(probe.command)
        case .memory(let probe): "below \(probe.below.shown)"
        case .cpu(let probe): "below \(probe.below)%"
        case .progress(let probe):
            switch probe.source {
            case .modification(let path), .number(let path): path
            case .command(let words): programName(words)
            }
        case .file(let probe): probe.path
        case .notify: ""
        }
    }
}

extension HTTPProbe {
    fileprivate var detail: String {
        let query = url.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        return query.map { "\(url[..<$0])?…" } ?? url
    }
}

extension MemoryProbe.Bound {
    fileprivate var shown: String {
        guard case .bytes(let bytes) = self, bytes % (1 << 20) == 0 else { return configured }
        return "\(bytes >> 20)MiB"
    }
}

/// The program of a command, and a sign that there is more. Of a text for the shell it is the first
/// word that sets no variable.
private func programName(_ command: [String]) -> String {
    guard command.starts(with: shell), command.count == 3 else {
        return (command.first ?? "") + (command.count > 1 ? " …" : "")
    }
    let words = command[2].split(whereSeparator: \.isWhitespace)
    guard let program = words.first(where: { !$0.contains("=") }) else { return "…" }
    return program + (words.count > 1 ? " …" : "")
}

/// At most so many bytes of it, cut between characters.
private func shortened(_ text: String, to bytes: Int) -> String {
    if text.utf8.count <= bytes { return text }
    var result = ""
    for character in text {
        guard result.utf8.count + character.utf8.count + "…".utf8.count <= bytes else { break }
        result.append(character)
    }
    return result + "…"
}

extension String {
    fileprivate var trimmed: String { last == " " ? String(dropLast()) : self }
}
