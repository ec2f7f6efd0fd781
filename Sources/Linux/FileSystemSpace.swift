private import Glibc

/// What room a file system has.
public struct FileSystemSpace: Equatable, Sendable {
    /// Free bytes for people without privileges.
    public let free: Int64
    /// Free inodes for them.
    public let freeInodes: Int64
    /// All inodes; 0: it does not count them.
    public let inodes: Int64
    /// Nothing can be written there.
    public let isReadOnly: Bool

    /// The file system that a path leads to. Blocks as long as that does.
    /// The corresponding C function is `statvfs`.
    public init(of path: String) throws(SystemError) {
        var answer = statvfs()
        try system("ask for free space at \(path)") { statvfs(path, &answer) }
        free =
            Int64(clamping: answer.f_bavail).multipliedReportingOverflow(
                by: Int64(clamping: answer.f_frsize)
            ).partialValue
        freeInodes = Int64(clamping: answer.f_favail)
        inodes = Int64(clamping: answer.f_files)
        isReadOnly = answer.f_flag & UInt(ST_RDONLY) != 0
    }
}

/// What this process may do with a file.
public enum FileAccess {
    /// Whether this process, by its real user, may write what a path leads to, or make names in it.
    /// The corresponding C function is `access`.
    public static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }
}
