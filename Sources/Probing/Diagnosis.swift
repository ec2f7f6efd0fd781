public import Supervision
public import Worker

/// What is likely wrong with a service, and by what that was decided.
public struct Diagnosis: Equatable, Sendable {
    /// The class.
    public var kind: Kind
    /// What was looked at, one sentence each, the deciding ones first; at most `mostEvidence`.
    public var evidence: [String]

    /// What can be wrong.
    public enum Kind: String, CaseIterable, Sendable {
        /// A signal of the process's own making ended it: SIGSEGV, SIGABRT …
        case signal = "crash-by-signal"
        /// It ended by itself with an exit code; 0 counts, where nobody had asked for it.
        case exitCode = "exit-code"
        /// The kernel's OOM killer ended it.
        case outOfMemory = "out-of-memory"
        /// It did not come up in time.
        case startTimeout = "start-timeout"
        /// It lives, and its probes fail.
        case hang
        /// Somebody else has its port.
        case portTaken = "port-taken"
        /// A service that it depends on is not well.
        case dependencyDown = "dependency-down"
        /// A declared environment file, or a key in it, is missing.
        case environmentMissing = "environment-missing"
        /// Somebody sent it a signal, and it was nobody here.
        case killedFromOutside = "killed-from-outside"
        /// The process could not be made; or systemd could not bring its unit up.
        case couldNotStart = "could-not-start"
        /// systemd ended it, because the unit allows it only so much time.
        case timeLimit = "time-limit"
        /// Nobody can know.
        case unknown
    }

    /// What happened.
    public enum Event: Equatable, Sendable {
        /// It ended, and nobody had asked for it.
        case exited(ExitStatus)
        /// The process could not be made.
        case couldNotStart(SpawnFailure)
        /// It did not become healthy in time; the last failed probe's words.
        case startTimedOut(reason: String)
        /// Its probes failed; the last one's words.
        case probesFailed(reason: String)
        /// A unit went down, and nobody had asked for it.
        case unitEnded(UnitEnd)
    }

    /// Everything that a diagnosis looks at.
    public struct Circumstances: Equatable, Sendable {
        /// What happened.
        public var event: Event
        /// Declared dependencies that are not healthy, by name.
        public var unhealthyDependencies: [String] = []
        /// What was found on the machine; the surveys of both accounts, folded into one.
        public var survey: Survey

        /// An event, and what was found on the machine.
        public init(_ event: Event, survey: Survey) {
            self.event = event
            self.survey = survey
        }
    }

    /// The most sentences of evidence.
    public static let mostEvidence = 8

    /// A diagnosis.
    public init(_ kind: Kind, evidence: [String]) {
        self.kind = kind
        self.evidence = Array(evidence.prefix(Self.mostEvidence))
    }

    /// Decides by rules, the first that fits:
    /// 1. the OOM killer, 2. a signal: from outside, or of its own making; and for what ended by
    /// itself, did not come up, or hangs: 3. an unhealthy dependency, 4. (not for a hang) a missing
    /// environment, 5. a port that somebody else has, 6. else the event itself.
    public static func classify(_ now: Circumstances) -> Diagnosis {
        switch now.event {
        case .exited(.signal(_, outOfMemory: true)):
            return Diagnosis(.outOfMemory, evidence: ["the OOM killer ended it"] + now.memory)
        case .exited(.signal(let signal, outOfMemory: false)):
            if fromOutside.contains(signal) {
                let said = "signal \(signal), which nobody here sent, nor the OOM killer"
                return Diagnosis(.killedFromOutside, evidence: [said] + now.memory)
            }
            return Diagnosis(.signal, evidence: ["ended by signal \(signal)"] + now.causes)
        case .exited(.code(let code)):
            return now.explained(or: .exitCode, "exit code \(code)")
        case .startTimedOut(let reason): return now.explained(or: .startTimeout, reason)
        case .probesFailed(let reason):
            let down = now.dependencies
            return Diagnosis(
                down.isEmpty ? .hang : .dependencyDown, evidence: down + [reason] + now.memory)
        case .couldNotStart(let failure):
            return Diagnosis(
                .couldNotStart, evidence: ["error \(failure.code) at the step \(failure.step)"])
        case .exited(.unknown):
            return Diagnosis(
                .unknown, evidence: ["it was not our child: nobody saw how it ended"] + now.causes)
        case .unitEnded(let end): return classify(end, now)
        }
    }

    /// systemd's own complaint decides; where it only says that the main process failed, that one's
    /// end does.
    private static func classify(_ end: UnitEnd, _ now: Circumstances) -> Diagnosis {
        func alike(_ event: Event) -> Diagnosis {
            var alike = now
            alike.event = event
            return classify(alike)
        }
        switch end.result {
        case "oom-kill":
            return Diagnosis(
                .outOfMemory, evidence: ["systemd: the OOM killer struck in it"] + now.memory)
        case "watchdog":
            return alike(
                .probesFailed(reason: "systemd ended it: it did not say WATCHDOG=1 in time"))
        case "core-dump":
            let signal = if case .signal(let signal, _) = end.exit { " \(signal)" } else { "" }
            return Diagnosis(
                .signal, evidence: ["ended by signal\(signal), with a core dump"] + now.causes)
        case "timeout" where end.wasUp:
            return Diagnosis(
                .timeLimit,
                evidence: ["systemd ended it: RuntimeMaxSec= or TimeoutStopSec= was over"])
        case "timeout":
            return alike(.startTimedOut(reason: "it was not up within its TimeoutStartSec="))
        case "start-limit-hit":
            return Diagnosis(
                .couldNotStart,
                evidence: ["systemd starts it no more: it was started too often"] + now.causes)
        case "resources":
            return Diagnosis(
                .couldNotStart,
                evidence: ["systemd could not make its process, or lacked what it needs for it"])
        case "protocol":
            return now.explained(
                or: .couldNotStart, "it ended, or said nothing, before it was up as its Type= asks")
        default:
            if let step = end.failedStep, case .code(let code) = end.exit {
                return Diagnosis(
                    .couldNotStart,
                    evidence: ["systemd failed at \(step), exit code \(code): systemd.exec(5)"]
                        + now.missing)
            }
            var diagnosis = alike(.exited(end.exit ?? .unknown))
            if end.exit == nil || end.exit == .unknown {
                diagnosis.evidence = ["systemd says: \(end.result)"] + now.causes
            }
            return Diagnosis(diagnosis.kind, evidence: diagnosis.evidence)
        }
    }

    /// SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGUSR2, SIGTERM: a process that wants to end does
    /// not send itself these.
    private static let fromOutside: Set<Int32> = [1, 2, 3, 9, 10, 12, 15]
}

extension Diagnosis.Circumstances {
    fileprivate var dependencies: [String] {
        unhealthyDependencies.map { "\($0), which it depends on, is not healthy" }
    }

    fileprivate var missing: [String] { survey.missing.map(\.description) }

    fileprivate var strangers: [String] {
        survey.ports.filter { !$0.isOwn }.map { "port \($0.port) is held by \($0.description)" }
    }

    fileprivate var memory: [String] {
        guard let memory = survey.memory else { return [] }
        let limit = memory.limit.map { " of \(words($0))" } ?? ""
        return ["\(words(memory.bytes))\(limit) of memory in use"]
    }

    private func words(_ bytes: Int64) -> String {
        bytes < 10 << 20 ? "\(bytes >> 10) KiB" : "\(bytes >> 20) MiB"
    }

    /// All that could be behind it.
    fileprivate var causes: [String] { dependencies + missing + strangers + memory }

    /// The cause that is found, else the event's own class.
    fileprivate func explained(or kind: Diagnosis.Kind, _ said: String) -> Diagnosis {
        let causes: [(Diagnosis.Kind, [String])] = [
            (.dependencyDown, dependencies), (.environmentMissing, missing),
            (.portTaken, strangers),
        ]
        let found = causes.first { !$0.1.isEmpty }
        return Diagnosis(
            found?.0 ?? kind,
            evidence: (found?.1 ?? []) + [said]
                + causes.filter { $0.0 != found?.0 }.flatMap(\.1) + memory)
    }
}
