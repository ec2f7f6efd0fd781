import JSON

/// Where a chain stands: what the next line takes over from the ones before.
struct Chain: Equatable {
    /// The next line's number.
    var next: Int64
    /// The digest of the line before.
    var head: Digest
    /// The line's before CLOCK_BOOTTIME; below it no line of this boot goes.
    var boot: Int64

    static let origin = Chain(next: 0, head: .zero, boot: 0)
}

/// Makes lines out of records and chains them, in a buffer for one write.
final class LineComposer {
    private let memory: UnsafeMutableRawBufferPointer
    private var count = 0
    private var marksSynced = false
    private let bootID: [UInt8]
    private let hash = SHA256()
    private(set) var chain: Chain

    /// `bootID`: 32 hexadecimal digits.
    init(chain: Chain, bootID: String) {
        memory = .allocate(byteCount: LedgerLimits.group, alignment: 64)
        self.bootID = Array(bootID.utf8)
        self.chain = chain
    }

    deinit { memory.deallocate() }

    /// The lines so far.
    var lines: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

    /// Whether the longest line would fit.
    var hasRoom: Bool { memory.count - count >= LedgerLimits.line }

    /// Begins a group behind a chain of which all is durable: its first line will say so.
    func begin(behind chain: Chain) {
        self.chain = chain
        count = 0
        marksSynced = true
    }

    /// Forgets the lines, which are written, but goes on with the group.
    func drain() { count = 0 }

    /// Adds a record's line. Keys that would make it too long or unprintable are left out, and told
    /// by length and SHA-256.
    func append(event: UnsafeRawBufferPointer, fields: UnsafeRawBufferPointer, stamp: Stamp) {
        precondition(hasRoom && event.count <= LedgerLimits.event, "the caller looks at the bounds")
        let start = count
        chain.boot = max(chain.boot, stamp.boot)
        appendHead(event: event, wall: stamp.wall)
        let isTooLong = count - start + fields.count + 3 > LedgerLimits.line
        if isTooLong || !LineForm.isPrintable(fields) {
            put(",")
            Self.withheld(fields, isTooLong ? "too long" : "not ASCII", hash).withUnsafeBytes {
                put($0)
            }
        } else if !fields.isEmpty {
            put(",")
            put(fields)
        }
        put("}\n")
        chain.head = hash.digest(of: UnsafeRawBufferPointer(rebasing: memory[start..<count]))
        chain.next += 1
    }

    /// The same for an event and keys of the writer's own.
    func append(event: StaticString, fields: [UInt8], stamp: Stamp) {
        let event = UnsafeRawBufferPointer(start: event.utf8Start, count: event.utf8CodeUnitCount)
        fields.withUnsafeBytes { append(event: event, fields: $0, stamp: stamp) }
    }

    private func appendHead(event: UnsafeRawBufferPointer, wall: Int64) {
        put("{\"prev\":\"")
        chain.head.hexadecimal.withBytes { put($0) }
        put("\",\"seq\":")
        put(chain.next)
        put(",\"t\":\"")
        put(wall)
        put("\",\"bt\":\"")
        put(chain.boot)
        put("\",\"boot\":\"")
        bootID.withUnsafeBytes { put($0) }
        put("\",\"ev\":\"")
        put(event)
        put(marksSynced ? "\",\"synced\":true" : "\"")
        marksSynced = false
    }

    /// What stands in a line instead of keys that cannot: why, and what they were.
    static func withheld(
        _ fields: UnsafeRawBufferPointer, _ reason: String, _ hash: SHA256
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.string("withheld", reason)
        writer.integer("bytes", Int64(fields.count))
        writer.string("sha256", hash.digest(of: fields).text)
        return writer.bytes
    }

    @inline(__always)
    private func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, let base = memory.baseAddress else { return }
        (base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(__always)
    private func put(_ text: StaticString) {
        put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private func put(_ number: Int64) {
        if number < 0 { put("-") }
        var rest = number.magnitude
        var digits = 1
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        rest = number.magnitude
        for index in stride(from: count + digits - 1, through: count, by: -1) {
            memory[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        count += digits
    }
}
