public import JSON

/// What goes between regend and `regend --system`: one bounded line of JSON.
public protocol SystemLine: Sendable {
    /// Reads what `write` has written, and nothing else.
    init(_ json: JSONValue) throws(WireReader.Malformed)

    /// Writes the object.
    func write(into json: inout JSONWriter)
}

extension SystemLine {
    /// The longest line that is written or read, its newline not counted.
    public static var longestLine: Int { 1 << 20 }

    /// One line with its newline; `nil` when it would be longer than `longestLine`.
    public var line: [UInt8]? {
        var json = JSONWriter()
        write(into: &json)
        guard json.bytes.count <= Self.longestLine else { return nil }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// Reads a line, its newline gone; `nil` when it is none that `line` writes.
    public init?(line: [UInt8]) {
        guard let json = try? JSONValue.parse(line, limit: Self.longestLine),
            let value = try? Self(json)
        else { return nil }
        self = value
    }
}
