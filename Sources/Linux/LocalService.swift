private import CLinux
private import Glibc

/// Whether somebody takes connections at a Unix socket.
public enum LocalService {
    /// Connects, and hangs up at once: to a stream socket, else one of packets or datagrams. Waits at
    /// most so long for room in its backlog, and throws EAGAIN then.
    ///
    /// Blocks. The corresponding C functions are `socket`, `setsockopt` and `connect`.
    public static func connect(to path: String, nanoseconds: Int64) throws(SystemError) {
        for type in [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM] {
            do {
                return try connect(to: path, type, nanoseconds)
            } catch {
                guard error.code == EPROTOTYPE else { throw error }
            }
        }
        throw SystemError(EPROTOTYPE, "connect to \(path)")
    }

    private static func connect(
        to path: String, _ type: __socket_type, _ nanoseconds: Int64
    ) throws(SystemError) {
        let kind = Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let socket = OwnedFD(
            adopting: try system("make a socket") { Glibc.socket(AF_UNIX, kind, 0) })
        // Zero would mean for ever.
        let micro = max(nanoseconds / 1000, 1000)
        var limit = timeval(tv_sec: Int(micro / 1_000_000), tv_usec: Int(micro % 1_000_000))
        try system("set a time-out") {
            setsockopt(
                socket.raw, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count <= UnixSocket.longestPath else {
            throw SystemError(ENAMETOOLONG, "connect to \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        try system("connect to \(path)") {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }
}
