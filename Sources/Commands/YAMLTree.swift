package import Configuration
import Yams

/// YAML and JSON texts as trees with positions, inside of bounds.
///
/// Yams resolves an alias by copying what it stands for, and hashes every key. A few lines of nested
/// aliases then cost more time and stack than there is ("billion laughs"). So Yams never sees an
/// alias: every `*` is replaced by a character that YAML gives no meaning to, which leaves each line
/// and column as it was, and what that makes of an alias – a plain scalar – is resolved here.
package struct YAMLTree {
    /// The largest file that is read, in bytes.
    static let mostBytes = 16 << 20
    /// The most scalars, lists and mappings, aliases resolved.
    static let mostNodes = 1_000_000
    /// The most characters that can separate values. Looked at first, because what Yams makes of a
    /// byte is a hundred times as large.
    static let mostSeparators = 3 * mostNodes
    /// The most CPU time in seconds; some texts of that size take Yams hours.
    static let mostSeconds = 20
    /// The most bytes of all scalars and keys, aliases resolved.
    static let mostTextBytes = 32 << 20
    /// The longest scalar in bytes.
    static let longestScalar = 1 << 20
    /// The deepest nesting, aliases resolved.
    static let deepest = 64

    /// Reads one document.
    package static func read(_ bytes: [UInt8]) throws(ConfigurationErrors) -> Tree {
        let text = try YAMLText.prepared(bytes)
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            // Nodes refer to their anchors weakly; the parser holds them.
            return try withExtendedLifetime(parser) {
                guard let root = try parser.singleRoot() else { throw Self.empty }
                var tree = YAMLTree()
                return try tree.convert(root, depth: 1).tree
            }
        } catch let error as YamlError {
            throw ConfigurationErrors([ConfigurationError(error)])
        } catch let error as ConfigurationError {
            throw ConfigurationErrors([error])
        } catch {
            throw ConfigurationErrors([at(.start, "not valid YAML: \(error)")])
        }
    }

    private static var empty: ConfigurationError {
        at(
            .start, "there is no configuration in this file",
            "begin with 'services:'")
    }

    private var nodes = 0
    private var textBytes = 0
    private var anchors: [String: Converted] = [:]

    /// A tree and what it costs to have it once more.
    private struct Converted {
        var tree: Tree
        var nodes = 1
        var textBytes = 0
        var height = 1

        mutating func add(_ part: Converted) {
            nodes += part.nodes
            textBytes += part.textBytes
            height = max(height, part.height + 1)
        }
    }

    private mutating func convert(_ node: Node, depth: Int) throws(ConfigurationError) -> Converted
    {
        let position = node.position
        var result = Converted(tree: Tree(.sequence([]), at: position))
        try spend(nodes: 1, textBytes: 0, height: depth, position)
        switch node {
        case .scalar(let scalar):
            if scalar.isAlias { return try resolve(scalar, position, depth) }
            let text = YAMLText.restored(scalar.string)
            try spend(text, position)
            result.textBytes = text.utf8.count
            result.tree.content = .scalar(text, quoted: scalar.style != .plain)
        case .sequence(let sequence):
            var elements: [Tree] = []
            for element in sequence {
                let part = try convert(element, depth: depth + 1)
                result.add(part)
                elements.append(part.tree)
            }
            result.tree.content = .sequence(elements)
        case .mapping(let mapping):
            var members: [Tree.Member] = []
            for (key, value) in mapping {
                let name = try convert(key: key)
                let part = try convert(value, depth: depth + 1)
                result.add(part)
                result.textBytes += name.utf8.count
                members.append(Tree.Member(name, at: key.position, part.tree))
            }
            result.tree.content = .mapping(members)
        case .alias: throw at(position, "an alias cannot stand here")
        }
        if let anchor = node.anchor { anchors[anchor.rawValue] = result }
        return result
    }

    private mutating func convert(key: Node) throws(ConfigurationError) -> String {
        let position = key.position
        guard case .scalar(let scalar) = key, !scalar.isAlias else {
            throw at(
                position, "a key must be a single word", "quote it if it begins with *, [ or {")
        }
        let text = YAMLText.restored(scalar.string)
        try spend(text, position)
        return text
    }

    /// What an alias stands for: the latest node before it with that anchor.
    private mutating func resolve(
        _ scalar: Node.Scalar, _ position: Position, _ depth: Int
    ) throws(ConfigurationError) -> Converted {
        let name = String(scalar.string.unicodeScalars.dropFirst())
        guard let meant = anchors[name] else {
            let text = YAMLText.restored(scalar.string)
            throw at(
                position, "'\(visible(text))' is an alias of nothing above it",
                "quote a text that begins with *")
        }
        try spend(
            nodes: meant.nodes, textBytes: meant.textBytes, height: depth + meant.height - 1,
            position)
        return meant
    }

    private mutating func spend(_ text: String, _ position: Position) throws(ConfigurationError) {
        guard text.utf8.count <= Self.longestScalar else {
            throw at(position, "a text of more than \(Self.longestScalar) bytes")
        }
        try spend(nodes: 0, textBytes: text.utf8.count, height: 1, position)
    }

    private mutating func spend(
        nodes count: Int, textBytes bytes: Int, height: Int, _ position: Position
    ) throws(ConfigurationError) {
        nodes += count
        textBytes += bytes
        guard height <= Self.deepest else {
            throw at(position, "nested deeper than \(Self.deepest) levels")
        }
        guard nodes <= Self.mostNodes else {
            throw at(position, "more than \(Self.mostNodes) values, aliases counted each time")
        }
        guard textBytes <= Self.mostTextBytes else {
            throw at(
                position, "more than \(Self.mostTextBytes) bytes of text, aliases counted each time"
            )
        }
    }
}

private func at(_ position: Position, _ message: String, _ hint: String? = nil)
    -> ConfigurationError
{
    ConfigurationError(at: position, path: "", message: message, hint: hint)
}

extension Position {
    /// What is wrong with the text as a whole is told here.
    fileprivate static let start = Position(line: 1, column: 1)

    fileprivate init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }
}

extension Node {
    /// Where it begins; Yams marks all that it parses.
    fileprivate var position: Position { mark.map { Position($0) } ?? .start }
}

extension Node.Scalar {
    fileprivate var isAlias: Bool {
        style == .plain && string.unicodeScalars.first == YAMLText.star
    }
}

extension ConfigurationError {
    fileprivate init(_ error: YamlError) {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let what = context.map { "\(problem) (\($0.text))" } ?? problem
            let isEscape = problem.contains("Unicode character escape")
            self = at(
                Position(mark), "not valid YAML: \(what)",
                isEscape ? "write the character itself, not a pair of \\u escapes" : nil)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let key = visible(YAMLText.restored(duplicates.first ?? ""))
            self = at(Position(context.mark), "the key '\(key)' is there twice", "keep one of them")
        default: self = at(.start, "not valid YAML: \(error)")
        }
    }
}
