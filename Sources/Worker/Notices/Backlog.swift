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
    /// The longest pause of a notice that may have been told already: a server that takes all and answers
    /// too late gets it again, but not a hundred times. Others have their turn meanwhile.
    public static let longestSilence: Int64 = 3_600_000_000_000
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
        /// It may have been told; its own pause doubles each time.
        fileprivate var silence: Int64 = 0
        /// Before this instant it is not told again.
        fileprivate var notBefore: Int64 = 0
    }

    /// What an attempt's end means.
    public enum End: Equatable, Sendable {
        /// It was told.
        case delivered(Item)
        /// It will not be tried again.
        case givenUp(Item)
        /// It will be. `isNew`: the route has begun to fail with this attempt.
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
        guard let expiry, let next = waiting.map(\.notBefore).min() else { return nil }
        return current == nil ? min(max(notBefore, next), expiry) : expiry
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
        guard current == nil, notBefore <= now,
            let next = waiting.firstIndex(where: { $0.notBefore <= now })
        else { return nil }
        current = waiting.remove(at: next)
        current?.attempts += 1
        return current?.announcement
    }

    /// What came of the one that was taken. Where a server said no, that may be this notice's own
    /// fault, and the next one gets its turn first; so it does where this one may have been told.
    ///
    /// That a worker could not try says nothing of the server, but again and again it is a failure of
    /// the route all the same: nobody is told, or somebody all the time.
    public mutating func settle(_ answer: DeliveryAnswer, at now: Int64) -> End? {
        guard var item = current else { return nil }
        current = nil
        switch answer.outcome {
        case .delivered:
            endPause()
            failingSince = nil
            return .delivered(item)
        case .refused:
            endPause()
            failingSince = failingSince ?? now
            return .givenUp(item)
        case .failed, .unknown:
            let isNew = failingSince == nil && (answer.outcome == .failed || pause > 0)
            if isNew { failingSince = now }
            pause = Self.doubled(pause, upTo: Self.longestPause)
            notBefore = now + pause
            guard item.attempts < Self.mostAttempts else { return .givenUp(item) }
            if answer.mayBeTold {
                item.silence = Self.doubled(item.silence, upTo: Self.longestSilence)
                item.notBefore = now + item.silence
            }
            let waitsForOthers = answer.mayBeTold || answer.status != nil
            waiting.insert(item, at: waitsForOthers ? waiting.count : 0)
            return .postponed(isNew: isNew)
        }
    }

    private static func doubled(_ pause: Int64, upTo longest: Int64) -> Int64 {
        pause == 0 ? firstPause : min(pause * 2, longest)
    }

    /// Takes out what nobody wants to know any more.
    public mutating func expire(at now: Int64) -> [Item] {
        let old = waiting.filter { $0.since + Self.longestLife <= now }
        guard !old.isEmpty else { return [] }
        waiting.removeAll { $0.since + Self.longestLife <= now }
        return old
    }

    private mutating func endPause() {
        pause = 0
        notBefore = 0
    }

    /// Forgets all pauses: something has changed.
    public mutating func retryNow() {
        endPause()
        for index in waiting.indices { waiting[index].notBefore = 0 }
    }
}
