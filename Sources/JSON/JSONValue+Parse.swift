private import CJansson

extension JSONValue {
    /// Reads one JSON text of at most `limit` bytes.
    ///
    /// Any value may stand at the top. Refused: more than `limit` bytes, `depthLimit` levels or
    /// 64 bits of an integer, a key that appears twice, U+0000, bytes that are not UTF-8, and
    /// anything behind the value but white space.
    public static func parse(_ bytes: [UInt8], limit: Int) throws(JSONError) -> JSONValue {
        let result = bytes.withUnsafeBytes { buffer -> Result<JSONValue, JSONError> in
            do throws(JSONError) {
                return .success(try parse(buffer, limit: limit))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Reads one JSON text of at most `limit` bytes out of memory that the caller keeps.
    public static func parse(
        _ bytes: UnsafeRawBufferPointer, limit: Int
    ) throws(JSONError) -> JSONValue {
        guard bytes.count <= limit else {
            throw JSONError(
                line: 0, column: 0, offset: limit,
                text: "\(bytes.count) bytes are more than the \(limit) that are read here")
        }
        let flags = Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)
        var complaint = json_error_t()
        // Jansson takes a null pointer for a wrong argument and says nothing about it.
        let text = bytes.bindMemory(to: CChar.self).baseAddress
        guard let root = text.map({ json_loadb($0, bytes.count, flags, &complaint) }) ?? nil else {
            throw bytes.isEmpty
                ? JSONError(line: 1, column: 1, offset: 0, text: "nothing to read")
                : JSONError(complaint)
        }
        defer { regen_json_decref(root) }
        return try JSONValue(root, depth: 1)
    }

    private init(_ node: UnsafeMutablePointer<json_t>, depth: Int) throws(JSONError) {
        guard depth <= Self.depthLimit else {
            throw JSONError(
                line: 0, column: 0, offset: 0, text: "nested deeper than \(Self.depthLimit) levels")
        }
        switch node.pointee.type {
        case JSON_OBJECT: self = .object(try Self.members(node, depth: depth))
        case JSON_ARRAY: self = .array(try Self.elements(node, depth: depth))
        case JSON_STRING: self = .string(Self.string(node))
        case JSON_INTEGER: self = .integer(Int64(json_integer_value(node)))
        case JSON_REAL: self = .real(json_real_value(node))
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        default: self = .null
        }
    }

    private static func members(
        _ node: UnsafeMutablePointer<json_t>, depth: Int
    ) throws(JSONError) -> [(key: String, value: JSONValue)] {
        var members: [(key: String, value: JSONValue)] = []
        members.reserveCapacity(json_object_size(node))
        var iterator = json_object_iter(node)
        while let current = iterator {
            if let key = json_object_iter_key(current), let value = json_object_iter_value(current)
            {
                members.append((String(cString: key), try JSONValue(value, depth: depth + 1)))
            }
            iterator = json_object_iter_next(node, current)
        }
        return members
    }

    private static func elements(
        _ node: UnsafeMutablePointer<json_t>, depth: Int
    ) throws(JSONError) -> [JSONValue] {
        let count = json_array_size(node)
        var elements: [JSONValue] = []
        elements.reserveCapacity(count)
        for index in 0..<count {
            guard let element = json_array_get(node, index) else { continue }
            elements.append(try JSONValue(element, depth: depth + 1))
        }
        return elements
    }

    private static func string(_ node: UnsafeMutablePointer<json_t>) -> String {
        guard let text = json_string_value(node) else { return "" }
        let bytes = UnsafeRawBufferPointer(start: text, count: json_string_length(node))
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONError {
    fileprivate init(_ complaint: json_error_t) {
        // The text is cut at 160 bytes, which may be in the middle of a character.
        let text = withUnsafeBytes(of: complaint.text) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        self.init(
            line: max(Int(complaint.line), 1), column: max(Int(complaint.column), 1),
            offset: max(Int(complaint.position), 0), text: text)
    }
}
