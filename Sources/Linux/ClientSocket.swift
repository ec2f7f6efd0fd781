private import CLinux
private import Glibc

/// Sockets that a library uses and we make and close for it.
public enum ClientSocket {
    /// A socket that is closed on exec, or -1 and `currentError`.
    ///
    /// The corresponding C function is `socket`.
    public static func make(family: Int32, type: Int32, protocol number: Int32) -> Int32 {
        socket(family, type | Int32(SOCK_CLOEXEC.rawValue), number)
    }

    /// Closes without the orderly end that would keep the port in TIME_WAIT for a minute.
    ///
    /// The corresponding C functions are `setsockopt` with SO_LINGER {1, 0} and `close`.
    public static func abort(_ descriptor: Int32) -> Int32 {
        var setting = linger(l_onoff: 1, l_linger: 0)
        let size = socklen_t(MemoryLayout<linger>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &setting, size)
        return close(descriptor)
    }
}

extension SystemError {
    /// Whether the number tells of something that this process or machine has run out of: files,
    /// memory, or ports to connect from.
    public static func isShortage(_ code: Int32) -> Bool {
        [EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL].contains(code)
    }

    /// Whether the number tells that this process may not do it.
    public static func isRefusal(_ code: Int32) -> Bool { code == EACCES || code == EPERM }
}

extension UnixSocket {
    /// Takes over a socket that the program was started with.
    ///
    /// Throws EBADF or ENOTSOCK when the descriptor is none. The corresponding C function is `fstat`.
    public init(inherited descriptor: Int32) throws(SystemError) {
        var status = stat()
        let operation = "use descriptor \(descriptor)"
        guard fstat(descriptor, &status) == 0 else { throw SystemError(errno, operation) }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw SystemError(ENOTSOCK, operation) }
        self.init(adopting: OwnedFD(adopting: descriptor))
    }
}

extension ProcessTable {
    /// How many threads this process has. The corresponding C function is `stat`.
    public static func ownThreads() -> Int {
        var status = stat()
        // A directory has a link for itself, one in its parent, and one for each directory in it.
        return stat("/proc/self/task", &status) == 0 ? max(1, Int(status.st_nlink) - 2) : 1
    }
}

extension SystemError {
    /// ENOMEM: no memory.
    public static let noMemory = ENOMEM
}
