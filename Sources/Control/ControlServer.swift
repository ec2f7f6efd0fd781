public import JSON
public import Linux

/// The daemon's end of the control socket: Varlink on a Unix socket, driven by the daemon's loop.
///
/// It has no thread and never blocks. The loop tells it which descriptor is ready (`ready`), takes
/// the calls that follow from it (`nextCall` until there is none), answers each at once or in a
/// later turn (`reply`, `fail`), and before it waits again does what `drainPollChanges` says, the
/// listener included, and `expire`s what `nextDeadline` promised.
///
/// Each connection's calls are handed out one at a time, the next when the answer to the last
/// one has left: answers keep their order and one client cannot pile them up.
public final class ControlServer {
    /// A message may have so many bytes without its NUL; a longer one is answered with an error.
    public static let longestMessage = 64 << 10
    /// So many clients are served; the next is told `TooManyClients` and sent away.
    public static let mostConnections = 64
    /// So many of them are kept for clients that may act, so that readers cannot lock root out.
    public static let keptForActors = 8
    /// A client for whom so many bytes of answers wait is dropped.
    public static let mostOutput = 16 << 20
    /// A client that reads nothing of a waiting answer for so many nanoseconds is dropped.
    public static let longestStall: Int64 = 10_000_000_000
    /// So many calls of one connection are handed out in one turn of the loop; the rest waits for
    /// the next turn.
    public static let callsPerTurn = 16
    /// So many connections are accepted in one turn of the loop.
    public static let acceptsPerTurn = 16
    /// So many nanoseconds nothing is accepted after the kernel had no descriptor left for it.
    public static let acceptPause: Int64 = 1_000_000_000
    /// Bytes are received in pieces of this size.
    static let chunk = 16 << 10

    /// Where it listens.
    public let path: String

    let listener: UnixSocket
    let version: String
    private(set) var actors: [UInt32]
    /// By slot, without the listener's.
    var connections: [Connection?] = Array(repeating: nil, count: mostConnections)
    var lastGeneration: UInt32 = 0
    var lastCall: UInt64 = 0
    /// Where `nextCall` goes on looking, so that every connection has its turn.
    private var nextIndex = 0
    /// Calls wait that this turn may not hand out any more.
    private var hasPostponedCalls = false
    /// Something may have to be told to the poller, or called.
    private var isTouched = true
    private var listenerRegistered: Readiness?
    /// While it is set, nothing is accepted before this instant.
    var acceptAgainAt: Int64?

    /// Listens at `path`; members of `group` may connect where there is such a group, otherwise
    /// only this process's user and root.
    ///
    /// `version` is the daemon's; `actors` are users who may act besides root and our own.
    public init(
        path: String, group: String = "regen", version: String, actors: [UInt32] = []
    ) throws(SystemError) {
        self.path = path
        self.version = version
        self.actors = actors + [0, PeerCredentials.ownUser]
        listener = try UnixSocket.listen(at: path)
        // Who may not give the socket to a group keeps it to himself: that is the safe side.
        if let group = try? Account.groupID(group) {
            do { try UnixSocket.admit(group: group, to: path) } catch {
                guard error.code == SystemError.notPermitted else { throw error }
            }
        }
    }

    /// From now on `actors` are who may act besides root and this process's user.
    public func admit(_ actors: [UInt32]) { self.actors = actors + [0, PeerCredentials.ownUser] }

    // MARK: - What the loop tells

    /// A descriptor is ready. A source that has gone meanwhile is ignored.
    public func ready(_ source: ControlSource, for readiness: Readiness, at now: Int64) {
        isTouched = true
        if source == .listener { return accept(at: now) }
        guard let connection = connection(source) else { return }
        if readiness.contains(.writable) { connection.flush(at: now) }
        if !readiness.isDisjoint(with: [.readable, .hungUp, .failed]), !connection.isClosed {
            connection.receive()
        }
        connection.settle()
    }

    /// Drops the clients that have not read for too long, and accepts again after a pause.
    public func expire(at now: Int64) {
        for connection in connections {
            guard let deadline = connection?.deadline, deadline <= now else { continue }
            connection?.close()
            isTouched = true
        }
        if let instant = acceptAgainAt, instant <= now {
            acceptAgainAt = nil
            isTouched = true
        }
    }

    /// When `expire` and `nextCall` should be called again if nothing happens before;
    /// `Int64.min`, at once, while calls wait for their turn.
    public var nextDeadline: Int64? {
        if hasPostponedCalls { return .min }
        var first = acceptAgainAt
        for connection in connections {
            if let deadline = connection?.deadline { first = min(first ?? deadline, deadline) }
        }
        return first
    }

    /// Tells what the poller has to do since the last time, and closes what it has let go of.
    public func drainPollChanges<Failure: Error>(
        _ apply: (PollChange) throws(Failure) -> Void
    ) throws(Failure) {
        guard isTouched else { return }
        isTouched = false
        let wanted: Readiness = acceptAgainAt == nil ? .readable : []
        if let registered = listenerRegistered, registered != wanted {
            try apply(.modify(.listener, descriptor: listener.raw, wanted))
        } else if listenerRegistered == nil {
            try apply(.add(.listener, descriptor: listener.raw, wanted))
        }
        listenerRegistered = wanted
        for index in connections.indices {
            guard let connection = connections[index] else { continue }
            if let change = connection.takePollChange() { try apply(change) }
            if connection.isClosed { connections[index] = nil }
        }
    }

    // MARK: - Calls and answers

    /// The next call to perform, or `nil` when there is none in this turn.
    ///
    /// What every Varlink service must know, what is malformed and what is not allowed is answered
    /// in here.
    public func nextCall(at now: Int64) -> Call? {
        guard isTouched || hasPostponedCalls else { return nil }
        isTouched = true
        for _ in connections.indices {
            if let connection = connections[nextIndex], let call = nextCall(of: connection, now) {
                return call
            }
            nextIndex = (nextIndex + 1) % connections.count
        }
        hasPostponedCalls = connections.contains { $0?.hasMessage() == true }
        for connection in connections { connection?.callsInTurn = 0 }
        return nil
    }

    /// Ends a call with its answer. `write` writes the object of the reply's parameters.
    /// A call whose client has gone, or wants no answer, is ignored.
    public func reply(to call: Call.ID, at now: Int64, _ write: (inout JSONWriter) -> Void) {
        guard let connection = waiting(call) else { return }
        isTouched = true
        connection.endCall()
        connection.send(Wire.reply(write), at: now)
        connection.settle()
    }

    /// Sends one answer of several; the last one is `reply`'s. Only for a call that `wantsMore`.
    public func replyAndContinue(
        to call: Call.ID, at now: Int64, _ write: (inout JSONWriter) -> Void
    ) {
        guard let connection = waiting(call), connection.outstandingWantsMore else { return }
        isTouched = true
        connection.send(Wire.continuingReply(write), at: now)
    }

    /// Ends a call with an error. A call whose client has gone, or wants no answer, is ignored.
    public func fail(_ call: Call.ID, with error: ControlError, at now: Int64) {
        guard let connection = waiting(call) else { return }
        isTouched = true
        connection.endCall()
        connection.send(Wire.failure(error), at: now)
        connection.settle()
    }

    /// How many clients are connected.
    public var connectionCount: Int { connections.count { $0?.isClosed == false } }
}
