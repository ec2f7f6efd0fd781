import JSON
import Linux

/// A child that answers questions, one line of JSON each, and may die at any time.
final class WorkerProcess {
    /// Bytes of questions that wait for the socket. A worker that lets more pile up hangs.
    static let mostQueued = 8 << 20
    /// What is read at once.
    private static let chunk = 64 << 10
    /// What is read in one turn of the loop: a worker that never stops writing does not stop us.
    private static let mostChunks = 16

    let pid: Int32
    private let pidfd: PidFD
    private let socket: UnixSocket
    private var input: MessageBuffer
    private var output: [UInt8] = []
    /// Bytes before this one are with the kernel.
    private var sent = 0
    /// Its registration in the poller.
    var token: Poller.Token?
    /// The poller tells when the socket takes more.
    var isWatchedForWriting = false

    var raw: Int32 { socket.raw }
    /// Something waits until the socket takes it.
    var isCongested: Bool { sent < output.count }

    /// What a look at the socket gave.
    enum State: Equatable {
        case open
        /// It has ended, or closed its end.
        case ended
        /// It wrote what is no answer, or let too many questions pile up.
        case broken
    }

    /// Starts `command` as `account`, with its end of the socket as descriptor 3, and `secret` as 4
    /// unless that is -1. Answers have lines of up to `longestAnswer` bytes.
    init(
        _ ingredients: SpawnPlan.Ingredients, null: Int32, secret: Int32, longestAnswer: Int,
        by spawner: Spawner?
    ) throws {
        let pair = try UnixSocket.pair()
        let child = try SpawnPlan(ingredients, null: null)
            .spawn(attempt: 0, keeping: pair.theirs.raw, secret: secret, by: spawner)
        pid = child.pid
        pidfd = child.takePidFD()
        socket = pair.keepOurs()
        input = MessageBuffer(longest: longestAnswer, endingWith: UInt8(ascii: "\n"))
    }

    /// Queues a question. `flush` sends what has been queued in one turn of the loop.
    func ask(_ write: (inout JSONWriter) -> Void) {
        var json = JSONWriter()
        write(&json)
        output += json.bytes
        output.append(UInt8(ascii: "\n"))
    }

    /// Hands queued questions to the kernel.
    func flush() -> State {
        while isCongested {
            switch output[sent...].withUnsafeBytes({ socket.send($0) }) {
            case .moved(let count): sent += count
            case .wouldBlock:
                if sent > Self.chunk {
                    output.removeFirst(sent)
                    sent = 0
                }
                return output.count - sent > Self.mostQueued ? .broken : .open
            case .closed: return .ended
            }
        }
        output.removeAll(keepingCapacity: output.capacity <= Self.chunk)
        sent = 0
        return .open
    }

    /// Takes in what it has said so far; `take` says false for what is no answer.
    func read(_ take: ([UInt8]) -> Bool) -> State {
        var buffer = [UInt8](repeating: 0, count: min(Self.chunk, input.room))
        for _ in 0..<Self.mostChunks {
            let room = min(buffer.count, input.room)
            let transfer = buffer.withUnsafeMutableBytes {
                socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<room]))
            }
            switch transfer {
            case .moved(let count):
                buffer.withUnsafeBytes {
                    input.append(UnsafeRawBufferPointer(rebasing: $0[..<count]))
                }
            case .wouldBlock: return .open
            case .closed: return .ended
            }
            while let message = input.next() {
                guard case .whole(let line) = message, take(line) else { return .broken }
            }
        }
        return .open
    }

    /// Ends it and what it has started. It is our child: its group's number is nobody else's until
    /// it is reaped, and `reapChildren` sees to it that this comes first.
    func kill() {
        if !pidfd.signalGroup(Signal.kill) { Signal.send(Signal.kill, to: -pid) }
    }
}
