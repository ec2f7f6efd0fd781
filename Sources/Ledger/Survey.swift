import Linux

/// The fast way over a ledger: its chunks on all processors, then their edges in order.
final class Survey: @unchecked Sendable {
    private struct Chunk {
        var segment: Int
        var start: Int64
    }

    private let segments: [LedgerSegment]
    private var sizes: [Int64] = []
    private var chunks: [Chunk] = []
    private let condition = Condition()
    // These belong to whoever holds the mutex.
    private var nextChunk = 0
    private var scans: [ChunkScan?] = []
    private var failure: SystemError?

    init(_ segments: [LedgerSegment]) { self.segments = segments }

    func run() throws(SystemError) {
        for (index, segment) in segments.enumerated() {
            let size = try File(opening: segment.path, .read).size()
            sizes.append(size)
            for start in stride(from: 0, to: size, by: ChunkScan.size) {
                chunks.append(Chunk(segment: index, start: start))
            }
        }
        scans = Array(repeating: nil, count: chunks.count)
        var threads: [Thread] = []
        for _ in 1..<max(1, min(Thread.processors, chunks.count)) {
            threads.append(try Thread { self.work() })
        }
        work()
        for thread in threads { thread.join() }
        if let failure { throw failure }
    }

    private func work() {
        let workspace = ChunkScan.Workspace()
        while let index = takeNext() {
            let chunk = chunks[index]
            let segment = segments[chunk.segment]
            do throws(SystemError) {
                let scan = try ChunkScan(
                    try File(opening: segment.path, .read), from: chunk.start,
                    fileSize: sizes[chunk.segment], end: segment.end, workspace)
                condition.locked { scans[index] = scan }
            } catch {
                condition.locked { failure = failure ?? error }
            }
        }
    }

    private func takeNext() -> Int? {
        condition.locked {
            guard nextChunk < chunks.count, failure == nil else { return nil }
            nextChunk += 1
            return nextChunk - 1
        }
    }

    // MARK: The edges

    /// False when anything is not as it should be; the report is worth nothing then.
    func fill(_ report: inout LedgerReport) -> Bool {
        var previous: ChunkScan?
        var index = 0
        for (number, segment) in segments.enumerated() {
            let isLast = number == segments.count - 1
            var abandonedAt: Int64?
            var hasLines = false
            while index < chunks.count, chunks[index].segment == number {
                guard let scan = scans[index], !scan.isDirty else { return false }
                index += 1
                if scan.lines > 0 {
                    guard abandonedAt == nil, follows(scan, previous, segment) else { return false }
                    previous = scan
                    hasLines = true
                    report.add(scan, of: segment)
                }
                if let partial = scan.partialAt {
                    let bytes = sizes[number] - partial
                    guard isLast, bytes <= LedgerLimits.line else { return false }
                    report.tornIsOneLine = true
                    report.torn = .init(file: segment.name, offset: partial, bytes: bytes)
                }
                abandonedAt = abandonedAt ?? scan.abandonedAt
            }
            if let abandonedAt {
                guard !isLast, previous?.lastSequence == segment.end - 1 else { return false }
                report.abandoned.append(
                    .init(
                        file: segment.name, offset: abandonedAt, bytes: sizes[number] - abandonedAt)
                )
            }
            guard hasLines, isLast || previous?.lastSequence == segment.end - 1 else {
                return false
            }
        }
        return readRemarks(&report) && SegmentHeads(segments).agree(with: &report)
            && endsWithWholeLine(previous)
    }

    private func follows(
        _ scan: ChunkScan, _ previous: ChunkScan?, _ segment: LedgerSegment
    ) -> Bool {
        guard let previous else {
            return scan.firstSequence == segment.first
                && (segment.first > 0 || scan.firstPrevious == Digest.zero.hexadecimal)
        }
        return scan.firstSequence == previous.lastSequence + 1
            && scan.firstPrevious == previous.head.hexadecimal
    }

    /// No later line vouches for the last one; that it can be read at all is something.
    private func endsWithWholeLine(_ last: ChunkScan?) -> Bool {
        guard let last, let segment = segments.last else { return false }
        var isWhole = false
        _ = try? LineScanner.scan(segment.path, from: last.lastOffset) { line, offset in
            isWhole = (try? LedgerLine(line, offset: offset)?.json()) != nil
            return false
        }
        return isWhole
    }

    private func readRemarks(_ report: inout LedgerReport) -> Bool {
        for (index, scan) in scans.enumerated() {
            let segment = segments[chunks[index].segment]
            for offset in scan?.remarkable ?? [] {
                guard report.remarks.count < LedgerLimits.listedFaults else { return true }
                _ = try? LineScanner.scan(segment.path, from: offset) { line, offset in
                    if let line = LedgerLine(line, offset: offset) { report.remark(line, segment) }
                    return false
                }
            }
        }
        return true
    }
}

extension LedgerReport {
    fileprivate mutating func add(_ scan: ChunkScan, of segment: LedgerSegment) {
        first = first ?? scan.firstSequence
        last = scan.lastSequence
        head = scan.head
        records += scan.lines
        gaps += scan.gaps
        clocksBack += scan.clocksBack
        unusualKeys += scan.unusualKeys
    }

    mutating func remark(_ line: LedgerLine, _ segment: LedgerSegment) {
        guard remarks.count < LedgerLimits.listedFaults, let event = line.event else { return }
        remarks.append(
            Remark(
                sequence: line.sequence, event: event, file: segment.name, offset: line.offset))
    }
}
