import JSON
import Linux

/// The slow way over a ledger that is not as it should be: in order, to name the damaged lines.
///
/// A line's digest stands in the next one, so a broken link accuses two lines: the left one of
/// another content, or the right one of another `prev`. A line whose links to both sides are broken
/// is the damaged one, for its `prev` is part of what its own digest is made of. A link that alone is
/// broken accuses the left line. A line of broken form is damaged whatever its links say, and
/// explains them.
struct Inquest {
    private struct Line {
        var sequence: Int64
        var offset: Int64
        var file: String
        var digest: Digest
        var previous: Digest?
        var isFlawed: Bool
    }

    private(set) var report = LedgerReport()
    private let segments: [LedgerSegment]
    private let hash = SHA256()
    private var peek = LinePeek()

    /// The line before.
    private var left: Line?
    /// A line that a broken link accuses, unless the next link speaks for it.
    private var accused: LedgerReport.Fault?
    /// Broken links in a row.
    private var brokenLinks = 0
    /// Where bytes began that are no line; whose they are shows the next one.
    private var stray: (offset: Int64, file: String, found: String)?
    private var hasWholeLine = false
    /// The segments that have a whole line.
    private var filled: [LedgerSegment] = []
    private var abandonedAt: Int64?

    init(_ segments: [LedgerSegment]) { self.segments = segments }

    mutating func run() throws(SystemError) {
        guard let newest = segments.last else { return }
        let tear = try Tear(of: newest)
        let isTorn = tear.objection(hasPredecessor: segments.count > 1) == nil
        let end = isTorn ? tear.offset : nil
        for segment in segments {
            try look(at: segment, to: segment.first == newest.first ? end : nil)
        }
        settleStray(before: nil)
        absorb()
        if let end {
            report.torn = .init(file: newest.name, offset: end, bytes: tear.size - end)
            report.tornIsOneLine = tear.isPartialLine
        } else {
            accuseUnreadable()
        }
        // What the segments say of each other is evidence only while the lines themselves are.
        if report.faultCount == 0 { _ = SegmentHeads(filled).agree(with: &report) }
    }

    private mutating func look(at segment: LedgerSegment, to end: Int64?) throws(SystemError) {
        var size: Int64 = 0
        abandonedAt = nil
        if left == nil { expectedFirst = segment.first }
        try LineScanner.scan(segment.path) { bytes, offset in
            guard offset < end ?? .max else { return false }
            size = offset + Int64(bytes.count)
            take(bytes, offset, segment)
            return true
        }
        if hasWholeLine { filled.append(segment) }
        hasWholeLine = false
        if let abandonedAt {
            report.abandoned.append(
                .init(file: segment.name, offset: abandonedAt, bytes: size - abandonedAt))
        }
    }

    private var expectedFirst: Int64 = 0
    private var expected: Int64 { left.map { $0.sequence + 1 } ?? expectedFirst }

    private mutating func take(
        _ bytes: UnsafeRawBufferPointer, _ offset: Int64, _ segment: LedgerSegment
    ) {
        if abandonedAt != nil { return }
        if expected >= segment.end, stray == nil {
            abandonedAt = offset
            return
        }
        let flaw = LineForm.flaw(in: bytes)
        if flaw == nil { hasWholeLine = true }
        guard let parsed = LedgerLine(bytes, offset: offset) else {
            absorb()
            stray = stray ?? (offset, segment.name, flaw ?? "no line")
            return
        }
        judge(parsed, flaw, segment)
    }

    private mutating func judge(_ parsed: LedgerLine, _ flaw: String?, _ segment: LedgerSegment) {
        let hadStray = stray != nil
        settleStray(before: parsed.sequence)
        let previous = LineForm.previous(of: parsed.bytes)
        let digest = hash.digest(of: parsed.bytes)
        let isLinked = !hadStray && isLinked(previous)
        // Behind a break the lines' own numbers are all there is to go by.
        let number =
            !isLinked && parsed.sequence > (left?.sequence ?? -1) ? parsed.sequence : expected
        var line = Line(
            sequence: number, offset: parsed.offset, file: segment.name, digest: digest,
            previous: previous, isFlawed: false)
        let numberFlaw = parsed.sequence == number ? nil : "seq \(parsed.sequence)"
        let originFlaw =
            left == nil && !hadStray && expected == 0 && previous != .zero
            ? "prev \(previous?.text ?? "")" : nil
        if let found = flaw ?? numberFlaw ?? originFlaw {
            line.isFlawed = true
            absorb()
            note(line, expected: flaw == nil ? "seq \(number)" : "a whole line", found: found)
        } else {
            link(line, isLinked: isLinked || hadStray)
        }
        if flaw == nil { count(parsed, number, digest, segment) }
        left = line
    }

    private func isLinked(_ previous: Digest?) -> Bool {
        guard let left else { return expected > 0 || previous == .zero }
        return previous == left.digest
    }

    /// The link between the line before and this one, both of good form.
    private mutating func link(_ line: Line, isLinked: Bool) {
        guard let left, !left.isFlawed, !isLinked else { return absorb() }
        brokenLinks += 1
        let fault = LedgerReport.Fault(
            sequence: left.sequence, file: left.file, offset: left.offset,
            expected: line.sequence == left.sequence + 1
                ? "sha256 \(line.previous?.text ?? "")" : "record \(left.sequence + 1) behind it",
            found: line.sequence == left.sequence + 1
                ? "sha256 \(left.digest.text)" : "record \(line.sequence)")
        if brokenLinks == 1 {
            accused = fault
        } else {
            accused = nil
            report.add(fault)
        }
    }

    /// The end of a run of broken links: whoever is still accused is guilty.
    private mutating func absorb() {
        if let accused { report.add(accused) }
        accused = nil
        brokenLinks = 0
    }

    /// Bytes that are no line belong to the records whose numbers are missing; if none is, to the
    /// line before them.
    private mutating func settleStray(before sequence: Int64?) {
        guard let stray else { return }
        self.stray = nil
        let isFragment = sequence.map { $0 <= expected } ?? false
        if isFragment, let left {
            note(left, expected: "a whole line", found: stray.found)
        } else {
            let line = Line(
                sequence: expected, offset: stray.offset, file: stray.file, digest: .zero,
                previous: nil, isFlawed: true)
            note(line, expected: "a whole line", found: stray.found)
            // The records that these bytes were have a number each, even if nothing else.
            if let sequence {
                left = Line(
                    sequence: sequence - 1, offset: stray.offset, file: stray.file, digest: .zero,
                    previous: nil, isFlawed: true)
            }
        }
    }

    private mutating func note(_ line: Line, expected: String, found: String) {
        report.add(
            LedgerReport.Fault(
                sequence: line.sequence, file: line.file, offset: line.offset, expected: expected,
                found: found))
    }

    private mutating func count(
        _ line: LedgerLine, _ number: Int64, _ digest: Digest, _ segment: LedgerSegment
    ) {
        report.first = report.first ?? number
        report.last = number
        report.head = digest
        report.records += 1
        guard let sequence = LineForm.sequence(of: line.bytes) else { return }
        let sight = peek.look(at: line.bytes, prefixEnd: sequence.end)
        if sight.goesBack { report.clocksBack += 1 }
        if sight.hasUnusualKeys { report.unusualKeys += 1 }
        if sight.isGap { report.gaps += 1 }
        if sight.isOfLedger { report.remark(line, segment) }
    }

    /// No later line vouches for the last one, but it must be JSON.
    private mutating func accuseUnreadable() {
        guard let left, let path = segments.last?.path else { return }
        var isReadable = true
        _ = try? LineScanner.scan(path, from: left.offset) { line, offset in
            isReadable = (try? LedgerLine(line, offset: offset)?.json()) != nil
            return false
        }
        if !isReadable { note(left, expected: "JSON", found: "no JSON") }
    }
}
