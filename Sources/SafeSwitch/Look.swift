import Supervision

/// A look under way.
struct Look: Sendable {
    var serial: Int
    var purpose: Purpose
    var asked: Instant

    enum Purpose: Sendable {
        /// To see whether anything has changed.
        case watch
        /// For the first case; the question's two systems.
        case weigh(before: String?, after: String?)
        /// To see whether a part of what runs is quarantined.
        case inspect
        /// For the switch under way.
        case flight
        /// For an operator.
        case request(Int, SwitchRequest)
    }
}
