private import CLinux
private import Glibc

/// How a process ended, as waitid(2) tells it.
public enum WaitStatus: Equatable, Sendable {
    /// With this exit code.
    case exited(Int32)
    /// By this signal.
    case signalled(Int32)
}

/// A process by descriptor: readable once it has ended, and never another process.
public struct PidFD: ~Copyable {
    private let descriptor: OwnedFD

    /// The descriptor, to be polled for reading.
    public var raw: Int32 { descriptor.raw }

    /// Takes over the descriptor that a spawn has made.
    public init(adopting descriptor: consuming OwnedFD) { self.descriptor = descriptor }

    /// A descriptor for a process that runs already. The pid may be another process's by now: look
    /// at its start time afterwards. The corresponding C function is `pidfd_open`.
    public init(opening pid: Int32) throws(SystemError) {
        descriptor = OwnedFD(
            adopting: try system("pidfd_open \(pid)") { regen_pidfd_open(pid) })
    }

    /// Sends a signal to the process group that the process leads or led, whoever has its number by
    /// now. False: the kernel is older than Linux 6.9 and cannot.
    /// The corresponding C function is `pidfd_send_signal` with PIDFD_SIGNAL_PROCESS_GROUP.
    public func signalGroup(_ signal: Int32) -> Bool {
        regen_pidfd_signal_group(descriptor.raw, signal) == 0 || errno != EINVAL
    }

    /// Reaps our child. `nil`: it has not ended, or is not our child.
    /// The corresponding C function is `waitid` with P_PIDFD.
    public func reap() -> WaitStatus? {
        var pid: pid_t = 0
        var code: Int32 = 0
        var status: Int32 = 0
        guard regen_wait_pidfd(descriptor.raw, &pid, &code, &status) == 0, pid != 0 else {
            return nil
        }
        return WaitStatus(code: code, status: status)
    }

    /// The exit status of a process that is not our child: Linux 6.15 keeps it once its parent has
    /// reaped it. `nil`: the kernel is older, or the parent has not got round to it.
    public func foreignStatus() -> WaitStatus? {
        var status: Int32 = 0
        guard regen_pidfd_exit_status(descriptor.raw, &status) == 0 else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
    }

    /// A child that has ended and is still a zombie: its number is nobody else's until `reap(_:)`.
    /// The corresponding C function is `waitid` with P_ALL and WNOWAIT.
    public static func endedChild() -> Int32? {
        let pid = regen_ended_child()
        return pid > 0 ? pid : nil
    }

    /// Reaps the child of that number, if there is one that has ended.
    /// The corresponding C function is `waitid` with P_PID.
    public static func reap(_ pid: Int32) { regen_reap(pid) }
}

extension WaitStatus {
    init(code: Int32, status: Int32) {
        // CLD_EXITED is 1; CLD_KILLED and CLD_DUMPED carry the signal.
        self = code == 1 ? .exited(status) : .signalled(status)
    }
}
