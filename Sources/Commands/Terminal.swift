import Configuration
import Linux

/// Where a command writes: colour for people, plain text for everything else.
struct Terminal {
    /// Standard output: answers.
    static let output = Terminal(.output)
    /// Standard error: complaints and progress.
    static let error = Terminal(.error)

    private let stream: StandardStream
    /// Whether `styled` adds colour: only on a terminal, and not with NO_COLOR (any value but the
    /// empty one, see no-color.org) or TERM=dumb.
    let colours: Bool

    /// So many columns there are; `nil` where nobody looks, or nobody knows.
    let width: Int?

    private init(_ stream: StandardStream) {
        self.stream = stream
        width = stream.isTerminal ? stream.columns : nil
        let wanted = (environmentVariable("NO_COLOR") ?? "").isEmpty
        colours = wanted && environmentVariable("TERM") != "dumb" && stream.isTerminal
    }

    /// Writes an answer. That it could not be written (a full disk) is an error worth exit code 2.
    func write(_ text: String) throws(Exit) {
        do { try stream.write(text) } catch { throw .wrong("\(error)") }
    }

    /// Writes what nobody can be told about when it fails.
    func complain(_ text: String) { try? stream.write(text) }

    /// The text in the style, where colour is wanted.
    func styled(_ text: String, _ style: Style) -> String {
        colours ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The few styles there are; the number is that of ECMA-48's SGR sequence.
    enum Style: Int {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
        case cyan = 36
    }
}

extension String {
    /// The text with control characters made visible, so that what a file or a service says cannot
    /// move the cursor or recolour the terminal of whoever reads it.
    var printable: String { visible(self) }
}
