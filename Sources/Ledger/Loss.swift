/// Records that found the queue full: one run without a break, told by one `ledger.gap`.
struct Loss {
    var count: Int64
    var first: Stamp
    var last: Stamp
    /// Over each lost record's `"ev":"<event>",<its keys>` and an LF.
    var digest: Digest
}

/// Counts a run of lost records while it lasts.
final class LossCounter {
    private let hash = SHA256()
    private var run: (count: Int64, first: Stamp, last: Stamp)?

    var isRunning: Bool { run != nil }

    func add(event: UnsafeRawBufferPointer, fields: UnsafeRawBufferPointer, stamp: Stamp) {
        if run == nil { hash.begin() }
        run = ((run?.count ?? 0) + 1, run?.first ?? stamp, stamp)
        feed("\"ev\":\"")
        hash.update(event)
        feed(fields.isEmpty ? "\"\n" : "\",")
        guard !fields.isEmpty else { return }
        hash.update(fields)
        feed("\n")
    }

    private func feed(_ text: StaticString) {
        hash.update(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Ends the run: what it was.
    func take() -> Loss? {
        guard let run else { return nil }
        self.run = nil
        return Loss(count: run.count, first: run.first, last: run.last, digest: hash.finish())
    }
}
