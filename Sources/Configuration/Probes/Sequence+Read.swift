import JSON
import Supervision

extension Sequence {
    /// Reads a service's `run`; `nil` where there is none, or no start in it, which is told.
    init?(_ service: Section, _ findings: inout Findings) {
        guard let place = service.place("run") else { return nil }
        if service.place("command") != nil {
            findings.error(
                place, Complaint("'command' and 'run' exclude each other", "leave one of them out"))
        }
        let section = Section(
            place, keys: ["preflight", "start", "postflight", "timeout"], &findings)
        self.init(
            preflight: section.steps("preflight", &findings),
            start: section.steps("start", &findings),
            postflight: section.steps("postflight", &findings))
        timeout = section.read(
            "timeout", or: timeout, &findings, duration(.milliseconds(100) ... .hours(24)))
        guard start.isEmpty else { return }
        if section.isMapping, section.knowsAllKeys, section.place("start") == nil {
            findings.error(
                place, Complaint("there is no start", "add 'start: [the command that starts it]'"))
        }
        return nil
    }

    /// Bare members.
    func write(into json: inout JSONWriter) {
        json.key("run")
        json.beginObject()
        json.key("preflight")
        json.array(preflight) { $0.string($1) }
        json.key("start")
        json.array(start) { $0.string($1) }
        json.key("postflight")
        json.array(postflight) { $0.string($1) }
        json.string("timeout", timeout.configured)
        json.endObject()
    }
}

extension Section {
    /// Texts for the shell; a single one is a list of one.
    fileprivate func steps(_ key: String, _ findings: inout Findings) -> [String] {
        guard let place = place(key) else { return [] }
        let step = boundedText(Sequence.longestStep)
        if case .scalar = place.tree.content {
            let text = place.read(or: "", &findings, step)
            return [text]
        }
        let least = key == "start" ? 1 : 0
        return list(key, counts: least...Sequence.mostSteps, &findings, step) ?? []
    }
}

extension Probe {
    /// The time-out of a deploy tool's health check, where nothing else is said: its commands start
    /// whole programs.
    static let healthcheckTimeout = Interval.seconds(10)

    /// Reads a service's `healthcheck`; `nil` where there is none.
    init?(healthcheck service: Section, _ defaults: ProbePolicy, _ findings: inout Findings) {
        guard let place = service.place("healthcheck") else { return nil }
        let section = Section(place, keys: ["cmd", "test"] + ProbePolicy.keys, &findings)
        var policy = defaults
        policy.timeout = Probe.healthcheckTimeout
        policy.read(section, &findings)
        policy.check(section, &findings)
        let command = section.needed("cmd", or: "", &findings, boundedText(longestScript))
        var probe = CommandProbe(command: shell + [command])
        probe.contains = section.read("test", &findings, boundedText(Probe.longestText))
        self.init(.command(probe), policy: policy)
    }
}

extension ServiceConfiguration {
    /// Checks that the probes are not too many, and that they suit what is run.
    func checkProbes(_ service: Section, _ findings: inout Findings) {
        let most = Probe.mostProbes
        if probes.count > most, let place = service.place("healthcheck") {
            findings.error(place, Complaint("it is one more than the \(most) probes allowed"))
        }
        guard sequence != nil else { return }
        if probes.isEmpty, service.place("probes") == nil {
            findings.warning(
                service.place,
                Complaint(
                    "nobody will know whether what 'start' leaves behind lives",
                    "add 'healthcheck:' or 'probes:'"))
        }
        checkOwnership(service, &findings)
    }

    /// With `run`, the daemons that the commands leave behind are not Regen's.
    private func checkOwnership(_ service: Section, _ findings: inout Findings) {
        guard let place = service.place("probes"), case .sequence(let list) = place.tree.content
        else { return }
        for (index, tree) in list.enumerated() {
            let element = place.element(index, tree)
            for word in Probe.Word.allCases where word.needsProcess {
                guard let probe = element.membersByKey[word.rawValue] else { continue }
                findings.error(
                    probe,
                    Complaint(
                        "'\(word.rawValue)' needs a process that Regen owns, and what 'run' "
                            + "starts is not", "use tcp, http or command, or start it by 'command:'"
                    ))
            }
        }
    }
}

extension Probe.Word {
    /// Whether it looks at the service's own processes.
    fileprivate var needsProcess: Bool {
        switch self {
        case .listening, .memory, .cpu, .notify: true
        case .http, .tls, .tcp, .unix, .command, .progress, .file: false
        }
    }
}
