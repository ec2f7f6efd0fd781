/// Where the machine's own directories are: `/` or the directory that `--root` names.
///
/// Paths in values never have it in front: it is put there for the system call, and only there.
public struct SystemRoot: Sendable {
    /// The directory; empty for `/`.
    public let directory: String

    /// The root; `""` and `"/"` are the machine's own.
    public init(_ directory: String) {
        self.directory = String(directory.reversed().drop { $0 == "/" }.reversed())
    }

    /// The path to give to a system call. It does not keep links inside; `RootedTree` does.
    public func below(_ path: String) -> String { directory + path }

    /// The path as values have it: a demonstration's command names the root itself.
    public func plain(_ path: String) -> String {
        guard !directory.isEmpty, path.hasPrefix("\(directory)/") else { return path }
        return String(path.dropFirst(directory.count))
    }
}
