private import CLinux
private import Glibc

/// A stream socket in the file system: a listener, or one end of a connection.
public struct UnixSocket: ~Copyable {
    private let fd: OwnedFD

    /// The longest path in bytes; the kernel's structure has room for that and a NUL.
    public static let longestPath = 107
    /// So many connections wait for `accept`; those beyond are told to try again.
    public static let backlog: Int32 = 64

    /// Takes over a descriptor that is a stream socket.
    public init(adopting fd: consuming OwnedFD) { self.fd = fd }

    /// The descriptor, for the poller. Never keep it beyond the socket's life.
    public var raw: Int32 { fd.raw }

    /// What came of one attempt to move bytes.
    public enum Transfer: Equatable, Sendable {
        /// So many bytes went through; at least one.
        case moved(Int)
        /// Nothing can be moved now; the poller tells when.
        case wouldBlock
        /// The peer has closed, or the connection is broken.
        case closed
    }

    /// Moves waiting bytes into `buffer`, which is not empty, without blocking.
    ///
    /// The corresponding C function is `recv`.
    public func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        transfer { recv(raw, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) }
    }

    /// Hands bytes to the kernel, as many as it takes now, without blocking and without SIGPIPE.
    ///
    /// The corresponding C function is `send`.
    public func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        return transfer { Glibc.send(raw, bytes.baseAddress, bytes.count, flags) }
    }

    private func transfer(_ call: () -> Int) -> Transfer {
        do {
            let count = try system("move bytes", call)
            return count > 0 ? .moved(count) : .closed
        } catch { return error.code == EAGAIN ? .wouldBlock : .closed }
    }
}

extension UnixSocket {
    /// Listens at `path`, which nobody but this process's user can connect to at first.
    ///
    /// A socket that an ended process left behind is replaced; one where somebody answers, and
    /// anything that is not a socket, is an error (EADDRINUSE). The corresponding C functions are
    /// `socket`, `fchmod`, `bind` and `listen`.
    public static func listen(at path: String) throws(SystemError) -> UnixSocket {
        let address = try SocketAddress(path)
        let socket = try make()
        try system("protect \(path)") { fchmod(socket.raw, 0o600) }
        do { try address.bind(socket.raw) } catch {
            guard error.code == EADDRINUSE, address.isAbandoned() else { throw error }
            try system("remove the abandoned socket \(path)") { unlink(path) }
            try address.bind(socket.raw)
        }
        try system("listen at \(path)") { Glibc.listen(socket.raw, backlog) }
        return socket
    }

    /// The next waiting connection, or `nil` when none waits.
    ///
    /// A connection that was given up meanwhile counts as none. Throws when there is no descriptor
    /// or memory left for it (EMFILE, ENFILE, ENOBUFS, ENOMEM): it goes on waiting then.
    /// The corresponding C function is `accept4`.
    public func accept() throws(SystemError) -> UnixSocket? {
        do {
            let raw = try system("accept a connection") { regen_accept(fd.raw) }
            return UnixSocket(adopting: OwnedFD(adopting: raw))
        } catch {
            if error.code == EAGAIN || error.code == ECONNABORTED { return nil }
            throw error
        }
    }

    /// Connects to the socket at `path`; waits so many milliseconds for room in its backlog.
    ///
    /// The corresponding C functions are `socket`, `setsockopt` and `connect`.
    public static func connect(
        to path: String, milliseconds: Int32
    ) throws(SystemError) -> UnixSocket {
        let address = try SocketAddress(path)
        let socket = try make(0)
        try system("prepare to connect to \(path)") {
            var limit = timeval(
                tv_sec: Int(milliseconds / 1000), tv_usec: Int(milliseconds % 1000) * 1000)
            let size = socklen_t(MemoryLayout<timeval>.size)
            return setsockopt(socket.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        }
        try address.connect(socket.raw)
        return socket
    }

    /// Whether the socket became ready within so many milliseconds.
    ///
    /// Blocks: for clients only. The corresponding C function is `poll`.
    public func wait(
        for readiness: Readiness, milliseconds: Int32
    ) throws(SystemError) -> Bool {
        // The bits of poll(2) and epoll(7) are the same.
        let events = Int16(truncatingIfNeeded: readiness.rawValue)
        var entry = pollfd(fd: raw, events: events, revents: 0)
        return try system("wait for an answer") { poll(&entry, 1, milliseconds) } > 0
    }

    static func make(
        _ mode: UInt32 = SOCK_NONBLOCK.rawValue
    ) throws(SystemError) -> UnixSocket {
        let flags = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | mode
        let raw = try system("make a socket") { socket(AF_UNIX, Int32(flags), 0) }
        return UnixSocket(adopting: OwnedFD(adopting: raw))
    }

    /// Two ends of one connection: ours, which never blocks, and the one for a child, which does.
    ///
    /// The corresponding C function is `socketpair`.
    public static func pair() throws(SystemError) -> Pair {
        var ends: (Int32, Int32) = (-1, -1)
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try system("make a pair of sockets") {
            withUnsafeMutableBytes(of: &ends) {
                socketpair(AF_UNIX, flags, 0, $0.bindMemory(to: Int32.self).baseAddress)
            }
        }
        return Pair(
            ours: UnixSocket(adopting: OwnedFD(adopting: ends.0)), theirs: OwnedFD(adopting: ends.1)
        )
    }

    /// Both ends of a connection.
    public struct Pair: ~Copyable {
        /// Ours.
        public let ours: UnixSocket
        /// The child's; closed here once the child has it.
        public let theirs: OwnedFD

        /// Our end; the child's is closed.
        public consuming func keepOurs() -> UnixSocket { ours }
    }

    /// Lets a group's members connect to the listener at `path`.
    ///
    /// The corresponding C functions are `lchown` and `chmod`.
    public static func admit(group: UInt32, to path: String) throws(SystemError) {
        try system("give \(path) to group \(group)") { lchown(path, .max, group) }
        try system("admit group \(group) to \(path)") { chmod(path, 0o660) }
    }
}

extension SystemError {
    /// ECONNREFUSED: nobody listens there.
    public static let connectionRefused = ECONNREFUSED
    /// EAGAIN: not now.
    public static let tryAgain = EAGAIN
}
