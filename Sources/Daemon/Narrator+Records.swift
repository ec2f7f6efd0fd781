import Linux
import Records
import SafeSwitch
import Supervision

/// What the records mean, in a person's words.
extension Narrator {
    mutating func tell(_ record: Supervision.Record, _ facts: (InstanceID) -> InstanceFacts) {
        switch record {
        case .processStarted(let id, let process, let attempt):
            let again = attempt > 1 ? ", attempt \(attempt)" : ""
            say(.info, "\(facts(id).name): started (pid \(process.pid)\(again))")
        case .processAdopted(let id, let process, _):
            say(.info, "\(facts(id).name): still running, taken over (pid \(process.pid))")
        case .processExited(let id, let process, _, let status, let uptime, let asked):
            // Nobody knows how long one lived that ended while no daemon looked.
            let after = uptime == .zero ? "" : " after \(uptime.words)"
            let words = asked ? status.wordsWhenAsked : status.words
            say(
                asked ? .info : .warning,
                "\(facts(id).name): \(words)\(after) (pid \(process.pid))")
        case .spawnFailed(let id, _, let failure):
            say(.error, "\(facts(id).name): cannot start: \(failure.words)")
        case .restartDecided(let id, let attempt, _, let wait, _):
            let when = wait == .zero ? "now" : "in \(wait.words)"
            say(.info, "\(facts(id).name): attempt \(attempt) \(when)")
        case .crashLoopDetected(let id, .crashes, let count, let within, _):
            say(.error, "\(facts(id).name): crash loop: \(count) crashes within \(within.words)")
        case .crashLoopDetected(let id, .incidents, let count, let within, _):
            say(.error, "\(facts(id).name): a loop: \(count) incidents within \(within.words)")
        case .incidentOpened: break
        case .incidentResolved(let id, let incident, let healing):
            say(
                .notice,
                "\(facts(id).name): healthy again after \(healing.words) (incident \(incident))")
        case .incidentHandedOver(let id, let incident, let reason):
            guard reason != .operatorStopped, reason != .removed else { return }
            let rule = reason.rawValue
            say(
                .error,
                "\(facts(id).name): needs a human (incident \(incident), \(rule)); "
                    + "see: regen status \(facts(id).name)")
        case .recovered(let id): say(.notice, "\(facts(id).name): healthy for good again")
        case .startAsked: break
        case .stopBegan(let id, let aftermath):
            say(.info, "\(facts(id).name): stopping\(aftermath.words)")
        case .stopForced(let id):
            say(.warning, "\(facts(id).name): did not end in time, SIGKILL sent")
        // Only what is removed is as if it had never been started.
        case .rested(let id, .fresh, _): say(.info, "\(facts(id).name): removed")
        case .rested(let id, let rest, _): say(.info, "\(facts(id).name): \(rest.words)")
        case .detached(let id): say(.info, "\(facts(id).name): its start command is done")
        case .paused(let id, let interval):
            say(.notice, "\(facts(id).name): paused for \(interval.words)")
        case .resumed(let id): say(.notice, "\(facts(id).name): looked after again")
        case .remedied(let id, let kind, _, let outcome, _):
            let facts = facts(id)
            let why = facts.remedyReason.isEmpty ? "" : ": \(facts.remedyReason)"
            say(
                outcome == .refused ? .error : .info,
                "\(facts.name): \(kind.rawValue): \(outcome.rawValue)\(why)")
        case .probeProven, .probeCleared: break
        case .probeSuspected(let id, let probe, _):
            let facts = facts(id)
            say(
                .warning,
                "\(facts.name): its probe \(facts.probeName(probe)) has never passed and is ignored; "
                    + "is it mistyped?")
        case .probeStruck(let id, let probe, let strike, let of):
            let facts = facts(id)
            let reason = facts.probeReason(probe).map { ": \($0)" } ?? ""
            say(
                .warning,
                "\(facts.name): \(facts.probeName(probe)) failed (\(strike) of \(of))\(reason)")
        case .probeHeld(let id, _, let dependency):
            say(
                .warning,
                "\(facts(id).name): left alone, because \(facts(dependency).name) is unhealthy")
        case .commonCauseBegan(let incident, let services, let of):
            say(
                .error,
                "\(services) of \(of) probed services fail at once: a common cause "
                    + "(incident \(incident)); unhealthy ones are restarted one at a time")
        case .commonCauseEnded(let incident, let interval):
            say(.notice, "calm again after \(interval.words) (incident \(incident))")
        case .commonCauseHandedOver(let incident):
            say(.error, "the common cause lasts and needs a human (incident \(incident))")
        }
    }
}

extension Narrator {
    /// The daemon's own entries.
    mutating func tell(_ entry: Entry, _ facts: (InstanceID) -> InstanceFacts) {
        switch entry {
        case .mind(let record): tell(record, facts)
        case .switching(let record): tell(record)
        case .daemonStarted(let pid, let version): say(.info, "regend \(version), pid \(pid)")
        case .daemonStopped(_, let left, _):
            let rest = left == 1 ? "process goes" : "processes go"
            say(.info, left == 0 ? "ended" : "ended; \(left) \(rest) on without me")
        case .configurationLoaded(let file, let services, let instances):
            let copies = instances == services ? "" : " (\(instances) instances)"
            say(.info, "\(file) in force: \(Self.count(services, "service"))\(copies)")
        case .configurationRefused, .clockStepped: break
        case .booted(let report):
            say(report.cause.level, "the last boot ended: \(report.words)")
        case .bootChecked(let facts, let verdict, let took): tell(facts, verdict, took)
        case .asked(let method, let services, let uid, _):
            let words = ["user \(uid) asked: \(method)"] + services
            say(.info, words.joined(separator: " "))
        case .logUnavailable(let id, let code):
            say(
                .warning,
                "\(facts(id).name): its log cannot be written (\(SystemError(code, "").reason)); "
                    + "what it prints is lost")
        case .workerFailed(let role, let pid, let reason):
            say(.warning, "worker '\(role)' (pid \(pid)) is replaced: \(reason); no strike")
        case .stepEnded(let id, let step, let number, let end, let took):
            say(
                end == .code(0) ? .info : .error,
                "\(facts(id).name): \(step) \(number + 1) \(end.words) after \(took.words)")
        case .diagnosed(let id, _, let cause):
            say(.info, "\(facts(id).name): \(cause.text)")
        case .logRotated(let id, let bytes):
            say(.info, "\(facts(id).name): log cut, \(bytes) bytes kept aside")
        case .noticeDelivered(let route, let notice, let attempts, let reason):
            let tries = attempts == 1 ? "" : " at attempt \(attempts)"
            let why = reason.isEmpty ? "" : ": \(reason)"
            say(
                reason.isEmpty ? .info : .warning,
                "route \(route): told\(tries): \(notice.words)\(why)")
        case .noticeGivenUp(let route, let notice, _, let reason):
            say(.error, "route \(route): not told: \(notice.words): \(reason)")
        case .noticesDropped(let route, let count):
            say(
                .error,
                "route \(route): \(Self.count(count, "notice")) dropped: too many wait")
        case .systemdLost(let reason):
            say(.warning, "systemd cannot be reached: \(reason); trying again, and no strike")
        case .systemdFound: say(.notice, "systemd answers again")
        case .watchdogOpened(let watchdog): tell(watchdog)
        case .watchdogBusy(let device, let holder, let interval):
            let who = holder ?? "somebody else"
            let instead =
                interval.map { "systemd watches me instead, told each \($0.words)" }
                ?? "nobody watches me: set WatchdogSec= in my unit"
            say(.warning, "watchdog \(device): \(who) feeds it; \(instead)")
        case .watchdogStarving(let condition, let detail):
            say(
                .error,
                "watchdog: not fed any more (\(condition.rawValue)): \(detail); a device that is not "
                    + "fed resets the machine when its time-out is over")
        case .watchdogFed(let after):
            say(.notice, "watchdog: fed again after \(after.words)")
        case .watchdogClosed(let device, magic: true, _):
            say(.info, "watchdog \(device): stopped, nothing resets this machine any more")
        case .watchdogClosed(let device, magic: false, let timeout):
            let time = timeout?.words ?? "its time-out"
            say(
                .warning,
                "watchdog \(device): cannot be stopped (nowayout); the machine will be reset in "
                    + "\(time) unless somebody feeds it, such as the next regend")
        case .watchdogOff(let device, let reason):
            say(.error, "watchdog\(device.map { " \($0)" } ?? ""): not used: \(reason)")
        case .routeFailed(let route, let reason):
            say(.warning, "route \(route): fails, I go on trying: \(reason)")
        case .routeRefused(let route, let reason):
            say(
                .error,
                "route \(route): tells nobody until this is mended and reloaded: \(reason)")
        }
    }

    private mutating func tell(
        _ facts: BootGateFacts, _ verdict: BootVerdict, _ took: Interval
    ) {
        let names = facts.unhealthy.joined(separator: ", ")
        let unhealthy = names.isEmpty ? "" : "; not healthy: \(names)"
        switch verdict {
        case .passed(let why):
            say(
                names.isEmpty ? .info : .warning,
                "the boot counts as good after \(took.words): \(why.phrase)\(unhealthy)")
        case .failed:
            let name = facts.system.map { Self.name($0, facts.generation) } ?? "what runs"
            say(
                .error,
                "the boot of \(name) has failed after \(took.words)\(unhealthy); they were healthy "
                    + "on the generation before; no boot of it is failed again")
        }
    }

    private mutating func tell(_ watchdog: ArmedWatchdog) {
        let identity = watchdog.identity.isEmpty ? "" : " (\(watchdog.identity))"
        let timeout = watchdog.timeout?.words ?? "unknown"
        let asked =
            watchdog.timeout == watchdog.asked ? "" : ", not the \(watchdog.asked.words) asked for"
        say(.notice, "watchdog \(watchdog.device)\(identity): armed, time-out \(timeout)\(asked)")
        if watchdog.isNoWayOut == true {
            say(
                .warning,
                "watchdog \(watchdog.device): nowayout: when I am stopped the machine is reset, "
                    + "unless somebody else feeds it in time")
        }
        if watchdog.disarmsAtDeath {
            say(
                .warning,
                "watchdog \(watchdog.device): its driver knows no magic close: when I am killed it "
                    + "stops, and resets nothing")
        }
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}

extension ToldNotice {
    fileprivate var words: String { instance.map { "\(event) of \($0)" } ?? event }
}

extension ExitStatus {
    var words: String {
        switch self {
        case .code(let code): "exited with code \(code)"
        case .signal(let signal, outOfMemory: true):
            "killed by the kernel for want of memory (\(Signal.name(signal)))"
        case .signal(let signal, _): "killed by \(Signal.name(signal))"
        case .unknown: "has ended, nobody can tell how"
        }
    }

    /// The same for an end that was wanted: no reason to worry.
    var wordsWhenAsked: String {
        switch self {
        case .signal(let signal, outOfMemory: false): "ended by \(Signal.name(signal))"
        case .code, .signal, .unknown: words
        }
    }
}

extension StepEnd {
    var words: String {
        switch self {
        case .code(0): "done"
        case .code(let code): "exited with code \(code)"
        case .signal(let signal): "killed by \(Signal.name(signal))"
        case .late: "was killed, because it was not done in time,"
        case .failed(let reason): "could not begin: \(reason);"
        }
    }
}

extension SpawnFailure {
    var words: String {
        let reason = SystemError(code, "").reason
        switch step {
        case .account: return "no such user or group on this machine"
        case .sequence:
            return "a step before its start failed (regen log shows what it printed); "
                + "what runs is left alone"
        case .job:
            return "systemd did not bring it up (systemctl status shows why)"
        case .execute where code == SystemError.noEntry:
            return "its command: \(reason), or the interpreter it names is missing"
        case .execute: return "its command: \(reason)"
        case .directory: return "its directory: \(reason)"
        case .clone, .session, .output, .limits, .nice, .oomScore, .groups, .group, .user:
            return "\(step.word): \(reason)"
        }
    }
}

extension Stopping.Aftermath {
    var words: String {
        switch self {
        case .rest, .end: ""
        case .restart: ", to start again"
        case .remove: ", no longer configured"
        case .failStart: ", its start was not confirmed in time"
        case .heal: ", its probes failed"
        }
    }
}

extension Rest {
    var words: String {
        switch self {
        case .fresh: "not started"
        case .asked, .ended: "stopped"
        case .finished: "finished"
        case .failed: "failed, and is not to be restarted"
        case .outside: "is down by somebody else's hand, and left alone until it is up again"
        }
    }
}

extension BootReport {
    /// `power-loss (all ended at once, …)`
    var words: String { "\(cause.rawValue) (\(evidence))" }
}

extension ResetCause {
    fileprivate var level: Narrator.Level {
        switch self {
        case .clean, .unknown: .info
        case .powerLoss: .warning
        case .watchdog, .panic: .error
        }
    }
}
