import CCurl
import JSON
import Linux

/// The loop of a worker that talks to strangers: lines from regend in, transfers, lines out.
///
/// One thread, but for those in which libcurl has names looked up. It ends when regend is gone.
class WorkerLoop {
    /// Why it ended, when it was not because regend has.
    enum Failure: Error, Equatable {
        /// regend wrote a line that is no request.
        case garbage(String)
        /// regend wrote a line longer than a request can be.
        case tooLong
        /// The kernel refused something without which there is no loop.
        case system(SystemError)
    }

    /// Answers that regend has not taken, in bytes. From then on no further request is read; what is
    /// under way is still answered, and has a bound of its own.
    static let mostUnsent = 1 << 20

    /// When the loop is later than this, in nanoseconds, then it was this worker that did not answer
    /// in time: it was stopped, or starved, or the whole machine was.
    static let mostLateness: Int64 = 250_000_000

    private static let channelName = UInt64.max

    let transfers: Transfers
    private let socket: UnixSocket
    private var channel: Poller.Token
    private var interest: Readiness = .readable
    private var inbox: MessageBuffer
    private var unsent: [UInt8] = []
    private var json = JSONWriter()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// How late this turn of the loop began, in nanoseconds.
    private var lateness: Int64 = 0
    private var isOver = false

    /// A worker that talks to regend over `socket`, whose lines are that long at most.
    init(_ socket: consuming UnixSocket, longestLine: Int) throws(SystemError) {
        self.socket = socket
        inbox = MessageBuffer(longest: longestLine, endingWith: UInt8(ascii: "\n"))
        transfers = try Transfers()
        channel = try transfers.poller.add(
            self.socket.raw, for: .readable, as: Self.channelName)
    }

    deinit { buffer.deallocate() }

    /// Does what a line asks for. False: it is no request.
    func take(_ line: [UInt8]) -> Bool { false }

    /// A transfer of this handle has ended by itself.
    func ended(_ handle: UnsafeMutableRawPointer, _ code: CURLcode) {}

    /// Why a time-out says nothing of the server; `nil` where it does.
    func excuse(for code: CURLcode) -> String? {
        guard code == CURLE_OPERATION_TIMEDOUT, lateness > Self.mostLateness else { return nil }
        return "this worker was held up for \(lateness / 1_000_000) ms"
    }

    /// Runs until regend closes its end.
    func run() throws(Failure) {
        while !isOver {
            transfers.act()
            while let done = transfers.nextEnded() { ended(done.handle, done.code) }
            try send()
            try turn()
        }
    }

    /// Waits, and handles what there is.
    private func turn() throws(Failure) {
        guard !isOver else { return }
        let count: Int
        do throws(SystemError) {
            count = try transfers.poller.wait(milliseconds: transfers.patience)
        } catch { throw .system(error) }
        lateness = transfers.lateness
        for index in 0..<count {
            guard let event = transfers.poller.event(index) else { continue }
            if event.name != Self.channelName {
                transfers.act(on: event)
            } else if event.readiness.contains(.readable) {
                try receive()
            } else if !event.readiness.isDisjoint(with: [.hungUp, .failed]) {
                isOver = true
            }
        }
    }

    // MARK: Requests

    private func receive() throws(Failure) {
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(inbox.room))
        switch socket.receive(into: room) {
        case .wouldBlock: return
        case .closed: isOver = true
        case .moved(let count):
            inbox.append(UnsafeRawBufferPointer(rebasing: room.prefix(count)))
            while let message = inbox.next() {
                guard case .whole(let line) = message else { throw .tooLong }
                guard take(line) else {
                    throw .garbage(String(decoding: line.prefix(Self.mostQuoted), as: UTF8.self))
                }
            }
        }
    }

    /// So much of a wrong line is told, in bytes: what stands behind may be a secret.
    private static let mostQuoted = 32

    // MARK: Answers

    /// Queues a line for regend.
    func answer(_ write: (inout JSONWriter) -> Void) {
        json.removeAll()
        write(&json)
        unsent += json.bytes
        unsent.append(UInt8(ascii: "\n"))
    }

    /// Hands over all answers of this turn at once, and listens to regend only while it takes them.
    private func send() throws(Failure) {
        if !unsent.isEmpty {
            switch unsent.withUnsafeBytes({ socket.send($0) }) {
            case .closed: isOver = true
            case .wouldBlock: break
            case .moved(let count):
                if count == unsent.count {
                    unsent.removeAll(keepingCapacity: unsent.capacity <= 64 << 10)
                } else {
                    unsent.removeFirst(count)
                }
            }
        }
        var wanted: Readiness = unsent.count < Self.mostUnsent ? .readable : []
        if !unsent.isEmpty { wanted.insert(.writable) }
        guard wanted != interest else { return }
        do { try transfers.poller.change(channel, socket.raw, for: wanted) } catch {
            throw .system(error)
        }
        interest = wanted
    }
}
