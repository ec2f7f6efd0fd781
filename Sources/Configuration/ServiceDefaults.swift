import Supervision

/// What `defaults:` says for all services: each starts from it, and changes it key by key.
struct ServiceDefaults {
    var policy: ServicePolicy
    /// `restart` where it is set: a process and a unit differ in what it is otherwise.
    private var restart: RestartPolicy?
    var log = Log.standard
    var probe = ProbePolicy()
    /// Whether SafeSwitch is there to be asked.
    let mayRollBack: Bool

    /// The keys that `defaults:` and a service have in common.
    static let keys = [
        "restart", "backoff", "stop", "crash_loop", "start", "escalation", "on_exit", "log",
        "rollback",
    ]

    init(
        _ root: Section, onExit: ExitPolicy, mayRollBack: Bool, _ findings: inout Findings
    ) {
        policy = ServicePolicy(onExit: onExit)
        policy.rollback = mayRollBack ? .auto : .never
        self.mayRollBack = mayRollBack
        guard let place = root.place("defaults") else { return }
        let section = Section(place, keys: ServiceDefaults.keys + ["probe"], &findings)
        read(section, &findings)
        if let place = section.place("probe") {
            let section = Section(place, keys: ProbePolicy.keys, &findings)
            probe.read(section, &findings)
            probe.check(section, &findings)
        }
        if case .file(_?, _) = log, let place = section.place("log") {
            findings.error(
                place, Complaint("all services cannot share one log file", "leave 'path' out here"))
        }
    }

    /// The policy, where the service is a unit: what ends well has ended by itself or by hand.
    var policyOfUnit: ServicePolicy {
        var policy = policy
        policy.restart = restart ?? .onFailure
        // What no unit has.
        (policy.onExit, policy.stop, policy.autostart) = (.auto, StopPolicy(), true)
        return policy
    }

    /// Changes what the section sets.
    mutating func read(_ section: Section, _ findings: inout Findings) {
        restart = section.read("restart", or: restart, &findings) { tree throws(Complaint) in
            try word(tree)
        }
        policy.restart = restart ?? policy.restart
        policy.onExit = section.read("on_exit", or: policy.onExit, &findings, word)
        policy.backoff.read(section, &findings)
        policy.stop.read(section, &findings)
        policy.start.read(section, &findings)
        policy.escalation.read(section, &findings)
        policy.readCrashLoop(section, &findings)
        log.read(section, &findings)
        readRollback(section, &findings)
    }

    /// What stands there, where it has a meaning: a mind that asks a SafeSwitch that keeps out would
    /// never have an answer.
    private mutating func readRollback(_ section: Section, _ findings: inout Findings) {
        let wish = section.read("rollback", or: policy.rollback, &findings, word)
        if mayRollBack {
            policy.rollback = wish
        } else if wish != .never, let place = section.place("rollback") {
            findings.warning(
                place,
                Complaint(
                    "SafeSwitch is off, so that nothing is rolled back",
                    "write 'safeswitch: { policy: automatic }' at the top level"))
        }
    }
}

extension BackoffPolicy {
    fileprivate mutating func read(_ service: Section, _ findings: inout Findings) {
        guard let place = service.place("backoff") else { return }
        let section = Section(place, keys: ["quick", "first", "most", "clear"], &findings)
        quick = section.read(
            "quick", or: quick, &findings, duration(.milliseconds(1) ... .hours(1)))
        first = section.read(
            "first", or: first, &findings, duration(.milliseconds(1) ... .hours(1)))
        most = section.read("most", or: most, &findings, duration(.milliseconds(1) ... .hours(24)))
        clear = section.read(
            "clear", or: clear, &findings, duration(.milliseconds(1) ... .hours(24)))
        if first > most {
            findings.error(
                place,
                Complaint(
                    "'first' (\(first.configured)) is longer than 'most' (\(most.configured))"))
        }
    }
}

extension StopPolicy {
    fileprivate mutating func read(_ service: Section, _ findings: inout Findings) {
        guard let place = service.place("stop") else { return }
        let section = Section(place, keys: ["signal", "grace", "hung"], &findings)
        signal = section.read("signal", or: signal, &findings, Signal.parse)
        grace = section.read("grace", or: grace, &findings, duration(.zero ... .hours(1)))
        hung = section.read("hung", or: hung, &findings, duration(.zero ... .hours(1)))
    }
}

extension StartPolicy {
    fileprivate mutating func read(_ service: Section, _ findings: inout Findings) {
        guard let place = service.place("start") else { return }
        let section = Section(place, keys: ["timeout", "retries"], &findings)
        timeout = section.read(
            "timeout", or: timeout, &findings, duration(.milliseconds(100) ... .hours(24)))
        retries = section.read("retries", or: retries, &findings, integer(1...1000))
    }
}

extension EscalationPolicy {
    fileprivate mutating func read(_ service: Section, _ findings: inout Findings) {
        guard let place = service.place("escalation") else { return }
        let section = Section(place, keys: ["attempts"], &findings)
        attempts = section.read("attempts", or: attempts, &findings, integer(1...Self.mostAttempts))
    }
}

extension ServicePolicy {
    fileprivate mutating func readCrashLoop(_ service: Section, _ findings: inout Findings) {
        guard let place = service.place("crash_loop") else { return }
        if case .scalar(let text, _) = place.tree.content {
            if text == "off" || text == "false" {
                crashLoop = nil
            } else {
                findings.error(
                    place,
                    Complaint(
                        "\(quoted(text)) is neither off nor a mapping",
                        "write off or { crashes: 5, within: 60s }"))
            }
            return
        }
        let section = Section(place, keys: ["crashes", "within"], &findings)
        var policy = crashLoop ?? CrashLoopPolicy()
        policy.crashes = section.read(
            "crashes", or: policy.crashes, &findings, integer(1...CrashLoopPolicy.mostCrashes))
        policy.within = section.read(
            "within", or: policy.within, &findings, duration(.milliseconds(100) ... .hours(24)))
        crashLoop = policy
    }
}

extension Log {
    fileprivate mutating func read(_ service: Section, _ findings: inout Findings) {
        guard let place = service.place("log") else { return }
        if case .scalar(let text, _) = place.tree.content {
            switch text {
            case "inherit": self = .inherit
            case "none": self = .none
            default:
                findings.error(
                    place,
                    Complaint(
                        "\(quoted(text)) is neither inherit, none nor a mapping",
                        "write inherit, none or { path: /var/log/web.log, size: 16MiB }"))
            }
            return
        }
        let section = Section(place, keys: ["path", "size"], &findings)
        var (path, bound): (String?, Int64) = (nil, Log.standardBound)
        if case .file(let inheritedPath, let inheritedBound) = self {
            (path, bound) = (inheritedPath, inheritedBound)
        }
        path = section.read("path", &findings, absolutePath) ?? path
        bound = section.read("size", or: bound, &findings, size(Log.bounds))
        self = .file(path: path, bound: bound)
    }
}
