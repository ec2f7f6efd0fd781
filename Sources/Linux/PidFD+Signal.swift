private import CLinux
private import Glibc

extension PidFD {
    /// Sends a signal to this process and no other; throws ESRCH when it has ended.
    /// The corresponding C function is `pidfd_send_signal`.
    public func signal(_ number: Int32) throws(SystemError) {
        try system("signal a process") { regen_pidfd_send_signal(raw, number) }
    }

    /// Whether the process has ended within so many milliseconds. Blocks.
    /// The corresponding C function is `poll`.
    public func hasEnded(within milliseconds: Int32) throws(SystemError) -> Bool {
        var ready = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        return try system("wait for a process") { poll(&ready, 1, milliseconds) } > 0
    }
}

extension SystemError {
    /// ESRCH: the process has ended.
    public static let noProcess = ESRCH
    /// ETIMEDOUT: it took too long.
    public static let timedOut = ETIMEDOUT
}
