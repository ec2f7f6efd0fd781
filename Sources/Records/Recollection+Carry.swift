import JSON
import Supervision

/// `carry` records stand at the beginning of a segment, so that a start reads no other. Moments are
/// written as ages in milliseconds, counted back from the carry's own stamp.
extension Recollection {
    /// Gives the members of each `carry` record to `append`, for a segment that begins now.
    public func carry(
        wall: Int64, boottime: Int64, boot: String, append: ([UInt8]) -> Void
    ) {
        let now = Moment(wall: wall, boottime: boottime, boot: boot)
        var json = JSONWriter(capacity: 1024)
        json.string("what", "counters")
        json.integer("next_incident", Int64(nextIncident))
        if let commonCause {
            json.integer("common_cause", Int64(commonCause.id))
            json.integer("common_cause_age_ms", commonCause.opened.age(at: now) / 1_000_000)
        }
        append(json.bytes)
        boots.carry(at: now, into: &json, append: append)
        let settled = settled(at: now)
        settled.switching.stepped(to: now).carry(at: now, into: &json, append: append)
        for name in order {
            guard let past = settled.pasts[name] else { continue }
            json.removeAll()
            json.string("what", "service")
            json.string("service", name)
            past.write(into: &json, at: now)
            append(json.bytes)
        }
    }

    mutating func recall(_ json: JSONValue, at moment: Moment) {
        if let next = json.count("next_incident") { nextIncident = max(nextIncident, next) }
        if let id = json.count("common_cause"), let age = json["common_cause_age_ms"]?.integer {
            commonCause = (id, moment.earlier(by: age))
        }
        switching.recall(json, at: moment)
        boots.recall(json, at: moment)
        guard let name = json["service"]?.string else { return }
        if pasts[name] == nil { order.append(name) }
        pasts[name] = Past(carried: json, at: moment)
    }
}

extension Recollection.Past {
    func write(into json: inout JSONWriter, at now: Recollection.Moment) {
        json.integer("attempt", Int64(attempt))
        json.key("launch")
        json.decimal(Int64(bitPattern: launch))
        if let process, let began, began.boot == now.boot {
            json.integer("pid", Int64(process.pid))
            json.key("start_ticks")
            json.decimal(Int64(clamping: process.startTicks))
        }
        write("crash_ages_ms", crashes, into: &json, at: now)
        write("incident_ages_ms", incidents, into: &json, at: now)
        if let incident {
            json.integer("incident", Int64(incident.id))
            json.integer("incident_age_ms", incident.opened.age(at: now) / 1_000_000)
        }
        if isHandedOver { json.bool("handed_over", true) }
        if mayNotCount { json.bool("may_not_count", true) }
        writeHealth(into: &json, at: now)
        if failedStarts > 0 { json.integer("failed_starts", Int64(failedStarts)) }
        if let rest, rest.1.boot == now.boot { json.string("rest", rest.0.rawValue) }
        if let over { json.string("invocation", over.hexadecimal) }
        if restarting?.boot == now.boot { json.bool("restarting", true) }
        if let stopping, stopping.1.boot == now.boot {
            json.string("stopping", stopping.0.rawValue)
        }
        writeRecovery(into: &json, at: now)
    }

    private func writeHealth(into json: inout JSONWriter, at now: Recollection.Moment) {
        write("failure_ages_ms", failures, into: &json, at: now)
        if mayNotFail { json.bool("may_not_fail", true) }
        if wasEnded { json.bool("was_ended", true) }
        if isHealthy { json.bool("healthy", true) }
        if let hopes { json.integer("hopes_age_ms", hopes.age(at: now) / 1_000_000) }
        if wasHealthyBefore { json.bool("healthy_before", true) }
        if let unhealthy {
            json.integer("unhealthy_age_ms", unhealthy.since.age(at: now) / 1_000_000)
            if unhealthy.wasHealthy { json.bool("healthy_until_then", true) }
        }
        if let lastIncident { json.integer("last_incident", Int64(lastIncident)) }
    }

    private func writeRecovery(into json: inout JSONWriter, at now: Recollection.Moment) {
        if detached?.boot == now.boot { json.bool("detached", true) }
        if let pause {
            json.integer("pause_ms", min(pause.milliseconds, JSONWriter.integerLimit - 1))
            json.integer("pause_age_ms", pause.began.age(at: now) / 1_000_000)
        }
        if attempts > 0 { json.integer("unconfirmed", Int64(attempts)) }
        if nextRemedy > 0 { json.integer("next_remedy", Int64(nextRemedy)) }
        write("proven_probes", provenProbes, into: &json)
        write("suspect_probes", suspectedProbes, into: &json)
    }

    private func write(
        _ key: StaticString, _ fingerprints: [UInt64], into json: inout JSONWriter
    ) {
        guard !fingerprints.isEmpty else { return }
        json.key(key)
        json.beginArray()
        for fingerprint in fingerprints { json.decimal(Int64(bitPattern: fingerprint)) }
        json.endArray()
    }

    private func write(
        _ key: StaticString, _ moments: [Recollection.Moment], into json: inout JSONWriter,
        at now: Recollection.Moment
    ) {
        guard !moments.isEmpty else { return }
        json.key(key)
        json.beginArray()
        for moment in moments { json.integer(moment.age(at: now) / 1_000_000) }
        json.endArray()
    }

    init(carried json: JSONValue, at moment: Recollection.Moment) {
        self.init()
        func moments(_ key: String) -> [Recollection.Moment] {
            (json[key]?.array ?? []).compactMap(\.integer)
                .map { moment.earlier(by: $0) }
        }
        attempt = json.count("attempt") ?? 0
        process = json.process
        launch = UInt64(bitPattern: json["launch"]?.decimal ?? 0)
        began = moment
        crashes = moments("crash_ages_ms")
        incidents = moments("incident_ages_ms")
        if let id = json.count("incident"), let age = json["incident_age_ms"]?.integer {
            incident = (id, moment.earlier(by: age))
        }
        isHandedOver = json["handed_over"]?.bool ?? false
        mayNotCount = json["may_not_count"]?.bool ?? false
        failures = moments("failure_ages_ms")
        mayNotFail = json["may_not_fail"]?.bool ?? false
        wasEnded = json["was_ended"]?.bool ?? false
        isHealthy = json["healthy"]?.bool ?? false
        hopes = json["hopes_age_ms"]?.integer.map { moment.earlier(by: $0) }
        wasHealthyBefore = json["healthy_before"]?.bool ?? false
        unhealthy = json["unhealthy_age_ms"]?.integer.map {
            (moment.earlier(by: $0), json["healthy_until_then"]?.bool ?? false)
        }
        lastIncident = json.count("last_incident")
        failedStarts = json.count("failed_starts") ?? 0
        rest = json["rest"]?.string.flatMap(Rest.init).map { ($0, moment) }
        over = json["invocation"]?.string.map(UnitSight.Invocation.init(hexadecimal:))
        if json["restarting"]?.bool == true { restarting = moment }
        stopping = json["stopping"]?.string.flatMap(Stopping.Aftermath.init).map { ($0, moment) }
        if json["detached"]?.bool == true { detached = moment }
        if let length = json["pause_ms"]?.integer, let age = json["pause_age_ms"]?.integer {
            pause = (moment.earlier(by: age), max(0, length))
        }
        attempts = json.count("unconfirmed") ?? 0
        nextRemedy = json.count("next_remedy") ?? 0
        func fingerprints(_ key: String) -> [UInt64] {
            (json[key]?.array ?? []).prefix(InstanceMemory.mostFingerprints)
                .compactMap(\.decimal).map { UInt64(bitPattern: $0) }
        }
        provenProbes = fingerprints("proven_probes")
        suspectedProbes = fingerprints("suspect_probes")
    }
}
