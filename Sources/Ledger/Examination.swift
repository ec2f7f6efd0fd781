import JSON
import Linux

/// What a start finds: where the ledger ends, and whether it can be gone on with. It only reads.
struct Examination {
    /// The end of the last segment that has a whole line.
    struct End {
        var segment: LedgerSegment
        /// Bytes up to the end of the last whole line.
        var size: Int64
        /// The last line's number, digest, clocks and boot.
        var last: Int64
        var head: Digest
        var stamp: Stamp?
        var bootID: String?
        /// The ledger's identity, as the segment's first line says it.
        var origin: String
    }

    /// Nil when no segment has a whole line.
    var end: End?
    /// What is to be cut, newest first: at most the tails of the segments behind `end` and its own.
    var tails: [TornTail] = []
    /// Why it cannot be gone on with: a place and what is there; nil when it can.
    var evidence: String?
    /// Quarantined tails that the newest segment tells of.
    var toldTails: Set<String> = []

    init(of directory: String) throws(SystemError) {
        var segments = try LedgerSegment.all(in: directory)
        while let segment = segments.popLast() {
            var scan = SegmentScan(segment)
            try scan.read()
            toldTails.formUnion(scan.toldTails)
            end = scan.end
            if let evidence = scan.evidence(hasPredecessor: !segments.isEmpty) {
                self.evidence = evidence
                return
            }
            if let tail = scan.tail { tails.append(tail) }
            // An empty newest file is a tail as well; the ledger then ends in the one before.
            if end != nil { return }
        }
    }
}

/// One pass over the newest segment.
struct SegmentScan {
    private(set) var end: Examination.End?
    private(set) var toldTails: Set<String> = []

    private let segment: LedgerSegment
    private let hash = SHA256()
    private var damageOffset: Int64?
    private var damagedPieces = 0
    private var endsWithLineFeed = true
    private var size: Int64 = 0
    private var fault: String?
    private var lastLine: [UInt8] = []

    init(_ segment: LedgerSegment) { self.segment = segment }

    mutating func read() throws(SystemError) {
        try LineScanner.scan(segment.path) { line, offset in take(line, offset) }
        lastLine.withUnsafeBytes { bytes in
            let line = LedgerLine(bytes, offset: 0)
            end?.stamp = line?.stamp
            end?.bootID = line?.bootID
        }
    }

    private mutating func take(_ line: UnsafeRawBufferPointer, _ offset: Int64) -> Bool {
        size = offset + Int64(line.count)
        endsWithLineFeed = line.last == LineForm.lineFeed
        guard LineForm.flaw(in: line) == nil, let parsed = LedgerLine(line, offset: offset) else {
            damageOffset = damageOffset ?? offset
            damagedPieces += 1
            return true
        }
        // A torn write leaves no whole line behind the tear, nor one that does not fit.
        if damageOffset != nil {
            fault = "line \(parsed.sequence) is whole behind a damage"
        } else if let end {
            if parsed.sequence != end.last + 1 {
                fault = "line \(parsed.sequence) follows line \(end.last)"
            } else if LineForm.previous(of: line) != end.head {
                fault = "prev of line \(parsed.sequence) is not the digest of line \(end.last)"
            }
        } else if parsed.sequence != segment.first {
            fault = "line \(parsed.sequence) begins the file"
        }
        guard fault == nil else {
            fault = "\(segment.name) byte \(offset): \(fault ?? "")"
            return false
        }
        accept(parsed)
        return fault == nil
    }

    private mutating func accept(_ line: LedgerLine) {
        guard let origin = end?.origin ?? Self.origin(of: line) else {
            fault = "\(segment.name) byte 0: no segment.open with an origin"
            return
        }
        end = Examination.End(
            segment: segment, size: size, last: line.sequence, head: hash.digest(of: line.bytes),
            stamp: nil, bootID: nil, origin: origin)
        if line.isEvent("ledger.repair"), let file = try? line.json()["file"]?.string {
            toldTails.insert(String(file.drop { $0 != "/" }.dropFirst()))
        }
        lastLine.removeAll(keepingCapacity: true)
        lastLine.append(contentsOf: line.bytes)
    }

    private static func origin(of line: LedgerLine) -> String? {
        guard line.isEvent("segment.open"), let origin = try? line.json()["origin"]?.string,
            origin.utf8.count == 32
        else { return nil }
        return origin
    }

    /// What is behind the last whole line.
    var tail: TornTail? {
        let offset = end?.size ?? 0
        guard offset < size || end == nil else { return nil }
        return TornTail(segment: segment, offset: offset, size: size - offset)
    }

    /// Why the damage is not a torn tail; nil when it is, or there is none.
    func evidence(hasPredecessor: Bool) -> String? {
        if let fault { return fault }
        guard let damageOffset else { return nil }
        let place = "\(segment.name) byte \(damageOffset)"
        let length = size - damageOffset
        if length > LedgerLimits.tornTail { return "\(place): \(length) bytes that are no lines" }
        // Each segment's first line is synced, so one whole line before the damage is enough.
        let isBehindSynced = end != nil || hasPredecessor
        let isPartialLine =
            damagedPieces == 1 && !endsWithLineFeed && length <= Int64(LedgerLimits.line)
        return isBehindSynced || isPartialLine ? nil : "\(place): no line of a ledger"
    }
}
