/// A configuration as it was written, before anybody asks what it means.
///
/// Scalars are kept by their text: `off` is a word and `022` three digits, whatever YAML 1.1 or JSON
/// think of them. Only the reader of a key knows what its text should be.
public struct Tree: Equatable, Sendable {
    /// What stands there.
    public var content: Content
    /// Where it begins; `nil` when the source keeps no positions.
    public var position: Position?

    /// A tree at a position.
    public init(_ content: Content, at position: Position? = nil) {
        self.content = content
        self.position = position
    }

    /// The three kinds of things.
    public enum Content: Equatable, Sendable {
        /// A word, a number, a text. Only unquoted ones can mean "nothing" (`null`).
        case scalar(String, quoted: Bool)
        /// A list.
        case sequence([Tree])
        /// Keys with values, in the order of the source. The same key twice is told by the reader.
        case mapping([Member])
    }

    /// A key with its value.
    public struct Member: Equatable, Sendable {
        /// The key's text.
        public var key: String
        /// Where the key begins.
        public var position: Position?
        /// What it is set to.
        public var value: Tree

        /// A key at a position with its value.
        public init(_ key: String, at position: Position? = nil, _ value: Tree) {
            self.key = key
            self.position = position
            self.value = value
        }
    }
}

/// A place in a text.
public struct Position: Equatable, Sendable, CustomStringConvertible {
    /// The line, from 1.
    public var line: Int
    /// The column in Unicode scalars, from 1.
    public var column: Int

    /// That line and column, both from 1.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    /// `12:3`
    public var description: String { "\(line):\(column)" }
}

extension Tree {
    /// Whether the key counts as not set: `null` or `~`, unquoted.
    var isNull: Bool {
        content == .scalar("null", quoted: false) || content == .scalar("~", quoted: false)
    }

    /// What stands there, in the words of an error message.
    var kind: String {
        switch content {
        case .scalar("", quoted: false): "nothing"
        case .scalar(let text, _): quoted(text)
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
