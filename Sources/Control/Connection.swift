import Linux

/// One client: its socket, what it sent and was not looked at, what it has not read yet.
///
/// Calls are answered one at a time and in order; what a client sends meanwhile waits here, and
/// when there is no more room, in its socket.
final class Connection {
    let source: ControlSource
    let socket: UnixSocket
    let peer: PeerCredentials

    /// What the poller was last told to wait for; `nil` while it does not know the connection.
    private var registered: Readiness?
    /// Closed as soon as the poller was told.
    private(set) var isClosed = false
    /// The number of the call that is being performed; `nil` when none is.
    private(set) var outstanding: UInt64?
    /// Whether that call asked for more than one answer.
    private(set) var outstandingWantsMore = false
    /// So many calls were handed out in this turn.
    var callsInTurn = 0

    private var input = MessageBuffer(longest: ControlServer.longestMessage, endingWith: 0)
    private var output: [UInt8] = []
    private var sent = 0
    /// When output last moved, or began to wait.
    private var movedAt: Int64 = 0
    /// The peer has sent its last byte.
    private var hasEnded = false
    /// Nothing more is read; closed when the output has left.
    private var isLeaving = false

    init(source: ControlSource, socket: consuming UnixSocket, peer: PeerCredentials) {
        self.source = source
        self.socket = socket
        self.peer = peer
    }

    /// What the poller should wait for now.
    var wanted: Readiness {
        var wanted: Readiness = []
        if wantsInput { wanted.insert(.readable) }
        if hasOutput { wanted.insert(.writable) }
        return wanted
    }

    private var hasOutput: Bool { sent < output.count }
    private var wantsInput: Bool { !hasEnded && !isLeaving && input.room > 0 }

    /// Takes what has arrived, one chunk: the poller tells again when there is more.
    ///
    /// Where the poller was not asked for input the event is a hang-up: nobody is left to answer.
    func receive() {
        guard wantsInput else {
            if registered?.contains(.readable) != true { close() }
            return
        }
        let most = min(input.room, ControlServer.chunk)
        withUnsafeTemporaryAllocation(byteCount: most, alignment: 1) { buffer in
            switch socket.receive(into: buffer) {
            case .moved(let count): input.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            case .wouldBlock: break
            case .closed: hasEnded = true
            }
        }
    }

    /// Whether a message could be taken, were it this connection's turn.
    func hasMessage() -> Bool { isIdle && input.hasNext() }

    /// The next message, when the one before it is answered and the answer has left.
    func nextMessage() -> MessageBuffer.Message? { isIdle ? input.next() : nil }

    private var isIdle: Bool { !isClosed && !isLeaving && outstanding == nil && !hasOutput }

    /// From now on the call with this number waits for its answer.
    func begin(call number: UInt64, wantsMore: Bool) {
        outstanding = number
        outstandingWantsMore = wantsMore
    }

    /// The call in hand has its last answer.
    func endCall() { outstanding = nil }

    /// Sends a message after those that wait; a client that let too much pile up is dropped.
    func send(_ message: [UInt8], at now: Int64) {
        guard !isClosed else { return }
        guard output.count - sent + message.count < ControlServer.mostOutput else { return close() }
        if !hasOutput { movedAt = now }
        output.removeSubrange(..<sent)
        sent = 0
        output += message
        output.append(0)
        flush(at: now)
    }

    /// Hands the kernel what it takes.
    func flush(at now: Int64) {
        while !isClosed, hasOutput {
            let transfer = output.withUnsafeBytes {
                socket.send(UnsafeRawBufferPointer(rebasing: $0[sent...]))
            }
            switch transfer {
            case .moved(let count):
                sent += count
                movedAt = now
            case .wouldBlock: return
            case .closed: close()
            }
        }
        output = []
        sent = 0
    }

    /// Reads nothing more, and closes when the output has left.
    func leave() { isLeaving = true }

    /// Closes what has nothing left to do.
    func settle() {
        let isDone = hasEnded && outstanding == nil && !input.hasNext()
        if (isLeaving || isDone) && !hasOutput { close() }
    }

    /// What the poller is to be told; afterwards it counts as told.
    func takePollChange() -> PollChange? {
        let told = registered
        let wanted = wanted
        registered = isClosed ? nil : wanted
        if isClosed { return told == nil ? nil : .remove(source, descriptor: socket.raw) }
        if told == nil { return .add(source, descriptor: socket.raw, wanted) }
        return told == wanted ? nil : .modify(source, descriptor: socket.raw, wanted)
    }

    /// When output that does not move until then is given up.
    var deadline: Int64? { hasOutput ? movedAt + ControlServer.longestStall : nil }

    /// Ends the connection. The descriptor lives until the poller has let go of it.
    func close() {
        isClosed = true
        output = []
        sent = 0
        outstanding = nil
    }
}
