public import Configuration
public import Supervision
public import Worker

/// What earlier looks of one probe left behind, for the kinds that weigh looks against each other.
public struct Trend: Equatable, Sendable {
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

/// Weighs an answer to `probe` against earlier looks. `attempt` is the instance's current attempt:
/// with another one the trend begins anew.
public func judge(
    _ probe: Probe, _ answer: Answer, attempt: Int, at now: Instant, trend: inout Trend
) -> Verdict {
    Verdict(.unknown)
}
