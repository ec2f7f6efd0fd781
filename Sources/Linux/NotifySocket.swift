private import CLinux
private import Glibc

/// Where services say how they are: the socket of sd_notify(3).
public struct NotifySocket: ~Copyable {
    /// The longest message in bytes; longer ones are dropped, as systemd does.
    public static let longestMessage = 4096

    private let descriptor: OwnedFD

    /// Its descriptor, for the poller.
    public var raw: Int32 { descriptor.raw }

    /// A message and who sent it, as the kernel says.
    public struct Message {
        /// What was sent.
        public let bytes: [UInt8]
        /// The sender; 0 when it has gone, or is outside of our pid namespace.
        public let pid: Int32
        /// Its user.
        public let uid: UInt32
    }

    /// Makes the socket; one that an ended daemon left behind is replaced. Everybody may write to it:
    /// what counts is who did.
    /// The corresponding C functions are `socket`, `setsockopt` (SO_PASSCRED), `bind` and `chmod`.
    public init(at path: String) throws(SystemError) {
        let socket = OwnedFD(
            adopting: try system("make a datagram socket") { regen_datagram_listener() })
        let address = try SocketAddress(path)
        var status = stat()
        if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
        try address.bind(socket.raw)
        try system("open \(path) to services") { chmod(path, 0o666) }
        descriptor = socket
    }

    /// The next message; `nil` when none waits. One that is too long is passed over.
    /// The corresponding C function is `recvmsg`.
    public func next() -> Message? {
        var pid: Int32 = 0
        var uid: UInt32 = .max
        while true {
            do {
                var count = 0
                let bytes = try [UInt8](unsafeUninitializedCapacity: Self.longestMessage) {
                    buffer, filled throws(SystemError) in
                    count = try system("receive a notification") {
                        regen_receive_datagram(
                            descriptor.raw, buffer.baseAddress, buffer.count, &pid, &uid)
                    }
                    filled = count
                }
                return Message(bytes: bytes, pid: pid, uid: uid)
            } catch {
                guard error.code == EMSGSIZE else { return nil }
            }
        }
    }
}
