private import CLinux
private import Glibc

/// A cgroup v2 directory, cgroups(7): what was born in it cannot leave it by forking, so that its
/// end is the end of the whole tree.
public final class Cgroup {
    /// Its path in the file system.
    public let path: String
    private let directory: OwnedFD

    /// Its descriptor, to be born in.
    public var raw: Int32 { directory.raw }

    /// Makes the directory unless it is there; one that is counts as spent.
    /// The corresponding C function is `mkdir`.
    public convenience init(making path: String) throws(SystemError) {
        let isNew = mkdir(path, 0o755) == 0
        if !isNew, errno != EEXIST { throw SystemError(errno, "mkdir \(path)") }
        try self.init(opening: path)
        isSpent = !isNew
    }

    /// A directory that is there. The corresponding C function is `open`.
    public init(opening path: String) throws(SystemError) {
        self.path = path
        directory = OwnedFD(
            adopting: try system("open \(path)") {
                regen_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
            })
    }

    /// Where this machine mounts cgroup v2; `nil` where it does not.
    public static func mountPoint() -> String? {
        let mounts = ProcessTable.text("/proc/self/mounts") ?? ""
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count > 2, fields[2] == "cgroup2" { return String(fields[1]) }
        }
        return nil
    }

    /// The cgroup that whoever manages ours has handed over to us: systemd marks a unit with
    /// `Delegate=yes` by the extended attribute `trusted.delegate` or `user.delegate`. With
    /// `DelegateSubgroup=` we are in a child of the unit's.
    public static func delegated() -> String? {
        guard let own = path(of: ProcessTable.own) else { return nil }
        let parent = String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
        return [own, parent].first(where: isDelegated)
    }

    private static func isDelegated(_ path: String) -> Bool {
        ["user.delegate", "trusted.delegate"].contains { attribute in
            var value: CChar = 0
            return getxattr(path, attribute, &value, 1) == 1 && value == 49
        }
    }

    /// Nothing may be born in it any more. Linux 6.15 and later compare the number of kills of the
    /// *parent's* cgroup with that of the child's (kill_seq in kernel/cgroup/cgroup.c), so that
    /// whatever CLONE_INTO_CGROUP puts into a cgroup that was ever killed is killed at once. Of one
    /// that somebody else has made nobody can tell; while a process lives in it, it was not.
    public private(set) var isSpent = false

    /// Ends everything in it with SIGKILL, forks in flight included (`cgroup.kill`, Linux 5.14).
    public func kill() {
        isSpent = true
        _ = write("1", to: "cgroup.kill")
    }

    /// Whether any process is left in it or below it.
    public var isPopulated: Bool {
        let events = regen_openat(directory.raw, "cgroup.events", O_RDONLY | O_CLOEXEC, 0)
        // Not being able to look is no proof that it is empty.
        guard events >= 0 else { return errno != ENOENT && errno != ENODEV }
        defer { close(events) }
        // Its first line is `populated 0` or `populated 1` (cgroups(7)).
        return withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) {
            read(events, $0.baseAddress!, 16) >= 11 && $0[10] == UInt8(ascii: "1")
        }
    }

    /// The cgroup v2 directory that a process is in; `nil` when it is gone.
    public static func path(of pid: Int32) -> String? {
        guard let mount = mountPoint(), let text = ProcessTable.text("/proc/\(pid)/cgroup"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })
        else { return nil }
        return mount + line.dropFirst(3)
    }

    /// The processes in it.
    public var processes: [Int32] {
        (ProcessTable.text("\(path)/cgroup.procs") ?? "").split(separator: "\n")
            .compactMap { Int32($0) }
    }

    /// Removes the directory, which works once nothing is left in it: true.
    /// The corresponding C function is `rmdir`.
    @discardableResult
    public func remove() -> Bool { rmdir(path) == 0 }

    private func write(_ text: StaticString, to file: String) -> Bool {
        let descriptor = regen_openat(directory.raw, file, O_WRONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Glibc.write(descriptor, text.utf8Start, text.utf8CodeUnitCount) > 0
    }
}
