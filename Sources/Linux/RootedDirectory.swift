private import CLinux
private import Glibc

/// A directory below another root, by descriptor: links on the way to it led as if that root were `/`.
public struct RootedDirectory: ~Copyable {
    /// Its path below the root, as it was asked for: what people call it.
    public let path: String
    private let directory: OwnedFD

    /// Opens the directory with this absolute path below `root`; `""` is `/` itself.
    /// The corresponding C function is `openat2` with RESOLVE_IN_ROOT.
    public init(root: String, _ path: String) throws(SystemError) {
        self.path = path
        directory = try RootedTree(root.isEmpty ? "/" : root).descriptor(
            path, O_RDONLY | O_DIRECTORY)
    }

    /// The names in it, sorted by their bytes, without `.` and `..`.
    /// The corresponding C function is `readdir`.
    public func names() throws(SystemError) -> [String] {
        try Directory.names(in: "/proc/self/fd/\(directory.raw)")
    }

    /// What a symbolic link says; `nil`: there is nothing of that name. Throws EINVAL where it is no
    /// link. The corresponding C function is `readlinkat`.
    public func link(_ name: String) throws(SystemError) -> String? {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        do throws(SystemError) {
            let count = try system("read the link \(path)/\(name)") {
                buffer.withUnsafeMutableBytes {
                    let bytes = $0.baseAddress!.assumingMemoryBound(to: CChar.self)
                    return readlinkat(directory.raw, name, bytes, $0.count)
                }
            }
            return String(decoding: buffer[..<count], as: UTF8.self)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// Makes a symbolic link. The corresponding C function is `symlinkat`.
    public func makeLink(_ name: String, to target: String) throws(SystemError) {
        try system("make the link \(path)/\(name)") { symlinkat(target, directory.raw, name) }
    }

    /// Makes a directory. The corresponding C function is `mkdirat`.
    public func makeDirectory(_ name: String, mode: UInt32) throws(SystemError) {
        try system("make the directory \(path)/\(name)") {
            mkdirat(directory.raw, name, mode_t(mode))
        }
    }

    /// Gives something another name, in the place of whatever had that. The corresponding C function
    /// is `renameat`.
    public func rename(_ old: String, to new: String) throws(SystemError) {
        try system("rename \(path)/\(old) to \(new)") {
            renameat(directory.raw, old, directory.raw, new)
        }
    }

    /// Takes a name away; it need not be there. The corresponding C function is `unlinkat`.
    public func remove(_ name: String) throws(SystemError) {
        do throws(SystemError) {
            try system("remove \(path)/\(name)") { unlinkat(directory.raw, name, 0) }
        } catch {
            if error.code != ENOENT { throw error }
        }
    }

    /// Waits until its names are on the disk. A file system that cannot is not waited for.
    /// The corresponding C function is `fsync`.
    public func synchronize() throws(SystemError) {
        do throws(SystemError) {
            try system("fsync \(path)") { fsync(directory.raw) }
        } catch {
            if error.code != EINVAL { throw error }
        }
    }

    /// Opens the file with this name and locks it, without waiting; makes it where there is none.
    /// `nil`: somebody else holds the lock. Never follows a link.
    /// The corresponding C functions are `openat` and `flock`.
    public func lock(_ name: String) throws(SystemError) -> LockedFile? {
        let operation = "\(path)/\(name)"
        let flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let file = OwnedFD(
            adopting: try system("open \(operation)") {
                regen_openat(directory.raw, name, flags, 0o600)
            })
        do throws(SystemError) {
            try system("lock \(operation)") { regen_flock(file.raw) }
        } catch {
            if error.code == EWOULDBLOCK { return nil }
            throw error
        }
        return LockedFile(file, operation)
    }
}

/// A file that this process has locked with flock(2). The lock ends with this value.
public struct LockedFile: ~Copyable {
    private let file: OwnedFD
    private let path: String

    fileprivate init(_ file: consuming OwnedFD, _ path: String) {
        self.file = file
        self.path = path
    }

    /// Its length in bytes, and how many names it still has. The corresponding C function is `fstat`.
    public func status() throws(SystemError) -> (size: Int64, names: UInt64) {
        var status = stat()
        try system("look at \(path)") { fstat(file.raw, &status) }
        return (Int64(status.st_size), UInt64(status.st_nlink))
    }

    /// Makes it this long; what is new takes no place on the disk. The corresponding C function is
    /// `ftruncate`.
    public func resize(to bytes: Int) throws(SystemError) {
        try system("resize \(path)") { ftruncate(file.raw, off_t(bytes)) }
    }
}

extension SystemError {
    /// EBUSY: something uses it.
    public static let busy = EBUSY
    /// EAGAIN: not now.
    public static let again = EAGAIN
    /// ENFILE: the machine has no descriptor left.
    public static let noDescriptor = ENFILE
    /// ENOTDIR: a part of the path is no directory.
    public static let notDirectory = ENOTDIR
}
