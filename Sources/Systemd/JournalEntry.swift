/// An entry of the journal, in the bytes of its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL).
public struct JournalEntry: Equatable, Sendable {
    /// The longest value in bytes; the rest is cut off. So a whole entry fits into a datagram.
    public static let longestValue = 8192

    /// The entry.
    public private(set) var bytes: [UInt8] = []

    /// An empty entry.
    public init() {}

    /// Adds a field. Names are capital letters, digits and `_`, and begin with a letter; what is in a
    /// value makes no difference.
    public mutating func append(_ name: StaticString, _ value: String) {
        let value = Self.clipped(value)
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        if value.contains(10) {
            bytes.append(10)
            withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes.append(contentsOf: $0) }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes.append(contentsOf: value)
        bytes.append(10)
    }

    /// Never in the middle of a character: journalctl would show the whole value as a blob.
    private static func clipped(_ value: String) -> [UInt8] {
        let bytes = Array(value.utf8)
        guard bytes.count > longestValue else { return bytes }
        var end = longestValue
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return Array(bytes[..<end])
    }
}
