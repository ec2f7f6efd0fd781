import JSON
import SafeSwitch
import Supervision

/// SafeSwitch's `carry` records: one for all that is short, one for the switch under way, and one for
/// each system that is marked, the latest last.
extension SwitchPast {
    func carry(at now: Moment, into json: inout JSONWriter, append: ([UInt8]) -> Void) {
        json.removeAll()
        writeCounters(into: &json, at: now)
        append(json.bytes)
        json.removeAll()
        if write(flight, into: &json, at: now) { append(json.bytes) }
        for (what, systems) in [
            ("known-good", knownGood), ("quarantined", quarantined), ("booted", booted),
        ] {
            for system in systems {
                json.removeAll()
                json.string("what", what)
                json.path("system", system)
                append(json.bytes)
            }
        }
    }

    private func writeCounters(into json: inout JSONWriter, at now: Moment) {
        json.string("what", "safeswitch")
        json.integer("next_switch", Int64(nextFlight))
        json.path("current", current)
        json.key("rollback_ages_ms")
        json.beginArray()
        for rollback in rollbacks { json.integer(rollback.age(at: now) / 1_000_000) }
        json.endArray()
        json.key("rolled_back")
        json.beginArray()
        for incident in rolledBack { json.integer(Int64(incident)) }
        json.endArray()
        if let lastReboot { json.integer("reboot_age_ms", lastReboot.age(at: now) / 1_000_000) }
        if isNewBoot(at: now) { json.bool("new_boot", true) }
        if isFirst { json.bool("first", true) }
        if let foreign, foreign.began.boot == now.boot {
            json.integer("foreign_age_ms", foreign.began.age(at: now) / 1_000_000)
            json.integer("foreign_pid", Int64(foreign.pid))
            if !foreign.isSeen { json.bool("foreign_unseen", true) }
            if let ended = foreign.ended {
                json.integer("foreign_end_age_ms", ended.age(at: now) / 1_000_000)
            }
        }
        if let unseen {
            json.integer("unseen_age_ms", unseen.since.age(at: now) / 1_000_000)
            json.integer("heard_age_ms", unseen.heard.age(at: now) / 1_000_000)
        }
        // One that was replaced matters only until the next one begins, by what was before it.
        if let probation {
            json.system("probation", probation.system, probation.generation)
            json.path("previous", probation.previous)
            json.optional("previous_generation", probation.previousGeneration)
            json.integer("probation_age_ms", probation.began.age(at: now) / 1_000_000)
            json.integer("seen_age_ms", probation.seen.age(at: now) / 1_000_000)
            json.integer("for_ms", probation.milliseconds)
            write(probation.chain, into: &json, at: now)
        } else if let replaced {
            json.path("replaced", replaced.system)
            json.path("previous", replaced.previous)
            json.integer("probation_age_ms", replaced.began.age(at: now) / 1_000_000)
            write(replaced.chain, into: &json, at: now)
        }
    }

    private func write(_ chain: Moment?, into json: inout JSONWriter, at now: Moment) {
        if let chain { json.integer("chain_age_ms", chain.age(at: now) / 1_000_000) }
    }

    private func write(
        _ flight: (Flight, began: Moment, heard: Moment)?, into json: inout JSONWriter,
        at now: Moment
    ) -> Bool {
        guard let (flight, began, heard) = flight else { return false }
        json.string("what", "switch")
        json.write(flight)
        json.string("step", flight.step.rawValue)
        json.integer("run", Int64(flight.runs))
        json.integer("age_ms", began.age(at: now) / 1_000_000)
        json.integer("heard_age_ms", heard.age(at: now) / 1_000_000)
        if heard.boot != now.boot {
            json.bool("earlier_boot", true)
        } else if let process = flight.process {
            json.integer("pid", Int64(process.pid))
            json.key("start_ticks")
            json.decimal(Int64(clamping: process.startTicks))
        }
        if isConfirmed { json.bool("confirmed", true) }
        if isActivating { json.bool("activating", true) }
        return true
    }

    mutating func recall(_ json: JSONValue, at moment: Moment) {
        newest = moment
        switch json["what"]?.string {
        case "safeswitch": recallCounters(json, at: moment)
        case "switch": recallFlight(json, at: moment)
        case "known-good": if let system = json["system"]?.string { knownGood.keep(system) }
        case "quarantined": if let system = json["system"]?.string { quarantined.keep(system) }
        case "booted": if let system = json["system"]?.string { booted.keep(system) }
        default: break
        }
    }

    private mutating func recallCounters(_ json: JSONValue, at moment: Moment) {
        func earlier(_ key: String) -> Moment? {
            json[key]?.integer.map { moment.earlier(by: $0) }
        }
        self = SwitchPast()
        newest = moment
        nextFlight = json.count("next_switch") ?? 1
        current = json["current"]?.string
        rollbacks = (json["rollback_ages_ms"]?.array ?? []).suffix(SwitchMemory.mostSystems)
            .compactMap(\.integer).map { moment.earlier(by: $0) }
        rolledBack = (json["rolled_back"]?.array ?? []).suffix(SwitchMemory.mostSystems)
            .compactMap(\.integer).compactMap { Int(exactly: $0) }
        lastReboot = earlier("reboot_age_ms")
        carriesNewBoot = json["new_boot"]?.bool ?? false
        isFirst = json["first"]?.bool ?? false
        foreign = earlier("foreign_age_ms").map {
            Foreign(
                began: $0,
                pid: json["foreign_pid"]?.integer.flatMap(Int32.init(exactly:)) ?? 0,
                ended: earlier("foreign_end_age_ms"),
                isSeen: json["foreign_unseen"]?.bool != true)
        }
        if let since = earlier("unseen_age_ms"), let heard = earlier("heard_age_ms") {
            unseen = (since, heard)
        }
        guard let system = json["probation"]?.string else {
            replaced = json["replaced"]?.string.map {
                Probation(
                    system: $0, previous: json["previous"]?.string,
                    began: earlier("probation_age_ms") ?? moment, seen: moment,
                    milliseconds: 0, chain: earlier("chain_age_ms"))
            }
            return
        }
        probation = Probation(
            system: system, generation: json.count("generation"),
            previous: json["previous"]?.string,
            previousGeneration: json.count("previous_generation"),
            began: earlier("probation_age_ms") ?? moment, seen: earlier("seen_age_ms") ?? moment,
            milliseconds: max(0, json["for_ms"]?.integer ?? 0), chain: earlier("chain_age_ms"))
    }

    private mutating func recallFlight(_ json: JSONValue, at moment: Moment) {
        guard var flight = Flight(json, began: Instant(nanoseconds: 0)) else { return }
        flight.step = json["step"]?.string.flatMap(Flight.Step.init) ?? .intent
        flight.runs = json.count("run") ?? 0
        flight.process = json.process
        func earlier(_ key: String) -> Moment {
            var earlier = moment.earlier(by: json[key]?.integer ?? 0)
            // No boot has this name: whatever comes, it is another one.
            if json["earlier_boot"]?.bool == true { earlier.boot = "" }
            return earlier
        }
        self.flight = (flight, earlier("age_ms"), earlier("heard_age_ms"))
        isConfirmed = json["confirmed"]?.bool ?? false
        isActivating = json["activating"]?.bool ?? false
    }
}
