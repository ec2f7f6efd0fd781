import JSON
import Records
import SafeSwitch
import Supervision

/// What comes of a rule that runs again on recorded facts.
enum Again: Equatable {
    /// No decision.
    case nothing
    /// The same.
    case same
    /// It cannot be told, and why.
    case unsure(String)
    /// Another decision: this one.
    case other(String)

    var isOther: Bool { if case .other = self { true } else { false } }

    /// `same`
    var word: String {
        switch self {
        case .nothing: ""
        case .same: "same"
        case .unsure(let why): "unsure: \(why)"
        case .other(let decision): "differs: \(decision)"
        }
    }
}

/// What was recorded so far: the facts for the rules that look back.
struct StoryMemory {
    private var recollection = Recollection()
    /// By service: how long the last process ran that ended of itself, and what was last heard.
    private var uptimes: [String: Int64] = [:]
    private var heard: Set<String> = []

    /// Takes every line in, as a start does.
    mutating func take(_ line: UnsafeRawBufferPointer) { recollection.take(line) }

    /// Takes a line of the story in, after it was decided again.
    mutating func note(_ line: StoryLine) {
        guard let service = line.service else {
            if line.event == "switch.end" { heard.insert("switch.end") }
            return
        }
        if line.event == "process.exit", line.json["asked"]?.bool == false {
            uptimes[service] = line.json["uptime_ms"]?.integer
        }
        heard.insert("\(service) \(line.event)")
        if line.number("strike") == line.number("of") { heard.insert("\(service) struck out") }
    }

    /// The decision of a line, made again.
    func decideAgain(_ line: StoryLine) -> Again {
        switch line.event {
        case "triage.verdict", "rollback.plan": decideSwitching(line)
        case "crashloop.detected": countAgain(line)
        case "restart.attempt": restartAgain(line)
        default: .nothing
        }
    }

    private func decideSwitching(_ line: StoryLine) -> Again {
        switch SwitchRecord(event: line.event, line.json) {
        case .triaged(let facts, let verdict)?:
            let today = facts.judge()
            return today == verdict ? .same : .other(today.words)
        case .planned(let facts, let outcome)?:
            let today = facts.outcome()
            if today == outcome { return .same }
            // Of candidates that did not fit the line, the reasons are not there either.
            if line.json["candidates_left_out"] != nil, case .refuse(.noTarget) = today,
                case .refuse(.noTarget) = outcome
            {
                return .same
            }
            return .other(today.words)
        default: return .unsure("its facts cannot be read")
        }
    }

    /// Counts the recorded crashes or incidents of the window.
    private func countAgain(_ line: StoryLine) -> Again {
        guard let service = line.service, let count = line.number("count"),
            let within = line.json["within_ms"]?.integer,
            let rule = line.string("rule").flatMap(LoopRule.init)
        else { return .unsure("its facts cannot be read") }
        let memory = recollection.memory(
            wall: line.wall, boottime: line.boottime, boot: line.boot)
        let now = Instant(nanoseconds: line.boottime)
        let past = memory.instances[service]
        let moments = (rule == .crashes ? past?.crashes : past?.incidents) ?? []
        let counted = moments.count { now - $0 <= .milliseconds(within) }
        return counted >= count ? .same : .other("\(counted) are recorded")
    }

    /// The policy in force is not recorded: where it matters, the defaults stand for it.
    private func restartAgain(_ line: StoryLine) -> Again {
        guard let service = line.service, let rule = line.string("rule").flatMap(RestartRule.init)
        else { return .unsure("its rule is not known") }
        func wasHeard(_ event: String) -> Bool { heard.contains("\(service) \(event)") }
        switch rule {
        case .atOnce, .backoff:
            guard let uptime = uptimes[service] else { return .unsure("no exit is recorded") }
            let quick = BackoffPolicy().quick
            let isLong = Interval.milliseconds(uptime) >= quick
            if isLong == (rule == .atOnce) { return .same }
            return .unsure("with the default quick: \(quick.span) it would be the other")
        case .slowest:
            let isOver = wasHeard("incident.handover") || wasHeard("crashloop.detected")
            return isOver ? .same : .unsure("no hand-over is recorded here")
        case .unhealthy:
            return wasHeard("struck out") ? .same : .unsure("no third strike is recorded here")
        case .failedStart:
            return wasHeard("process.fail") ? .same : .unsure("no failed start is recorded here")
        case .resumed:
            return wasHeard("service.resume") ? .same : .unsure("no resumption is recorded here")
        case .switched:
            return heard.contains("switch.end") || wasHeard("triage.verdict")
                ? .same : .unsure("no switch is recorded here")
        case .startTimeout: return .unsure("the start time-out in force is not recorded")
        }
    }
}

extension Interval {
    fileprivate var span: String { "\(Span(milliseconds: nanoseconds / 1_000_000))" }
}
