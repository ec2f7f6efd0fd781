import JSON

/// One object of the wire, read strictly: what it must have it has, and it has nothing else.
public struct WireReader {
    /// It is not what the other end writes.
    public struct Malformed: Error {}

    private let members: [(key: String, value: JSONValue)]

    /// An object with no other keys than these.
    init(_ json: JSONValue?, _ keys: [String]) throws(Malformed) {
        guard case .object(let members)? = json,
            members.allSatisfy({ keys.contains($0.key) })
        else { throw Malformed() }
        self.members = members
    }

    /// The value of a key, where there is one.
    subscript(key: String) -> JSONValue? { members.first { $0.key == key }?.value }

    /// A string that may be missing.
    func text(_ key: String) throws(Malformed) -> String? {
        guard let value = self[key] else { return nil }
        guard let text = value.string else { throw Malformed() }
        return text
    }

    /// A string.
    func needText(_ key: String) throws(Malformed) -> String {
        guard let text = try text(key) else { throw Malformed() }
        return text
    }

    /// An integer that may be missing.
    func integer<Value: FixedWidthInteger>(_ key: String) throws(Malformed) -> Value? {
        guard let value = self[key] else { return nil }
        guard let number = value.wide.flatMap({ Value(exactly: $0) }) else { throw Malformed() }
        return number
    }

    /// An integer.
    func needInteger<Value: FixedWidthInteger>(_ key: String) throws(Malformed) -> Value {
        guard let number: Value = try integer(key) else { throw Malformed() }
        return number
    }

    /// `true` or `false`.
    func needBool(_ key: String) throws(Malformed) -> Bool {
        guard let value = self[key]?.bool else { throw Malformed() }
        return value
    }

    /// One word of a vocabulary.
    func needWord<Word: RawRepresentable<String>>(_ key: String) throws(Malformed) -> Word {
        try Self.word(self[key])
    }

    /// An array, each element read; missing where it is empty.
    func list<Element>(
        _ key: String, _ read: (JSONValue) throws(Malformed) -> Element
    ) throws(Malformed) -> [Element] {
        guard let value = self[key] else { return [] }
        guard let values = value.array else { throw Malformed() }
        var elements: [Element] = []
        elements.reserveCapacity(values.count)
        for value in values { elements.append(try read(value)) }
        return elements
    }

    /// An array of strings.
    func texts(_ key: String) throws(Malformed) -> [String] {
        try list(key) { (value) throws(Malformed) in
            guard let text = value.string else { throw Malformed() }
            return text
        }
    }

    /// One word of a vocabulary.
    static func word<Word: RawRepresentable<String>>(
        _ value: JSONValue?
    ) throws(Malformed) -> Word {
        guard let word = value?.string.flatMap({ Word(rawValue: $0) }) else { throw Malformed() }
        return word
    }
}

extension JSONValue {
    /// An integer; from ±2^53 on it is written as a decimal string.
    fileprivate var wide: Int64? { integer ?? string.flatMap { Int64($0) } }
}

extension JSONWriter {
    /// A member, unless there is nothing to say.
    mutating func string(_ key: StaticString, ifAny value: String?) {
        if let value { string(key, value) }
    }

    /// A member, unless there is nothing to say.
    mutating func integer(_ key: StaticString, ifAny value: (some FixedWidthInteger)?) {
        if let value { integer(key, Int64(clamping: value)) }
    }

    /// A member whose value is an array; left out when it is empty.
    mutating func list<Element>(
        _ key: StaticString, _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void
    ) {
        guard !elements.isEmpty else { return }
        self.key(key)
        beginArray()
        for element in elements { write(&self, element) }
        endArray()
    }

    /// A member whose value is an array of strings; left out when it is empty.
    mutating func texts(_ key: StaticString, _ elements: [String]) {
        list(key, elements) { $0.string($1) }
    }
}
