private import CLinux
private import Glibc

/// A TCP socket that waits for connections.
public struct ListeningSocket: Hashable, Sendable {
    /// Its number, as in `socket:[123]` of /proc/PID/fd.
    public var inode: UInt64
    /// The user that made it.
    public var user: UInt32

    /// The sockets that listen at a port, of IPv4 and IPv6, in the network of a process.
    ///
    /// Reads proc_pid_net(5), where listening sockets come first: the reading ends with them,
    /// however many connections there are. The corresponding C functions are `open` and `read`.
    public static func at(
        _ port: UInt16, networkOf pid: Int32? = nil
    ) throws(SystemError) -> [ListeningSocket] {
        let directory = "/proc/\(pid.map { String($0) } ?? "self")/net"
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
                    let user = UInt32(fields[7]), let inode = UInt64(fields[9])
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
