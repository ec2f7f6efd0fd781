public import JSON
import Supervision

extension Probe {
    /// Writes the probe as JSON in a fixed order of keys, with every default filled in. Equal
    /// probes give equal bytes, at most `mostCanonicalBytes`. Its headers can hold secrets.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        kind.write(into: &json)
        policy.write(into: &json)
        json.endObject()
    }

    /// Reads what `write` wrote.
    public init(canonical bytes: [UInt8]) throws(ConfigurationErrors) {
        let json: JSONValue
        do { json = try JSONValue.parse(bytes, limit: Probe.mostCanonicalBytes) } catch {
            throw ConfigurationErrors([
                ConfigurationError(at: nil, path: "", message: "not canonical JSON: \(error)")
            ])
        }
        try self.init(canonical: json)
    }

    /// The same out of a part of a greater text.
    public init(canonical json: JSONValue) throws(ConfigurationErrors) {
        var findings = Findings()
        let place = Place(tree: Tree(json), path: "")
        let probe = Probe(place, ProbePolicy(), &findings)
        guard let probe, findings.errors.first.isEmpty else {
            throw ConfigurationErrors(findings.errors.inOrder, omitted: findings.errors.omitted)
        }
        self = probe
    }

    /// A number that changes when what is looked at changes: FNV-1a over its canonical JSON without
    /// how often, and when it counts.
    public var fingerprint: UInt64 {
        var json = JSONWriter()
        kind.write(into: &json)
        return json.bytes.fingerprint
    }
}

extension [UInt8] {
    /// FNV-1a.
    var fingerprint: UInt64 {
        reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

extension ProbePolicy {
    /// Bare members.
    func write(into json: inout JSONWriter) {
        json.string("interval", interval.configured)
        json.string("timeout", timeout.configured)
        json.integer("strikes", Int64(strikes))
        json.string("confirm_interval", confirmInterval.configured)
    }
}

extension Probe.Kind {
    /// A bare member.
    fileprivate func write(into json: inout JSONWriter) {
        json.key(word.rawValue)
        switch self {
        case .http(let probe): probe.write(into: &json)
        case .tls(let probe): probe.write(into: &json)
        case .tcp(let host, let port): json.string(Address.configured(host: host, port: port))
        case .unix(let path): json.string(path)
        case .listening(let port): json.integer(Int64(port))
        case .command(let probe): probe.write(into: &json)
        case .memory(let probe): probe.write(into: &json)
        case .cpu(let probe): probe.write(into: &json)
        case .progress(let probe): probe.write(into: &json)
        case .file(let probe): probe.write(into: &json)
        case .notify(let probe): probe.write(into: &json)
        }
    }

    /// The key of the kind.
    var word: Probe.Word {
        switch self {
        case .http: .http
        case .tls: .tls
        case .tcp: .tcp
        case .unix: .unix
        case .listening: .listening
        case .command: .command
        case .memory: .memory
        case .cpu: .cpu
        case .progress: .progress
        case .file: .file
        case .notify: .notify
        }
    }
}

extension HTTPProbe {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("url", url)
        json.string("socket", ifSet: socket)
        json.string("method", method)
        json.key("headers")
        json.beginObject()
        for header in headers {
            json.key(header.name)
            json.string(header.value)
        }
        json.endObject()
        json.key("status")
        json.array(status) { $0.string("\($1.lowerBound)-\($1.upperBound)") }
        json.string("contains", ifSet: contains)
        json.string("matches", ifSet: matches)
        json.string("within", ifSet: within?.configured)
        json.bool("verify", verify)
        json.string("authorities", ifSet: authorities)
        json.integer("redirects", Int64(redirects))
        json.endObject()
    }
}

extension TLSProbe {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        switch source {
        case .server(let host, let port):
            json.string("server", Address.configured(host: host, port: port))
        case .file(let path): json.string("file", path)
        }
        json.integer("days", Int64(days))
        json.key("names")
        json.array(names) { $0.string($1) }
        json.endObject()
    }
}

extension CommandProbe {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.key("command")
        json.array(command) { $0.string($1) }
        json.integer("exit", Int64(exit))
        json.string("contains", ifSet: contains)
        json.endObject()
    }
}

extension MemoryProbe {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("below", below.configured)
        json.string("of", of.rawValue)
        json.endObject()
    }
}

extension CPUProbe {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("below", "\(below)%")
        json.string("for", window.configured)
        json.endObject()
    }
}

extension ProgressProbe {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        switch source {
        case .modification(let path): json.string("file", path)
        case .number(let path): json.string("number", path)
        case .command(let words):
            json.key("command")
            json.array(words) { $0.string($1) }
        }
        json.string("within", within.configured)
        json.endObject()
    }
}

extension FileProbe {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("path", path)
        json.string("fresh", ifSet: fresh?.configured)
        json.string("owner", ifSet: owner)
        json.string("mode", ifSet: mode.map { String($0, radix: 8) })
        json.endObject()
    }
}

extension NotifyProbe {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("watchdog", ifSet: watchdog?.configured)
        json.endObject()
    }
}
