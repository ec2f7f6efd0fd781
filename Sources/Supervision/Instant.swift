/// A point in time of this boot: nanoseconds of CLOCK_BOOTTIME, which counts suspended time too.
///
/// The mind never reads a clock. It is told the time with each event.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since boot. Negative for what happened before this boot.
    public var nanoseconds: Int64

    /// The instant that many nanoseconds after boot.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Before or after, by nanoseconds since boot.
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The instant `interval` later. Saturates: a configured century does not overflow.
    public static func + (start: Instant, interval: Interval) -> Instant {
        let (sum, overflow) = start.nanoseconds.addingReportingOverflow(interval.nanoseconds)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    /// The time from `b` to `a`; negative when `a` is the earlier one. Saturates.
    public static func - (a: Instant, b: Instant) -> Interval {
        let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
        return Interval(nanoseconds: overflow ? .max : difference)
    }
}
