import ArgumentParser
import Configuration
import Supervision

extension Interval {
    /// What a person says of a time, such as `90s`, in milliseconds; `hint` is what they are told where it is
    /// none, or not within that range.
    static func milliseconds(
        _ text: String, within range: ClosedRange<Int64>, _ hint: String
    ) throws(ValidationError) -> Int64 {
        guard let interval = Interval(configured: text),
            range.contains(interval.nanoseconds / 1_000_000)
        else { throw ValidationError(hint) }
        return interval.nanoseconds / 1_000_000
    }
}
