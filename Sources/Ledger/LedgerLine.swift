public import JSON

/// A line in a reader's buffer: valid only during the call that hands it over.
public struct LedgerLine {
    /// From `{` through LF.
    public let bytes: UnsafeRawBufferPointer
    /// The number that the line says it has.
    public let sequence: Int64
    /// Where it begins in its file.
    public let offset: Int64
    private let prefixEnd: Int

    /// Nil when the bytes do not begin as a line.
    init?(_ bytes: UnsafeRawBufferPointer, offset: Int64) {
        guard let sequence = LineForm.sequence(of: bytes) else { return nil }
        self.bytes = bytes
        self.sequence = sequence.value
        self.offset = offset
        prefixEnd = sequence.end
    }

    /// Where the keys stand that the writer keeps in every line.
    struct Keys {
        var wall: Range<Int>
        var boot: Range<Int>
        var bootID: Range<Int>
        var event: Range<Int>
    }

    /// Nil when the keys are not there in the writer's order.
    var keys: Keys? {
        var cursor = prefixEnd
        guard let wall = value(behind: ",\"t\":\"", &cursor),
            let boot = value(behind: "\",\"bt\":\"", &cursor),
            let bootID = value(behind: "\",\"boot\":\"", &cursor),
            let event = value(behind: "\",\"ev\":\"", &cursor)
        else { return nil }
        return Keys(wall: wall, boot: boot, bootID: bootID, event: event)
    }

    /// The range of the text behind `key` up to the next quote, where the cursor then stands.
    private func value(behind key: StaticString, _ cursor: inout Int) -> Range<Int>? {
        let start = cursor + key.utf8CodeUnitCount
        guard contains(key, at: cursor) else { return nil }
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += 1 }
        cursor = end
        return end < bytes.count ? start..<end : nil
    }

    private func contains(_ text: StaticString, at index: Int) -> Bool {
        let count = text.utf8CodeUnitCount
        guard index + count <= bytes.count else { return false }
        for step in 0..<count where bytes[index + step] != text.utf8Start[step] { return false }
        return true
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    /// Both clocks as recorded.
    public var stamp: Stamp? {
        guard let keys, let wall = Int64(text(keys.wall)), let boot = Int64(text(keys.boot)) else {
            return nil
        }
        return Stamp(wall: wall, boot: boot)
    }

    /// The boot in which it was recorded, 32 hexadecimal digits.
    public var bootID: String? { keys.map { text($0.bootID) } }

    /// The event's name.
    public var event: String? { keys.map { text($0.event) } }

    /// Whether the event has this name, without making a string of it.
    public func isEvent(_ name: StaticString) -> Bool {
        guard let range = keys?.event, range.count == name.utf8CodeUnitCount else { return false }
        return contains(name, at: range.lowerBound)
    }

    /// Whether everything before this line was durable when it was written.
    var isSynced: Bool {
        keys.map { contains("\",\"synced\":true", at: $0.event.upperBound) } ?? false
    }

    /// The line as a tree.
    public func json() throws(JSONError) -> JSONValue {
        try JSONValue.parse(bytes, limit: LedgerLimits.line)
    }
}
