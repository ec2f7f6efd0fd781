/// How a process ended, as far as anyone can know.
public enum ExitStatus: Equatable, Sendable {
    /// It called exit(3) with this code, 0…255.
    case code(Int32)
    /// This signal ended it; `outOfMemory` when the kernel says that its OOM killer sent it.
    case signal(Int32, outOfMemory: Bool)
    /// It was not our child, so the kernel tells nobody (see waitid(2)).
    case unknown

    /// Exit code 0: the process says that it is done.
    public var isClean: Bool { self == .code(0) }
}

/// What kind of failure opened an incident.
public enum FailureKind: String, CaseIterable, Sendable {
    /// A signal ended the process.
    case signal
    /// An exit code other than 0.
    case exitCode = "exit-code"
    /// The kernel's OOM killer ended it.
    case outOfMemory = "out-of-memory"
    /// Exit code 0, and nobody had asked for it.
    case unexpectedCleanExit = "clean-but-unexpected"
    /// An adopted process ended, so that its status is nobody's to know.
    case unknown = "status-unknown"
    /// The process could not be made.
    case spawn = "could-not-start"
    /// The start was not confirmed in time.
    case startTimeout = "start-timeout"
    /// A remedy found that a start would be useless or harmful.
    case remedyRefused = "remedy-refused"
    /// It lives and does not work: its probes failed.
    case hang
    /// SIGKILL did not end it: it hangs in the kernel.
    case unkillable

    /// The kind of an exit that nobody asked for.
    init(_ status: ExitStatus) {
        switch status {
        case .code(0): self = .unexpectedCleanExit
        case .code: self = .exitCode
        case .signal(_, outOfMemory: true): self = .outOfMemory
        case .signal: self = .signal
        case .unknown: self = .unknown
        }
    }
}

/// Why a process could not be made.
public struct SpawnFailure: Error, Equatable, Sendable {
    /// What was tried when it failed.
    public enum Step: Int32, CaseIterable, Sendable {
        /// Making the process: clone3(2).
        case clone = 1
        /// A session of its own: setsid(2).
        case session
        /// Standard input, output, error.
        case output
        /// A resource limit: setrlimit(2).
        case limits
        /// The nice value: setpriority(2).
        case nice
        /// oom_score_adj, proc(5).
        case oomScore
        /// Supplementary groups: setgroups(2).
        case groups
        /// The group: setresgid(2).
        case group
        /// The user: setresuid(2).
        case user
        /// The working directory: chdir(2).
        case directory
        /// The program: execve(2).
        case execute
        /// No such user or group on this machine.
        case account
        /// A step that has to be done before the start, or the start itself: the code is its exit
        /// code, 0 when it had none.
        case sequence
        /// systemd's job, or the unit was not up after it: the code is its main process's exit code,
        /// 0 when it had none.
        case job
    }

    /// Where it failed.
    public var step: Step
    /// The error number, as in errno(3).
    public var code: Int32

    /// A failure.
    public init(step: Step, code: Int32) {
        self.step = step
        self.code = code
    }
}
