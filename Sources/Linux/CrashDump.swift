/// What the kernel has kept of its own crashes (pstore): names only, nothing is read or removed.
public enum CrashDump {
    /// Where they appear, and where systemd-pstore.service moves them at boot.
    public static let places = ["/sys/fs/pstore", "/var/lib/systemd/pstore"]
    /// At most so many names of a directory are looked at, the last ones.
    public static let mostNames = 256
    /// Directories below directories, so deep.
    private static let depth = 3

    /// The path of the newest dump that is no older than `since`, in nanoseconds since 1970; `nil`: none is.
    public static func newest(since: Int64, in places: [String] = places) -> String? {
        var newest: (path: String, modified: Int64)?
        var left = mostNames
        for place in places {
            look(into: place, depth: depth, &left) { path, modified in
                guard modified >= since, modified > newest?.modified ?? .min else { return }
                newest = (path, modified)
            }
        }
        return newest?.path
    }

    private static func look(
        into directory: String, depth: Int, _ left: inout Int, found: (String, Int64) -> Void
    ) {
        let names = (try? Directory.names(in: directory)) ?? []
        for name in names.suffix(mostNames) {
            guard left > 0 else { return }
            left -= 1
            let path = "\(directory)/\(name)"
            guard let status = try? FileStatus(of: path) else { continue }
            switch status.kind {
            case .file: if name.hasPrefix("dmesg") { found(path, status.modified) }
            case .directory:
                if depth > 1 { look(into: path, depth: depth - 1, &left, found: found) }
            case .link, .special: break
            }
        }
    }
}
