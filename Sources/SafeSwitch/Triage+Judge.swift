import Supervision

extension TriageFacts {
    /// Whether the change of generation is to blame. A pure rule: the same facts, the same verdict.
    public func judge() -> Verdict {
        if rollback == .never { return .human(.never) }
        guard isInProbation else { return .human(.noChange) }
        let isNewcomer = rollback == .always
        if !wasHealthyBefore, !isNewcomer { return .human(.notHealthyBefore) }
        // It loops since before the change.
        if failures == 0 { return .human(.tooFew) }
        if trigger != .crashLoop {
            if !wasRestarted { return .human(.notRestarted) }
            if failures < Self.failuresOfAProbation { return .human(.tooFew) }
            if failures <= failuresBefore { return .human(.asOftenBefore) }
        }
        guard let comparison, !comparison.isBlind else { return .human(.blind) }
        if comparison.serviceDiffers { return .generation }
        return .human(.unchanged)
    }
}
