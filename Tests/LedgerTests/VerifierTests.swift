import Foundation
import Glibc
import JSON
import Ledger
import Linux
import Testing

@Suite("verifying a ledger") struct VerifierTests {
    private let scratch = Scratch()
    private var directory: String { scratch.ledger }

    /// Where a line stands.
    private struct Place {
        var sequence: Int64
        var file: String
        var range: Range<Int>
    }

    private func places(_ snapshot: Snapshot) -> [Place] {
        var places: [Place] = []
        for file in snapshot.files {
            var start = 0
            for (index, byte) in file.bytes.enumerated() where byte == 0x0a {
                let sequence = Int64(places.count)
                places.append(
                    Place(sequence: sequence, file: file.name, range: start..<(index + 1)))
                start = index + 1
            }
        }
        return places
    }

    @Test("any flipped bit in any line but the last is named by seq, file and offset")
    func everyBit() throws {
        try makeLedger(directory, 9)
        let snapshot = try Snapshot(directory)
        let places = places(snapshot)
        #expect(places.count == 11 && snapshot.files.count == 2)
        var wrong: [String] = []
        for place in places.dropLast() {
            var bytes = try #require(snapshot.files.first { $0.name == place.file }).bytes
            let path = "\(directory)/\(place.file)"
            for index in place.range {
                for bit in 0..<8 {
                    bytes[index] ^= 1 << UInt8(bit)
                    let handle = Glibc.open(path, O_WRONLY)
                    pwrite(handle, &bytes[index], 1, off_t(index))
                    let report = try verify(directory)
                    let fault = report.faults.first
                    let isNamed =
                        report.verdict == .tampered && report.faultCount == 1
                        && fault?.sequence == place.sequence && fault?.file == place.file
                        && fault?.offset == Int64(place.range.lowerBound)
                    // The last line and its predecessor in one, without an end: as a crash leaves it.
                    let isTail =
                        report.verdict == .torn
                        && place.sequence == places[places.count - 2].sequence
                        && report.torn?.offset == Int64(place.range.lowerBound)
                        && index == place.range.upperBound - 1
                    if !isNamed, !isTail {
                        wrong.append("\(place) byte \(index) bit \(bit): \(report)")
                    }
                    bytes[index] ^= 1 << UInt8(bit)
                    pwrite(handle, &bytes[index], 1, off_t(index))
                    close(handle)
                }
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(5).joined(separator: "\n"))")
        #expect(try verify(directory).verdict == .sound)
    }

    @Test("a flipped bit in the last line is never a crash, and never more than that line")
    func lastLine() throws {
        try makeLedger(directory, 3)
        let snapshot = try Snapshot(directory)
        let place = try #require(places(snapshot).last)
        let path = "\(directory)/\(place.file)"
        for index in place.range {
            for bit in 0..<8 {
                var bytes = snapshot.files[0].bytes
                bytes[index] ^= 1 << UInt8(bit)
                try write(bytes, to: path)
                let report = try verify(directory)
                #expect([.sound, .torn, .tampered].contains(report.verdict))
                #expect((report.last ?? 0) >= place.sequence - 1)
            }
        }
    }

    @Test("a missing, doubled or exchanged line is tampering") func lines() throws {
        try makeLedger(directory, 6, smallSegments(64))
        let snapshot = try Snapshot(directory)
        let bytes = snapshot.files[0].bytes
        let parts = places(snapshot).map { Array(bytes[$0.range]) }
        for changed in [
            Array(parts[0...1] + parts[3...]), Array(parts[0...2] + parts[2...]),
            [parts[0], parts[2], parts[1]] + Array(parts[3...]), Array(parts[1...]),
        ] {
            try write(Array(changed.joined()), to: "\(directory)/\(snapshot.files[0].name)")
            let report = try verify(directory)
            #expect(report.verdict == .tampered, "\(report)")
            #expect(!report.faults.isEmpty)
        }
    }

    @Test("a missing segment in the middle is tampering; missing first ones are told")
    func missing()
        throws
    {
        try makeLedger(directory, 30)
        let snapshot = try Snapshot(directory)
        unlink("\(directory)/\(snapshot.files[1].name)")
        #expect(try verify(directory).verdict == .tampered)
        unlink("\(directory)/\(snapshot.files[0].name)")
        let report = try verify(directory)
        #expect(report.verdict == .unanchored)
        #expect(report.first == 16)
    }

    @Test("lines behind a segment's end that nobody declares are tampering") func undeclared()
        throws
    {
        try makeLedger(directory, 12)
        let snapshot = try Snapshot(directory)
        let more = snapshot.files[1].bytes
        try write(snapshot.files[0].bytes + more, to: "\(directory)/\(snapshot.files[0].name)")
        #expect(try verify(directory).verdict == .tampered)
    }

    @Test("a segment of another ledger is tampering even if the chain were made to fit")
    func otherOrigin() throws {
        try makeLedger(directory, 6)
        let other = Scratch()
        try makeLedger(other.ledger, 12)
        let foreign = try Snapshot(other.ledger).files[1]
        try write(foreign.bytes, to: "\(directory)/\(foreign.name)")
        #expect(try verify(directory).verdict == .tampered)
    }

    @Test("random garbage gets a report, and a later start gets a ledger") func garbage() throws {
        var random = SplitMix(seed: 4_711)
        let whole = Scratch()
        try makeLedger(whole.ledger, 9)
        let snapshot = try Snapshot(whole.ledger)
        for round in 0..<300 {
            try snapshot.restore(directory)
            for file in snapshot.files {
                var bytes = file.bytes
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    let start = Int.random(in: 0..<bytes.count, using: &random)
                    let end = min(bytes.count, start + Int.random(in: 0...600, using: &random))
                    let junk = (start..<end).map { _ in
                        round % 2 == 0
                            ? UInt8.random(in: 0...255, using: &random)
                            : [0x0a, 0x7b, 0x22, 0x30].randomElement(using: &random)!
                    }
                    bytes.replaceSubrange(start..<end, with: junk)
                }
                try write(bytes, to: "\(directory)/\(file.name)")
            }
            let report = try verify(directory)
            let writer = try open(directory, smallSegments())
            writer.append(1_000)
            #expect(writer.close(within: patience))
            #expect(try numbers(directory).last == 1_000)
            if report.verdict == .sound || report.verdict == .torn {
                #expect(writer.report.movedAside == nil)
            }
            for name in try FileManager.default.contentsOfDirectory(atPath: scratch.path) {
                try FileManager.default.removeItem(atPath: "\(scratch.path)/\(name)")
            }
        }
    }

    @Test("an empty directory is no ledger") func empty() throws {
        mkdir(directory, 0o700)
        #expect(throws: SystemError.self) { try verify(directory) }
        #expect(throws: SystemError.self) { try verify(directory + "/none") }
    }

    @Test("while a writer is at work a partial line is being written, not torn") func atWork()
        throws
    {
        let writer = try open(directory)
        writer.append(1)
        #expect(writer.flush(within: patience))
        let path = "\(directory)/00000000000000000000.jsonl"
        let bytes = try read(path)
        try write(bytes + Array("{\"prev\":\"00".utf8), to: path)
        let report = try verify(directory)
        #expect(report.isBeingWritten)
        #expect(report.verdict == .sound)
        #expect(report.records == 2)
        try write(bytes, to: path)
        #expect(writer.close(within: patience))
    }

    @Test("all processors agree with one reader, over chunk edges of every kind") func chunks()
        throws
    {
        let writer = try open(directory, smallSegments(8_192))
        for number in 0..<20_000 {
            writer.append(number, padding: number % 171)
            if number % 1_000 == 0 { _ = writer.flush(within: patience) }
        }
        #expect(writer.close(within: patience))
        let report = try verify(directory)
        #expect(report.verdict == .sound)
        var records: Int64 = 0
        try LedgerReader(directory: directory).forEachLine { line in
            records += 1
            return line.sequence == records - 1
        }
        #expect(report.records == records)
        #expect(records == 20_003)
        let text = try report.json()
        #expect(text["records"]?.integer == records)
        #expect(text["verdict"]?.string == "sound")
        #expect(text["head"]?.string == report.head.text)
    }

    @Test("the JSON report says seq, file and offset of each fault") func report() throws {
        try makeLedger(directory, 3)
        let path = "\(directory)/00000000000000000000.jsonl"
        var bytes = try read(path)
        let second = try #require(bytes.firstIndex(of: 0x0a)) + 1
        bytes[second + 200] ^= 1
        try write(bytes, to: path)
        let json = try verify(directory).json()
        let fault = json["faults"]?.array?.first
        #expect(json["exit_code"]?.integer == 2)
        #expect(fault?["seq"]?.integer == 1)
        #expect(fault?["offset"]?.integer == Int64(second))
        #expect(fault?["file"]?.string == "00000000000000000000.jsonl")
    }
}

extension LedgerReport {
    func json() throws -> JSONValue {
        var writer = JSONWriter()
        write(to: &writer)
        return try JSONValue.parse(writer.bytes, limit: 1 << 20)
    }
}

@Suite("verifying a ledger without Regen") struct IndependentTests {
    private let scratch = Scratch()

    private func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    @Test("the ten lines of Python in docs/ come to the same head, and see a damage") func python()
        throws
    {
        let script =
            "\(URL(fileURLWithPath: #filePath).deletingLastPathComponent().path)"
            + "/../../docs/verify-ledger.py"
        try makeLedger(scratch.ledger, 20)
        let report = try verify(scratch.ledger)
        let sound = try run(["python3", script, scratch.ledger])
        #expect(sound.status == 0)
        #expect(sound.output == "\(report.records) records, head \(report.head.text)\n")
        let path = "\(scratch.ledger)/00000000000000000008.jsonl"
        var bytes = try read(path)
        bytes[bytes.count / 2] ^= 1
        try write(bytes, to: path)
        let damaged = try run(["python3", script, scratch.ledger])
        #expect(damaged.status == 1)
        #expect(damaged.output.contains("00000000000000000008.jsonl"))
    }

    @Test("sed and sha256sum show that a line is what the next one says it was") func byHand()
        throws
    {
        try makeLedger(scratch.ledger, 4, smallSegments(64))
        let path = "\(scratch.ledger)/00000000000000000000.jsonl"
        for number in 1...4 {
            let digest = try run(["sh", "-c", "sed -n \(number)p \(path) | sha256sum"]).output
            let next = try run(["sh", "-c", "sed -n \(number + 1)p \(path)"]).output
            #expect(next.contains("{\"prev\":\"\(digest.prefix(64))\","))
        }
    }
}
