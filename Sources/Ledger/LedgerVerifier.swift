public import Linux

/// Verifies a ledger's chain, with or without a writer at work.
///
/// All processors share the work in chunks. Only when a chunk is not as it should be, one of them
/// reads everything in order, to tell whose fault it is.
public struct LedgerVerifier: Sendable {
    /// The ledger's directory.
    public let directory: String

    /// A verifier of `<state>/ledger`.
    public init(directory: String) { self.directory = directory }

    /// Reads it all, as it is at the call. Throws when there is nothing to read.
    public func verify() throws(SystemError) -> LedgerReport {
        let segments = try LedgerSegment.all(in: directory)
        guard !segments.isEmpty else {
            throw SystemError(SystemError.noEntry, "find a ledger in \(directory)")
        }
        let survey = Survey(segments)
        try survey.run()
        var report = LedgerReport()
        if !survey.fill(&report) {
            report = LedgerReport()
            var inquest = Inquest(segments)
            try inquest.run()
            report = inquest.report
        }
        try lookAtTail(&report)
        return report
    }

    /// A partial line at the end is a torn one only if nobody is writing it.
    private func lookAtTail(_ report: inout LedgerReport) throws(SystemError) {
        guard report.tornIsOneLine else { return }
        report.isBeingWritten = try FileLock.isHeld(LedgerFiles.lock(in: directory))
    }
}
