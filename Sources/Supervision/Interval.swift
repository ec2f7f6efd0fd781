/// A length of time in nanoseconds.
///
/// Not the standard library's `Duration`: that is 128 bits wide and twice as large in every record.
public struct Interval: Hashable, Comparable, Sendable {
    /// The length; at most about 292 years.
    public var nanoseconds: Int64

    /// An interval of that many nanoseconds.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// No time at all.
    public static let zero = Interval(nanoseconds: 0)

    /// `n` milliseconds.
    public static func milliseconds(_ n: Int64) -> Interval {
        Interval(nanoseconds: n * 1_000_000)
    }

    /// `n` seconds.
    public static func seconds(_ n: Int64) -> Interval { Interval(nanoseconds: n * 1_000_000_000) }

    /// `n` minutes.
    public static func minutes(_ n: Int64) -> Interval { .seconds(n * 60) }

    /// `n` hours.
    public static func hours(_ n: Int64) -> Interval { .minutes(n * 60) }

    /// Shorter or longer.
    public static func < (a: Interval, b: Interval) -> Bool { a.nanoseconds < b.nanoseconds }
}

extension Interval {
    /// For people: `80 ms`, `1.2 s`, `3 min 20 s`, `5 h 2 min`.
    public var words: String {
        let milliseconds = nanoseconds / 1_000_000
        let seconds = milliseconds / 1000
        switch milliseconds {
        case ..<1000: return "\(milliseconds) ms"
        case ..<60_000: return "\(seconds).\(milliseconds % 1000 / 100) s"
        case ..<3_600_000: return Self.words(seconds / 60, "min", seconds % 60, "s")
        default: return Self.words(seconds / 3600, "h", seconds / 60 % 60, "min")
        }
    }

    private static func words(_ many: Int64, _ unit: String, _ rest: Int64, _ part: String)
        -> String
    {
        rest == 0 ? "\(many) \(unit)" : "\(many) \(unit) \(rest) \(part)"
    }
}
