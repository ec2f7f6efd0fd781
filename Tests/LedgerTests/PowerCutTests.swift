import Foundation
import Glibc
import JSON
import Ledger
import Testing

@Suite("a ledger after a power cut") struct LedgerPowerCutTests {
    private let scratch = Scratch()
    private var directory: String { scratch.ledger }
    private var path: String { "\(directory)/00000000000000000000.jsonl" }
    private static let sector = 512

    /// Three records, each durable before the next, and then forty that went to the disk in one write.
    /// Returns all bytes, and where the forty begin.
    private func makeGroup() throws -> (bytes: [UInt8], begin: Int) {
        let writer = try open(directory)
        for number in 0..<3 {
            writer.append(number)
            #expect(writer.flush(within: patience))
        }
        writer.together {
            for number in 3..<43 { writer.append(number, padding: number % 7 * 20) }
        }
        #expect(writer.close(within: patience))
        let bytes = try read(path)
        let synced = try lines(directory).filter { $0["synced"]?.bool == true }
        let first = try #require(synced.last?["seq"]?.integer)
        let ends = bytes.indices.filter { bytes[$0] == 0x0a }
        try #require(first < 10 && ends.count == 44, "the forty are not one write")
        return (bytes, ends[Int(first) - 1] + 1)
    }

    /// What Regen makes of those bytes: what `verify` says, how many were cut, and why not.
    private func reopen(_ bytes: [UInt8]) throws -> (
        verdict: LedgerReport, cut: Int64, evidence: String?
    ) {
        try? FileManager.default.removeItem(atPath: directory)
        try? FileManager.default.removeItem(atPath: "\(directory).broken-1")
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try write(bytes, to: path)
        let report = try verify(directory)
        let writer = try open(directory)
        writer.append(1_000)
        #expect(writer.close(within: patience))
        #expect(try verify(directory).verdict == .sound)
        let broken = try lines(directory).first { $0["ev"]?.string == "ledger.broken" }
        #expect((broken != nil) == (writer.report.movedAside != nil))
        return (report, writer.report.repairedBytes, broken?["evidence"]?.string)
    }

    @Test(
        "whatever sectors of the last write are lost: what is whole before the first lost one stays, the rest is kept aside and told"
    )
    func anySectors() throws {
        let (bytes, begin) = try makeGroup()
        var random = SplitMix(seed: 46)
        var holes = 0
        for round in 0..<400 {
            var left = bytes
            var first = bytes.count
            for sector in begin / Self.sector...(bytes.count - 1) / Self.sector {
                guard Int.random(in: 0..<(round % 9 + 2), using: &random) == 0 else { continue }
                // A sector as it was before has what was durable, and zeros behind it.
                let place =
                    max(
                        begin, sector * Self.sector)..<min(
                        bytes.count, (sector + 1) * Self.sector)
                let junk = place.map { _ in
                    round % 2 == 0 ? 0 : UInt8.random(in: 0x80...0xff, using: &random)
                }
                left.replaceSubrange(place, with: junk)
                first = min(first, place.lowerBound)
            }
            // The length, too, is on the disk sooner or later than what it is the length of.
            if round % 3 == 0 {
                left = Array(left.prefix(Int.random(in: begin...bytes.count, using: &random)))
            }
            if round % 3 == 1 { left += [UInt8](repeating: 0, count: 3 * Self.sector) }
            let whole = left.prefix(first).lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
            if left.dropFirst(first).contains(0x0a) { holes += 1 }
            let found = try reopen(left)
            #expect(found.evidence == nil, "round \(round)")
            #expect(found.cut == Int64(left.count - whole), "round \(round)")
            #expect(found.verdict.verdict == (found.cut > 0 ? .torn : .sound), "round \(round)")
            #expect(found.verdict.records == left.prefix(whole).count { $0 == 0x0a })
            #expect(found.verdict.torn?.offset == (found.cut > 0 ? Int64(whole) : nil))
            let kept = try read(path)
            #expect(kept.starts(with: left.prefix(whole)), "round \(round)")
            let repairs = try lines(directory).filter { $0["ev"]?.string == "ledger.repair" }
            #expect(repairs.map { $0["bytes"]?.integer } == (found.cut > 0 ? [found.cut] : []))
            if let file = repairs.first?["file"]?.string {
                #expect(try read("\(directory)/\(file)") == Array(left.dropFirst(whole)))
            }
        }
        #expect(holes > 100, "\(holes) with whole lines behind the damage")
    }

    @Test("a damage before a line that says that all before it was durable is no power cut's")
    func durable() throws {
        let (bytes, begin) = try makeGroup()
        var left = bytes
        left.replaceSubrange(begin - 100..<begin - 50, with: [UInt8](repeating: 0, count: 50))
        let found = try reopen(left)
        #expect(found.verdict.verdict == .tampered)
        #expect(found.verdict.faultCount == 1)
        #expect(found.evidence?.contains("says that it was durable") == true, "\(found)")
    }

    @Test("a line of the last write that is whole, but not as it was written, is never cut")
    func edited() throws {
        let (bytes, begin) = try makeGroup()
        let end = try #require(bytes[(begin + 300)...].firstIndex(of: 0x0a))
        var left = bytes
        // The last digit of `"number":N` or the like: of good form still.
        let digit = try #require(left[..<end].lastIndex { $0 == UInt8(ascii: "*") || $0 == 0x22 })
        left[digit - 1] = left[digit - 1] == 0x30 ? 0x31 : 0x30
        let found = try reopen(left)
        #expect(found.verdict.verdict == .tampered)
        #expect(found.evidence?.contains("is not the digest of line") == true, "\(found)")
    }

    @Test("an old block of the disk behind the damage vouches for nothing") func oldBlock() throws {
        let (bytes, begin) = try makeGroup()
        let left = bytes + [UInt8](repeating: 0, count: 700) + [0x0a] + bytes.prefix(begin)
        let found = try reopen(left)
        #expect(found.verdict.verdict == .torn)
        #expect(found.cut == Int64(701 + begin))
    }

    @Test("a tail is as long as one write and what a disk adds to it, and not a byte longer")
    func longest() throws {
        let durable = try makeGroup().bytes
        for excess in [0, 1] {
            let tail = [UInt8](repeating: 0, count: Int(LedgerLimits.tornTail) + excess)
            let found = try reopen(durable + tail)
            #expect(found.verdict.verdict == (excess == 0 ? .torn : .tampered))
            #expect(found.cut == (excess == 0 ? LedgerLimits.tornTail : 0))
            #expect((found.evidence == nil) == (excess == 0), "\(found)")
        }
    }

    @Test(
        "a full write that was lost, with the sector and to the block at its ends, is a torn tail"
    )
    func fullWrite() throws {
        let writer = try open(directory)
        for number in 0..<8 {
            writer.append(number, padding: 300)
            #expect(writer.flush(within: patience))
        }
        writer.together {
            for number in 8..<600 { writer.append(number, padding: 300) }
        }
        #expect(writer.close(within: patience))
        let bytes = try read(path)
        var begins: [Int] = []
        try LedgerReader(directory: directory).forEachLine { line in
            if (try? line.json()["synced"]?.bool) == true { begins.append(Int(line.offset)) }
            return true
        }
        let full = try #require(
            zip(begins, begins.dropFirst()).first {
                $1 - $0 > LedgerLimits.group - LedgerLimits.line
            })
        // What a disk writes at once was lost with what had been there before.
        let hole = full.0 / LedgerLimits.sector * LedgerLimits.sector
        try #require(hole > 0 && hole < full.0)
        var left = Array(bytes.prefix(full.1))
        left.replaceSubrange(
            hole..<full.0 + 100, with: [UInt8](repeating: 0, count: full.0 + 100 - hole))
        left += [UInt8](repeating: 0, count: LedgerLimits.block - 1)
        let whole = try #require(left[..<hole].lastIndex(of: 0x0a)) + 1
        let found = try reopen(left)
        #expect(found.verdict.verdict == .torn)
        #expect(found.cut == Int64(left.count - whole))
    }

    @Test("who spoils a line and takes the marks from those behind it has not made a torn tail")
    func stripped() throws {
        let writer = try open(directory)
        for first in stride(from: 0, to: 6_000, by: 5) {
            writer.together { for number in first..<first + 5 { writer.append(number) } }
            #expect(writer.flush(within: patience))
        }
        #expect(writer.close(within: patience))
        var bytes = try read(path)
        let ends = bytes.indices.filter { bytes[$0] == 0x0a }
        bytes[ends[200] - 1] = 0x20
        let mark = Array("\"synced\"".utf8)
        var marks = 0
        for index in ends[200]..<bytes.count - mark.count
        where bytes[index] == mark[0] && bytes[index..<index + mark.count].elementsEqual(mark) {
            bytes[index + 1] = UInt8(ascii: "z")
            marks += 1
        }
        #expect(marks > 1_000)
        let found = try reopen(bytes)
        #expect(found.verdict.verdict == .tampered)
        #expect(found.cut == 0)
        #expect(found.evidence?.contains("more than one write") == true, "\(found)")
    }

    @Test("what a segment carries over was durable before it had a name") func carried() throws {
        let carry: @Sendable (LedgerSegment) -> [CarryRecord] = { _ in
            (0..<20).map { CarryRecord(event: "carry", fields: Array("\"what\":\($0)".utf8)) }
        }
        let writer = try open(directory, smallSegments(64), carry: carry)
        for number in 0..<70 { writer.append(number) }
        #expect(writer.close(within: patience))
        let newest = try #require(try Snapshot(directory).files.last)
        try #require(newest.name.hasSuffix("64.jsonl"))
        var left = newest.bytes
        left.replaceSubrange(600..<700, with: [UInt8](repeating: 0, count: 100))
        try write(left, to: "\(directory)/\(newest.name)")
        #expect(try verify(directory).verdict == .tampered)
        let second = try open(directory, smallSegments(64), carry: carry)
        #expect(second.report.movedAside != nil)
        #expect(second.close(within: patience))
    }
}
