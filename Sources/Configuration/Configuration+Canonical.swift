public import JSON
import SafeSwitch
import Supervision

extension Configuration {
    /// The most bytes of canonical JSON that are read. What a file of the allowed size can say is
    /// shorter.
    public static let mostCanonicalBytes = 256 << 20

    /// Writes the configuration as JSON in a fixed order of keys, with every default filled in.
    ///
    /// Equal configurations give equal bytes, and reading them gives an equal configuration. The
    /// values of environment variables are in it: it may go over a pipe or a sealed memory file to
    /// the daemon, and nowhere else.
    public func canonicalJSON(into json: inout JSONWriter) {
        json.beginObject()
        json.string("state_directory", stateDirectory)
        json.string("runtime_directory", runtimeDirectory)
        json.string("cgroup", cgroup.configured)
        json.string("on_exit", onExit.rawValue)
        json.key("control")
        json.beginObject()
        json.key("allow")
        json.array(control.allow) { $0.string($1.configured) }
        json.endObject()
        json.key("notices")
        json.beginObject()
        for route in notices {
            json.key(route.name)
            route.write(into: &json)
        }
        json.endObject()
        if let safeSwitch {
            json.key("safeswitch")
            safeSwitch.write(into: &json)
        }
        if let watchdog {
            json.key("watchdog")
            watchdog.write(into: &json)
        }
        json.key("services")
        json.beginObject()
        for service in services {
            json.key(service.name)
            service.write(into: &json)
        }
        json.endObject()
        json.endObject()
    }

    /// Reads what `canonicalJSON` wrote.
    public init(canonical bytes: [UInt8]) throws(ConfigurationErrors) {
        let json: JSONValue
        do { json = try JSONValue.parse(bytes, limit: Configuration.mostCanonicalBytes) } catch {
            throw ConfigurationErrors([
                ConfigurationError(at: nil, path: "", message: "not canonical JSON: \(error)")
            ])
        }
        var warnings: [ConfigurationError] = []
        try self.init(Tree(json), warnings: &warnings)
    }
}

extension JSONWriter {
    mutating func array<Element>(
        _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void
    ) {
        beginArray()
        for element in elements { write(&self, element) }
        endArray()
    }

    mutating func string(_ key: StaticString, ifSet value: String?) {
        if let value { string(key, value) }
    }

    mutating func integer(_ key: StaticString, ifSet value: Int?) {
        if let value { integer(key, Int64(value)) }
    }
}

extension Configuration.Cgroup {
    fileprivate var configured: String {
        switch self {
        case .auto: "auto"
        case .off: "off"
        case .path(let path): path
        }
    }
}

extension Configuration.Control.Account {
    fileprivate var configured: String {
        switch self {
        case .uid(let number): String(number)
        case .name(let name): name
        }
    }
}

extension ServiceConfiguration {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        switch keeper {
        case .process(let launch):
            if let sequence {
                sequence.write(into: &json)
            } else {
                json.key("command")
                json.array(launch.command) { $0.string($1) }
            }
            launch.write(into: &json)
            json.integer("instances", Int64(instances))
            policy.writeProcess(into: &json)
            log.write(into: &json)
        case .unit(let unit): unit.write(into: &json)
        }
        policy.write(into: &json)
        json.key("probes")
        json.array(probes) { $1.write(into: &$0) }
        json.key("remedies")
        json.array(remedies) { $1.write(into: &$0) }
        json.key("blame_paths")
        json.array(blamePaths) { $0.string($1) }
        json.endObject()
    }

    /// A number that changes when what is run, what its environment says, or where its output goes
    /// changes: FNV-1a over their canonical JSON. A reload restarts what has another one than
    /// before. A service that says itself how it is (`notify`) is told so by its environment.
    ///
    /// 0 for a unit: what it is given is its own file's business, and nothing restarts it for that.
    public var fingerprint: UInt64 {
        guard let launch else { return 0 }
        var json = JSONWriter()
        json.key("command")
        json.array(launch.command) { $0.string($1) }
        launch.write(into: &json)
        log.write(into: &json)
        if let earlier = sequence?.start.dropLast(), !earlier.isEmpty {
            json.key("start")
            json.array(Array(earlier)) { $0.string($1) }
        }
        for probe in probes {
            if case .notify(let notify) = probe.kind { notify.write(into: &json) }
        }
        return json.bytes.fingerprint
    }
}

extension Launch {
    /// Bare members, all but the command.
    fileprivate func write(into json: inout JSONWriter) {
        json.string("user", ifSet: user)
        json.string("group", ifSet: group)
        if let groups {
            json.key("groups")
            json.array(groups) { $0.string($1) }
        }
        json.string("directory", ifSet: directory)
        json.key("environment")
        json.beginObject()
        for variable in environment {
            json.key(variable.name)
            json.string(variable.value)
        }
        json.endObject()
        json.string("umask", ifSet: umask.map { String($0, radix: 8) })
        json.key("limits")
        json.beginObject()
        for limit in limits {
            json.key(limit.resource.rawValue)
            json.string("\(limit.configured(limit.soft)):\(limit.configured(limit.hard))")
        }
        json.endObject()
        json.integer("oom_score_adjust", ifSet: oomScoreAdjust)
        json.integer("nice", ifSet: nice)
    }
}

extension Launch.Limit {
    fileprivate func configured(_ amount: UInt64) -> String {
        amount == Launch.Limit.unlimited ? "unlimited" : String(amount)
    }
}

extension UnitService {
    /// Bare members.
    fileprivate func write(into json: inout JSONWriter) {
        json.string("unit", name)
        json.string("restarts", ifSet: restarter?.rawValue)
        json.string("on_stop", onStop.rawValue)
    }
}

extension ServicePolicy {
    /// Bare members that a unit does not have.
    fileprivate func writeProcess(into json: inout JSONWriter) {
        json.bool("autostart", autostart)
        json.key("stop")
        json.beginObject()
        json.string("signal", Signal.name(stop.signal))
        json.string("grace", stop.grace.configured)
        json.string("hung", stop.hung.configured)
        json.endObject()
        json.string("on_exit", onExit.rawValue)
    }

    /// Bare members.
    fileprivate func write(into json: inout JSONWriter) {
        json.string("restart", restart.rawValue)
        json.bool("critical", critical)
        json.key("after")
        json.array(after) { $0.string($1) }
        json.key("backoff")
        json.beginObject()
        json.string("quick", backoff.quick.configured)
        json.string("first", backoff.first.configured)
        json.string("most", backoff.most.configured)
        json.string("clear", backoff.clear.configured)
        json.endObject()
        write(crashLoop, into: &json)
        json.key("start")
        json.beginObject()
        json.string("timeout", start.timeout.configured)
        json.integer("retries", Int64(start.retries))
        json.endObject()
        json.key("escalation")
        json.beginObject()
        json.integer("attempts", Int64(escalation.attempts))
        json.endObject()
        json.string("rollback", rollback.rawValue)
    }

    private func write(_ crashLoop: CrashLoopPolicy?, into json: inout JSONWriter) {
        guard let crashLoop else { return json.string("crash_loop", "off") }
        json.key("crash_loop")
        json.beginObject()
        json.integer("crashes", Int64(crashLoop.crashes))
        json.string("within", crashLoop.within.configured)
        json.endObject()
    }
}

extension SafeSwitchPolicy {
    fileprivate func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("policy", mode.rawValue)
        json.string("probation", probation.configured)
        json.string("limit", limit.configured)
        json.string("overdue", overdue.configured)
        json.integer("fence", ifSet: fence)
        json.bool("allow_reboot", allowReboot)
        json.key("maintenance")
        json.array(maintenance) { $0.string($1.configured) }
        json.string("on_exhausted", onExhausted.rawValue)
        json.key("reboot_command")
        json.array(rebootCommand) { $0.string($1) }
        json.endObject()
    }
}

extension Log {
    /// A bare member.
    fileprivate func write(into json: inout JSONWriter) {
        switch self {
        case .inherit: json.string("log", "inherit")
        case .none: json.string("log", "none")
        case .file(let path, let bound):
            json.key("log")
            json.beginObject()
            json.string("path", ifSet: path)
            json.integer("size", bound)
            json.endObject()
        }
    }
}
