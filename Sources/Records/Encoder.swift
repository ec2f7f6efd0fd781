import JSON
import SafeSwitch
public import Supervision

/// Entries as bytes: an event's name, and its members in a fixed order.
///
/// One buffer, kept and used again; what it holds is valid until the next call.
public struct Encoder {
    /// The NixOS generation in force, where there is one: part of every attempt.
    public var generation: Int?
    private var json = JSONWriter(capacity: 1024)

    /// An encoder.
    public init() {}

    /// The members of the last entry, without braces.
    public var fields: [UInt8] { json.bytes }

    /// Writes the members of `entry` and returns its event. `facts` tells the names.
    public mutating func encode(
        _ entry: Entry, facts: (InstanceID) -> InstanceFacts
    ) -> StaticString {
        json.removeAll()
        switch entry {
        case .mind(let record): return encode(record, facts: facts)
        case .switching(let record): return SwitchLine.write(record, into: &json)
        case .daemonStarted(let pid, let version):
            json.integer("pid", Int64(pid))
            json.string("version", version)
            return "daemon.start"
        case .daemonStopped(let reason, let left, let withMachine):
            json.string("reason", reason)
            json.integer("left_running", Int64(left))
            if withMachine { json.string("machine", BootPast.goingDown) }
            return "daemon.stop"
        case .configurationLoaded(let file, let services, let instances):
            json.string("file", file)
            json.integer("services", Int64(services))
            json.integer("instances", Int64(instances))
            return "config.load"
        case .configurationRefused(let file, let errors):
            json.string("file", file)
            json.integer("errors", Int64(errors))
            return "config.refuse"
        case .booted(let report):
            json.string("cause", report.cause.rawValue)
            json.string("evidence", report.evidence.clipped(to: Self.longestReason))
            return "boot"
        case .bootChecked(let facts, let verdict, let took):
            encode(facts, verdict)
            encode("waited_ms", took)
            return "boot.check"
        case .clockStepped(let nanoseconds):
            json.integer("by_ms", nanoseconds / 1_000_000)
            return "clock.step"
        case .asked(let method, let services, let uid, let pid):
            json.key("method")
            json.string(method.description)
            encode(services)
            json.integer("uid", Int64(uid))
            json.integer("pid", Int64(pid))
            return "control.act"
        case .logUnavailable(let id, let code):
            json.string("service", facts(id).name)
            json.integer("errno", Int64(code))
            return "log.unavailable"
        case .workerFailed(let role, let pid, let reason):
            json.string("role", role)
            json.integer("pid", Int64(pid))
            json.string("reason", reason.clipped(to: Self.longestReason))
            return "worker.fail"
        case .stepEnded(let id, let step, let number, let end, let took):
            json.string("service", facts(id).name)
            json.string("step", step)
            json.integer("number", Int64(number + 1))
            encode(end)
            encode("took_ms", took)
            return "step.end"
        case .diagnosed(let id, let incident, let cause):
            begin(incident, facts(id))
            encode(cause)
            return "incident.diagnose"
        case .logRotated(let id, let bytes):
            json.string("service", facts(id).name)
            json.integer("bytes", bytes)
            return "log.rotate"
        case .noticeDelivered(let route, let notice, let attempts, let reason):
            begin(notice, route, attempts)
            if !reason.isEmpty { json.string("reason", reason.clipped(to: Self.longestReason)) }
            return "notice.deliver"
        case .noticeGivenUp(let route, let notice, let attempts, let reason):
            begin(notice, route, attempts)
            json.string("reason", reason.clipped(to: Self.longestReason))
            return "notice.giveup"
        case .noticesDropped(let route, let count):
            json.string("route", route)
            json.integer("count", Int64(count))
            return "notice.drop"
        case .routeFailed(let route, let reason):
            json.string("route", route)
            json.string("reason", reason.clipped(to: Self.longestReason))
            return "route.fail"
        case .systemdLost(let reason):
            json.string("reason", reason.clipped(to: Self.longestReason))
            return "systemd.lost"
        case .systemdFound: return "systemd.found"
        case .watchdogOpened(let watchdog):
            encode(watchdog)
            return "watchdog.open"
        case .watchdogBusy(let device, let holder, let interval):
            json.string("device", device.clipped(to: Self.longestName))
            if let holder { json.string("holder", holder) }
            if let interval { encode("watched_ms", interval) }
            return "watchdog.busy"
        case .watchdogStarving(let condition, let detail):
            json.string("condition", condition.rawValue)
            json.string("detail", detail.clipped(to: Self.longestReason))
            return "watchdog.starve"
        case .watchdogFed(let after):
            encode("after_ms", after)
            return "watchdog.fed"
        case .watchdogClosed(let device, let magic, let timeout):
            json.string("device", device.clipped(to: Self.longestName))
            json.bool("magic", magic)
            if let timeout { encode("timeout_ms", timeout) }
            return "watchdog.close"
        case .watchdogOff(let device, let reason):
            if let device { json.string("device", device.clipped(to: Self.longestName)) }
            json.string("reason", reason.clipped(to: Self.longestReason))
            return "watchdog.off"
        case .routeRefused(let route, let reason):
            json.string("route", route)
            json.string("reason", reason.clipped(to: Self.longestReason))
            return "route.refuse"
        }
    }

    private mutating func encode(_ watchdog: ArmedWatchdog) {
        json.string("device", watchdog.device.clipped(to: Self.longestName))
        json.string("identity", watchdog.identity)
        encode("asked_ms", watchdog.asked)
        if let timeout = watchdog.timeout { encode("timeout_ms", timeout) }
        if let pretimeout = watchdog.pretimeout { encode("pretimeout_ms", pretimeout) }
        if let isNoWayOut = watchdog.isNoWayOut { json.bool("nowayout", isNoWayOut) }
        if watchdog.disarmsAtDeath { json.bool("disarms_at_death", true) }
        if let status = watchdog.bootStatus { json.integer("bootstatus", Int64(status)) }
    }

    /// No `service`: what is told of one is nothing that happened to it.
    private mutating func begin(_ notice: ToldNotice, _ route: String, _ attempts: Int) {
        json.string("route", route)
        json.string("notice", notice.id)
        json.string("about", notice.event)
        if let instance = notice.instance { json.string("instance", instance) }
        json.integer("attempts", Int64(attempts))
    }

    /// Bytes of a cause's sentence and of each line of its evidence, and lines: control characters
    /// take six bytes each, and a line has a bound.
    private static let longestCause = 160
    private static let longestEvidence = 96
    private static let mostEvidence = 4

    private mutating func encode(_ facts: BootGateFacts, _ verdict: BootVerdict) {
        json.string("verdict", verdict.word)
        if case .passed(let why) = verdict { json.string("reason", why.rawValue) }
        if let system = facts.system { json.system("system", system, facts.generation) }
        json.bool("known_good", facts.isKnownGood)
        json.bool("booted", facts.isBooted)
        json.bool("has_previous", facts.hasPrevious)
        json.bool("failed_before", facts.hasFailedBefore)
        if facts.isSwitching { json.bool("switching", true) }
        if facts.isStalled { json.bool("stalled", true) }
        json.integer("critical", Int64(facts.services.count))
        let unhealthy = facts.services.filter { $0.standing == .unhealthy }
        json.integer("unhealthy_count", Int64(unhealthy.count))
        json.key("unhealthy")
        json.beginArray()
        for service in unhealthy.prefix(Self.mostNames) {
            json.beginObject()
            json.string("service", service.name)
            json.bool("healthy_before", service.wasHealthyBefore)
            json.endObject()
        }
        json.endArray()
    }

    private mutating func encode(_ end: StepEnd) {
        switch end {
        case .code(let code): json.integer("code", Int64(code))
        case .signal(let signal): json.integer("signal", Int64(signal))
        case .late: json.string("status", "late")
        case .failed(let reason):
            json.string("reason", reason.clipped(to: Self.longestReason))
        }
    }

    private mutating func encode(_ cause: Cause) {
        json.string("class", cause.kind)
        json.string("text", cause.text.clipped(to: Self.longestCause))
        json.key("evidence")
        json.beginArray()
        for line in cause.evidence.prefix(Self.mostEvidence) {
            json.string(line.clipped(to: Self.longestEvidence))
        }
        json.endArray()
        if let output = cause.output {
            json.integer("output_bytes", Int64(output.bytes))
            json.string("output_sha256", output.digest)
        }
        if let cursor = cause.cursor { json.string("output_cursor", cursor) }
        if let unit = cause.unit {
            json.string("unit", unit.name)
            json.string("invocation", unit.invocation)
        }
    }

    /// At most so many names of what was asked for; the count tells the rest.
    private static let mostNames = 16

    private mutating func encode(_ services: [String]) {
        json.integer("count", Int64(services.count))
        json.key("services")
        json.beginArray()
        for service in services.prefix(Self.mostNames) { json.string(service) }
        json.endArray()
    }

    private mutating func encode(
        _ record: Supervision.Record, facts: (InstanceID) -> InstanceFacts
    ) -> StaticString {
        switch record {
        case .processStarted(let id, let process, let attempt):
            begin(process, attempt, facts(id))
            return "process.start"
        case .processAdopted(let id, let process, let attempt):
            begin(process, attempt, facts(id))
            return "daemon.adopt"
        case .processExited(let id, let process, let attempt, let status, let uptime, let asked):
            let facts = facts(id)
            json.string("service", facts.name)
            json.integer("pid", Int64(process.pid))
            json.integer("attempt", Int64(attempt))
            json.write(status)
            json.string("name", facts.program)
            encode("uptime_ms", uptime)
            json.bool("asked", asked)
            encodeGeneration()
            return "process.exit"
        case .spawnFailed(let id, let attempt, let failure):
            json.string("service", facts(id).name)
            json.integer("attempt", Int64(attempt))
            json.string("step", failure.step.word)
            json.integer("errno", Int64(failure.code))
            return "process.fail"
        case .restartDecided(let id, let attempt, let rule, let wait, let incident):
            json.string("service", facts(id).name)
            json.integer("attempt", Int64(attempt))
            json.string("rule", rule.rawValue)
            encode("wait_ms", wait)
            json.integer("incident", Int64(incident))
            return "restart.attempt"
        case .crashLoopDetected(let id, let rule, let count, let within, let incident):
            json.string("service", facts(id).name)
            json.string("rule", rule.rawValue)
            json.integer("count", Int64(count))
            encode("within_ms", within)
            json.integer("incident", Int64(incident))
            return "crashloop.detected"
        case .incidentOpened(let id, let incident, let kind, let probe):
            let facts = facts(id)
            begin(incident, facts)
            json.string("kind", kind.rawValue)
            if let probe {
                encode(name: probe, facts)
                encode(reason: probe, facts)
            }
            return "incident.open"
        case .incidentResolved(let id, let incident, let healing):
            begin(incident, facts(id))
            encode("healing_ms", healing)
            return "incident.resolve"
        case .incidentHandedOver(let id, let incident, let reason):
            begin(incident, facts(id))
            json.string("reason", reason.rawValue)
            return "incident.handover"
        case .recovered(let id):
            json.string("service", facts(id).name)
            return "service.recover"
        case .startAsked(let id):
            json.string("service", facts(id).name)
            return "service.start"
        case .stopBegan(let id, let aftermath):
            json.string("service", facts(id).name)
            json.string("then", aftermath.rawValue)
            return "service.stop"
        case .stopForced(let id):
            json.string("service", facts(id).name)
            return "service.kill"
        case .rested(let id, let rest, let run):
            json.string("service", facts(id).name)
            json.string("why", rest.rawValue)
            if let run { json.string("invocation", run.hexadecimal) }
            return "service.rest"
        case .detached(let id):
            json.string("service", facts(id).name)
            return "service.detach"
        case .paused(let id, let interval):
            json.string("service", facts(id).name)
            encode("for_ms", interval)
            return "service.pause"
        case .resumed(let id):
            json.string("service", facts(id).name)
            return "service.resume"
        case .remedied(let id, let kind, let place, let outcome, let incident):
            json.string("service", facts(id).name)
            json.string("remedy", kind.rawValue)
            json.integer("place", Int64(place))
            json.string("outcome", outcome.rawValue)
            let reason = facts(id).remedyReason
            if !reason.isEmpty { json.string("reason", reason.clipped(to: Self.longestReason)) }
            json.integer("incident", Int64(incident))
            return "remedy.end"
        case .probeProven(let id, let probe, let fingerprint):
            begin(probe, fingerprint, facts(id))
            return "probe.proven"
        case .probeSuspected(let id, let probe, let fingerprint):
            begin(probe, fingerprint, facts(id))
            return "probe.suspect"
        case .probeStruck(let id, let probe, let strike, let of):
            let facts = facts(id)
            begin(probe: probe, facts)
            encode(reason: probe, facts)
            json.integer("strike", Int64(strike))
            json.integer("of", Int64(of))
            return "probe.strike"
        case .probeCleared(let id, let probe, let strikes):
            begin(probe: probe, facts(id))
            json.integer("strikes", Int64(strikes))
            return "probe.clear"
        case .probeHeld(let id, let probe, let dependency):
            begin(probe: probe, facts(id))
            json.string("dependency", facts(dependency).name)
            return "probe.held"
        case .commonCauseBegan(let incident, let services, let of):
            json.integer("incident", Int64(incident))
            json.integer("count", Int64(services))
            json.integer("of", Int64(of))
            return "commoncause.begin"
        case .commonCauseEnded(let incident, let interval):
            json.integer("incident", Int64(incident))
            encode("duration_ms", interval)
            return "commoncause.end"
        case .commonCauseHandedOver(let incident):
            json.integer("incident", Int64(incident))
            return "commoncause.handover"
        }
    }

    /// Bytes of a probe's name and of its reason that a record holds: a line has a bound.
    private static let longestName = 128
    private static let longestReason = 256

    private mutating func encode(name probe: Int, _ facts: InstanceFacts) {
        json.integer("probe", Int64(probe))
        json.string("probe_name", facts.probeName(probe).clipped(to: Self.longestName))
    }

    private mutating func encode(reason probe: Int, _ facts: InstanceFacts) {
        guard let reason = facts.probeReason(probe) else { return }
        json.string("reason", reason.clipped(to: Self.longestReason))
    }

    private mutating func begin(probe: Int, _ facts: InstanceFacts) {
        json.string("service", facts.name)
        encode(name: probe, facts)
    }

    private mutating func begin(_ probe: Int, _ fingerprint: UInt64, _ facts: InstanceFacts) {
        begin(probe: probe, facts)
        encode(reason: probe, facts)
        json.decimal("fingerprint", Int64(bitPattern: fingerprint))
    }

    private mutating func begin(
        _ process: ProcessIdentity, _ attempt: Int, _ facts: InstanceFacts
    ) {
        json.string("service", facts.name)
        json.integer("pid", Int64(process.pid))
        json.decimal("start_ticks", Int64(clamping: process.startTicks))
        json.integer("attempt", Int64(attempt))
        json.string("name", facts.program)
        json.decimal("launch", Int64(bitPattern: facts.launch))
        encodeGeneration()
    }

    private mutating func begin(_ incident: Int, _ facts: InstanceFacts) {
        json.string("service", facts.name)
        json.integer("incident", Int64(incident))
    }

    private mutating func encode(_ key: StaticString, _ interval: Interval) {
        json.integer(key, interval.nanoseconds / 1_000_000)
    }

    private mutating func encodeGeneration() {
        if let generation { json.integer("generation", Int64(generation)) }
    }
}

extension JSONWriter {
    /// A 64-bit number that must survive readers that have doubles only.
    fileprivate mutating func decimal(_ key: StaticString, _ value: Int64) {
        self.key(key)
        decimal(value)
    }
}

extension String {
    /// The text, or as many of its first characters as have so many bytes.
    fileprivate func clipped(to bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        var end = startIndex
        var left = bytes
        while end < endIndex, self[end].utf8.count <= left {
            left -= self[end].utf8.count
            end = index(after: end)
        }
        return String(self[..<end])
    }
}

extension SpawnFailure.Step {
    /// The step in one word, for records and people.
    public var word: String {
        switch self {
        case .clone: "clone"
        case .session: "setsid"
        case .output: "output"
        case .limits: "limits"
        case .nice: "nice"
        case .oomScore: "oom-score"
        case .groups: "groups"
        case .group: "group"
        case .user: "user"
        case .directory: "directory"
        case .execute: "execute"
        case .account: "account"
        case .sequence: "sequence"
        case .job: "job"
        }
    }
}
