/// All instances of a template: `worker@*.service`.
public struct UnitPattern: Hashable, Sendable, CustomStringConvertible {
    /// The whole pattern, as ListUnitsByPatterns takes it.
    public let text: String
    private let prefix: String
    private let suffix: String

    /// `nil`: not a template's name with one `*` for the instance. Other globs are refused: with
    /// `*.service` one would watch what nobody has named.
    public init?(_ text: String) {
        guard let (stem, type) = UnitName.split(text), stem.suffix(2) == Array("@*".utf8)[...],
            stem.count > 2, UnitName.isWellFormed(stem.dropLast())
        else { return nil }
        self.text = text
        prefix = String(decoding: stem.dropLast(), as: UTF8.self)
        suffix = "." + type
    }

    /// The whole pattern.
    public var description: String { text }

    /// How the paths of all its instances on the bus begin.
    var pathPrefix: String { UnitName.objectPath(prefix) }

    /// Whether the unit is an instance of the template.
    public func matches(_ name: String) -> Bool {
        name.utf8.count > prefix.utf8.count + suffix.utf8.count
            && name.hasPrefix(prefix) && name.hasSuffix(suffix)
    }
}
