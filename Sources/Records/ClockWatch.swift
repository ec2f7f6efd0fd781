public import Ledger

/// Sees that the wall clock was set: between two records both clocks should have moved alike.
public struct ClockWatch: Sendable {
    /// A difference of more than this many nanoseconds is a step.
    public static let tolerance: Int64 = 1_000_000_000

    private var last: Stamp?

    /// `last` is the stamp of this boot's newest record, where there is one.
    public init(last: Stamp?) { self.last = last }

    /// By how many nanoseconds the wall clock was set since the last stamp; `nil`: it was not.
    public mutating func step(to stamp: Stamp) -> Int64? {
        defer { last = stamp }
        guard let last else { return nil }
        let step = stamp.wall.subtractingClamped(last.wall)
            .subtractingClamped(stamp.boot.subtractingClamped(last.boot))
        return step.magnitude > Self.tolerance.magnitude ? step : nil
    }
}
