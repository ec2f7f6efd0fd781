private import CLinux
private import Glibc

/// A TCP socket that waits for connections.
public struct ListeningSocket: Hashable, Sendable {
    /// Its number, as in `socket:[123]` of /proc/PID/fd.
    public var inode: UInt64
    /// The user that made it.
    public var user: UInt32

    /// More sockets at one port (SO_REUSEPORT) are not told.
    public static let most = 256

    /// The sockets that listen at a port, of IPv4 and IPv6, in the network of a process.
    ///
    /// The corresponding interface of the kernel is sock_diag(7); for a process in a network
    /// namespace of its own, and where that is forbidden, proc_pid_net(5).
    public static func at(
        _ port: UInt16, networkOf pid: Int32? = nil
    ) throws(SystemError) -> [ListeningSocket] {
        let own = Directory.linkTarget("/proc/self/ns/net")
        let theirs = pid.flatMap { Directory.linkTarget("/proc/\($0)/ns/net") } ?? own
        if own == theirs, let found = asked(port) { return found }
        return try read(port, "/proc/\(pid.map { String($0) } ?? "self")/net")
    }

    /// `nil` where the kernel does not answer.
    private static func asked(_ port: UInt16) -> [ListeningSocket]? {
        var found: [ListeningSocket] = []
        for family in [AF_INET, AF_INET6] {
            var sockets = [regen_listener](repeating: regen_listener(), count: most)
            let count = regen_listeners(family, port, &sockets, Int32(most))
            // A kernel without IPv6.
            if count < 0, family == AF_INET6, errno == ENOENT { continue }
            guard count >= 0 else { return nil }
            found += sockets[..<Int(count)].map {
                ListeningSocket(inode: UInt64($0.inode), user: $0.user)
            }
        }
        return found
    }

    /// Out of tables where listening sockets come first: the reading ends with them.
    private static func read(
        _ port: UInt16, _ directory: String
    ) throws(SystemError) -> [ListeningSocket] {
        var found: [ListeningSocket] = []
        for table in ["tcp", "tcp6"] {
            var isFirst = true
            let exists = try forEachLine(of: "\(directory)/\(table)") { line in
                defer { isFirst = false }
                if isFirst { return true }  // the headings
                let fields = line.split(separator: " ", maxSplits: 10)
                // sl local_address rem_address st queues timer retransmissions uid timeout inode
                guard fields.count > 9, fields[3] == "0A" else { return false }
                if fields[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) }) == port,
                    let user = UInt32(fields[7]), let inode = UInt64(fields[9]), found.count < most
                {
                    found.append(ListeningSocket(inode: inode, user: user))
                }
                return true
            }
            // A kernel without IPv6 has no second table.
            if !exists, table == "tcp" { throw SystemError(ENOENT, "open \(directory)/tcp") }
        }
        return found
    }
}

/// Calls `body` with each line, until that has enough: false. False: there is no such file.
private func forEachLine(
    of path: String, _ body: (Substring) -> Bool
) throws(SystemError) -> Bool {
    let raw = regen_open(path, O_RDONLY | O_CLOEXEC, 0)
    if raw < 0, errno == ENOENT { return false }
    guard raw >= 0 else { throw SystemError(errno, "open \(path)") }
    let file = OwnedFD(adopting: raw)
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    var rest: [UInt8] = []
    while true {
        let count = try system("read \(path)") { read(file.raw, &chunk, chunk.count) }
        if count == 0 { return true }
        rest += chunk[..<count]
        while let end = rest.firstIndex(of: 10) {
            let line = String(decoding: rest[..<end], as: UTF8.self)
            rest.removeFirst(end + 1)
            if !body(line[...]) { return true }
        }
    }
}
