/// A deadline as sd-bus keeps it: on CLOCK_MONOTONIC, which stands still while the machine is
/// suspended.
public struct MonotonicTime: Equatable, Sendable {
    /// Microseconds; `UInt64.max` is never.
    public let microseconds: UInt64

    /// That deadline.
    public init(microseconds: UInt64) { self.microseconds = microseconds }

    /// The same on the loop's CLOCK_BOOTTIME, as things stand: a suspension before it makes the loop
    /// look too early, find nothing to do, and ask again. `monotonic` and `boottime` are the
    /// clocks now, in nanoseconds, and so is the result. `nil`: never.
    public func boottime(monotonic: Int64, boottime: Int64) -> Int64? {
        guard microseconds != .max else { return nil }
        let (deadline, beyond) = Int64(clamping: microseconds).multipliedReportingOverflow(by: 1000)
        if beyond { return nil }
        let (instant, overflow) = boottime.addingReportingOverflow(deadline - monotonic)
        return overflow ? nil : max(instant, 0)
    }
}
