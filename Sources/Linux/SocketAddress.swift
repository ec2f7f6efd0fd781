private import CLinux
import Glibc

/// A path in the kernel's form.
struct SocketAddress {
    private let path: String
    private var address = sockaddr_un()

    init(_ path: String) throws(SystemError) {
        self.path = path
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, !bytes.contains(0) else {
            throw SystemError(EINVAL, "use the socket path \"\(path)\"")
        }
        guard bytes.count <= UnixSocket.longestPath else {
            let most = UnixSocket.longestPath
            throw SystemError(
                ENAMETOOLONG,
                "use the socket path \(path) (it has \(bytes.count) bytes, at most \(most) will do)"
            )
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    }

    func bind(_ fd: Int32) throws(SystemError) {
        try withAddress("listen at \(path)") { Glibc.bind(fd, $0, $1) }
    }

    func connect(_ fd: Int32) throws(SystemError) {
        try withAddress("connect to \(path)") { Glibc.connect(fd, $0, $1) }
    }

    /// Whether the path is a socket that nobody listens at.
    func isAbandoned() -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return false }
        do {
            // Not blocking: a full backlog is somebody, too.
            let socket = try UnixSocket.make()
            try connect(socket.raw)
            return false
        } catch { return error.code == ECONNREFUSED }
    }

    private func withAddress(
        _ operation: String, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) {
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        var address = address
        try system(operation) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, size) }
            }
        }
    }
}
