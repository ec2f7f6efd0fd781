/// Writes JSON into one buffer that is kept and used again: ASCII only, no spaces, keys in the
/// order of the calls.
///
/// It puts the commas; that begins and ends match is the caller's part. Written without
/// `beginObject`, members come out bare, `"unit":"web","pid":7`, as a ledger record takes them.
/// Nothing is allocated once the buffer has grown to the longest text.
public struct JSONWriter: Sendable {
    /// What has been written since the last `removeAll`.
    public private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Integers from here on are written as decimal strings: many readers have doubles only.
    public static let integerLimit: Int64 = 1 << 53

    /// A writer with room for `capacity` bytes.
    public init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

    /// Begins anew in the same buffer.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    /// `{`
    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    /// `}`
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    /// `[`
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    /// `]`
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// A member's key; its value must follow. The key is ASCII without quotes and backslashes.
    public mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        append(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A member's key that is data, a service's name for example.
    public mutating func key(_ key: String) {
        string(key)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A string value.
    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { string(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// A string value out of bytes that should be UTF-8; what is not becomes U+FFFD.
    public mutating func string(utf8 value: UnsafeRawBufferPointer) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(value)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// An integer value; a decimal string from ±2^53 on.
    public mutating func integer(_ value: Int64) {
        guard value.magnitude < Self.integerLimit.magnitude else { return decimal(value) }
        separate()
        appendDigits(value)
        needsComma = true
    }

    /// An integer as a decimal string, always: `"t":"1790000000000000000"`.
    public mutating func decimal(_ value: Int64) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        appendDigits(value)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// `true` or `false`
    public mutating func bool(_ value: Bool) { word(value ? "true" : "false") }

    /// `null`
    public mutating func null() { word("null") }

    /// A member whose value is a string.
    public mutating func string(_ key: StaticString, _ value: String) {
        self.key(key)
        string(value)
    }

    /// A member whose value is an integer; a decimal string from ±2^53 on.
    public mutating func integer(_ key: StaticString, _ value: Int64) {
        self.key(key)
        integer(value)
    }

    /// A member whose value is `true` or `false`.
    public mutating func bool(_ key: StaticString, _ value: Bool) {
        self.key(key)
        bool(value)
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func word(_ word: StaticString) {
        separate()
        append(word)
        needsComma = true
    }

    /// As it is: the caller has made sure that it is JSON.
    mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ text: UnsafeRawBufferPointer) { bytes.append(contentsOf: text) }

    mutating func appendHexadecimal(_ value: UInt16) {
        let digit = UInt8(truncatingIfNeeded: value & 0xf)
        bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }

    private mutating func appendDigits(_ value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let first = bytes.count
        var rest = value.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[first...].reverse()
    }
}
