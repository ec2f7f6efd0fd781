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

    /// Makes the directory unless it is there. The corresponding C function is `mkdir`.
    public init(making path: String) throws(SystemError) {
        self.path = path
        if mkdir(path, 0o755) < 0, errno != EEXIST { throw SystemError(errno, "mkdir \(path)") }
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

    /// Our own cgroup, if whoever manages it has handed it over to us: systemd marks a unit with
    /// `Delegate=yes` by the extended attribute `trusted.delegate` or `user.delegate`.
    public static func delegated() -> String? {
        guard let mount = mountPoint(), let own = ProcessTable.text("/proc/self/cgroup") else {
            return nil
        }
        guard let line = own.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else {
            return nil
        }
        let path = mount + (line == "0::/" ? "" : String(line.dropFirst(3)))
        for attribute in ["user.delegate", "trusted.delegate"] {
            var value: CChar = 0
            if getxattr(path, attribute, &value, 1) == 1, value == 49 { return path }
        }
        return nil
    }

    /// Ends everything in it with SIGKILL, forks in flight included (`cgroup.kill`, Linux 5.14).
    public func kill() { _ = write("1", to: "cgroup.kill") }

    /// Whether any process is left in it or below it.
    public var isPopulated: Bool {
        let events = ProcessTable.text("\(path)/cgroup.events") ?? ""
        return events.contains("populated 1")
    }

    /// The processes in it.
    public var processes: [Int32] {
        (ProcessTable.text("\(path)/cgroup.procs") ?? "").split(separator: "\n")
            .compactMap { Int32($0) }
    }

    /// A descriptor of `cgroup.events`, polled for `.changed`: told when the last process is gone.
    public func events() throws(SystemError) -> OwnedFD {
        OwnedFD(
            adopting: try system("open \(path)/cgroup.events") {
                regen_openat(directory.raw, "cgroup.events", O_RDONLY | O_CLOEXEC, 0)
            })
    }

    /// Removes the directory if nothing is left in it. The corresponding C function is `rmdir`.
    public func remove() { rmdir(path) }

    private func write(_ text: StaticString, to file: String) -> Bool {
        let descriptor = regen_openat(directory.raw, file, O_WRONLY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Glibc.write(descriptor, text.utf8Start, text.utf8CodeUnitCount) > 0
    }
}
