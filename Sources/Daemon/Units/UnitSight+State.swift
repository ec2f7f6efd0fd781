public import Configuration
public import Supervision
public import Systemd

/// What systemd's words mean to the mind.
extension UnitSight {
    /// What is seen of a unit in this state.
    ///
    /// - Parameters:
    ///   - unit: what is configured of it.
    ///   - process: its main process, if there is one and it can be told from every other.
    ///   - clockOffset: CLOCK_BOOTTIME less CLOCK_MONOTONIC, in nanoseconds.
    public init(
        _ state: UnitState, of unit: UnitService, process: ProcessIdentity?, clockOffset: Int64
    ) {
        let activity = Activity(state)
        self.init(
            activity: activity, invocation: Invocation(hexadecimal: state.invocation),
            process: process,
            since: Instant(state.entered(activity), clockOffset: clockOffset),
            restarts: Int(state.restarts), exit: state.exit, isFailure: state.isFailure,
            wasStopped: state.wasStopped(activity), starter: Starter(state, of: unit))
    }
}

extension UnitSight.Activity {
    fileprivate init(_ state: UnitState) {
        switch state.activeState {
        case "active", "reloading", "refreshing": self = .active
        case "activating": self = .activating
        case "deactivating": self = .deactivating
        case "failed" where state.isThere: self = .failed
        // `maintenance` is what `systemctl clean` does to one that is down.
        case "inactive" where state.isThere, "maintenance" where state.isThere: self = .inactive
        default: self = .missing
        }
    }
}

extension Instant {
    /// `microseconds` of CLOCK_MONOTONIC.
    fileprivate init(_ microseconds: UInt64, clockOffset: Int64) {
        let nanoseconds = Int64(clamping: microseconds).multipliedReportingOverflow(by: 1000)
        let isKnown = microseconds > 0 && !nanoseconds.overflow
        self.init(nanoseconds: isKnown ? nanoseconds.partialValue &+ clockOffset : 0)
    }
}

extension Starter {
    /// Who starts it again when it fails. What the configuration wishes never makes a unit Regen's
    /// that is another's to start.
    fileprivate init(_ state: UnitState, of unit: UnitService) {
        let doesMore = [state.startLimitAction, state.failureAction]
            .contains { !$0.isEmpty && $0 != "none" }
        if doesMore || state.type == "oneshot" || !state.triggeredBy.isEmpty {
            self = .nobody
            return
        }
        switch unit.restarter {
        case .systemd: self = .systemd
        case .regen: self = .regen
        case nil where state.restart != "no" && !state.restart.isEmpty: self = .systemd
        // The bus starts it when somebody calls it; whether it can, only the bus knows.
        case nil where state.type == "dbus": self = .nobody
        case nil: self = .regen
        }
    }
}

extension UnitState {
    /// There is a unit file, and it may be used.
    fileprivate var isThere: Bool { !["not-found", "masked"].contains(loadState) }

    /// When it became that, in microseconds of CLOCK_MONOTONIC.
    fileprivate func entered(_ activity: UnitSight.Activity) -> UInt64 {
        switch activity {
        case .active: activeEntered
        case .activating: inactiveLeft
        case .deactivating: activeLeft
        case .inactive, .failed, .missing: inactiveEntered
        }
    }

    /// How the last main process ended: by waitid(2)'s `si_code`.
    fileprivate var exit: ExitStatus? {
        let (exited, killed, dumped): (Int32, Int32, Int32) = (1, 2, 3)
        return switch exitCode {
        case exited: .code(exitStatus)
        case killed, dumped: .signal(exitStatus, outOfMemory: result == "oom-kill")
        default: nil
        }
    }

    /// A condition that does not hold is no failure: the unit was not even meant to run.
    fileprivate var isFailure: Bool {
        !["", "success", "exec-condition", "skip-condition"].contains(result)
    }

    /// It went down because a job wanted it, found from when it happened: a stop makes the unit leave
    /// `active` before its main process ends, and a crash after that.
    fileprivate func wasStopped(_ activity: UnitSight.Activity) -> Bool {
        guard activity != .active, activity != .activating, activeLeft > 0 else { return false }
        switch result {
        // systemd itself wanted it down, and so it left `active` first, too.
        case "watchdog", "oom-kill", "start-limit-hit", "resources", "protocol": return false
        case "timeout"
        where activeLeft - min(activeEntered, activeLeft) >= longestRun && runIsLimited:
            return false
        default: break
        }
        // Only a job ends the wait for systemd's next attempt so that the unit is not `failed`.
        if isFailure, activity == .inactive { return true }
        // A start that failed after an earlier run.
        if mainBegan > activeLeft { return false }
        if remainsAfterExit, !isFailure { return true }
        if mainBegan == 0 { return !isFailure }
        return mainEnded == 0 || activeLeft < mainEnded
    }

    private var runIsLimited: Bool { longestRun > 0 && longestRun != .max }
}
