/// How often the hardware watchdog has reset this machine lately.
///
/// A watchdog that finds the same fault after each reset would reset the machine for ever, and nobody
/// could reach it to see why. After the third within an hour it stays off until an hour has passed.
public struct ResetHistory: Equatable, Sendable {
    /// So many resets within `within` are no coincidence.
    public static let most = 3
    /// See `most`.
    public static let within = Interval.hours(1)

    /// When the machine came up again after each, the latest last.
    public private(set) var resets: [Instant]

    /// A history; only the latest `most` matter.
    public init(_ resets: [Instant] = []) { self.resets = resets.suffix(Self.most) }

    /// The watchdog was found to have reset the machine before this boot.
    public mutating func note(_ instant: Instant) {
        resets = (resets + [instant]).suffix(Self.most)
    }

    /// Whether the device may be opened. What seems to lie ahead has only just happened.
    public func verdict(at now: Instant) -> ResetVerdict {
        guard resets.count == Self.most, let first = resets.map({ min($0, now) }).min() else {
            return .mayArm
        }
        let end = first + Self.within
        return now < end ? .staysOff(until: end) : .mayArm
    }
}

/// Whether the hardware watchdog may be used.
public enum ResetVerdict: Equatable, Sendable {
    /// It may.
    case mayArm
    /// It has reset the machine too often: not before then.
    case staysOff(until: Instant)

    /// Why it stays off; `nil`: it does not.
    public var reason: String? {
        guard case .staysOff = self else { return nil }
        return "it has reset this machine \(ResetHistory.most) times within an hour"
    }
}
