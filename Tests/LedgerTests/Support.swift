import Foundation
import Glibc
import JSON
import Ledger
import Linux

/// A directory of its own for a test, gone with the object.
final class Scratch {
    let path: String
    /// In memory as a rule: thousands of small ledgers need not wait for a disk.
    init(in parent: String = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") {
        var template = Array("\(parent)/regen-ledger-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var ledger: String { "\(path)/ledger" }
}

/// A clock that counts.
final class CountingClock: @unchecked Sendable {
    private let condition = Condition()
    private var ticks: Int64 = 0
    func read() -> Stamp {
        condition.locked {
            ticks += 1
            return Stamp(wall: 1_790_000_000_000_000_000 + ticks, boot: 77_000_000_000 + ticks)
        }
    }
}

let bootID = "0123456789abcdef0123456789abcdef"
let patience: Int64 = 60_000_000_000

func open(
    _ directory: String, _ options: LedgerOptions = LedgerOptions(), bootID: String = bootID,
    clock: CountingClock = CountingClock(),
    carry: @escaping @Sendable (LedgerSegment) -> [CarryRecord] = { _ in [] }
) throws(LedgerError) -> LedgerWriter {
    try LedgerWriter(
        opening: directory, bootID: bootID, options: options, clock: { clock.read() }, carry: carry)
}

func smallSegments(_ records: Int64 = 8) -> LedgerOptions {
    var options = LedgerOptions()
    options.segmentRecords = records
    return options
}

extension LedgerWriter {
    @discardableResult
    func append(_ number: Int, _ event: StaticString = "test.step", padding: Int = 0) -> UInt64? {
        let fields = Array(
            "\"number\":\(number),\"pad\":\"\(String(repeating: "*J", count: padding))\"".utf8)
        return append(fields: fields, event, at: number)
    }

    @discardableResult
    func append(fields: [UInt8], _ event: StaticString = "test.step", at tick: Int = 0) -> UInt64? {
        fields.withUnsafeBytes {
            append(
                event: event, fields: $0,
                stamp: Stamp(
                    wall: 1_790_000_001_000_000_000 + Int64(tick),
                    boot: 77_001_000_000 + Int64(tick)))
        }
    }
}

/// A ledger of `count` numbered records, each durable before the next.
func makeLedger(_ directory: String, _ count: Int, _ options: LedgerOptions = smallSegments())
    throws
{
    let writer = try open(directory, options)
    for number in 0..<count {
        writer.append(number, padding: number % 5 == 0 ? 3 : 0)
        _ = writer.flush(within: patience)
    }
    _ = writer.close(within: patience)
}

func lines(_ directory: String) throws -> [JSONValue] {
    var lines: [JSONValue] = []
    try LedgerReader(directory: directory).forEachLine { line in
        if let json = try? line.json() { lines.append(json) }
        return true
    }
    return lines
}

/// The numbers of the numbered records.
func numbers(_ directory: String) throws -> [Int64] {
    try lines(directory).compactMap { $0["number"]?.integer }
}

func verify(_ directory: String) throws -> LedgerReport {
    try LedgerVerifier(directory: directory).verify()
}

func read(_ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
}

func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
}

/// Every file of a directory, to put it back as it was.
struct Snapshot {
    var files: [(name: String, bytes: [UInt8])]

    init(_ directory: String) throws {
        files = try LedgerReader(directory: directory).segments().map {
            ($0.name, try LedgerTests.read($0.path))
        }
    }

    func restore(_ directory: String) throws {
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        for file in files { try write(file.bytes, to: "\(directory)/\(file.name)") }
    }
}

/// A disk that fails as it is told, and counts what it is asked.
final class FaultyDisk: LedgerDisk, @unchecked Sendable {
    struct Plan {
        /// The call, counted from 0, that fails first.
        var at: Int
        /// How many calls fail from there on.
        var count = 1
        var code: Int32
        /// How much of a write goes through before it fails.
        var partial = 0
    }

    private let kernel = KernelDisk()
    private let condition = Condition()
    private var plan: Plan?
    private var counter = 0
    private var spoiled: Set<UInt64> = []
    private var operations: [String] = []
    private(set) var touchedSpoiled = false

    /// Calls are counted from 0 again.
    func fail(_ plan: Plan?) {
        condition.locked {
            self.plan = plan
            counter = 0
        }
    }

    var calls: Int { condition.locked { counter } }

    /// What it was asked, in order: an operation and a path.
    var asked: [String] { condition.locked { operations } }

    private func ask(_ operation: String) throws(SystemError) {
        let error: SystemError? = condition.locked {
            defer { counter += 1 }
            operations.append(operation)
            guard let plan, counter >= plan.at, counter - plan.at < plan.count else { return nil }
            return SystemError(plan.code, operation)
        }
        if let error { throw error }
    }

    private func inode(_ file: borrowing File) -> UInt64 {
        var status = stat()
        fstat(file.raw, &status)
        return UInt64(status.st_ino)
    }

    private func check(_ file: borrowing File) {
        let inode = inode(file)
        condition.locked { if spoiled.contains(inode) { touchedSpoiled = true } }
    }

    func create(_ path: String) throws(SystemError) -> File {
        try ask("create \(path)")
        let file = try kernel.create(path)
        let inode = inode(file)
        _ = condition.locked { spoiled.remove(inode) }
        return file
    }

    func write(
        _ bytes: UnsafeRawBufferPointer, to file: borrowing File, at offset: Int64
    ) throws(SystemError) -> Int {
        check(file)
        do {
            try ask("write \(file.path)")
        } catch {
            let partial = condition.locked { plan?.partial ?? 0 }
            let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(partial))
            if partial > 0 { _ = try kernel.write(part, to: file, at: offset) }
            throw error
        }
        return try kernel.write(bytes, to: file, at: offset)
    }

    func synchronize(_ file: borrowing File) throws(SystemError) {
        check(file)
        do {
            try ask("fdatasync \(file.path)")
        } catch {
            let inode = inode(file)
            _ = condition.locked { spoiled.insert(inode) }
            throw error
        }
        try kernel.synchronize(file)
    }

    func truncate(_ file: borrowing File, to size: Int64) throws(SystemError) {
        check(file)
        try ask("truncate \(file.path)")
        try kernel.truncate(file, to: size)
    }

    func allocate(_ file: borrowing File, _ size: Int64) throws(SystemError) {
        try ask("allocate \(file.path)")
        try kernel.allocate(file, size)
    }

    func rename(_ old: String, to new: String) throws(SystemError) {
        try ask("rename \(old)")
        try kernel.rename(old, to: new)
    }

    func remove(_ path: String) throws(SystemError) {
        try ask("remove \(path)")
        try kernel.remove(path)
    }

    func synchronizeDirectory(_ path: String) throws(SystemError) {
        try ask("fsync \(path)")
        try kernel.synchronizeDirectory(path)
    }
}

/// Waits for a descriptor to become readable, at most ten seconds.
func isReadable(_ raw: Int32, within milliseconds: Int32 = 10_000) -> Bool {
    var entry = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) == 1
}

/// A small seeded generator: a failure comes again with the same seed.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
