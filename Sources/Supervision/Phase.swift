/// Where an instance stands. The words are those that `regen status` prints.
public enum Phase: Equatable, Sendable {
    /// Down, and not meant to run.
    case stopped(Rest)
    /// Meant to run, and on the way.
    case starting(StartStage)
    /// Up: it lived for `backoff.quick`, or was confirmed.
    case running
    /// Waits before the next attempt.
    case backingOff
    /// Being ended.
    case stopping(Stopping)
    /// A human was told. Waits, at the slowest pace, for the next attempt.
    case handedOver
}

/// Why a stopped instance is at rest.
public enum Rest: String, CaseIterable, Sendable {
    /// Not started yet; in a record: the configuration no longer has it, and it is down.
    case fresh
    /// An operator asked for it.
    case asked
    /// It ended by itself, cleanly, and its policy takes that for its own end.
    case finished
    /// It failed, and `restart: never` forbids another attempt.
    case failed
    /// The daemon is ending.
    case ended
    /// systemd's unit, taken down by somebody else, or gone. It is taken up again when it is up.
    case outside
}

/// How far a start has come.
public enum StartStage: Equatable, Sendable {
    /// Waits for the services named in `after`.
    case parked
    /// The hand was told to make the process and has not answered yet.
    case spawning
    /// systemd is bringing the unit up, or down, or waits for its own next attempt: nothing is asked
    /// of it meanwhile.
    case awaited
    /// A remedy is being tried, before another process is made.
    case remedying
    /// There is a process, not yet a success; or, of a service that detaches, there was one.
    case unproven
}

/// How far a stop has come, and what follows it.
public struct Stopping: Equatable, Sendable {
    /// How far.
    public enum Stage: Equatable, Sendable {
        /// The hand is just making the process that is to be stopped.
        case unspawned
        /// The stop signal was sent.
        case signalled
        /// SIGKILL was sent.
        case killed
        /// SIGKILL did not help, and a human was told.
        case stuck
    }

    /// What follows.
    public enum Aftermath: String, CaseIterable, Sendable {
        /// Rest, as an operator asked.
        case rest
        /// Rest, because the daemon is ending.
        case end
        /// Another start.
        case restart
        /// Oblivion: the configuration no longer has it.
        case remove
        /// A failed start, counted as such.
        case failStart = "fail-start"
        /// A recovery, because the probes say that it does not work.
        case heal

        /// Another start follows.
        public var isRecovery: Bool {
            switch self {
            case .restart, .failStart, .heal: true
            case .rest, .end, .remove: false
            }
        }
    }

    /// How far.
    public var stage: Stage
    /// What follows.
    public var aftermath: Aftermath
    /// The main process has ended; descendants may be left.
    public var mainEnded = false
}
