/// Something that is wrong, or worth a second look, at one place of a configuration.
public struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Where in the text; `nil` when the source keeps no positions.
    public let position: Position?
    /// The key's path: `services.web.stop.grace`. Empty for the configuration as a whole.
    public let path: String
    /// What is wrong, the path included.
    public let message: String
    /// What to do next, if there is something that helps.
    public let hint: String?

    /// An error at a place.
    public init(at position: Position?, path: String, message: String, hint: String? = nil) {
        self.position = position
        self.path = path
        self.message = message
        self.hint = hint
    }

    /// `unknown key 'comand' in services.web; did you mean 'command'?`
    public var description: String { hint.map { "\(message); \($0)" } ?? message }
}

/// All that is wrong with a configuration, in the order of the text.
public struct ConfigurationErrors: Error, Equatable, Sendable, CustomStringConvertible {
    /// The first `mostKept` errors.
    public let errors: [ConfigurationError]
    /// How many more there are.
    public let omitted: Int

    /// So many errors are kept and shown; a person reads no more of them.
    public static let mostKept = 100

    /// These errors, and so many more.
    public init(_ errors: [ConfigurationError], omitted: Int = 0) {
        self.errors = errors
        self.omitted = omitted
    }

    /// One error a line, without a file's name.
    public var description: String {
        var lines = errors.map { "\($0)" }
        if omitted > 0 { lines.append("… and \(omitted) more") }
        return lines.joined(separator: "\n")
    }
}
