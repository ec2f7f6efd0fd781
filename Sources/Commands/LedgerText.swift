import JSON
import Ledger
import Linux

/// A ledger line for people:
/// `2026-11-21 03:27:30.123  process.exit  service=web code=1 uptime=3s asked=no`
struct LedgerText {
    /// The keys that every line has and that are told elsewhere, or only to programs.
    private static let frame: Set<String> = [
        "prev", "seq", "t", "bt", "boot", "ev", "synced", "start_ticks", "launch",
    ]
    /// Most events' names are not longer.
    private static let eventWidth = 18

    private let line: [UInt8]

    /// The text of a line.
    init(_ line: [UInt8]) { self.line = line }

    /// The line for `terminal`, with its line end; as it is where it cannot be read.
    func text(for terminal: Terminal) -> String {
        guard let json = try? JSONValue.parse(line, limit: LedgerLimits.line),
            let event = json["ev"]?.string
        else { return String(decoding: line, as: UTF8.self).printableLines }
        let time = json["t"]?.string.flatMap(Int64.init).map { "\(UTCTime(nanoseconds: $0))" }
        let padding = String(repeating: " ", count: max(0, Self.eventWidth - event.count))
        let name = terminal.styled(event.printable, Self.style(of: event))
        let stamp = terminal.styled(time ?? "no time", .dim)
        let text = Self.details(json)
        return "\(stamp)  \(name)\(text.isEmpty ? "" : padding)  \(text)".trimmed + "\n"
    }

    /// The keys of a line that are its event's own: `service=web code=1`.
    static func details(_ line: JSONValue) -> String {
        (line.object ?? []).filter { !frame.contains($0.key) }
            .flatMap { words($0.key, $0.value) }.joined(separator: " ")
    }

    /// `key=value`, once for each value inside.
    private static func words(_ key: String, _ value: JSONValue) -> [String] {
        let name = key.printable
        switch value {
        case .null: return []
        case .bool(let bool): return ["\(name)=\(bool ? "yes" : "no")"]
        case .integer(let number) where name.hasSuffix("_ms"):
            return ["\(name.dropLast(3))=\("\(Span(milliseconds: number))".joined)"]
        case .integer(let number): return ["\(name)=\(number)"]
        case .real(let number): return ["\(name)=\(number)"]
        case .string(let text): return ["\(name)=\(quoted(text))"]
        case .array(let values):
            let texts = values.flatMap { words("", $0) }.map { $0.dropFirst() }
            return texts.isEmpty ? [] : ["\(name)=\(texts.joined(separator: ","))"]
        case .object(let members): return members.flatMap { words("\(key).\($0.key)", $0.value) }
        }
    }

    private static func quoted(_ text: String) -> String {
        text.isEmpty || text.contains(" ") ? "\"\(text.printable)\"" : text.printable
    }

    private static func style(of event: String) -> Terminal.Style {
        switch event {
        case "incident.handover", "crashloop.detected", "ledger.gap", "ledger.broken",
            "quarantine.enter", "switch.linger", "foreignswitch.linger", "boot.elsewhere",
            "watchdog.starve":
            .red
        case "incident.open", "process.fail", "service.kill", "ledger.repair", "switch.intent",
            "switch.falter", "quarantine.add":
            .yellow
        case "incident.resolve", "service.recover": .green
        default: .bold
        }
    }
}

extension String {
    /// Without its spaces: a length of time in one word.
    fileprivate var joined: String { filter { $0 != " " } }

    /// Without spaces at its end.
    fileprivate var trimmed: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
