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
    private var tear: Tear
    private var fault: String?
    private var lastLine: [UInt8] = []

    init(_ segment: LedgerSegment) {
        self.segment = segment
        tear = Tear(segment)
    }

    mutating func read() throws(SystemError) {
        try LineScanner.scan(segment.path) { line, offset in take(line, offset) }
        lastLine.withUnsafeBytes { bytes in
            let line = LedgerLine(bytes, offset: 0)
            end?.stamp = line?.stamp
            end?.bootID = line?.bootID
        }
    }

    private mutating func take(_ line: UnsafeRawBufferPointer, _ offset: Int64) -> Bool {
        guard let parsed = tear.take(line, offset) else { return true }
        fault = tear.tampering
        guard fault == nil else { return false }
        if let end {
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
            segment: segment, size: tear.size, last: line.sequence,
            head: hash.digest(of: line.bytes),
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
        guard offset < tear.size || end == nil else { return nil }
        return TornTail(segment: segment, offset: offset, size: tear.size - offset)
    }

    /// Why the damage is not a torn tail; nil when it is, or there is none.
    func evidence(hasPredecessor: Bool) -> String? {
        fault ?? tear.objection(hasPredecessor: hasPredecessor)
    }
}
