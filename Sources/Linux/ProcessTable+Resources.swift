private import CLinux
private import Glibc

extension ProcessTable {
    /// The children of a process; empty when it is gone or the kernel does not tell
    /// (CONFIG_PROC_CHILDREN).
    public static func children(of pid: Int32) -> [Int32] {
        let tasks = (try? Directory.names(in: "/proc/\(pid)/task")) ?? []
        return tasks.flatMap { task in
            (text("/proc/\(pid)/task/\(task)/children") ?? "").split(separator: " ")
                .compactMap { Int32($0) }
        }
    }

    /// Has this process killed when the thread that started it ends, however it ends.
    /// The corresponding C function is `prctl` with PR_SET_PDEATHSIG.
    public static func endWithParent() { regen_end_with_parent() }

    /// A process's name, as the kernel has it; empty when it is gone.
    public static func name(of pid: Int32) -> String { text("/proc/\(pid)/comm") ?? "" }

    /// Nanoseconds of processor time that a process and its reaped children have used; `nil` when it
    /// is gone. To the tick, which is 10 ms nearly everywhere.
    public static func processorTime(of pid: Int32) -> Int64? {
        guard let text = text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        // From the state on, which is field 3 of proc_pid_stat(5): utime is 14, cstime is 17.
        let fields = text[end...].split(separator: " ").dropFirst()
        guard fields.count > 15 else { return nil }
        let ticks = fields.dropFirst(11).prefix(4).reduce(0) { $0 + (Int64($1) ?? 0) }
        return ticks * (1_000_000_000 / Clock.ticksPerSecond)
    }

    /// The memory of a process in bytes, each shared page counted by its share; `nil` when it is gone
    /// or may not be looked at.
    public static func proportionalMemory(of pid: Int32) -> Int64? {
        let lines = text("/proc/\(pid)/smaps_rollup")?.split(separator: "\n") ?? []
        let line = lines.first { $0.hasPrefix("Pss:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }.map { $0 << 10 }
    }

    /// The resident memory of a process in bytes; `nil` when it is gone.
    public static func residentMemory(of pid: Int32) -> Int64? {
        let pages = text("/proc/\(pid)/statm")?.split(separator: " ").dropFirst().first
        return pages.flatMap { Int64($0) }.map { $0 * Int64(sysconf(Int32(_SC_PAGESIZE))) }
    }

    /// More descriptors of one process than this are not looked at.
    public static let mostDescriptors = 1 << 16

    /// Which of these sockets a process holds; `nil` when it is gone or may not be looked at.
    public static func sockets(of pid: Int32, among inodes: Set<UInt64>) -> Set<UInt64>? {
        guard let directory = opendir("/proc/\(pid)/fd") else { return nil }
        defer { closedir(directory) }
        var found: Set<UInt64> = []
        var looked = 0
        while let entry = readdir(directory), looked < mostDescriptors, found.count < inodes.count {
            looked += 1
            if let inode = socket(dirfd(directory), entry), inodes.contains(inode) {
                found.insert(inode)
            }
        }
        return found
    }

    private static func socket(_ directory: Int32, _ entry: UnsafeMutablePointer<dirent>) -> UInt64?
    {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            let count = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    readlinkat(
                        directory, $0, buffer.baseAddress!.assumingMemoryBound(to: CChar.self),
                        buffer.count)
                }
            }
            // socket:[123]
            guard count > 9, buffer[0] == UInt8(ascii: "s"), buffer[6] == UInt8(ascii: ":") else {
                return nil
            }
            return UInt64(String(decoding: buffer[8..<count - 1], as: UTF8.self))
        }
    }
}
