import Control
import Foundation
import JSON
import Linux
import Testing

/// A server in a directory of its own, driven by a real poller and a clock that the test moves.
final class ControlLoop {
    let directory: String
    let path: String
    let server: ControlServer
    var now: Int64 = 0
    private var poller: Poller
    private var tokens: [ControlSource: Poller.Token] = [:]

    /// No event of a test takes longer.
    static let patience: Int32 = 10_000

    init(group: String = "no-such-group", actors: [UInt32] = []) throws {
        directory = try temporaryDirectory()
        path = "\(directory)/\(ControlClient.socketName)"
        server = try ControlServer(path: path, group: group, version: "1.2.3", actors: actors)
        poller = try Poller()
        try applyPollChanges()
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// So many clients are known to the poller.
    var watched: Int { tokens.count - 1 }

    /// One turn of the loop: events, calls, changes. Waits for the first event where told.
    @discardableResult
    func turn(waiting milliseconds: Int32 = 0) throws -> [Call] {
        let wait = server.nextDeadline.map { $0 <= now } == true ? 0 : milliseconds
        for index in 0..<(try poller.wait(milliseconds: wait)) {
            guard let event = poller.event(index) else { continue }
            let source = ControlSource(
                slot: Int32(truncatingIfNeeded: event.name),
                generation: UInt32(truncatingIfNeeded: event.name >> 32))
            server.ready(source, for: event.readiness, at: now)
        }
        server.expire(at: now)
        var calls: [Call] = []
        while let call = server.nextCall(at: now) { calls.append(call) }
        try applyPollChanges()
        return calls
    }

    /// Turns until a call is there.
    func call() throws -> Call {
        for _ in 0..<100 {
            if let call = try turn(waiting: Self.patience).first { return call }
        }
        throw Disappointment(what: "no call came")
    }

    /// Turns until nothing happens any more.
    func settle() throws {
        repeat { try turn() } while try poller.wait(milliseconds: 0) > 0
    }

    /// Answers `Status` and `Reload` at once until the condition holds.
    func serve(until isDone: () -> Bool) throws {
        let deadline = Date().addingTimeInterval(30)
        while !isDone() {
            guard Date() < deadline else { throw Disappointment(what: "it is done") }
            for call in try turn(waiting: 20) { server.reply(to: call.id, at: now, writeNothing) }
            try applyPollChanges()
        }
    }

    func applyPollChanges() throws {
        try server.drainPollChanges { change in
            switch change {
            case .add(let source, let descriptor, let readiness):
                let name = UInt64(source.generation) << 32 | UInt64(source.slot)
                #expect(tokens[source] == nil)
                tokens[source] = try poller.add(descriptor, for: readiness, as: name)
            case .modify(let source, let descriptor, let readiness):
                try poller.change(tokens[source]!, descriptor, for: readiness)
            case .remove(let source, let descriptor):
                poller.remove(tokens.removeValue(forKey: source)!, descriptor)
            }
        }
    }
}

/// Something that a test waited for did not happen.
struct Disappointment: Error { let what: String }

func writeNothing(_ json: inout JSONWriter) { json.object { _ in } }

func temporaryDirectory() throws -> String {
    let path = "/tmp/regen-control-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    return path
}

/// A client that says what the test wants, well-formed or not.
final class RawClient {
    let socket: UnixSocket
    private(set) var received: [UInt8] = []
    private(set) var isClosed = false

    init(_ loop: ControlLoop) throws {
        socket = try UnixSocket.connect(to: loop.path, milliseconds: 1000)
    }

    /// Sends as much as the socket takes; how much that was.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        var sent = 0
        while sent < bytes.count {
            let transfer = bytes.withUnsafeBytes {
                socket.send(UnsafeRawBufferPointer(rebasing: $0[sent...]))
            }
            guard case .moved(let count) = transfer else { break }
            sent += count
        }
        return sent
    }

    func send(_ text: String) { send(Array(text.utf8) + [0]) }

    func call(_ method: String, _ parameters: String = "{}", flags: String = "") {
        send(#"{"method":"\#(method)","parameters":\#(parameters)\#(flags)}"#)
    }

    /// Says that nothing more will be sent.
    func finish() { shutdown(socket.raw, Int32(SHUT_WR)) }

    /// Takes everything that has arrived.
    func receive() {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while !isClosed {
            switch chunk.withUnsafeMutableBytes({ socket.receive(into: $0) }) {
            case .moved(let count): received += chunk[..<count]
            case .wouldBlock: return
            case .closed: isClosed = true
            }
        }
    }

    /// The messages that have arrived whole, taken away.
    func messages() throws -> [JSONValue] {
        receive()
        var messages: [JSONValue] = []
        while let end = received.firstIndex(of: 0) {
            messages.append(try JSONValue.parse(Array(received[..<end]), limit: 64 << 20))
            received.removeSubrange(...end)
        }
        return messages
    }

    /// Drives the loop until a message has arrived.
    func answer(_ loop: ControlLoop) throws -> JSONValue {
        for _ in 0..<100 {
            if let message = try messages().first { return message }
            try loop.turn(waiting: 100)
        }
        throw Disappointment(what: "no answer came")
    }
}
