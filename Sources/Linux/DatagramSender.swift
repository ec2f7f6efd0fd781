private import CLinux
private import Glibc

/// Sends datagrams to Unix sockets and never waits.
public struct DatagramSender: ~Copyable {
    /// What came of one datagram.
    public enum Outcome: Equatable, Sendable {
        /// The receiver has it.
        case sent
        /// The receiver, or the kernel, has no room for it now.
        case full
        /// It cannot be sent there.
        case failed(SystemError)
    }

    private let socket: OwnedFD
    private let path: String
    private let address: sockaddr_un
    private let length: socklen_t

    /// A sender to `path`; one that begins with `@` is in the abstract namespace (unix(7)). Nobody has
    /// to listen there yet. Throws EINVAL and ENAMETOOLONG for what is no such path.
    ///
    /// The corresponding C function is `socket`.
    public init(to path: String) throws(SystemError) {
        let bytes = Array(path.utf8)
        guard let first = bytes.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"),
            bytes.count > 1, !bytes.contains(0)
        else { throw SystemError(EINVAL, "use the socket \(path)") }
        guard bytes.count <= UnixSocket.longestPath else {
            throw SystemError(ENAMETOOLONG, "use the socket \(path)")
        }
        let isAbstract = first == UInt8(ascii: "@")
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) {
            $0.copyBytes(from: bytes)
            if isAbstract { $0[0] = 0 }
        }
        // An abstract name ends where we say, a path at its NUL.
        let used = bytes.count + (isAbstract ? 0 : 1)
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let raw = try system("make a datagram socket") { Glibc.socket(AF_UNIX, kind, 0) }
        self.path = path
        self.address = address
        length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path)! + used)
        socket = OwnedFD(adopting: raw)
    }

    /// Sends one datagram, or nothing of it.
    ///
    /// The corresponding C function is `sendto` with MSG_DONTWAIT and MSG_NOSIGNAL.
    public func send(_ bytes: [UInt8]) -> Outcome {
        do throws(SystemError) {
            var address = address
            try system("send to \(path)") {
                withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                        bytes.withUnsafeBytes {
                            sendto(
                                socket.raw, $0.baseAddress, $0.count,
                                Int32(MSG_DONTWAIT | MSG_NOSIGNAL), address,
                                length)
                        }
                    }
                }
            }
            return .sent
        } catch {
            return error.code == EAGAIN || error.code == ENOBUFS ? .full : .failed(error)
        }
    }
}
