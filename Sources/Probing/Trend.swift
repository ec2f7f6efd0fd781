public import Supervision

/// What earlier looks of one probe left behind, for the kinds that weigh looks against each other.
///
/// Time counts only as far as looks explain it: between two looks that are far apart, because the
/// machine was suspended or nobody could look, nobody knows what the service did.
public struct Trend: Equatable, Sendable {
    /// The instance's attempt that the rest is about.
    var attempt: Int?
    /// What was measured last.
    var value: Int64 = 0
    /// When that was.
    var at = Instant(nanoseconds: 0)
    /// How long it has been as it should not be, without a break.
    var amiss = Interval.zero
    /// Whether it has ever been as it should be.
    var wasWell = false

    /// Nothing has been looked at.
    public init() {}
}

/// What a look means.
public struct Verdict: Equatable, Sendable {
    /// What the mind is told.
    public var outcome: ProbeOutcome
    /// Why, for a person; empty when it passed and there is nothing to say.
    public var reason: String

    /// A verdict.
    public init(_ outcome: ProbeOutcome, _ reason: String = "") {
        self.outcome = outcome
        self.reason = reason
    }
}
