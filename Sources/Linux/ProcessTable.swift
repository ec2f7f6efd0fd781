private import CLinux
private import Glibc

/// What /proc tells of processes.
public enum ProcessTable {
    /// One process, from proc_pid_stat(5).
    public struct Entry: Sendable, Equatable {
        /// Its id.
        public let pid: Int32
        /// Its state: `R`, `S`, `D`, `Z` …
        public let state: UInt8
        /// Its parent.
        public let parent: Int32
        /// Its process group.
        public let group: Int32
        /// Its session.
        public let session: Int32
        /// When it began, in clock ticks since boot.
        public let startTicks: UInt64
    }

    /// At most so much of a process's environment is looked at.
    public static let mostEnvironment = 128 << 10

    /// Every process of the machine that we may see, in the order of /proc.
    public static func all() -> [Entry] { pids().compactMap { entry($0) } }

    /// Every process id.
    public static func pids() -> [Int32] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var pids: [Int32] = []
        while let item = readdir(directory) {
            let pid = withUnsafeBytes(of: &item.pointee.d_name) { decimal($0) }
            if let pid { pids.append(Int32(truncatingIfNeeded: pid)) }
        }
        return pids
    }

    /// One process; `nil` when it is gone.
    public static func entry(_ pid: Int32) -> Entry? {
        withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 8) { buffer in
            let length = read("/proc/\(pid)/stat", into: buffer)
            // The name in parentheses may hold anything, even parentheses: look from the end.
            guard length > 0, let end = buffer[..<length].lastIndex(of: UInt8(ascii: ")")) else {
                return nil
            }
            var fields = Fields(bytes: UnsafeRawBufferPointer(buffer), at: end + 2, end: length)
            let state = fields.letter()
            let parent = Int32(truncatingIfNeeded: fields.number())
            let group = Int32(truncatingIfNeeded: fields.number())
            let session = Int32(truncatingIfNeeded: fields.number())
            for _ in 7...21 { _ = fields.number() }
            return Entry(
                pid: pid, state: state, parent: parent, group: group, session: session,
                startTicks: UInt64(fields.number()))
        }
    }

    /// The environment that a process was started with, as `NAME=value` texts; empty when it may not
    /// be read. A process can overwrite it: believe only what nobody else would write there.
    public static func environment(_ pid: Int32) -> [String] {
        withUnsafeTemporaryAllocation(byteCount: mostEnvironment, alignment: 8) { buffer in
            let length = read("/proc/\(pid)/environ", into: buffer)
            guard length > 0 else { return [] }
            return buffer[..<length].split(separator: 0)
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The real user of a process, which only root and set-user-ID programs can change; `nil` when it
    /// is gone.
    public static func user(_ pid: Int32) -> UInt32? {
        let lines = text("/proc/\(pid)/status")?.split(separator: "\n") ?? []
        let line = lines.first { $0.hasPrefix("Uid:\t") }?.dropFirst(5)
        return line?.split(separator: "\t").first.flatMap { UInt32($0) }
    }

    /// The processes whose parent we are: services, and orphans that came to us as the subreaper.
    public static func ownChildren() -> [Int32] {
        let pid = getpid()
        let bytes = [UInt8](contentsOfProc: "/proc/\(pid)/task/\(pid)/children")
        if let bytes {
            return bytes.split(separator: UInt8(ascii: " ")).compactMap {
                $0.withUnsafeBytes { decimal($0) }.map { Int32(truncatingIfNeeded: $0) }
            }
        }
        // A kernel without CONFIG_PROC_CHILDREN.
        return all().filter { $0.parent == pid }.map(\.pid)
    }

    /// Our own process id. The corresponding C function is `getpid`.
    public static var own: Int32 { getpid() }

    /// The effective user of this process. The corresponding C function is `geteuid`.
    public static var effectiveUser: UInt32 { geteuid() }

    /// Makes the orphans of our descendants our children, so that a double fork hides nothing.
    /// The corresponding C function is `prctl` with PR_SET_CHILD_SUBREAPER.
    public static func becomeSubreaper() { _ = regen_become_subreaper() }

    /// A small file's text, without the newline at its end; `nil` when it cannot be read.
    public static func text(_ path: String) -> String? {
        guard let bytes = [UInt8](contentsOfProc: path) else { return nil }
        return String(decoding: bytes.last == 10 ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    private static func read(_ path: String, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let descriptor = regen_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return -1 }
        defer { close(descriptor) }
        var length = 0
        while length < buffer.count {
            let count = Glibc.read(
                descriptor, buffer.baseAddress! + length, buffer.count - length)
            if count <= 0 { break }
            length += count
        }
        return length
    }

    /// The number that the bytes spell up to their end or a NUL; `nil` for anything else.
    private static func decimal(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        var value: Int64 = 0
        var digits = 0
        for byte in bytes {
            if byte == 0 { break }
            guard byte >= 48, byte <= 57, digits < 18 else { return nil }
            value = value * 10 + Int64(byte - 48)
            digits += 1
        }
        return digits > 0 ? value : nil
    }

    /// Walks over fields that single spaces separate.
    private struct Fields {
        let bytes: UnsafeRawBufferPointer
        var at: Int
        let end: Int

        mutating func letter() -> UInt8 {
            defer { at += 2 }
            return at < end ? bytes[at] : 0
        }

        mutating func number() -> Int64 {
            var value: Int64 = 0
            while at < end, bytes[at] != 32 {
                if bytes[at] != 45 { value = value &* 10 &+ Int64(bytes[at]) - 48 }
                at += 1
            }
            at += 1
            return value
        }
    }
}

extension [UInt8] {
    /// Reads a file of /proc or /sys, whose size stat(2) does not know; at most 1 MiB of it.
    init?(contentsOfProc path: String) {
        let descriptor = regen_open(path, O_RDONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        self.init()
        while count < 1 << 20 {
            let before = count
            append(contentsOf: repeatElement(0, count: 4096))
            let got = withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + before, 4096)
            }
            removeLast(4096 - Swift.max(got, 0))
            if got < 0 { return nil }
            if got == 0 { return }
        }
    }
}
