import Configuration
import Foundation
import Glibc
import JSON
import Linux
import Supervision
import Testing
import Worker

/// A program that the tests started; it ends with the test.
final class Started {
    let pid: Int32
    private let pidfd: PidFD

    /// `kept` becomes its descriptor 3.
    init(
        _ command: [String], environment: [String] = ["PATH=/usr/bin:/bin"],
        keeping kept: Int32 = -1,
        cgroup: Int32 = -1, account: Account? = nil
    ) throws {
        let null = try OwnedFD.null()
        var ingredients = SpawnPlan.Ingredients(command: command, environment: environment)
        ingredients.account = account
        ingredients.directory = "/"
        let child = try SpawnPlan(ingredients, null: null.raw)
            .spawn(attempt: 1, cgroup: cgroup, keeping: kept)
        pid = child.pid
        pidfd = child.takePidFD()
    }

    /// As the kernel tells it from every other.
    var identity: ProcessIdentity {
        ProcessIdentity(pid: pid, startTicks: ProcessTable.entry(pid)?.startTicks ?? 0)
    }

    /// How it ended; waits for that.
    func end() throws -> WaitStatus? {
        _ = try pidfd.hasEnded(within: 20_000)
        return pidfd.reap()
    }

    /// Whether it has not ended.
    var lives: Bool { ((try? pidfd.hasEnded(within: 0)) ?? true) == false }

    deinit {
        kill(-pid, SIGKILL)
        kill(pid, SIGKILL)
        _ = try? pidfd.hasEnded(within: -1)
        _ = pidfd.reap()
    }
}

/// A looker as a process of its own, and the daemon's end of its socket.
final class LookerProcess {
    static let program =
        URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().path + "/look"

    let process: Started
    private let socket: UnixSocket
    private var answers = MessageBuffer(longest: LookAnswer.longestLine, endingWith: 10)
    private var serial = 0

    /// `command` ends up as a looker; by default it is the one beside the tests.
    init(command: [String] = [program], as account: Account? = nil) throws {
        var ends: [Int32] = [-1, -1]
        try #require(
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        let theirs = OwnedFD(adopting: ends[1])
        socket = UnixSocket(adopting: OwnedFD(adopting: ends[0]))
        process = try Started(command, keeping: theirs.raw, account: account)
    }

    /// Sends a request without waiting for its answer.
    func send(
        _ errand: LookRequest.Errand, of subject: Subject = Subject(),
        timeout: Interval = .seconds(10)
    ) throws {
        serial += 1
        var json = JSONWriter()
        LookRequest(serial: serial, errand, of: subject, timeout: timeout).write(into: &json)
        try send(json.bytes)
    }

    /// Sends a line as it is.
    func send(_ line: [UInt8]) throws {
        var rest = (line + [10])[...]
        while !rest.isEmpty {
            switch rest.withUnsafeBytes({ socket.send($0) }) {
            case .moved(let count): rest = rest.dropFirst(count)
            case .closed: return
            case .wouldBlock: _ = try socket.wait(for: .writable, milliseconds: 10_000)
            }
        }
    }

    /// The next answer; `nil` when there is none in time, or the looker is gone.
    func answer(within milliseconds: Int32 = 20_000) throws -> LookAnswer? {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !answers.hasNext() {
            guard try socket.wait(for: .readable, milliseconds: milliseconds) else { return nil }
            let transfer = chunk.withUnsafeMutableBytes { socket.receive(into: $0) }
            guard case .moved(let count) = transfer else { return nil }
            chunk.withUnsafeBytes {
                answers.append(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
        }
        guard case .whole(let line)? = answers.next() else { return nil }
        let answer = LookAnswer(line: line)
        #expect(answer != nil)
        return answer
    }

    /// Closes our end.
    func hangUp() { shutdown(socket.raw, Int32(SHUT_RDWR)) }
}

extension LookerProcess {
    /// One look.
    func look(
        _ kind: Probe.Kind, of subject: Subject = Subject(),
        timeout: Interval = .seconds(10)
    ) throws -> Answer {
        try send(.probe(Probe(kind)), of: subject, timeout: timeout)
        guard case .probe(let answer)? = try answer() else { throw NoAnswer() }
        #expect(answer.serial == serial)
        return answer
    }

    /// One remedy.
    func mend(
        _ errand: LookRequest.Errand, of subject: Subject = Subject(),
        timeout: Interval = .seconds(10)
    ) throws -> RemedyAnswer {
        try send(errand, of: subject, timeout: timeout)
        guard case .remedy(let answer)? = try answer() else { throw NoAnswer() }
        #expect(answer.serial == serial)
        return answer
    }

    /// One survey.
    func survey(
        _ questions: LookRequest.Question..., of subject: Subject = Subject()
    ) throws -> Survey {
        try send(.survey(questions), of: subject)
        guard case .survey(let survey)? = try answer() else { throw NoAnswer() }
        return survey
    }

    struct NoAnswer: Error {}
}

/// A directory of its own for a test.
final class Scratch {
    let path: String

    init() throws {
        let template = try #require(strdup("/tmp/regen-look-XXXXXX"))
        defer { free(template) }
        path = String(cString: try #require(mkdtemp(template)))
        chmod(path, 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A path in it.
    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file in it; its path.
    @discardableResult
    func file(_ name: String, _ text: String = "") throws -> String {
        try text.write(toFile: self(name), atomically: false, encoding: .utf8)
        return self(name)
    }
}

/// Waits until something is so, looking at it again and again; records a problem when it never is.
func until(
    _ what: String, seconds: Double = 20, _ isSo: () throws -> Bool,
    at place: SourceLocation = #_sourceLocation
) rethrows {
    let end = Date().addingTimeInterval(seconds)
    while try !isSo() {
        if Date() > end {
            Issue.record("never: \(what)", sourceLocation: place)
            return
        }
        usleep(5000)
    }
}

/// A listening TCP socket on the loopback.
struct Listener: ~Copyable {
    let fd: OwnedFD
    let port: UInt16

    init(family: Int32 = AF_INET) throws {
        let raw = Glibc.socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(raw >= 0)
        let owned = OwnedFD(adopting: raw)
        var address = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                if family == AF_INET {
                    size = socklen_t(MemoryLayout<sockaddr_in>.size)
                    $0.pointee.sin_family = sa_family_t(AF_INET)
                    $0.pointee.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
                }
            }
        }
        if family == AF_INET6 {
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_addr = in6addr_loopback
        }
        let port: UInt16 = try withUnsafeMutablePointer(to: &address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try #require(bind(raw, $0, size) == 0 && listen(raw, 8) == 0)
                try #require(getsockname(raw, $0, &size) == 0)
                return $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    UInt16(bigEndian: $0.pointee.sin_port)
                }
            }
        }
        self.port = port
        fd = owned
    }
}
