import Foundation
import Glibc
import JSON
import Ledger
import Linux
import Testing

@Suite("a ledger after a crash") struct CrashTests {
    private let scratch = Scratch()
    private var directory: String { scratch.ledger }

    @Test("a ledger cut at any byte opens again with all whole records, and says so")
    func truncated() throws {
        try makeLedger(directory, 9)
        let snapshot = try Snapshot(directory)
        let newest = snapshot.files[1]
        let ends = newest.bytes.indices.filter { newest.bytes[$0] == 0x0a }.map { $0 + 1 }
        #expect(ends.count == 3)
        for length in 0..<newest.bytes.count {
            try snapshot.restore(directory)
            try write(Array(newest.bytes.prefix(length)), to: "\(directory)/\(newest.name)")
            let isCut = !ends.contains(length)
            #expect(try verify(directory).verdict == (isCut ? .torn : .sound), "at \(length)")
            let writer = try open(directory, smallSegments())
            writer.append(1_000)
            #expect(writer.close(within: patience))
            #expect(writer.report.movedAside == nil)
            let torn = length - (ends.last { $0 <= length } ?? 0)
            #expect(writer.report.repairedBytes == Int64(torn))
            // segment.open is the newest segment's first line, and the first one holds seven numbers.
            let whole = 7 + max(0, ends.filter { $0 <= length }.count - 1)
            #expect(try numbers(directory) == Array(0..<Int64(whole)) + [1_000], "at \(length)")
            let report = try verify(directory)
            #expect(report.verdict == .sound, "at \(length): \(report)")
            #expect(report.remarks.map(\.event) == (torn > 0 ? ["ledger.repair"] : []))
            if torn > 0 { try checkTorn(Array(newest.bytes.prefix(length).suffix(torn))) }
        }
    }

    /// The tail is kept, and the record tells its length and digest.
    private func checkTorn(_ tail: [UInt8]) throws {
        let repair = try #require(
            try lines(directory).first { $0["ev"]?.string == "ledger.repair" })
        let file = try #require(repair["file"]?.string)
        #expect(try read("\(directory)/\(file)") == tail)
        #expect(repair["bytes"]?.integer == Int64(tail.count))
        #expect(
            repair["sha256"]?.string == tail.withUnsafeBytes { SHA256().digest(of: $0) }.text)
        #expect(repair["last"]?.integer.map { $0 + 1 } ?? 0 <= repair["seq"]?.integer ?? -1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/torn").count == 1)
    }

    @Test("a repair that is interrupted at any call is done all the same at the next start")
    func interruptedRepair() throws {
        try makeLedger(directory, 5, smallSegments(64))
        let snapshot = try Snapshot(directory)
        let file = snapshot.files[0]
        let cut = Array(file.bytes.dropLast(10))
        var interrupted = 0
        for call in 0..<100 {
            try snapshot.restore(directory)
            try write(cut, to: "\(directory)/\(file.name)")
            let disk = FaultyDisk()
            disk.fail(.init(at: call, count: .max, code: EIO))
            var options = smallSegments(64)
            options.disk = disk
            options.retryInterval = 3_600_000_000_000
            let first = try? open(directory, options)
            _ = first?.close(within: patience)
            if disk.calls > call { interrupted += 1 }
            let writer = try open(directory, smallSegments(64))
            writer.append(1_000)
            #expect(writer.close(within: patience))
            #expect(try numbers(directory) == [0, 1, 2, 3, 1_000])
            let report = try verify(directory)
            #expect(report.verdict == .sound)
            let repairs = report.remarks.filter { $0.event == "ledger.repair" }.count
            #expect(repairs == 1, "interrupted at call \(call)")
            try checkTorn(Array(cut.suffix(cut.count - (cut.lastIndex(of: 0x0a)! + 1))))
            if disk.calls <= call { break }
        }
        #expect(interrupted > 8 && interrupted < 100)
    }

    @Test("zeros behind the last line, as some file systems leave them, are a torn tail")
    func zeros() throws {
        try makeLedger(directory, 2)
        let path = "\(directory)/00000000000000000000.jsonl"
        try write(try read(path) + [UInt8](repeating: 0, count: 300_000), to: path)
        #expect(try verify(directory).verdict == .torn)
        let writer = try open(directory)
        #expect(writer.report.repairedBytes == 300_000)
        #expect(writer.close(within: patience))
        #expect(try verify(directory).verdict == .sound)
        #expect(try numbers(directory) == [0, 1])
    }

    @Test("a whole line that does not fit is never cut: the ledger moves aside as it is")
    func movedAside() throws {
        try makeLedger(directory, 6, smallSegments(64))
        let path = "\(directory)/00000000000000000000.jsonl"
        let sound = try verify(directory)
        var bytes = try read(path)
        let last = bytes.dropLast().lastIndex(of: 0x0a)! + 1
        bytes[last + 20] = bytes[last + 20] == 0x30 ? 0x31 : 0x30
        try write(bytes, to: path)
        for number in 1...2 {
            let writer = try open(directory, smallSegments(64))
            let aside = "\(directory).broken-\(number)"
            #expect(writer.report.movedAside == aside)
            #expect(writer.report.fold == nil)
            #expect(writer.report.origin != sound.origin)
            writer.append(7)
            #expect(writer.close(within: patience))
            #expect(try read("\(aside)/00000000000000000000.jsonl") == bytes)
            let broken = try lines(directory)[1]
            #expect(broken["ev"]?.string == "ledger.broken")
            #expect(broken["directory"]?.string == aside)
            #expect(broken["size"]?.integer == 6)
            #expect(broken["head"]?.string?.utf8.count == 64)
            #expect(broken["evidence"]?.string?.contains("prev of line 6") == true)
            if number == 1 { #expect(broken["origin"]?.string == sound.origin) }
            #expect(try verify(directory).verdict == .sound)
            #expect(try numbers(directory) == [7])
            try write(bytes, to: path)
        }
    }

    @Test("a start that ends right behind the move is told by the next one") func movedThenKilled()
        throws
    {
        try makeLedger(directory, 2)
        try FileManager.default.moveItem(atPath: directory, toPath: "\(directory).broken-1")
        #expect(try open(directory).close(within: patience))
        #expect(try lines(directory)[1]["ev"]?.string == "ledger.broken")
        #expect(try open(directory).close(within: patience))
        #expect(try lines(directory).count == 2, "told once")
    }

    @Test("garbage without a single line is no ledger of ours, and is kept") func allGarbage()
        throws
    {
        mkdir(directory, 0o700)
        let junk = Array("not a ledger\nat all\n".utf8)
        try write(junk, to: "\(directory)/00000000000000000000.jsonl")
        let writer = try open(directory)
        #expect(writer.report.movedAside == "\(directory).broken-1")
        #expect(writer.close(within: patience))
        #expect(try read("\(directory).broken-1/00000000000000000000.jsonl") == junk)
    }

    @Test("a segment that was never finished is no segment") func temporary() throws {
        try makeLedger(directory, 2)
        try write([0x7b], to: "\(directory)/00000000000000000003.jsonl.tmp")
        #expect(try verify(directory).verdict == .sound)
        #expect(try open(directory).close(within: patience))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
                == ["00000000000000000000.jsonl", "lock", "reserve"])
    }

    @Test("what a killed writer left in memory is on the disk before a line says so")
    func leftInMemory() throws {
        try makeLedger(directory, 2, smallSegments(64))
        let disk = FaultyDisk()
        var options = smallSegments(64)
        options.disk = disk
        let writer = try open(directory, options)
        writer.append(2)
        #expect(writer.close(within: patience))
        let path = "\(directory)/00000000000000000000.jsonl"
        let asked = disk.asked
        let write = try #require(asked.firstIndex(of: "write \(path)"))
        #expect(asked[..<write].contains("fdatasync \(path)"), "\(asked)")
        #expect(asked[..<write].contains("fsync \(directory)"), "\(asked)")
    }

    @Test("where that cannot be flushed, what comes is in a file of its own", arguments: [0, 1])
    func cannotBeFlushed(call: Int) throws {
        try makeLedger(directory, 2, smallSegments(64))
        let disk = FaultyDisk()
        var options = smallSegments(64)
        options.disk = disk
        let writer = try open(directory, options)
        disk.fail(.init(at: call, code: EIO))
        writer.append(2)
        #expect(writer.close(within: patience))
        #expect(!disk.touchedSpoiled)
        #expect(try numbers(directory) == [0, 1, 2])
        #expect(try verify(directory).verdict == .sound)
        let openings = try lines(directory).filter { $0["ev"]?.string == "segment.open" }
        #expect(openings.map { $0["abandoned"]?.string } == [nil, "00000000000000000000.jsonl"])
    }

    @Test("kill -9 at any moment loses no acknowledged record", .timeLimit(.minutes(20)))
    func killed() throws {
        // The test bundle lies beside the executables.
        let bundle = try #require(CommandLine.arguments.first { $0.contains(".xctest") })
        let build = bundle.components(separatedBy: "/regenPackageTests.xctest")[0]
        let soak = "\(build)/ledger-soak"
        try #require(access(soak, X_OK) == 0, "no \(soak)")
        var random = SplitMix(seed: 99)
        let disk = Scratch(in: "/tmp")
        let directory = disk.ledger
        var repaired = 0
        var total: UInt64 = 0
        for round in 0..<100 {
            let acknowledged = try killed(
                soak, directory, behind: Int.random(in: 0..<20, using: &random),
                microseconds: UInt32.random(in: 0..<4_000, using: &random))
            guard access(directory, F_OK) == 0 else { continue }
            total += acknowledged
            let writer = try open(directory, smallSegments(512), bootID: "b\(bootID.dropFirst())")
            #expect(writer.close(within: patience))
            #expect(writer.report.movedAside == nil)
            if writer.report.repairedBytes > 0 { repaired += 1 }
            let found = try numbers(directory)
            #expect(found.count >= acknowledged, "round \(round): \(acknowledged) acknowledged")
            #expect(found == Array(1..<Int64(found.count + 1)))
            #expect(try verify(directory).verdict == .sound)
            try FileManager.default.removeItem(atPath: directory)
        }
        #expect(total > 1_000)
        print("kill -9: \(total) acknowledged records, \(repaired) torn tails, 100 rounds")
    }

    /// Starts the soak, kills it a while behind so many acknowledgements, and returns how many
    /// records it had acknowledged by then.
    private func killed(
        _ soak: String, _ directory: String, behind count: Int, microseconds: UInt32
    ) throws -> UInt64 {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        defer { posix_spawn_file_actions_destroy(&actions) }
        var pid: pid_t = 0
        let arguments = [strdup(soak), strdup(directory), nil]
        defer { for argument in arguments { free(argument) } }
        #expect(posix_spawn(&pid, soak, &actions, nil, arguments, nil) == 0)
        close(ends[1])
        var acknowledged: UInt64 = 0
        var value: UInt64 = 0
        for _ in 0..<count where Glibc.read(ends[0], &value, 8) == 8 { acknowledged = value }
        // The moment is what the test is about, so nothing is waited for.
        usleep(microseconds)
        kill(pid, SIGKILL)
        while Glibc.read(ends[0], &value, 8) == 8 { acknowledged = value }
        close(ends[0])
        waitpid(pid, nil, 0)
        return acknowledged
    }
}
