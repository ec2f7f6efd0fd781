public import Supervision

/// What is weighed to tell whether a change of generation is what breaks a service. Recorded whole, so
/// that the rule can be run on it again.
public struct TriageFacts: Equatable, Sendable {
    /// The instance's name.
    public var service: String
    /// Its incident.
    public var incident: Int
    /// What brought it here.
    public var trigger: Trigger
    /// Its own wish about rollbacks.
    public var rollback: RollbackPolicy
    /// Whether a probation is under way.
    public var isInProbation: Bool
    /// Whether it was healthy before the change.
    public var wasHealthyBefore: Bool
    /// Failures since the change.
    public var failures: Int
    /// Failures within the same time before it.
    public var failuresBefore: Int
    /// Whether it was restarted since it first failed.
    public var wasRestarted: Bool
    /// How it compares between the two systems; `nil`: there is no system before to compare with, or
    /// the look at it failed.
    public var comparison: Comparison?

    /// What brings a service to triage.
    public enum Trigger: String, CaseIterable, Sendable {
        /// A crash loop is certain.
        case crashLoop = "crash-loop"
        /// The third failure in a probation, although it was restarted.
        case probation
        /// Restarts did not help, says the mind, for another reason than a crash loop.
        case exhausted
    }

    /// Facts.
    public init(
        service: String, incident: Int, trigger: Trigger, rollback: RollbackPolicy,
        isInProbation: Bool, wasHealthyBefore: Bool, failures: Int, failuresBefore: Int,
        wasRestarted: Bool, comparison: Comparison?
    ) {
        self.service = service
        self.incident = incident
        self.trigger = trigger
        self.rollback = rollback
        self.isInProbation = isInProbation
        self.wasHealthyBefore = wasHealthyBefore
        self.failures = failures
        self.failuresBefore = failuresBefore
        self.wasRestarted = wasRestarted
        self.comparison = comparison
    }

    /// So many failures within a probation bring a service to triage.
    public static let failuresOfAProbation = 3
}

/// Whether the change of generation is to blame.
public enum Verdict: Equatable, Sendable {
    /// It is: roll back.
    case generation
    /// It is not, or nobody can tell: a human. The reason is the first rule that said no.
    case human(Acquittal)
}

/// Why a change of generation is not blamed.
public enum Acquittal: String, CaseIterable, Sendable {
    /// The service's own `rollback: never`.
    case never
    /// No change of generation lately.
    case noChange = "no-change"
    /// The service was not healthy before the change, or not there.
    case notHealthyBefore = "not-healthy-before"
    /// It was not restarted yet: a restart goes first.
    case notRestarted = "not-restarted"
    /// Fewer failures than count.
    case tooFew = "too-few-failures"
    /// It failed as often before.
    case asOftenBefore = "as-often-before"
    /// Neither its unit nor its closure nor its paths differ.
    case unchanged
    /// Nothing could be compared.
    case blind
}
