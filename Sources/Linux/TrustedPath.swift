private import CLinux
private import Glibc

/// Whether nobody but root (or we ourselves) can change what a path leads to.
public enum TrustedPath {
    /// What makes a path untrustworthy.
    public struct Defect: Error, Equatable, Sendable, CustomStringConvertible {
        /// The file or the directory above it.
        public let path: String
        /// What is wrong with it.
        public let reason: String

        /// `/srv/regen.yaml may be written by others (mode 0666)`
        public var description: String { "\(path) \(reason)" }
    }

    /// Looks at the file and at each directory above it, links resolved. A directory that others
    /// may write is acceptable only with the sticky bit: then they cannot rename what is not theirs
    /// (inode(7)), and what is below must be ours anyway.
    public static func check(_ path: String) throws(Defect) {
        guard let resolved = realpath(path, nil) else {
            throw Defect(path: path, reason: String(cString: strerror(errno)))
        }
        defer { free(resolved) }
        var current = String(cString: resolved)
        while true {
            try check(exactly: current)
            if current == "/" { return }
            let parent = current[..<current.lastIndex(of: "/")!]
            current = parent.isEmpty ? "/" : String(parent)
        }
    }

    private static func check(exactly path: String) throws(Defect) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw Defect(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw Defect(path: path, reason: "belongs to user \(status.st_uid)")
        }
        let isSticky = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & S_ISVTX != 0
        let writers = status.st_mode & (status.st_gid == 0 ? S_IWOTH : S_IWOTH | S_IWGRP)
        if writers != 0, !isSticky {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw Defect(path: path, reason: "may be written by others (mode \(mode))")
        }
    }
}
