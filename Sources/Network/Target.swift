import CCurl
import Configuration
import Linux
import Supervision

/// A probe with everything made ready for its looks.
final class Target {
    /// What a look does.
    enum Way {
        /// Asks an HTTP server.
        case http(HTTPProbe, RegularExpression?)
        /// Shakes hands with a TLS server.
        case server(TLSProbe)
        /// Connects, and no more.
        case connection
        /// Reads a certificate's file.
        case file(TLSProbe, path: String)
        /// Cannot be done, for this reason.
        case none(String)
    }

    /// What a look does.
    private(set) var way: Way
    /// A look without an answer for so long has failed.
    let timeout: Interval
    /// The look that is under way.
    var serial: Int?
    /// What has arrived in it.
    var reception = Reception()
    /// Set up for looks that need libcurl.
    private(set) var easy: Easy?
    private unowned let transfers: Transfers

    /// Makes a probe ready. What is wrong with it is told by its looks.
    init(_ probe: Probe, _ transfers: Transfers) {
        self.transfers = transfers
        timeout = Self.timeout(of: probe)
        do throws(Obstacle) {
            way = try Self.way(of: probe.kind)
            easy = try Easy.prepared(for: probe.kind, timeout: timeout)
        } catch {
            way = .none(error.text)
        }
        if let easy { connect(easy) }
    }

    private static func timeout(of probe: Probe) -> Interval {
        guard case .http(let http) = probe.kind, let within = http.within else {
            return probe.policy.timeout
        }
        return min(within, probe.policy.timeout)
    }

    private static func way(of kind: Probe.Kind) throws(Obstacle) -> Way {
        switch kind {
        case .http(let http):
            guard let pattern = http.matches else { return .http(http, nil) }
            do { return .http(http, try RegularExpression(pattern)) } catch {
                throw Obstacle("the regular expression is wrong: \(error.message)")
            }
        case .tls(let tls):
            if case .file(let path) = tls.source { return .file(tls, path: path) }
            return .server(tls)
        case .tcp: return .connection
        case .unix, .listening, .command, .memory, .cpu, .progress, .file, .notify:
            throw Obstacle("this worker does not look at such things")
        }
    }

    /// Makes room for what a new look brings.
    func begin() {
        var keepsBody = false
        if case .http(let http, let pattern) = way {
            keepsBody = http.contains != nil || pattern != nil
        }
        reception.begin(keepingBody: keepsBody)
        easy?.clearComplaint()
    }

    // MARK: Callbacks

    private func connect(_ easy: Easy) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        easy.set(CURLOPT_PRIVATE, context)
        easy.set(CURLOPT_WRITEDATA, context)
        easy.set(CURLOPT_HEADERDATA, context)
        easy.set(CURLOPT_WRITEFUNCTION) { bytes, _, count, context in
            let received = UnsafeRawBufferPointer(start: bytes, count: count)
            return Target.at(context).reception.takeBody(received) ? count : 0
        }
        easy.set(CURLOPT_HEADERFUNCTION) { _, _, count, context in
            Target.at(context).reception.takeHeader(bytes: count) ? count : 0
        }
        if easy.looksUpNames {
            easy.beforeLookup(
                { _, _, context in Target.at(context).mayLookUp() ? 0 : 1 }, context)
        }
        transfers.equip(easy, for: context)
    }

    /// Whom libcurl's callbacks are about.
    static func at(_ context: UnsafeMutableRawPointer?) -> Target {
        Unmanaged.fromOpaque(context!).takeUnretainedValue()
    }

    func openSocket(family: Int32, type: Int32, protocol number: Int32) -> Int32 {
        let descriptor = transfers.open(family: family, type: type, protocol: number)
        if descriptor < 0 {
            reception.shortage = SystemError(currentError(), "make a socket").description
        }
        return descriptor
    }

    private func mayLookUp() -> Bool {
        guard ProcessTable.ownThreads() > Self.mostLookups else { return true }
        reception.shortage = "\(Self.mostLookups) other names are being looked up already"
        return false
    }

    /// Names that are looked up at a time, a thread each. A dead name server keeps each for longer
    /// than its look waits.
    static let mostLookups = 128
}

/// Why there can be no look.
struct Obstacle: Error {
    let text: String

    init(_ text: String) { self.text = text }
}
