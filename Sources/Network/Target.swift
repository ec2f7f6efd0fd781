import CCurl
import Configuration
import Linux
import Supervision

/// A probe with everything made ready for its looks.
final class Target: Exchange {
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
    let way: Way

    /// Makes a probe ready. What is wrong with it is told by its looks.
    init(_ probe: Probe, _ transfers: Transfers) {
        let timeout = Self.timeout(of: probe)
        var easy: Easy?
        do throws(Obstacle) {
            let way = try Self.way(of: probe.kind)
            easy = try Easy.prepared(for: probe.kind, timeout: timeout)
            self.way = way
        } catch {
            way = .none(error.text)
        }
        super.init(timeout: timeout, transfers)
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
}
