/// Reproducible randomness for back-off: SplitMix64 (Steele, Lea, Flood 2014) from a seed that is
/// part of the mind's state.
struct Jitter: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// More than nothing of `interval`, and at most all of it.
    mutating func part(of interval: Interval) -> Interval {
        guard interval.nanoseconds > 0 else { return interval }
        return Interval(nanoseconds: 1 + Int64(next() % UInt64(interval.nanoseconds)))
    }

    /// `interval` less up to a quarter, so that services that fell together do not rise together.
    mutating func shorten(_ interval: Interval) -> Interval {
        let quarter = UInt64(max(interval.nanoseconds, 0)) / 4
        return Interval(nanoseconds: interval.nanoseconds - Int64(next() % (quarter + 1)))
    }
}
