/// Something of the control server's that the poller waits for; fits into an epoll token.
public struct ControlSource: Hashable, Sendable {
    /// 0 is the listener; connections have 1 and up, at most `ControlServer.mostConnections`.
    public let slot: Int32
    /// Tells the users of a slot apart: an event for a connection that has gone meets nobody.
    public let generation: UInt32

    /// The source that a token stands for.
    public init(slot: Int32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    static let listener = ControlSource(slot: 0, generation: 0)
}

/// What a descriptor is ready for, or waited for. A hang-up or an error counts as `read`.
public struct Readiness: OptionSet, Hashable, Sendable {
    /// The bits; only the named ones mean something.
    public let rawValue: UInt8

    /// Any of the bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// EPOLLIN, EPOLLRDHUP, EPOLLHUP or EPOLLERR.
    public static let read = Readiness(rawValue: 1)
    /// EPOLLOUT.
    public static let write = Readiness(rawValue: 2)
}

/// What the poller is to do so that the server hears of its descriptors (level-triggered).
public enum PollChange: Equatable, Sendable {
    /// Begin to watch this descriptor.
    case add(ControlSource, descriptor: Int32, Readiness)
    /// Watch it for something else; for hang-ups alone where it is nothing.
    case modify(ControlSource, descriptor: Int32, Readiness)
    /// Let go of it: it is closed as soon as this was told.
    case remove(ControlSource, descriptor: Int32)
}
