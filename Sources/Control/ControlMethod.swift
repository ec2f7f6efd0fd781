/// The methods of `io.regen.Control`, by their names on the wire.
public enum ControlMethod: String, CaseIterable, Sendable {
    /// The daemon and its services.
    case status = "Status"
    /// The daemon's version.
    case version = "Version"
    /// Start services.
    case start = "Start"
    /// Stop services.
    case stop = "Stop"
    /// Stop and start services.
    case restart = "Restart"
    /// Heal services now.
    case heal = "Heal"
    /// Do nothing to services for a while.
    case pause = "Pause"
    /// Look after paused services again.
    case resume = "Resume"
    /// Look with every probe of a service now.
    case probe = "Probe"
    /// Tell people something to see whether they hear it.
    case notify = "Notify"
    /// Read the configuration again.
    case reload = "Reload"
    /// Stop every service.
    case stopAll = "StopAll"
    /// Where a service's log is.
    case logPath = "LogPath"
    /// The machine's generations.
    case generations = "Generations"
    /// What a rollback would do.
    case planRollback = "PlanRollback"
    /// Go back to an earlier generation.
    case rollback = "Rollback"
    /// Put a system on trial.
    case `switch` = "Switch"
    /// Let the trial stay.
    case confirmSwitch = "ConfirmSwitch"
    /// Whether this boot may count as a good one.
    case bootCheck = "BootCheck"

    /// Who may call a method.
    public enum Access: Sendable {
        /// Whoever can connect.
        case read
        /// Root, the daemon's own user, or a listed one.
        case act
    }

    /// Who may call this method.
    public var access: Access {
        switch self {
        case .status, .version, .generations, .planRollback: .read
        // What a service or a probe's command writes is not for everyone who may see that it runs.
        case .logPath, .probe: .act
        case .start, .stop, .restart, .heal, .pause, .resume, .notify, .reload, .stopAll: .act
        case .rollback, .switch, .confirmSwitch, .bootCheck: .act
        }
    }

    /// So many milliseconds a client should wait for the answer.
    public var patience: Int64 {
        switch self {
        case .status, .version, .logPath, .pause, .resume: ControlClient.promptly
        case .start, .stop, .restart, .heal, .probe, .reload, .stopAll: ControlClient.patiently
        // A mail server may take the longest time-out twice, 60 s each: see `Notices.Route`.
        case .notify: 2 * ControlClient.patiently
        // Each looks at the generations first, and those that act wait for the disk.
        case .generations, .planRollback, .rollback, .switch, .confirmSwitch:
            ControlClient.patiently
        // As long as it was asked to wait at most, and a margin.
        case .bootCheck: ControlRequest.bootWaits.upperBound + ControlClient.promptly
        }
    }

    /// The name with the interface's: `io.regen.Control.Status`.
    public var qualifiedName: String { "\(ControlInterface.name).\(rawValue)" }

    /// The keys that its parameters may have.
    var parameters: [String] {
        switch self {
        case .status, .logPath, .probe: ["service"]
        case .start, .stop, .restart, .heal, .resume: ["services"]
        case .pause: ["services", "for_ms"]
        case .notify: ["route"]
        case .planRollback: ["to", "known_good"]
        case .rollback: ["to", "known_good", "expected"]
        case .switch: ["path", "generation", "confirm_within_ms"]
        case .bootCheck: ["wait_ms"]
        case .version, .reload, .stopAll, .generations, .confirmSwitch: []
        }
    }
}
