public import Linux

/// Something of the control server's that the poller waits for; its two halves fit into a poller's name.
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

/// What the poller is to do so that the server hears of its descriptors (level-triggered).
public enum PollChange: Equatable, Sendable {
    /// Begin to watch this descriptor.
    case add(ControlSource, descriptor: Int32, Readiness)
    /// Watch it for something else; for hang-ups alone where it is nothing.
    case modify(ControlSource, descriptor: Int32, Readiness)
    /// Let go of it: it is closed as soon as this was told.
    case remove(ControlSource, descriptor: Int32)
}
