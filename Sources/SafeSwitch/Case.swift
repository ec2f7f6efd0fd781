import Supervision

/// An accusation that waits for its answer.
struct Case: Sendable {
    var service: InstanceID
    var name: String
    var incident: Int
    /// Why a human would be told; `nil`: nobody has asked, SafeSwitch looks into it by itself.
    var reason: HandoverReason?
    var stage = Stage.waits
    /// So often it was looked at.
    var looks = 0
    var began: Instant
    /// What failed in it, by what its paths resolve to: known once it was compared.
    var culprit: String?
    /// The system that ran when it was accused.
    var system: String?

    enum Stage: Equatable, Sendable {
        /// For its turn.
        case waits
        /// For the look with this serial.
        case looking(Int)
        /// For the end of somebody else's switch. This system ran.
        case awaitsSwitch(String?)
    }

    init(
        _ service: InstanceID, _ name: String, _ incident: Int, reason: HandoverReason?,
        began: Instant
    ) {
        self.service = service
        self.name = name
        self.incident = incident
        self.reason = reason
        self.began = began
    }

    var trigger: TriageFacts.Trigger {
        switch reason {
        case nil: .probation
        case .crashLoop: .crashLoop
        case .startRetries, .restartNever, .operatorStopped, .removed, .unkillable, .attempts,
            .refused, .rollbackProposed, .rollbackDidNotHelp, .switchLasts, .notOurs:
            .exhausted
        }
    }
}
