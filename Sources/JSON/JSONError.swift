/// Why bytes are not the JSON that was asked for, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The line, from 1; 0 when the whole input is meant.
    public let line: Int
    /// The column in characters, from 1; 0 when the whole input is meant.
    public let column: Int
    /// The byte offset at which reading stopped.
    public let offset: Int
    /// What is wrong, in words.
    public let text: String

    /// A complaint about a place.
    public init(line: Int, column: Int, offset: Int, text: String) {
        self.line = line
        self.column = column
        self.offset = offset
        self.text = text
    }

    /// `line 3, column 14: ']' expected near 'x'`
    public var description: String { line > 0 ? "line \(line), column \(column): \(text)" : text }
}
