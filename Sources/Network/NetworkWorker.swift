import CCurl
import Configuration
import JSON
public import Linux
import Supervision
import Worker

/// The loop of `regen-net probe`: requests from regend in, looks at the network, answers out.
///
/// One thread, but for those in which libcurl has names looked up. It ends when regend is gone.
public final class NetworkWorker {
    /// Why it ended, when it was not because regend has.
    public enum Failure: Error, Equatable, Sendable {
        /// regend wrote a line that is no request.
        case garbage(String)
        /// regend wrote a line longer than a request can be.
        case tooLong
        /// The kernel refused something without which there is no loop.
        case system(SystemError)
    }

    /// Answers that regend has not taken, in bytes. From then on no further request is read; looks
    /// that are under way are still answered, and they are at most `Request.mostProbes`.
    public static let mostUnsent = 1 << 20

    /// When the loop is later than this, in nanoseconds, then it was this worker that did not answer
    /// in time: it was stopped, or starved, or the whole machine was.
    static let mostLateness: Int64 = 250_000_000

    private static let channelName = UInt64.max

    private let socket: UnixSocket
    private let transfers: Transfers
    private var channel: Poller.Token
    private var interest: Readiness = .readable
    private var inbox = MessageBuffer(
        longest: Request.longestLine, endingWith: UInt8(ascii: "\n"))
    private var unsent: [UInt8] = []
    private var json = JSONWriter()
    private var targets: [Int: Target] = [:]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// How late this turn of the loop began, in nanoseconds.
    private var lateness: Int64 = 0
    private var isOver = false

    /// A worker that talks to regend over `socket`.
    public init(_ socket: consuming UnixSocket) throws(SystemError) {
        self.socket = socket
        transfers = try Transfers()
        channel = try transfers.poller.add(
            self.socket.raw, for: .readable, as: Self.channelName)
    }

    deinit {
        for target in targets.values { abandon(target) }
        buffer.deallocate()
    }

    /// Runs until regend closes its end.
    public func run() throws(Failure) {
        while !isOver {
            transfers.act()
            collect()
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
                guard let request = Request(line: line) else {
                    throw .garbage(String(decoding: line.prefix(Self.mostQuoted), as: UTF8.self))
                }
                perform(request)
            }
        }
    }

    /// So much of a wrong line is told, in bytes: what stands behind may be a secret.
    private static let mostQuoted = 32

    private func perform(_ request: Request) {
        switch request {
        case .define(let id, let probe):
            forget(id)
            if targets.count < Request.mostProbes { targets[id] = Target(probe, transfers) }
        case .forget(let id): forget(id)
        case .look(let id, let serial): look(id, serial)
        }
    }

    private func forget(_ id: Int) {
        guard let target = targets.removeValue(forKey: id) else { return }
        abandon(target)
    }

    private func abandon(_ target: Target) {
        guard target.serial != nil, let easy = target.easy else { return }
        target.serial = nil
        transfers.end(easy)
    }

    private func look(_ id: Int, _ serial: Int) {
        guard let target = targets[id] else {
            return answer(serial, .unknown("this worker knows no such probe"))
        }
        guard target.serial == nil else {
            return answer(serial, .unknown("the look before is still under way"))
        }
        switch target.way {
        case .none(let reason): answer(serial, .unknown(reason))
        case .file(let tls, let path): answer(serial, Target.finding(tls, file: path))
        case .http, .server, .connection: begin(target, serial)
        }
    }

    private func begin(_ target: Target, _ serial: Int) {
        guard let easy = target.easy else { return }
        target.begin()
        guard transfers.begin(easy) else {
            return answer(serial, .unknown("no memory for another look"))
        }
        target.serial = serial
    }

    // MARK: Answers

    private func collect() {
        while let ended = transfers.nextEnded() {
            let target = Target.at(regen_curl_private(ended.handle))
            guard let serial = target.serial, let easy = target.easy else { continue }
            target.serial = nil
            let finding = finding(ended.code, target)
            target.reception.end()
            let microseconds = easy.largeNumber(CURLINFO_TOTAL_TIME_T)
            transfers.end(easy)
            answer(serial, finding, microseconds)
        }
    }

    private func finding(_ code: CURLcode, _ target: Target) -> Finding {
        if code == CURLE_OPERATION_TIMEDOUT, lateness > Self.mostLateness {
            return .unknown("this worker was held up for \(lateness / 1_000_000) ms")
        }
        return target.finding(code)
    }

    private func answer(_ serial: Int, _ finding: Finding, _ microseconds: Int64 = 0) {
        json.removeAll()
        Answer(serial: serial, finding, microseconds: microseconds).write(into: &json)
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

extension Answer {
    fileprivate init(serial: Int, _ finding: Finding, microseconds: Int64) {
        switch finding {
        case .passed(let value):
            self.init(serial: serial, outcome: .passed, microseconds: microseconds, value: value)
        case .failed(let reason, let value):
            self.init(
                serial: serial, outcome: .failed, reason: onOneLine(reason),
                microseconds: microseconds, value: value)
        case .unknown(let reason):
            self.init(
                serial: serial, outcome: .unknown, reason: onOneLine(reason),
                microseconds: microseconds)
        }
    }
}

/// A stranger's words without what could move a terminal's cursor.
private func onOneLine(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
    if isPlain { return text }
    return String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
}
