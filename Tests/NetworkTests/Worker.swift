import Configuration
import Foundation
import Glibc
import JSON
import Supervision
import Testing
import Worker

/// Where the programs are that were built together with these tests.
let programs = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

/// What ends a test: this took longer than anything here may.
struct Overdue: Error {}

/// A regen-net, and the end of its socket that would be regend's.
final class WorkerProcess {
    /// No answer takes so long, in milliseconds.
    static let patience: Int32 = 30_000

    let process = Process()
    let socket: Int32
    private let errors = Pipe()
    private var received: [UInt8] = []
    private var next = 0

    /// `setting` is shell, run before it: `ulimit -n 20;`
    init(_ arguments: [String] = ["probe", "--as-is"], after setting: String = "") throws {
        var ends: [Int32] = [0, 0]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        socket = ends[0]
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
        process.executableURL = URL(filePath: "/bin/sh")
        let program = programs.appending(path: "regen-net").path
        process.arguments =
            ["-c", "\(setting) exec \"$0\" \"$@\" 3<&0 0</dev/null", program] + arguments
        process.environment = ["PATH": "/usr/bin:/bin", "http_proxy": "http://127.0.0.1:1"]
        process.standardInput = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        process.standardError = errors
        try process.run()
        close(ends[1])
        process.standardInput = nil
    }

    /// A `regen-net notify` that knows this route, from a descriptor as regend would hand it over.
    convenience init(telling route: OpenRoute) throws {
        var json = JSONWriter()
        route.write(into: &json)
        try self.init(reading: json.bytes)
    }

    /// The same with what may be no route.
    convenience init(reading bytes: [UInt8]) throws {
        let path = FileManager.default.temporaryDirectory.appending(
            path: "regen-\(UUID().uuidString)")
        try Data(bytes).write(to: path)
        try self.init(["notify", "--as-is"], after: "exec 4<\(path.path); rm \(path.path);")
    }

    deinit {
        if process.isRunning { process.terminate() }
        close(socket)
    }

    /// Sends bytes as they are.
    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func send(_ request: Request) {
        var json = JSONWriter()
        request.write(into: &json)
        send(json.bytes + [UInt8(ascii: "\n")])
    }

    func send(_ delivery: Delivery) {
        var json = JSONWriter()
        delivery.write(into: &json)
        send(json.bytes + [UInt8(ascii: "\n")])
    }

    /// Whether the worker takes more bytes; it has a second to.
    func canSend() throws -> Bool {
        var entry = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 1000) == 1
    }

    /// The next answer.
    func answer() throws -> Answer {
        guard let answer = Answer(line: try line()) else { throw Overdue() }
        return answer
    }

    /// The next line, without its end.
    func line() throws -> [UInt8] {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(received[..<end])
                received.removeSubrange(...end)
                return line
            }
            var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, Self.patience) == 1 else { throw Overdue() }
            var buffer = [UInt8](repeating: 0, count: 65536)
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { throw Overdue() }
            received += buffer[..<count]
        }
    }

    /// Defines a probe. Its number.
    func define(_ kind: Probe.Kind, timeout: Interval = .seconds(5)) -> Int {
        next += 1
        send(.define(id: next, Probe(kind, policy: ProbePolicy(timeout: timeout))))
        return next
    }

    /// How a reason begins that says nothing of a server: the machine was busy with something else.
    static let heldUp = "this worker was held up for "
    /// How often it is asked again then.
    private static let repetitions = 4

    /// One look at a probe of its own.
    func look(_ kind: Probe.Kind, timeout: Interval = .seconds(5)) throws -> Answer {
        let id = define(kind, timeout: timeout)
        func once() throws -> Answer {
            send(.look(id: id, serial: id))
            return try answer()
        }
        var found = try once()
        for _ in 0..<Self.repetitions where found.reason.hasPrefix(Self.heldUp) {
            found = try once()
        }
        return found
    }

    /// What comes of a delivery.
    func deliver(_ delivery: Delivery) throws -> DeliveryAnswer {
        func once() throws -> DeliveryAnswer {
            send(delivery)
            return try #require(DeliveryAnswer(line: try line()))
        }
        var found = try once()
        for _ in 0..<Self.repetitions where found.reason.hasPrefix(Self.heldUp) {
            found = try once()
        }
        return found
    }

    /// Waits for its end: its exit code (or minus the signal) and what it said.
    func end() -> (code: Int32, words: String) {
        let words = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let code = process.terminationStatus
        return (
            process.terminationReason == .exit ? code : -code,
            String(decoding: words, as: UTF8.self)
        )
    }

    /// A line of /proc/PID/status.
    func status(_ key: String) throws -> String {
        let path = "/proc/\(process.processIdentifier)/status"
        let line = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            .first { $0.hasPrefix("\(key):") }
        return (line?.dropFirst(key.count + 1)).map { $0.trimmingCharacters(in: .whitespaces) }
            ?? ""
    }
}

/// A server of a test, ended with it.
final class Server {
    private(set) var port: UInt16 = 0
    private let process = Process()

    /// One of the strangers; with TLS where there is a certificate.
    init(_ certificate: [String] = []) throws {
        port = try process.serve("/usr/bin/env", ["python3"], "strangers.py", certificate)
    }

    deinit { process.end() }

    func url(_ path: String, scheme: String = "http", host: String = "127.0.0.1") -> String {
        "\(scheme)://\(host):\(port)\(path)"
    }
}

extension Process {
    /// Runs a script of this folder with a Python; the port that it says it serves.
    func serve(
        _ python: String, _ options: [String], _ script: String, _ arguments: [String]
    ) throws -> UInt16 {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: script).path
        let output = Pipe()
        executableURL = URL(filePath: python)
        self.arguments = options + [path] + arguments
        standardOutput = output
        standardError = FileHandle.nullDevice
        try run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Overdue()
        }
        return port
    }

    /// Ends it. It has the tests' mask of signals, which may hold SIGTERM back for ever.
    func end() { kill(processIdentifier, SIGKILL) }
}
