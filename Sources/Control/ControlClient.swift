public import JSON
import Linux

/// A client's end of the control socket. It blocks, with time-outs; for commands only.
public struct ControlClient: ~Copyable {
    /// An answer may have so many bytes without its NUL.
    public static let longestReply = ControlServer.mostOutput
    /// So many milliseconds a sign of life may take, and an answer that the daemon has at hand.
    public static let promptly: Int64 = 10_000
    /// So many milliseconds other answers may take: the daemon's own patience, 60 s, and a margin.
    public static let patiently: Int64 = 75_000
    /// The socket's name in the daemon's runtime directory.
    public static let socketName = "io.regen.Control"

    private let path: String
    private let socket: UnixSocket
    private var input = MessageBuffer(longest: longestReply, endingWith: 0)

    /// Connects to the daemon whose runtime directory this is.
    public init(runtimeDirectory: String) throws(ControlFailure) {
        let path = "\(runtimeDirectory)/\(Self.socketName)"
        self.path = path
        do {
            socket = try UnixSocket.connect(to: path, milliseconds: Int32(Self.promptly))
        } catch {
            switch error.code {
            case SystemError.noEntry, SystemError.connectionRefused:
                throw .notRunning(path: path)
            case SystemError.accessDenied: throw .notAdmitted(path: path)
            case SystemError.tryAgain: throw .silent(path: path, milliseconds: Self.promptly)
            default: throw .system(error)
            }
        }
    }

    /// Waits until the daemon says a first word, at most so many milliseconds.
    ///
    /// A connection proves nothing: the kernel makes it also while the daemon hangs, or has no
    /// descriptor left to take it.
    public mutating func greet(milliseconds: Int64 = promptly) throws(ControlFailure) {
        try begin(.version)
        guard try answer(milliseconds: milliseconds) != nil else {
            throw .silent(path: path, milliseconds: milliseconds)
        }
    }

    /// Calls a method and waits for its answer, as long as the method's `patience`.
    ///
    /// `write` writes the object of the parameters; without it there are none. After a time-out the
    /// client is of no more use: the answer may still come.
    public mutating func call(
        _ method: ControlMethod, _ write: (inout JSONWriter) -> Void = { $0.object { _ in } }
    ) throws(ControlFailure) -> JSONValue {
        try begin(method, write)
        guard let reply = try answer(milliseconds: method.patience) else {
            throw .timedOut(milliseconds: method.patience)
        }
        return reply
    }

    /// Sends a call; `answer` waits for what comes of it.
    public mutating func begin(
        _ method: ControlMethod, _ write: (inout JSONWriter) -> Void = { $0.object { _ in } }
    ) throws(ControlFailure) {
        let message = Wire.call(method.qualifiedName, write) + [0]
        var sent = 0
        while sent < message.count {
            let transfer = message.withUnsafeBytes {
                socket.send(UnsafeRawBufferPointer(rebasing: $0[sent...]))
            }
            switch transfer {
            case .moved(let count): sent += count
            case .wouldBlock:
                guard try isReady(for: .writable, milliseconds: Int32(Self.promptly)) else {
                    throw .timedOut(milliseconds: Self.promptly)
                }
            // Whoever is sent away can still read why.
            case .closed: return
            }
        }
    }

    /// The answer to the call that was begun, or `nil` when none came within so many milliseconds:
    /// asking again waits on.
    public mutating func answer(milliseconds: Int64) throws(ControlFailure) -> JSONValue? {
        let end = Clock.boottime() / 1_000_000 + milliseconds
        while true {
            switch input.next() {
            case .whole(let message): return try parameters(of: message)
            case .tooLong: throw .misunderstood
            case nil: break
            }
            let left = Int32(clamping: end - Clock.boottime() / 1_000_000)
            guard left > 0, try isReady(for: .readable, milliseconds: left) else {
                return nil
            }
            try receive()
        }
    }

    private mutating func receive() throws(ControlFailure) {
        let most = min(input.room, ControlServer.chunk)
        let isOpen = withUnsafeTemporaryAllocation(byteCount: most, alignment: 1) { buffer in
            switch socket.receive(into: buffer) {
            case .moved(let count):
                input.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                return true
            case .wouldBlock: return true
            case .closed: return false
            }
        }
        guard isOpen else { throw .connectionLost }
    }

    private func parameters(of message: [UInt8]) throws(ControlFailure) -> JSONValue {
        let json: JSONValue
        do { json = try JSONValue.parse(message, limit: Self.longestReply) } catch {
            throw .misunderstood
        }
        let parameters = json["parameters"] ?? .object([])
        if let name = json["error"]?.string {
            throw .refused(ControlError(name: name, parameters: parameters))
        }
        return parameters
    }

    private func isReady(
        for readiness: Readiness, milliseconds: Int32
    ) throws(ControlFailure) -> Bool {
        do { return try socket.wait(for: readiness, milliseconds: milliseconds) } catch {
            throw .system(error)
        }
    }
}
