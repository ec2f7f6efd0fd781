import Foundation
import Testing

/// What QEMU's driver blklogwrites has noted of a disk: each write and each flush, in the order in which the
/// machine gave them, as dm-log-writes does. Of it comes the disk as a power cut would have left it.
struct WriteLog {
    private struct Entry {
        let sector: UInt64
        let sectors: UInt64
        let isFlush: Bool
        /// Where its bytes are in the log.
        let offset: UInt64
    }

    private static let sectorSize: UInt64 = 512
    private static let magic: UInt64 = 0x6a_736677_736872
    private let log: FileHandle
    private let entries: [Entry]

    /// Reads it to its end; QEMU is no more.
    init(_ path: String) throws {
        log = try #require(FileHandle(forReadingAtPath: path))
        let size = try log.seekToEnd()
        let words = { (log: FileHandle, offset: UInt64) in
            try log.seek(toOffset: offset)
            let data = try log.read(upToCount: 32) ?? Data()
            return data.count < 32 ? [] : (0..<4).map { Self.word(data, $0) }
        }
        try #require(try words(log, 0).first == Self.magic)
        var entries: [Entry] = []
        var offset = Self.sectorSize
        // Sector, number of sectors, flags and size; none of them: QEMU was killed before it came so far.
        while offset + Self.sectorSize <= size {
            let header = try words(log, offset)
            guard header.count == 4, header != [0, 0, 0, 0] else { break }
            let bytes = header[1] * Self.sectorSize
            entries.append(
                Entry(
                    sector: header[0], sectors: header[1], isFlush: header[2] & 1 != 0,
                    offset: offset + Self.sectorSize))
            offset += Self.sectorSize + bytes
        }
        self.entries = entries
    }

    private static func word(_ data: Data, _ index: Int) -> UInt64 {
        data.dropFirst(index * 8).prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// How many writes and flushes there are.
    var count: Int { entries.count }

    /// How many of them had begun when the log was so long.
    func count(atLength length: UInt64) -> Int {
        entries.firstIndex { $0.offset > length } ?? entries.count
    }

    /// The writes among those of that range, each as how many there are up to it.
    func writes(in range: Range<Int>) -> [Int] {
        range.filter { entries[$0].sectors > 0 }.map { $0 + 1 }
    }

    /// How many there are from the beginning to the next flush after so many, without it.
    func beforeFlush(after count: Int) -> Int {
        entries[count...].firstIndex { $0.isFlush } ?? entries.count
    }

    /// What a cut has taken.
    struct Toll {
        /// Writes that no flush had come after.
        var unflushed = 0
        /// Of these: not on the disk at all.
        var lost = 0
        /// Of these: some of their sectors.
        var torn = 0
    }

    /// Makes of `disk`, as it was before the first of them, what is left when the power is cut after `end` of
    /// them: all that was flushed, and of the rest each write or not, or some of its sectors. At least one
    /// write is lost where one was not flushed.
    func cut(
        _ disk: String, after end: Int, using random: inout some RandomNumberGenerator
    ) throws -> Toll {
        let output = try #require(FileHandle(forUpdatingAtPath: disk))
        defer { try? output.close() }
        let flushed = entries[..<end].lastIndex { $0.isFlush } ?? -1
        let last = entries[..<end].lastIndex { $0.sectors > 0 }
        var toll = Toll()
        for (index, entry) in entries[..<end].enumerated() where entry.sectors > 0 {
            try log.seek(toOffset: entry.offset)
            let bytes = Int(entry.sectors * Self.sectorSize)
            let data = try log.read(upToCount: bytes) ?? Data()
            // The very last one may not have come to its end.
            guard data.count == bytes else { continue }
            var fate = Fate.kept
            if index > flushed {
                fate = Fate.allCases.randomElement(using: &random)!
                if index == last, toll.lost + toll.torn == 0 { fate = .lost }
                toll.unflushed += 1
                toll.lost += fate == .lost ? 1 : 0
                toll.torn += fate == .torn ? 1 : 0
            }
            for sector in 0..<Int(entry.sectors) {
                if fate == .lost || fate == .torn && Bool.random(using: &random) { continue }
                let place = (entry.sector + UInt64(sector)) * Self.sectorSize
                try output.seek(toOffset: place)
                try output.write(
                    contentsOf: data.dropFirst(sector * Int(Self.sectorSize)).prefix(
                        Int(Self.sectorSize)))
            }
        }
        return toll
    }

    private enum Fate: CaseIterable {
        case kept
        case lost
        case torn
    }
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
