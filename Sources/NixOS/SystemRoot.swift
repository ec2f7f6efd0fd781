/// Where the machine's own directories are: `/` or the directory that `--root` names.
public struct SystemRoot: Sendable {
    /// The directory; empty for `/`.
    public let directory: String

    /// The root; `""` and `"/"` are the machine's own.
    public init(_ directory: String) {
        self.directory = directory == "/" ? "" : directory
    }
}
