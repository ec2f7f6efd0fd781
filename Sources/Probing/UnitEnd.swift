public import Supervision

/// How a unit went down, in systemd's own words.
public struct UnitEnd: Equatable, Sendable {
    /// Its property Result: `exit-code`, `signal`, `oom-kill`, `watchdog`, …
    public var result: String
    /// How its main process ended; `nil` when it had none, or nobody knows.
    public var exit: ExitStatus?
    /// It had come up in this run.
    public var wasUp: Bool

    /// An end.
    public init(result: String, exit: ExitStatus? = nil, wasUp: Bool) {
        self.result = result
        self.exit = exit
        self.wasUp = wasUp
    }

    /// What systemd could not do before it executed the unit's program, as it tells by an exit code
    /// (systemd.exec(5), "Process Exit Codes"). A program may use such a code, too; then we are as
    /// wrong as `systemctl status`.
    var failedStep: String? {
        guard case .code(let code) = exit, code >= Self.firstStep else { return nil }
        let place = Int(code - Self.firstStep)
        return Self.steps.indices.contains(place) && !Self.steps[place].isEmpty
            ? Self.steps[place] : nil
    }

    private static let firstStep: Int32 = 200
    private static let steps = [
        "CHDIR", "NICE", "FDS", "EXEC", "MEMORY", "LIMITS", "OOM_ADJUST", "SIGNAL_MASK", "STDIN",
        "STDOUT", "CHROOT", "IOPRIO", "TIMERSLACK", "SECUREBITS", "SETSCHEDULER", "CPUAFFINITY",
        "GROUP", "USER", "CAPABILITIES", "CGROUP", "SETSID", "CONFIRM", "STDERR", "", "PAM",
        "NETWORK", "NAMESPACE", "NO_NEW_PRIVILEGES", "SECCOMP", "SELINUX_CONTEXT", "PERSONALITY",
        "APPARMOR_PROFILE", "ADDRESS_FAMILIES", "RUNTIME_DIRECTORY", "", "CHOWN",
        "SMACK_PROCESS_LABEL", "KEYRING", "STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY",
        "CONFIGURATION_DIRECTORY", "NUMA_POLICY", "CREDENTIALS", "", "BPF",
    ]
}
