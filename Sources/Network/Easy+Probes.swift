import CCurl
import Configuration
import Linux
import Supervision

extension Easy {
    /// The most bytes of a file of authorities.
    static let mostAuthorities = 1 << 20

    /// A handle for a probe; `nil` for one that needs none.
    static func prepared(for kind: Probe.Kind, timeout: Interval) throws(Obstacle) -> Easy? {
        switch kind {
        case .http(let http):
            let easy = try basic(url: http.url, timeout: timeout)
            try easy.set(http)
            return easy
        case .tls(let tls):
            guard case .server(let host, let port) = tls.source else { return nil }
            let url = "https://\(Self.authority(host, port))/"
            let easy = try basic(url: url, timeout: timeout)
            easy.set(CURLOPT_CONNECT_ONLY, 1)
            // The certificate itself is judged, by what the probe asks of it.
            easy.set(CURLOPT_SSL_VERIFYPEER, 0)
            easy.set(CURLOPT_SSL_VERIFYHOST, 0)
            easy.set(CURLOPT_CERTINFO, 1)
            return easy
        case .tcp(let host, let port):
            let url = "http://\(Self.authority(host, port))/"
            let easy = try basic(url: url, timeout: timeout)
            easy.set(CURLOPT_CONNECT_ONLY, 1)
            return easy
        case .unix, .listening, .command, .memory, .cpu, .progress, .file, .notify: return nil
        }
    }

    private static func authority(_ host: String, _ port: UInt16) -> String {
        let needsBrackets = host.utf8.contains(UInt8(ascii: ":")) && !host.hasPrefix("[")
        return needsBrackets ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// What every transfer has in common: nothing from the environment, nothing remembered, no signals,
    /// no wait for a name server that has been given up.
    static func basic(
        url: String, timeout: Interval, protocols: String = "http,https"
    ) throws(Obstacle) -> Easy {
        let host = try Self.host(of: url)
        guard let easy = Easy() else { throw Obstacle("no memory for another handle") }
        easy.host = host
        easy.set(CURLOPT_URL, url)
        easy.set(CURLOPT_TIMEOUT_MS, max(1, Int(timeout.nanoseconds / 1_000_000)))
        easy.set(CURLOPT_NOSIGNAL, 1)
        easy.set(CURLOPT_QUICK_EXIT, 1)
        guard easy.restrict(to: protocols) else {
            throw Obstacle("the libcurl of this machine is built without \(protocols)")
        }
        easy.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        easy.set(CURLOPT_PROXY, "")
        easy.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        easy.set(CURLOPT_HTTP09_ALLOWED, 0)
        easy.set(CURLOPT_HTTP_CONTENT_DECODING, 0)
        easy.set(CURLOPT_BUFFERSIZE, 4096)
        easy.set(CURLOPT_USERAGENT, "regen")
        return easy
    }

    private func set(_ http: HTTPProbe) throws(Obstacle) {
        if let socket = http.socket { set(CURLOPT_UNIX_SOCKET_PATH, socket) }
        switch http.method {
        case "GET": set(CURLOPT_HTTPGET, 1)
        case "HEAD": set(CURLOPT_NOBODY, 1)
        default: set(CURLOPT_CUSTOMREQUEST, http.method)
        }
        set(CURLOPT_HTTPHEADER, Self.lines(http.headers))
        set(CURLOPT_FOLLOWLOCATION, http.redirects > 0 ? 1 : 0)
        set(CURLOPT_MAXREDIRS, http.redirects)
        mayBeRedirected = http.redirects > 0
        guard http.url.lowercased().hasPrefix("https:") || http.redirects > 0 else { return }
        try believe(http.authorities, verify: http.verify)
    }

    /// Whose certificates are good: those of the authorities in this file, or the system's.
    func believe(_ authorities: String?, verify: Bool) throws(Obstacle) {
        if verify {
            // So that a wrong name can be told with the right one.
            set(CURLOPT_CERTINFO, 1)
        } else {
            set(CURLOPT_SSL_VERIFYPEER, 0)
            set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        guard let path = authorities else { return }
        do { set(authorities: try readInput(path, limit: Self.mostAuthorities)) } catch {
            throw Obstacle("no authorities: \(error)")
        }
    }

    static func lines(_ headers: [HTTPProbe.Header]) -> [String] {
        // "Name;" is libcurl's way to send a header without a value; "Name:" would leave it out.
        var lines = headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        if !headers.contains(where: { $0.name.lowercased() == "accept-encoding" }) {
            lines.append("Accept-Encoding: identity")
        }
        return lines
    }

    private static func host(of url: String) throws(Obstacle) -> String {
        guard let parts = curl_url() else { throw Obstacle("no memory for another probe") }
        defer { curl_url_cleanup(parts) }
        let code = curl_url_set(parts, CURLUPART_URL, url, 0)
        var host: UnsafeMutablePointer<CChar>?
        guard code == CURLUE_OK, curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK,
            let host
        else {
            throw Obstacle(
                "not a URL that can be asked: \(String(cString: curl_url_strerror(code)))")
        }
        defer { curl_free(host) }
        return String(cString: host)
    }
}
