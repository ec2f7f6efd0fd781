/// SafeSwitch's say, before a human is told.
extension Mind {
    /// Restarts do not help: ask whether the generation is to blame, where that may be asked.
    mutating func escalate(_ i: Int, _ reason: HandoverReason, into actions: inout [Action]) {
        guard instances[i].policy.rollback != .never else {
            return handOver(i, reason, into: &actions)
        }
        guard instances[i].awaitsTriage == nil else { return }
        instances[i].awaitsTriage = reason
        actions.append(.triage(InstanceID(i), incident: incidentID(i), reason))
    }

    mutating func triaged(
        _ i: Int, _ triaged: Triaged, at now: Instant, into actions: inout [Action]
    ) {
        let asked = instances[i].awaitsTriage
        instances[i].awaitsTriage = nil
        switch triaged {
        case .handOver(let reason): if let asked { handOver(i, reason ?? asked, into: &actions) }
        case .retry:
            // SafeSwitch may have looked into it of its own accord: then it waits like any other.
            let waits = instances[i].phase == .handedOver || instances[i].phase == .backingOff
            guard asked != nil || waits && instances[i].incident != nil else { return }
            instances[i].crashes = []
            instances[i].attempts = 0
            instances[i].level = 0
            guard waits, instances[i].pausedUntil == nil else { return }
            decide(i, .switched, after: .zero, into: &actions)
            recover(i, at: now, into: &actions)
        }
    }

    /// Crash loops are counted per generation.
    mutating func countAnew() {
        for i in instances.indices {
            instances[i].crashes = []
            instances[i].incidents = []
        }
    }
}
