import JSON

extension JSONWriter {
    /// A member that is an array, each element as `write` has it.
    mutating func array<Element>(
        _ key: StaticString, _ elements: some Sequence<Element>,
        write: (inout JSONWriter, Element) -> Void
    ) {
        self.key(key)
        beginArray()
        for element in elements { write(&self, element) }
        endArray()
    }
}

extension JSONValue {
    /// An integer, also where it was too large for a number and stands there as a string.
    var wide: Int64? { integer ?? string.flatMap { Int64($0) } }

    /// An integer of the machine's own width.
    var int: Int? { integer.flatMap { Int(exactly: $0) } }

    /// The elements, each as `read` understands it; `nil` when this is no array, or one is not
    /// understood.
    func list<Element>(_ read: (JSONValue) -> Element?) -> [Element]? {
        guard let array else { return nil }
        var elements: [Element] = []
        for value in array {
            guard let element = read(value) else { return nil }
            elements.append(element)
        }
        return elements
    }
}

extension UInt16 {
    init?(json: JSONValue) {
        guard let number = json.integer.flatMap({ UInt16(exactly: $0) }) else { return nil }
        self = number
    }
}
