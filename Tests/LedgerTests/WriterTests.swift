import Foundation
import JSON
import Ledger
import Linux
import Testing

@Suite("writing a ledger") struct WriterTests {
    private let scratch = Scratch()
    private var directory: String { scratch.ledger }

    @Test("a new ledger begins with segment.open, and each line carries its predecessor's digest")
    func chain() throws {
        let writer = try open(directory)
        #expect(writer.report.fold == nil)
        #expect(writer.append(1) == 1)
        #expect(writer.append(2) == 2)
        #expect(writer.flush(within: patience))
        #expect(writer.status.durable == 2)
        #expect(writer.close(within: patience))
        let file = try read("\(directory)/00000000000000000000.jsonl")
        let texts = file.split(separator: 0x0a).map { Array($0) + [0x0a] }
        #expect(texts.count == 3)
        var previous = String(repeating: "0", count: 64)
        for (number, text) in texts.enumerated() {
            let line = try JSONValue.parse(text, limit: 4_096)
            #expect(line["prev"]?.string == previous)
            #expect(line["seq"]?.integer == Int64(number))
            #expect(line["boot"]?.string == bootID)
            previous = text.withUnsafeBytes { SHA256().digest(of: $0) }.text
        }
        let keys = try lines(directory).map { $0.object?.map(\.key) ?? [] }
        let head = ["prev", "seq", "t", "bt", "boot", "ev"]
        #expect(
            keys[0] == head + ["synced", "v", "origin", "first", "prev_file", "seal"])
        #expect(keys[1].starts(with: head))
        let report = try verify(directory)
        #expect(report.verdict == .sound)
        #expect(report.records == 3)
        #expect(report.head.text == previous)
        #expect(report.origin == writer.report.origin)
        #expect(report.clocksBack == 0 && report.unusualKeys == 0)
    }

    @Test("the first line of each group says that all before it is durable") func synced() throws {
        try makeLedger(directory, 5)
        #expect(try lines(directory).allSatisfy { $0["synced"]?.bool == true })
    }

    @Test("it goes on where it ended, with the same origin, and says what it found") func reopened()
        throws
    {
        try makeLedger(directory, 3)
        let writer = try open(directory, smallSegments())
        #expect(writer.report.fold?.first == 0)
        #expect(writer.report.lastBootID == bootID)
        #expect(writer.report.lastStamp?.wall == 1_790_000_001_000_000_002)
        #expect(writer.report.repairedBytes == 0)
        writer.append(3)
        #expect(writer.close(within: patience))
        #expect(try numbers(directory) == [0, 1, 2, 3])
        #expect(try verify(directory).verdict == .sound)
        #expect(try verify(directory).origin == writer.report.origin)
    }

    @Test("a second writer is refused, and told who the first one is") func busy() throws {
        let writer = try open(directory)
        let error = #expect(throws: LedgerError.self) { try open(directory) }
        #expect(error == .busy(lock: "\(directory)/lock", holder: getpid()))
        #expect(error?.description.contains("process \(getpid())") == true)
        writer.append(1)
        #expect(writer.close(within: patience))
        #expect(try open(directory).close(within: patience))
    }

    @Test("a segment ends at a power of two, and the next begins with what is carried over")
    func rotated() throws {
        let writer = try open(
            directory, smallSegments(8),
            carry: { segment in
                var count = 0
                try? LedgerReader(directory: segment.directory).forEachLine(of: segment) { _ in
                    count += 1
                    return true
                }
                let fields = "\"first\":\(segment.first),\"read\":\(count)"
                return [CarryRecord(event: "carry", fields: Array(fields.utf8))]
            })
        for number in 0..<30 { writer.append(number) }
        #expect(writer.close(within: patience))
        let segments = try LedgerReader(directory: directory).segments()
        #expect(segments.map(\.first) == [0, 8, 16, 24, 32])
        #expect(segments.map(\.end) == [8, 16, 24, 32, .max])
        for segment in segments.dropFirst() {
            var found: [JSONValue] = []
            try LedgerReader(directory: directory).forEachLine(of: segment) { line in
                if let json = try? line.json() { found.append(json) }
                return found.count < 2
            }
            #expect(found[0]["ev"]?.string == "segment.open")
            #expect(found[0]["first"]?.integer == segment.first)
            #expect(found[0]["prev_file"]?.string == segments[Int(segment.first) / 8 - 1].name)
            #expect(found[1]["ev"]?.string == "carry")
            #expect(found[1]["read"]?.integer == 8)
        }
        #expect(try numbers(directory) == Array(0..<30))
        #expect(try verify(directory).verdict == .sound)
    }

    @Test("more to carry over than one write holds is still one whole segment") func muchCarried()
        throws
    {
        let fields = Array("\"pad\":\"\(String(repeating: "x", count: 900))\"".utf8)
        let writer = try open(
            directory, smallSegments(4),
            carry: { segment in
                (0..<(segment.first == 0 ? 1_000 : 0)).map { _ in
                    CarryRecord(event: "carry", fields: fields)
                }
            })
        for number in 0..<8 { writer.append(number) }
        #expect(writer.close(within: patience))
        #expect(try numbers(directory) == Array(0..<8))
        let report = try verify(directory)
        #expect(report.verdict == .sound)
        #expect(report.records > 1_008)
        // Nothing of the carried records was durable before all were.
        #expect(
            try lines(directory).filter { $0["ev"]?.string == "carry" && $0["synced"] != nil }
                .isEmpty)
    }

    @Test("keys that do not fit a line are told by length and digest, to the exact byte")
    func longLine() throws {
        let writer = try open(directory)
        // One group: a line that tells what is durable has less room.
        writer.together {
            for length in 3_800...4_000 {
                writer.append(
                    fields: Array("\"p\":\"\(String(repeating: "x", count: length))\"".utf8))
            }
        }
        let huge = [UInt8](repeating: 0x78, count: 3 << 20)
        #expect(writer.append(fields: huge) != nil)
        #expect(writer.close(within: patience))
        let file = try read("\(directory)/00000000000000000000.jsonl")
        let lengths = file.split(separator: 0x0a).map { $0.count + 1 }
        #expect(lengths.max() == 4_096)
        let values = try lines(directory)
        #expect(values.count == 203)
        let withheld = values.filter { $0["withheld"]?.string == "too long" }
        #expect(withheld.count > 20 && withheld.count < 200)
        #expect(withheld.last?["bytes"]?.integer == 3 << 20)
        #expect(
            withheld.last?["sha256"]?.string
                == huge.withUnsafeBytes { SHA256().digest(of: $0) }.text)
        #expect(try verify(directory).verdict == .sound)
    }

    @Test("keys that are not printable ASCII never reach the file") func unprintable() throws {
        let writer = try open(directory)
        for byte in [0x00, 0x0a, 0x1f, 0x7f, 0x80, 0xff] as [UInt8] {
            writer.append(fields: Array("\"p\":\"".utf8) + [byte] + Array("\"".utf8))
        }
        #expect(writer.close(within: patience))
        #expect(try lines(directory).filter { $0["withheld"]?.string == "not ASCII" }.count == 6)
        #expect(try verify(directory).verdict == .sound)
    }

    @Test("CLOCK_BOOTTIME never goes back within a boot, and begins anew with the next")
    func lifted() throws {
        let writer = try open(directory)
        writer.append(fields: [], at: 500)
        writer.append(fields: [], at: 100)
        #expect(writer.close(within: patience))
        let again = try open(directory, bootID: String(repeating: "c", count: 32))
        again.append(fields: [], at: 50)
        #expect(again.close(within: patience))
        let boots = try lines(directory).compactMap { $0["bt"]?.string }
        #expect(boots.suffix(3) == ["77001000500", "77001000500", "77001000050"])
        #expect(try verify(directory).clocksBack == 2, "t went back twice; that is a note")
        #expect(try verify(directory).verdict == .sound)
    }

    @Test("the queue's bound loses the newest, and a gap tells how many and which") func queueFull()
        throws
    {
        let disk = FaultyDisk()
        var options = LedgerOptions()
        options.disk = disk
        options.retryInterval = 3_600_000_000_000
        let writer = try open(directory, options)
        disk.fail(.init(at: 0, count: .max, code: ENOSPC))
        writer.append(0)
        #expect(isReadable(writer.wakeUp.raw), "a degraded state wakes the loop")
        var tickets = 0
        var lost: [Int] = []
        for number in 1..<(LedgerLimits.queueRecords + 101) {
            if writer.append(number) == nil { lost.append(number) } else { tickets += 1 }
        }
        #expect(tickets == LedgerLimits.queueRecords)
        #expect(lost.count == 100)
        #expect(writer.status.lost == 100)
        #expect(!writer.flush(within: patience))
        disk.fail(nil)
        #expect(writer.flush(within: patience))
        #expect(writer.status.state == .sound)
        writer.append(9_999)
        #expect(writer.close(within: patience))
        #expect(try numbers(directory) == Array(0...Int64(LedgerLimits.queueRecords)) + [9_999])
        let values = try lines(directory)
        let gap = values.first { $0["ev"]?.string == "ledger.gap" }
        #expect(gap?["lost"]?.integer == 100)
        let base: Int64 = 1_790_000_001_000_000_000
        #expect(gap?["first"]?.string == "\(base + Int64(lost[0]))")
        #expect(gap?["last"]?.string == "\(base + Int64(lost[99]))")
        let bodies = lost.map { "\"ev\":\"test.step\",\"number\":\($0),\"pad\":\"\"\n" }.joined()
        #expect(
            gap?["sha256"]?.string
                == Array(bodies.utf8).withUnsafeBytes { SHA256().digest(of: $0) }.text)
        #expect(values[values.count - 2]["ev"]?.string == "ledger.gap")
        let report = try verify(directory)
        #expect(report.verdict == .gap)
        #expect(report.gaps == 1)
    }

    @Test("the loop is woken when it asked, once, and not by other commits") func notified() throws
    {
        let writer = try open(directory)
        let first = try #require(writer.append(1))
        #expect(writer.flush(within: patience))
        #expect(writer.notify(at: first), "durable already")
        #expect(!writer.wakeUp.clear())
        let disk = Int64(first) + 3
        #expect(!writer.notify(at: UInt64(disk)))
        writer.append(2)
        #expect(writer.flush(within: patience))
        #expect(!writer.wakeUp.clear(), "not the ticket that was asked for")
        writer.append(3)
        writer.append(4)
        #expect(isReadable(writer.wakeUp.raw))
        #expect(writer.wakeUp.clear())
        writer.append(5)
        #expect(writer.flush(within: patience))
        #expect(!writer.wakeUp.clear())
        #expect(writer.close(within: patience))
    }

    @Test("what is appended together is one group, even while the writer is at work")
    func together() throws {
        let writer = try open(directory)
        for round in 0..<20 {
            writer.append(round, "test.alone")
            writer.together { for number in 0..<50 { writer.append(number) } }
        }
        writer.together {
            writer.append(1, "test.alone")
            #expect(writer.flush(within: patience), "a flush does not wait for itself")
        }
        #expect(writer.close(within: patience))
        let synced = try lines(directory).filter { $0["synced"] != nil }
        #expect(synced.allSatisfy { $0["ev"]?.string != "test.step" || $0["number"]?.integer == 0 })
    }

    @Test("records after closing are lost, not written behind the lock's back") func closed() throws
    {
        let writer = try open(directory)
        #expect(writer.close(within: patience))
        #expect(writer.append(1) == nil)
        #expect(try numbers(directory) == [])
    }

    @Test("the tail is the last lines, over segments") func tail() throws {
        try makeLedger(directory, 30)
        let all = try LedgerReader(directory: directory).segments().flatMap {
            try read($0.path).split(separator: 0x0a).map { Array($0) + [0x0a] }
        }
        for count in [0, 1, 2, 7, 8, 9, 20, all.count, 1_000_000] {
            #expect(
                try LedgerReader(directory: directory).tail(count) == Array(all.suffix(count)))
        }
    }
}
