/// What is to be told over one route: one after the other, and what fails again later.
///
/// Instants are nanoseconds of a clock that goes on while the machine sleeps.
public struct Backlog: Sendable {
    /// Notices that wait, the one under way not counted. Beyond, the oldest of those that matter
    /// least is dropped.
    public static let mostWaiting = 256
    /// The pause after the first failure; it doubles with each further one.
    public static let firstPause: Int64 = 1_000_000_000
    /// The longest pause.
    public static let longestPause: Int64 = 300_000_000_000
    /// So often one notice is tried.
    public static let mostAttempts = 300
    /// So long one notice is of interest.
    public static let longestLife: Int64 = 86_400_000_000_000

    /// A notice on its way.
    public struct Item: Equatable, Sendable {
        /// What is to be told.
        public let announcement: Announcement
        /// When it came.
        public let since: Int64
        /// How often it has been tried.
        public internal(set) var attempts = 0
    }

    /// What an attempt's end means.
    public enum End: Equatable, Sendable {
        /// It was told.
        case delivered(Item)
        /// It will not be tried again.
        case givenUp(Item)
        /// It will be. `isNew`: the attempt before, of whatever notice, had not failed.
        case postponed(isNew: Bool)
    }

    /// Waiting ones, the next one first.
    private var waiting: [Item] = []
    private var current: Item?
    private var pause: Int64 = 0
    private var notBefore: Int64 = 0
    /// Since when no attempt was delivered; `nil`: the last one was, or none was made.
    public private(set) var failingSince: Int64?

    /// An empty one.
    public init() {}

    /// Notices that have not been told, the one under way included.
    public var count: Int { waiting.count + (current == nil ? 0 : 1) }

    /// When `expire` has something to give; `nil`: nothing waits.
    public var expiry: Int64? { waiting.map(\.since).min().map { $0 + Self.longestLife } }

    /// When `take` or `expire` has something to give; `nil`: when another comes, or an attempt ends.
    public var due: Int64? {
        guard let expiry else { return nil }
        return current == nil ? min(notBefore, expiry) : expiry
    }

    /// Adds one. What had to go for it, if the backlog was full; that may be the new one itself.
    public mutating func add(_ announcement: Announcement, at now: Int64) -> Announcement? {
        waiting.append(Item(announcement: announcement, since: now))
        guard waiting.count > Self.mostWaiting,
            let least = waiting.map(\.announcement.severity).min(),
            let oldest = waiting.firstIndex(where: { $0.announcement.severity == least })
        else { return nil }
        return waiting.remove(at: oldest).announcement
    }

    /// The next one to be tried now, if it is time; `settle` says what came of it.
    public mutating func take(at now: Int64) -> Announcement? {
        guard current == nil, notBefore <= now, !waiting.isEmpty else { return nil }
        current = waiting.removeFirst()
        current?.attempts += 1
        return current?.announcement
    }

    /// What came of the one that was taken. `isAnswer`: a server said no, which may be this notice's
    /// own fault; then the next one gets its turn first.
    public mutating func settle(
        _ outcome: DeliveryAnswer.Outcome, isAnswer: Bool = false, at now: Int64
    ) -> End? {
        guard let item = current else { return nil }
        current = nil
        switch outcome {
        case .delivered:
            retryNow()
            failingSince = nil
            return .delivered(item)
        case .refused:
            retryNow()
            failingSince = failingSince ?? now
            return .givenUp(item)
        case .failed, .unknown:
            pause = pause == 0 ? Self.firstPause : min(pause * 2, Self.longestPause)
            notBefore = now + pause
            let isNew = outcome == .failed && failingSince == nil
            if isNew { failingSince = now }
            guard item.attempts < Self.mostAttempts else { return .givenUp(item) }
            waiting.insert(item, at: isAnswer ? waiting.count : 0)
            return .postponed(isNew: isNew)
        }
    }

    /// Takes out what nobody wants to know any more.
    public mutating func expire(at now: Int64) -> [Item] {
        let old = waiting.filter { $0.since + Self.longestLife <= now }
        guard !old.isEmpty else { return [] }
        waiting.removeAll { $0.since + Self.longestLife <= now }
        return old
    }

    /// Forgets the pause: something has changed.
    public mutating func retryNow() {
        pause = 0
        notBefore = 0
    }
}
