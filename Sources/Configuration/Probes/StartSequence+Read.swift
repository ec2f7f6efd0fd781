import JSON
import Supervision

extension StartSequence {
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
        let step = boundedText(StartSequence.longestStep)
        if case .scalar = place.tree.content {
            let text = place.read(or: "", &findings, step)
            return [text]
        }
        let least = key == "start" ? 1 : 0
        return list(key, counts: least...StartSequence.mostSteps, &findings, step) ?? []
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
