private import CLinux
private import Glibc

/// Signals as something to read, instead of something that interrupts.
public struct SignalFD: ~Copyable {
    /// A signal that came.
    public struct Received: Equatable, Sendable {
        /// Its number.
        public let signal: Int32
        /// Who sent it; 0 for the kernel.
        public let sender: Int32
    }

    private let descriptor: OwnedFD

    /// The descriptor, to be polled for reading.
    public var raw: Int32 { descriptor.raw }

    /// Blocks these signals for the process and makes them readable. Call it before any thread
    /// begins, so that all inherit the mask.
    /// The corresponding C functions are `pthread_sigmask` and `signalfd`.
    public init(_ signals: [Int32]) throws(SystemError) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        descriptor = OwnedFD(
            adopting: try system("signalfd") {
                signalfd(-1, &set, Int32(SFD_CLOEXEC) | Int32(SFD_NONBLOCK))
            })
    }

    /// The next signal, or `nil` when there is none.
    public func next() -> Received? {
        var info = signalfd_siginfo()
        guard read(descriptor.raw, &info, MemoryLayout<signalfd_siginfo>.size) > 0 else {
            return nil
        }
        return Received(signal: Int32(info.ssi_signo), sender: Int32(info.ssi_pid))
    }
}

/// The numbers of the signals that Regen speaks of.
public enum Signal {
    /// Hang up: read the configuration again.
    public static let hangUp = SIGHUP
    /// Ctrl-C.
    public static let interrupt = SIGINT
    /// End.
    public static let terminate = SIGTERM
    /// End, and no argument.
    public static let kill = SIGKILL
    /// Go on.
    public static let resume = SIGCONT
    /// A child has ended.
    public static let childEnded = SIGCHLD

    /// Sends a signal to a process or, by a negative number, to a process group. A target that is
    /// gone is no error: it is what was wanted. The corresponding C function is `kill`.
    public static func send(_ signal: Int32, to pid: Int32) {
        guard pid < -1 || pid > 1 else { return }  // never init, never everybody
        _ = Glibc.kill(pid, signal)
    }

    /// `SIGTERM`, `SIGKILL` …; `signal 34` for one without a name.
    /// The corresponding C function is `sigabbrev_np`.
    public static func name(_ signal: Int32) -> String {
        regen_signal_name(signal).map { "SIG\(String(cString: $0))" } ?? "signal \(signal)"
    }

    /// Our children wait for us to reap them, whatever we were started with: an ignored SIGCHLD comes
    /// through execve(2), and the kernel would throw away how they ended.
    /// The corresponding C function is `signal` with SIG_DFL for SIGCHLD.
    public static func keepEndedChildren() { _ = Glibc.signal(SIGCHLD, SIG_DFL) }

    /// Writing to what nobody reads is an error to us, not the end.
    /// The corresponding C function is `signal` with SIG_IGN for SIGPIPE.
    public static func ignorePipe() { _ = Glibc.signal(SIGPIPE, SIG_IGN) }
}
