import Supervision

/// What is known of one service.
struct Watched: Sendable {
    var name: String
    /// When it failed, the latest last; at most `ServiceHistory.mostFailures`.
    var failures: [Instant] = []
    /// Its open incident began.
    var unhealthySince: Instant?
    /// The last incident that it had.
    var lastIncident: Int?
    /// It was healthy when all was last calm.
    var wasHealthy = false
    /// It was healthy before the change that the probation is about.
    var wasHealthyBefore = false
    /// It was restarted since the change.
    var wasRestarted = false
    /// Probes, or a start time-out, are why it was ended last.
    var wasEnded = false
    /// It was weighed within this probation, of SafeSwitch's own accord.
    var isWeighed = false

    init(_ name: String, _ history: ServiceHistory?) {
        self.name = name
        guard let history else { return }
        failures = history.failures
        unhealthySince = history.healthyUntil
        lastIncident = history.lastIncident
        wasHealthy = history.isHealthy || history.healthyUntil != nil
        wasHealthyBefore = history.wasHealthyBefore
        wasRestarted = history.failures.count > 1
    }

    /// It is seen to be well: whatever incident it had is over.
    mutating func beHealthy() {
        wasHealthy = true
        unhealthySince = nil
    }

    mutating func noteFailure(at now: Instant) {
        failures.append(now)
        if failures.count > ServiceHistory.mostFailures { failures.removeFirst() }
    }

    func hasFailed(since instant: Instant) -> Bool { failures.last.map { $0 >= instant } ?? false }
}
