private import CLinux
private import Glibc

/// Who is at the other end of a Unix socket, as the kernel noted it when it connected.
public struct PeerCredentials: Equatable, Sendable {
    /// The effective user.
    public let uid: UInt32
    /// The effective primary group.
    public let gid: UInt32
    /// The process; it may have ended, and its number may be another's by now.
    public let pid: Int32

    /// Credentials that are known already.
    public init(uid: UInt32, gid: UInt32, pid: Int32) {
        self.uid = uid
        self.gid = gid
        self.pid = pid
    }

    /// The effective user of this process. The corresponding C function is `geteuid`.
    public static var ownUser: UInt32 { geteuid() }
}

extension UnixSocket {
    /// Asks the kernel who the peer is.
    ///
    /// The corresponding C function is `getsockopt` with `SO_PEERCRED`.
    public func peer() throws(SystemError) -> PeerCredentials {
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        var pid: Int32 = 0
        try system("ask who connected") { regen_peer(raw, &uid, &gid, &pid) }
        return PeerCredentials(uid: uid, gid: gid, pid: pid)
    }
}
