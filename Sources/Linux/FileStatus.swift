private import CLinux
private import Glibc

/// What the kernel knows of a file.
public struct FileStatus: Equatable, Sendable {
    /// What kinds of files matter here.
    public enum Kind: Equatable, Sendable {
        /// A regular file.
        case file
        /// A directory.
        case directory
        /// A symbolic link itself.
        case link
        /// A socket, pipe or device.
        case special
    }

    /// What it is.
    public let kind: Kind
    /// The owner.
    public let owner: UInt32
    /// The group.
    public let group: UInt32
    /// The permission bits, those for set-user-ID and the like included.
    public let mode: UInt32
    /// When it was modified last, in nanoseconds since 1970.
    public let modified: Int64
    /// How many names it has.
    public let links: UInt64

    /// The file that a path leads to. The corresponding C function is `stat`.
    public init(following path: String) throws(SystemError) {
        var status = stat()
        try system("look at \(path)") { stat(path, &status) }
        self.init(status)
    }

    /// What has this name, itself. The corresponding C function is `lstat`.
    public init(of path: String) throws(SystemError) {
        var status = stat()
        try system("look at \(path)") { lstat(path, &status) }
        self.init(status)
    }

    /// An open file. The corresponding C function is `fstat`.
    public init(ofDescriptor raw: Int32) throws(SystemError) {
        var status = stat()
        try system("look at an open file") { fstat(raw, &status) }
        self.init(status)
    }

    private init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .link
            default: .special
            }
        owner = status.st_uid
        group = status.st_gid
        mode = UInt32(status.st_mode & 0o7777)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        links = UInt64(status.st_nlink)
    }
}
