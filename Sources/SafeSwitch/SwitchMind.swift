public import Supervision

/// The mind of SafeSwitch: a value that is told what happened to the machine's generations and its
/// services and answers what to do. Like `Mind`: no clock, no input or output, and it never fails.
public struct SwitchMind: Sendable {
    /// So long an intent may take to be durable. What is not durable by then does not happen.
    public static let durableWait = Interval.seconds(2)
    /// So long a look may take.
    public static let surveyWait = Interval.seconds(10)
    /// A switch that takes longer, Regen's own or another's, is told to a human. It is not ended.
    public static let switchWait = Interval.minutes(15)

    /// A mind that remembers.
    public init(memory: SwitchMemory = SwitchMemory()) {}

    /// Takes in what happened and appends what to do to `actions`, in the order in which to do it.
    /// `services` is asked how each is doing. `wall`: nanoseconds since 1970, for maintenance windows.
    public mutating func handle(
        _ event: SwitchEvent, at now: Instant, wall: Int64, services: borrowing Mind,
        into actions: inout [SwitchAction]
    ) {}

    /// When to call `handle(.deadlineReached)` at the latest; `nil`: never.
    public func nextDeadline() -> Instant? { nil }
}
