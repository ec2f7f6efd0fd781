import JSON
import Linux

/// What the segments' first lines say of each other. Worth asking only when the chain holds.
struct SegmentHeads {
    private let segments: [LedgerSegment]

    init(_ segments: [LedgerSegment]) { self.segments = segments }

    /// False when a segment begins otherwise than the format says; tells where in the report.
    func agree(with report: inout LedgerReport) -> Bool {
        let before = report.faultCount
        for (number, segment) in segments.enumerated() {
            let head = Self.head(of: segment)
            report.origin = report.origin ?? head?["origin"]?.string
            let abandoned = head?["abandoned"]?.string
            if number > 0 {
                check(segments[number - 1], isAbandoned: abandoned != nil, &report)
            }
            if head?["ev"]?.string != "segment.open" {
                report.add(fault(segment, expected: "segment.open", found: "another record"))
            } else if head?["origin"]?.string != report.origin {
                report.add(
                    fault(segment, expected: "origin \(report.origin ?? "")", found: "another"))
            } else if head?["first"]?.integer != segment.first {
                report.add(fault(segment, expected: "first \(segment.first)", found: "another"))
            }
        }
        return report.faultCount == before
    }

    /// Lines behind a segment's end must have been declared by the next one.
    private func check(
        _ segment: LedgerSegment, isAbandoned: Bool, _ report: inout LedgerReport
    ) {
        guard !isAbandoned, let stretch = report.abandoned.first(where: { $0.file == segment.name })
        else { return }
        report.add(
            LedgerReport.Fault(
                sequence: segment.end - 1, file: segment.name, offset: stretch.offset,
                expected: "the end of the segment", found: "\(stretch.bytes) more bytes"))
    }

    private func fault(
        _ segment: LedgerSegment, expected: String, found: String
    ) -> LedgerReport.Fault {
        LedgerReport.Fault(
            sequence: segment.first, file: segment.name, offset: 0, expected: expected, found: found
        )
    }

    private static func head(of segment: LedgerSegment) -> JSONValue? {
        var head: JSONValue?
        _ = try? LineScanner.scan(segment.path) { line, offset in
            head = try? LedgerLine(line, offset: offset)?.json()
            return false
        }
        return head
    }
}
