/// The cgroups of systemd's units: in the hierarchy of version 2 and, on machines whose systemd has
/// one of version 1 by its own name, in that.
extension Cgroup {
    /// A longer path than this is nobody's: systemd's names have at most 255 bytes each.
    public static let longestControlGroup = 2048

    /// The directory of a unit's control group, as PID 1 calls it (`/system.slice/web.service`);
    /// `nil` when there is none, or when it is the root: that is everybody's.
    ///
    /// cgroupfs holds no symbolic links, so that no part of the path leads elsewhere.
    public static func directory(ofUnit controlGroup: String) -> String? {
        let parts = controlGroup.split(separator: "/", omittingEmptySubsequences: false)
        guard controlGroup.utf8.count <= longestControlGroup, parts.count > 1, parts[0].isEmpty,
            parts.dropFirst().allSatisfy({ !["", ".", ".."].contains($0) && !$0.contains("\0") })
        else { return nil }
        return hierarchies.lazy.map { $0.mount + controlGroup }.first { path in
            (try? FileStatus(of: path))?.kind == .directory
        }
    }

    /// The directories that a process is in, one a hierarchy; empty when it is gone.
    public static func paths(of pid: Int32) -> [String] {
        let lines = (ProcessTable.text("/proc/\(pid)/cgroup") ?? "").split(separator: "\n")
        return hierarchies.compactMap { hierarchy in
            let line = lines.first { line in
                line.drop { $0 != ":" }.hasPrefix(hierarchy.mark)
            }
            return line.map {
                hierarchy.mount + $0.drop { $0 != ":" }.dropFirst(hierarchy.mark.utf8.count - 1)
            }
        }
    }

    /// Where the hierarchies are mounted, and what stands before the path in cgroups(7)'s
    /// /proc/PID/cgroup. Looked up once: nobody mounts them anew under a running system.
    private static let hierarchies: [(mount: String, mark: String)] = {
        let mounts = (ProcessTable.text("/proc/self/mounts") ?? "").split(separator: "\n")
            .map { $0.split(separator: " ") }.filter { $0.count > 3 }
        let second = mounts.first { $0[2] == "cgroup2" }.map { ($0[1], "::/") }
        let named = mounts.first { mount in
            mount[2] == "cgroup" && mount[3].split(separator: ",").contains("name=systemd")
        }.map { ($0[1], ":name=systemd:/") }
        return [second, named].compactMap { $0.map { (String($0.0), $0.1) } }
    }()
}
