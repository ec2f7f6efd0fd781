extension Probe.Kind {
    /// Whether it talks to a server, who may be a stranger.
    public var isRemote: Bool {
        switch self {
        case .http, .tls, .tcp: true
        case .unix, .listening, .command, .memory, .cpu, .progress, .file, .notify: false
        }
    }

    /// Whether a worker that talks to servers has to touch a path for it.
    public var namesPath: Bool {
        switch self {
        case .http(let http): http.socket != nil
        case .tls(let tls): if case .file = tls.source { true } else { false }
        case .tcp, .unix, .listening, .command, .memory, .cpu, .progress, .file, .notify: false
        }
    }

    /// The TCP port of this machine at which the service should listen, where the probe tells.
    public var localPort: UInt16? {
        switch self {
        case .listening(let port): port
        case .tcp(let host, let port): isThisMachine(host) ? port : nil
        case .http(let http): http.socket == nil ? Self.localPort(ofURL: http.url) : nil
        case .tls(let tls):
            if case .server(let host, let port) = tls.source, isThisMachine(host) {
                port
            } else {
                nil
            }
        case .unix, .command, .memory, .cpu, .progress, .file, .notify: nil
        }
    }

    /// The URL was checked when it was read.
    private static func localPort(ofURL url: String) -> UInt16? {
        guard let place = authority(of: url).flatMap({ hostAndPort($0) }),
            isThisMachine(place.host)
        else { return nil }
        return place.port ?? (url.hasPrefix("https:") ? 443 : 80)
    }
}
