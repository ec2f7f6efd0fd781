import CCurl
import Configuration
import Linux
import Worker

/// `regen-net probe`: looks at the network.
final class NetworkWorker: WorkerLoop {
    private var targets: [Int: Target] = [:]

    /// A worker that talks to regend over `socket`.
    init(_ socket: consuming UnixSocket) throws(SystemError) {
        try super.init(socket, longestLine: Request.longestLine)
    }

    deinit {
        for target in targets.values { abandon(target) }
    }

    override func take(_ line: [UInt8]) -> Bool {
        guard let request = Request(line: line) else { return false }
        perform(request)
        return true
    }

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

    override func ended(_ handle: UnsafeMutableRawPointer, _ code: CURLcode) {
        let target = Target.at(regen_curl_private(handle))
        guard let serial = target.serial, let easy = target.easy else { return }
        target.serial = nil
        let finding = excuse(for: code).map { .unknown($0) } ?? target.finding(code)
        target.reception.end()
        let microseconds = easy.largeNumber(CURLINFO_TOTAL_TIME_T)
        transfers.end(easy)
        answer(serial, finding, microseconds)
    }

    private func answer(_ serial: Int, _ finding: Finding, _ microseconds: Int64 = 0) {
        answer { Answer(serial: serial, finding, microseconds: microseconds).write(into: &$0) }
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
func onOneLine(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
    if isPlain { return text }
    return String(
        String.UnicodeScalarView(
            text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
}
