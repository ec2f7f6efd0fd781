import Foundation
import Glibc
import JSON
import Ledger
import Linux
import Testing

@Suite("a disk that refuses") struct DiskTests {
    private let scratch = Scratch()
    private var directory: String { scratch.ledger }

    struct Trouble: CustomTestStringConvertible {
        var code: Int32
        var count: Int
        var partial: Int
        var testDescription: String {
            "\(String(cString: strerror(code))), \(count) times, behind \(partial) bytes"
        }
    }

    /// One error, a few, and one that stays until it is lifted; with and without a part written.
    static let troubles: [Trouble] = [ENOSPC, EDQUOT, EROFS, EIO].flatMap { code in
        [1, 2, 3, 1_000_000].flatMap { count in
            [0, 100].map { Trouble(code: code, count: count, partial: $0) }
        }
    }

    @Test(
        "an error at any call loses nothing that was acknowledged, and nothing at all in the end",
        arguments: troubles)
    func anyCall(trouble: Trouble) throws {
        for call in 0..<60 {
            try? FileManager.default.removeItem(atPath: directory)
            let disk = FaultyDisk()
            var options = smallSegments(4)
            options.disk = disk
            options.retryInterval = 3_600_000_000_000
            let writer = try open(
                directory, options,
                carry: { _ in [CarryRecord(event: "carry", fields: Array("\"a\":1".utf8))] })
            disk.fail(
                .init(at: call, count: trouble.count, code: trouble.code, partial: trouble.partial))
            for number in 0..<6 {
                writer.append(number)
                let isDurable = writer.flush(within: patience)
                let status = writer.status
                #expect(isDurable == (status.durable == status.appended))
                #expect(try Int(status.durable) <= numbers(directory).count)
                #expect(isAnswered(writer), "an error is an answer")
            }
            let wasReached = disk.calls > call
            disk.fail(nil)
            #expect(writer.flush(within: patience))
            #expect(writer.status.state == .sound)
            #expect(writer.close(within: patience))
            #expect(!disk.touchedSpoiled, "a descriptor was used behind a failed fdatasync")
            #expect(try numbers(directory) == Array(0..<6), "at call \(call)")
            let report = try verify(directory)
            #expect(report.verdict == .sound, "at call \(call): \(report)")
            let again = try open(directory, smallSegments(4))
            #expect(again.close(within: patience))
            #expect(again.report.repairedBytes == 0 && again.report.movedAside == nil)
            if !wasReached { return }
        }
        Issue.record("sixty calls were not enough to come to the end")
    }

    /// The writer may just be asking again: the question does not stay open.
    private func isAnswered(_ writer: LedgerWriter) -> Bool {
        for _ in 0..<100_000 {
            if writer.status.atDiskSince == nil { return true }
            usleep(100)
        }
        return false
    }

    @Test("behind a failed fdatasync the records are numbered anew in another file, which says so")
    func abandoned() throws {
        let disk = FaultyDisk()
        var options = LedgerOptions()
        options.disk = disk
        let writer = try open(directory, options)
        writer.append(0)
        #expect(writer.flush(within: patience))
        disk.fail(.init(at: 1, code: EIO))
        writer.append(1)
        #expect(writer.flush(within: patience))
        writer.append(2)
        #expect(writer.close(within: patience))
        let segments = try LedgerReader(directory: directory).segments()
        #expect(segments.map(\.first) == [0, 2])
        let opening = try lines(directory).last { $0["ev"]?.string == "segment.open" }
        #expect(opening?["first"]?.integer == 2)
        #expect(opening?["abandoned"]?.string == segments[0].name)
        #expect(try numbers(directory) == [0, 1, 2])
        let report = try verify(directory)
        #expect(report.verdict == .sound)
        #expect(report.abandoned.map(\.file) == [segments[0].name])
        #expect(!disk.touchedSpoiled)
    }

    @Test("a full disk is told once, and the reserve is there again when it is over") func told()
        throws
    {
        let disk = FaultyDisk()
        var options = LedgerOptions()
        options.disk = disk
        options.retryInterval = 1_000_000
        let writer = try open(directory, options)
        disk.fail(.init(at: 0, count: 40, code: ENOSPC))
        writer.append(0)
        while writer.status.state == .sound, writer.status.durable == 0 {
            #expect(isReadable(writer.wakeUp.raw))
            writer.wakeUp.clear()
        }
        while writer.status.state != .sound {
            #expect(isReadable(writer.wakeUp.raw), "the state changes without being asked")
            writer.wakeUp.clear()
        }
        #expect(writer.close(within: patience))
        let told = try lines(directory).filter { $0["ev"]?.string == "ledger.enospc" }
        #expect(told.count == 1)
        #expect(told.first?["code"]?.integer == Int64(ENOSPC))
        #expect(try read("\(directory)/reserve").count == Int(LedgerLimits.reserve))
        #expect(try numbers(directory) == [0])
        #expect(try verify(directory).verdict == .sound)
    }

    @Test(
        "an open that the disk refuses says what and where",
        arguments: [EIO, ENOSPC, EROFS, EACCES])
    func refused(code: Int32) throws {
        let disk = FaultyDisk()
        disk.fail(.init(at: 0, count: .max, code: code))
        var options = LedgerOptions()
        options.disk = disk
        let error = #expect(throws: LedgerError.self) { try open(directory, options) }
        guard case .refused(let cause) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(cause.code == code)
        #expect(error?.description.contains(scratch.path) == true)
    }

    @Test("a state directory that is not there is said by name") func noParent() {
        let error = #expect(throws: LedgerError.self) { try open("\(directory)/deep/er") }
        #expect(error?.description.contains("mkdir \(directory)/deep/er: No such file") == true)
    }

    // MARK: Real file systems

    static let mayMount = geteuid() == 0

    private func mount(_ options: String) throws -> String {
        let point = "\(scratch.path)/disk"
        mkdir(point, 0o700)
        try #require(run("mount", "-t", "tmpfs", "-o", options, "tmpfs", point) == 0)
        return point
    }

    private func run(_ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    @Test(
        "a really full disk: the reserve holds the news, the queue the rest, and nothing is lost",
        .enabled(if: mayMount, "mounting a tmpfs takes root"))
    func reallyFull() throws {
        let point = try mount("size=768k")
        defer { _ = try? run("umount", point) }
        var options = LedgerOptions()
        options.retryInterval = 3_600_000_000_000
        let writer = try open("\(point)/ledger", options)
        var number: Int64 = 0
        while writer.status.state == .sound {
            for _ in 0..<50 {
                writer.append(Int(number), padding: 40)
                number += 1
            }
            _ = writer.flush(within: patience)
            try #require(number < 20_000)
        }
        let told = try lines("\(point)/ledger").filter { $0["ev"]?.string == "ledger.enospc" }
        #expect(told.count == 1, "the reserve was for this")
        while writer.flush(within: patience) {
            for _ in 0..<50 {
                writer.append(Int(number), padding: 40)
                number += 1
            }
        }
        #expect(try UInt64(numbers("\(point)/ledger").count) == writer.status.durable)
        #expect(writer.status.durable < writer.status.appended)
        #expect([.sound, .torn].contains(try verify("\(point)/ledger").verdict))
        #expect(try run("mount", "-o", "remount,size=4m", point) == 0)
        #expect(writer.flush(within: patience))
        #expect(writer.status.state == .sound)
        #expect(writer.close(within: patience))
        #expect(try numbers("\(point)/ledger") == Array(0..<number))
        #expect(try verify("\(point)/ledger").verdict == .sound)
        #expect(try read("\(point)/ledger/reserve").count == Int(LedgerLimits.reserve))
    }

    @Test(
        "a read-only disk is refused at the start, by name",
        .enabled(if: mayMount, "mounting a tmpfs takes root"))
    func reallyReadOnly() throws {
        let point = try mount("size=1m")
        defer { _ = try? run("umount", point) }
        try makeLedger("\(point)/ledger", 2)
        #expect(try run("mount", "-o", "remount,ro", point) == 0)
        let error = #expect(throws: LedgerError.self) { try open("\(point)/ledger") }
        #expect(error == .refused(SystemError(EROFS, "open \(point)/ledger/lock")))
        #expect(try verify("\(point)/ledger").verdict == .sound, "reading needs no writing")
    }

    @Test(
        "a disk that is full from the start is refused, by name",
        .enabled(if: mayMount, "mounting a tmpfs takes root"))
    func fullFromTheStart() throws {
        let point = try mount("size=16k")
        defer { _ = try? run("umount", point) }
        _ = try run("dd", "if=/dev/zero", "of=\(point)/fill", "status=none")
        let error = #expect(throws: LedgerError.self) { try open("\(point)/ledger") }
        #expect(error?.description.contains("No space left on device") == true)
    }
}
