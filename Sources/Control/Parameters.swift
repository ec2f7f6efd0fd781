import JSON

/// A call's parameters. A missing one and `null` are the same, as in Varlink.
struct Parameters {
    private let value: JSONValue

    /// Refuses what is no object, and keys other than the `known` ones: they may be misspelled.
    init(_ value: JSONValue?, known: [String]) throws(ControlError) {
        self.value = value ?? .null
        if case .null = self.value { return }
        guard let members = self.value.object else {
            throw .invalidParameter(parameter: "parameters")
        }
        if let stranger = members.first(where: { !known.contains($0.key) }) {
            throw .invalidParameter(parameter: stranger.key)
        }
    }

    /// A string that may be missing.
    func optionalString(_ key: String) throws(ControlError) -> String? {
        switch value[key] {
        case nil, .null: return nil
        case .string(let string): return string
        default: throw .invalidParameter(parameter: key)
        }
    }

    /// A string.
    func string(_ key: String) throws(ControlError) -> String {
        guard let string = value[key]?.string else { throw .invalidParameter(parameter: key) }
        return string
    }

    /// A truth that may be missing.
    func optionalBool(_ key: String) throws(ControlError) -> Bool? {
        switch value[key] {
        case nil, .null: return nil
        case .bool(let bool): return bool
        default: throw .invalidParameter(parameter: key)
        }
    }

    /// A number in this range that may be missing.
    func optionalInteger(
        _ key: String, in range: ClosedRange<Int64>
    ) throws(ControlError) -> Int64? {
        switch value[key] {
        case nil, .null: return nil
        case .integer(let number) where range.contains(number): return number
        default: throw .invalidParameter(parameter: key)
        }
    }

    /// A list of at least one string.
    func names(_ key: String) throws(ControlError) -> [String] {
        guard let names = value[key]?.strings, !names.isEmpty else {
            throw .invalidParameter(parameter: key)
        }
        return names
    }
}
