import Linux

/// Records on their way to the disk, in memory that is taken once.
final class RecordBatch {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var bytes = 0
    private(set) var count = 0

    /// One record; the pointers are into the batch.
    struct Record {
        var stamp: Stamp
        var event: UnsafeRawBufferPointer
        var fields: UnsafeRawBufferPointer
        /// Where the next record begins.
        var end: Int
    }

    private static let headSize = 24

    init() {
        // Pages that no record reaches are never touched and cost nothing.
        memory = .allocate(byteCount: LedgerLimits.queueBytes, alignment: 16)
    }

    deinit { memory.deallocate() }

    var isEmpty: Bool { count == 0 }

    /// False, and nothing done, when it is full.
    func append(
        event: UnsafeRawBufferPointer, fields: UnsafeRawBufferPointer, stamp: Stamp
    ) -> Bool {
        let size = Self.headSize + event.count + fields.count
        guard count < LedgerLimits.queueRecords, size <= memory.count - bytes,
            let base = memory.baseAddress?.advanced(by: bytes)
        else { return false }
        base.storeBytes(of: stamp.wall, as: Int64.self)
        base.storeBytes(of: stamp.boot, toByteOffset: 8, as: Int64.self)
        base.storeBytes(of: UInt32(event.count), toByteOffset: 16, as: UInt32.self)
        base.storeBytes(of: UInt32(fields.count), toByteOffset: 20, as: UInt32.self)
        copy(event, to: base + Self.headSize)
        copy(fields, to: base + Self.headSize + event.count)
        bytes += size
        count += 1
        return true
    }

    private func copy(_ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
        if let start = source.baseAddress {
            target.copyMemory(from: start, byteCount: source.count)
        }
    }

    /// The record at `offset`; nil at the end.
    func record(at offset: Int) -> Record? {
        guard offset < bytes, let base = memory.baseAddress?.advanced(by: offset) else {
            return nil
        }
        let event = Int(base.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        let fields = Int(base.loadUnaligned(fromByteOffset: 20, as: UInt32.self))
        let start = UnsafeRawPointer(base + Self.headSize)
        return Record(
            stamp: Stamp(
                wall: base.loadUnaligned(as: Int64.self),
                boot: base.loadUnaligned(fromByteOffset: 8, as: Int64.self)),
            event: UnsafeRawBufferPointer(start: start, count: event),
            fields: UnsafeRawBufferPointer(start: start + event, count: fields),
            end: offset + Self.headSize + event + fields)
    }

    /// Pages beyond these are given back to the kernel when a batch is emptied.
    private static let kept = 64 << 10

    func removeAll() {
        if bytes > Self.kept {
            giveBack(UnsafeMutableRawBufferPointer(rebasing: memory[Self.kept..<bytes]))
        }
        bytes = 0
        count = 0
    }
}
