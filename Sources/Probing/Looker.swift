import Configuration
import JSON
public import Linux
import Worker

/// `regend --look`: looks at this machine on the daemon's behalf, one request at a time, and blocks
/// as it likes. The daemon kills one that is late and starts another.
public enum Looker {
    /// Why a looker ends before its socket closes.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The daemon wrote what has not even a serial number to answer to.
        case notARequest
        /// The socket broke.
        case socket(SystemError)

        /// For standard error.
        public var description: String {
            switch self {
            case .notARequest: "the daemon's request is none; are the two of one version?"
            case .socket(let error): error.description
            }
        }
    }

    /// Serves until the other end of `descriptor`, a stream socket, is closed; or until the daemon
    /// ends, even while a look hangs.
    public static func serve(on descriptor: consuming OwnedFD) throws(Failure) {
        ProcessTable.endWithParent()
        var desk = Desk(descriptor)
        var json = JSONWriter()
        while let message = try desk.next() {
            guard case .whole(let line) = message, let answer = answer(line) else {
                throw .notARequest
            }
            json.removeAll()
            answer.write(into: &json)
            if json.bytes.count > LookAnswer.longestLine {
                // Only a survey of many long paths can be that long.
                json.removeAll()
                LookAnswer.survey(Survey(serial: answer.serial)).write(into: &json)
            }
            try desk.send(json.bytes + [Desk.newline])
        }
    }

    /// What a request is answered; `nil` for a line without a serial number.
    private static func answer(_ line: [UInt8]) -> LookAnswer? {
        if let request = LookRequest(line: line) { return perform(request) }
        guard let json = try? JSONValue.parse(line, limit: LookRequest.longestLine),
            let serial = json["serial"]?.integer.flatMap({ Int(exactly: $0) })
        else { return nil }
        return .probe(
            Answer(
                serial: serial, outcome: .unknown, reason: "this looker does not know the request"))
    }

    /// Does what is asked, however long it takes.
    static func perform(_ request: LookRequest) -> LookAnswer {
        let start = Clock.boottime()
        func elapsed() -> Int64 { max(Clock.boottime() - start, 0) / 1000 }
        switch request.errand {
        case .probe(let probe):
            let finding = look(probe.kind, request)
            return .probe(
                Answer(
                    serial: request.serial, outcome: finding.outcome, reason: finding.reason,
                    microseconds: elapsed(), value: finding.value))
        case .survey(let questions):
            var survey = survey(questions, request)
            survey.microseconds = elapsed()
            return .survey(survey)
        case .freePorts(let ports, let earlier, let leftIn):
            let deed = freePorts(ports, earlier: earlier, leftIn: leftIn, request)
            return .remedy(deed.answer(request, elapsed()))
        case .validate(let command):
            return .remedy(validate(command, request).answer(request, elapsed()))
        case .restore(let dependencies):
            return .remedy(Restoration().restore(dependencies).answer(request, elapsed()))
        case .environment(let files):
            return .remedy(environmentDeed(files).answer(request, elapsed()))
        }
    }

    /// Looks as the probe's kind says.
    private static func look(_ kind: Probe.Kind, _ request: LookRequest) -> Finding {
        switch kind {
        case .unix(let path): lookAtSocket(path, request)
        case .listening(let port): lookForListener(port, request)
        case .command(let probe): lookByCommand(probe, request)
        case .memory(let probe): lookAtMemory(probe, request)
        case .cpu: lookAtProcessorTime(request)
        case .progress(let probe): lookAtProgress(probe, request)
        case .file(let probe): lookAtFile(probe)
        case .http, .tls, .tcp, .notify: .unknown("a looker does not look at such things")
        }
    }
}

/// The daemon's end of our socket.
private struct Desk: ~Copyable {
    static let newline = UInt8(ascii: "\n")
    private let socket: UnixSocket
    private var requests = MessageBuffer(
        longest: LookRequest.longestLine, endingWith: Desk.newline)

    init(_ descriptor: consuming OwnedFD) { socket = UnixSocket(adopting: descriptor) }

    /// Waits for the next request; `nil` when the other end has closed.
    mutating func next() throws(Looker.Failure) -> MessageBuffer.Message? {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while !requests.hasNext() {
            try wait(for: .readable)
            let room = min(requests.room, chunk.count)
            let transfer = chunk.withUnsafeMutableBytes {
                socket.receive(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<room]))
            }
            switch transfer {
            case .moved(let count):
                chunk.withUnsafeBytes {
                    requests.append(UnsafeRawBufferPointer(rebasing: $0[..<count]))
                }
            case .closed: return nil
            case .wouldBlock: continue
            }
        }
        return requests.next()
    }

    /// Sends everything; that the other end has closed is found out by `next`.
    func send(_ bytes: [UInt8]) throws(Looker.Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            switch rest.withUnsafeBytes({ socket.send($0) }) {
            case .moved(let count): rest.removeFirst(count)
            case .closed: return
            case .wouldBlock: try wait(for: .writable)
            }
        }
    }

    private func wait(for readiness: Readiness) throws(Looker.Failure) {
        do throws(SystemError) {
            _ = try socket.wait(for: readiness, milliseconds: -1)
        } catch { throw .socket(error) }
    }
}
