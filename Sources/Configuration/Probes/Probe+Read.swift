import Supervision

extension Probe {
    /// The keys of the kinds, in the order in which they are told.
    enum Word: String, CaseIterable {
        case http, tls, tcp, unix, listening, command, memory, cpu, progress, file, notify
    }

    /// Reads a list of probes.
    static func list(
        _ section: Section, _ defaults: ProbePolicy, _ findings: inout Findings
    ) -> [Probe] {
        guard let place = section.place("probes"),
            let elements = place.elements(0...mostProbes, &findings)
        else { return [] }
        var probes: [Probe] = []
        for element in elements {
            guard let probe = Probe(element, defaults, &findings) else { continue }
            if case .notify = probe.kind, probes.contains(where: \.kind.isNotify) {
                findings.error(
                    element, Complaint("'notify' is there twice", "a service has one word to say"))
            }
            probes.append(probe)
        }
        return probes
    }

    /// Reads one probe; `nil` when its kind is not known.
    init?(_ place: Place, _ defaults: ProbePolicy, _ findings: inout Findings) {
        let words = Word.allCases.map(\.rawValue)
        let section = Section(place, keys: words + ProbePolicy.keys, &findings)
        guard section.isMapping else { return nil }
        let kinds = Word.allCases.compactMap { word in
            section.place(word.rawValue).map { (word: word, place: $0) }
        }
        guard let kind = kinds.first, kinds.count == 1 else {
            let named = kinds.map { "'\($0.word.rawValue)'" }.joined(separator: " and ")
            if !kinds.isEmpty {
                findings.error(
                    place, Complaint("\(named) are more than one probe", "begin each with '- '"))
            } else if section.knowsAllKeys {
                findings.error(
                    place,
                    Complaint(
                        "what to look at is missing",
                        "write one of \(words.joined(separator: ", "))"))
            }
            return nil
        }
        let inside = Section(picking: ProbePolicy.keys, from: kind.place)
        var policy = defaults
        policy.read(section, &findings)
        policy.read(inside, &findings)
        policy.check(section, inside, &findings)
        self.init(Kind(kind.word, kind.place, &findings), policy: policy)
        if case .http(let http) = self.kind, let within = http.within, within > policy.timeout {
            findings.error(
                kind.place.child("within"),
                Complaint(
                    "\(within.configured) is longer than the time-out of "
                        + policy.timeout.configured, "make 'timeout' longer"))
        }
    }
}

extension Probe.Kind {
    var isNotify: Bool {
        if case .notify = self { true } else { false }
    }

    fileprivate init(_ word: Probe.Word, _ place: Place, _ findings: inout Findings) {
        switch word {
        case .http: self = .http(HTTPProbe(place, &findings))
        case .tls: self = .tls(TLSProbe(place, &findings))
        case .tcp:
            let address = Address(place, &findings)
            self = .tcp(host: address.host, port: address.port)
        case .unix:
            self = .unix(path: place.valueOrMember("path", or: "/", &findings, socketPath))
        case .listening:
            self = .listening(port: place.valueOrMember("port", or: 1, &findings, portNumber))
        case .command: self = .command(CommandProbe(place, &findings))
        case .memory: self = .memory(MemoryProbe(place, &findings))
        case .cpu: self = .cpu(CPUProbe(place, &findings))
        case .progress: self = .progress(ProgressProbe(place, &findings))
        case .file: self = .file(FileProbe(place, &findings))
        case .notify: self = .notify(NotifyProbe(place, &findings))
        }
    }
}

extension Place {
    /// The value here, or in a mapping the one below `key`: `unix: /x` and `unix: { path: /x }`.
    func valueOrMember<Value>(
        _ key: String, or fallback: Value, _ findings: inout Findings,
        _ parse: (Tree) throws(Complaint) -> Value
    ) -> Value {
        guard case .mapping = tree.content else { return read(or: fallback, &findings, parse) }
        let section = Section(self, keys: [key] + ProbePolicy.keys, &findings)
        return section.needed(key, or: fallback, &findings, parse)
    }
}
