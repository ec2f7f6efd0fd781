private import CLinux
private import Glibc

/// Names and what becomes of them.
public enum Directory {
    /// Makes a directory. The corresponding C function is `mkdir`.
    public static func create(_ path: String, mode: UInt32) throws(SystemError) {
        try system("mkdir \(path)") { mkdir(path, mode) }
    }

    /// The names in a directory, sorted by their bytes, without `.` and `..`.
    ///
    /// The corresponding C function is `readdir`.
    public static func names(in path: String) throws(SystemError) -> [String] {
        guard let stream = opendir(path) else { throw SystemError(errno, "open \(path)") }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw SystemError(errno, "read \(path)") }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether there is something of that name; a dangling link counts.
    ///
    /// The corresponding C function is `lstat`.
    public static func contains(_ path: String) throws(SystemError) -> Bool {
        var status = stat()
        do {
            try system("stat \(path)") { lstat(path, &status) }
            return true
        } catch {
            if error.code == SystemError.noEntry { return false }
            throw error
        }
    }

    /// Gives a file or directory another name, replacing a file of that name.
    ///
    /// The corresponding C function is `rename`.
    public static func rename(_ old: String, to new: String) throws(SystemError) {
        try system("rename \(old) to \(new)") { Glibc.rename(old, new) }
    }

    /// Takes a file's name away. The corresponding C function is `unlink`.
    public static func remove(_ path: String) throws(SystemError) {
        try system("remove \(path)") { unlink(path) }
    }

    /// Waits until the directory's names are on the disk.
    ///
    /// The corresponding C function is `fsync`.
    public static func synchronize(_ path: String) throws(SystemError) {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
        let descriptor = OwnedFD(adopting: try system("open \(path)") { open(path, flags) })
        try system("fsync \(path)") { fsync(descriptor.raw) }
    }
}

extension Directory {
    /// Makes a directory and whatever is missing above it. The corresponding C function is `mkdir`.
    public static func createAll(_ path: String, mode: UInt32) throws(SystemError) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        let code = errno
        guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw SystemError(code, "mkdir \(path)")
        }
        try createAll(String(path[..<slash]), mode: 0o755)
        try system("mkdir \(path)") { mkdir(path, mode) }
    }

    /// Makes the root directory ours, so that we keep no file system busy and children begin there.
    /// The corresponding C function is `chdir`.
    public static func leaveForRoot() { chdir("/") }

    /// Device and inode: what the directory is, whatever it is called; `nil` when there is none.
    /// The corresponding C function is `stat`.
    public static func identity(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return String(status.st_dev, radix: 16) + ":" + String(status.st_ino)
    }

    /// What a symbolic link says; `nil` when there is none. The corresponding C function is
    /// `readlink`.
    public static func linkTarget(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes {
            readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
