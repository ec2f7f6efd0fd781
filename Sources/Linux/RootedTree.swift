private import CLinux
private import Glibc

/// A directory that is `/` for every path that is looked up below it: an absolute link and `..` stay
/// inside. It is only looked at. `/` itself is one, too.
///
/// Paths begin with `/`, and answers do not have the directory's own path in front.
public final class RootedTree {
    private let root: OwnedFD
    private let prefix: String

    /// Opens it; links that lead to it are followed. The corresponding C function is `open` with
    /// O_PATH.
    public init(_ path: String) throws(SystemError) {
        let raw = try system("open \(path)") {
            regen_open(path, REGEN_O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
        }
        root = OwnedFD(adopting: raw)
        let place = Directory.linkTarget("/proc/self/fd/\(raw)") ?? path
        prefix = place == "/" ? "" : place
    }

    /// Where a path leads when all links are followed; `nil`: nowhere.
    /// The corresponding C functions are `openat2` with RESOLVE_IN_ROOT, and `readlink` in
    /// /proc/self/fd.
    public func destination(of path: String) throws(SystemError) -> String? {
        guard let file = try find(path) else { return nil }
        guard let place = file.place, place.hasPrefix(prefix) else {
            throw SystemError(ENOENT, "resolve \(prefix)\(path)")
        }
        let inside = place.dropFirst(prefix.utf8.count)
        return inside.isEmpty ? "/" : inside.first == "/" ? String(inside) : nil
    }

    /// As `destination`; `nil` also where it cannot be found out.
    public func resolve(_ path: String) -> String? { (try? destination(of: path)) ?? nil }

    /// Whether a path leads to something that may be executed.
    /// The corresponding C functions are `openat2` with RESOLVE_IN_ROOT, and `access`.
    public func isExecutable(_ path: String) throws(SystemError) -> Bool {
        guard let file = try find(path) else { return false }
        return access(file.alias, X_OK) == 0
    }

    /// What a path leads to. The corresponding C function is `fstat`.
    public func status(_ path: String) throws(SystemError) -> FileStatus {
        try open(path).status()
    }

    /// What has this name itself. The corresponding C function is `fstat`.
    public func status(ofLink path: String) throws(SystemError) -> FileStatus {
        try open(path, O_NOFOLLOW).status()
    }

    /// What a symbolic link says; `nil`: there is none of that name.
    /// The corresponding C function is `readlinkat`.
    public func linkTarget(_ path: String) -> String? { try? open(path, O_NOFOLLOW).linkTarget() }

    /// The first `most` bytes of a regular file. Throws EINVAL for anything else, which is not even
    /// opened: to open a device does things. The corresponding C functions are `open` and `read`.
    public func beginning(of path: String, most: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path)
        guard try file.status().kind == .file else { throw SystemError(EINVAL, "read \(path)") }
        return try readBeginning(file.alias, most: most)
    }

    /// The names in a directory, without `.` and `..`, in no order; of more than `most`, any so many.
    /// The corresponding C function is `readdir`.
    public func names(in path: String, most: Int) throws(SystemError) -> [String] {
        let directory = try open(path, O_DIRECTORY)
        guard let stream = opendir(directory.alias) else {
            throw SystemError(errno, "open \(path)")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < most, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Free bytes for people without privileges in the file system that is mounted right here; `nil`:
    /// none is, or it has no size. The corresponding C functions are `fstat` and `fstatfs`.
    public func space(ofMount path: String) throws(SystemError) -> Int64? {
        let directory = try open(path, O_DIRECTORY)
        let above = try open("\(path)/..")
        guard try directory.device() != above.device() else { return nil }
        return try directory.space()
    }

    /// Who has locked the file, in this or another way, for itself alone: its process id, 0 where the
    /// kernel does not tell it; `nil`: nobody has, or there is no such file. The lock is not touched.
    public func lockHolder(_ path: String) -> Int32? {
        guard let file = try? open(path), let identity = try? file.identity(),
            let locks = HeldLocks()
        else { return nil }
        return locks.holder(of: identity)
    }

    /// A file by descriptor, without a right to read it; `nil`: there is none.
    private func find(_ path: String) throws(SystemError) -> FoundFile? {
        do throws(SystemError) { return try open(path) } catch {
            if error.code == ENOENT || error.code == ENOTDIR { return nil }
            throw error
        }
    }

    /// A file by descriptor, without a right to read it.
    private func open(_ path: String, _ flags: Int32 = 0) throws(SystemError) -> FoundFile {
        FoundFile(descriptor: try descriptor(path, REGEN_O_PATH | flags))
    }

    /// Opens what a path leads to. The corresponding C function is `openat2` with RESOLVE_IN_ROOT.
    func descriptor(_ path: String, _ flags: Int32) throws(SystemError) -> OwnedFD {
        for _ in 1..<Self.mostRaces {
            do throws(SystemError) { return try openOnce(path, flags) } catch {
                if error.code != EAGAIN { throw error }
            }
        }
        return try openOnce(path, flags)
    }

    private func openOnce(_ path: String, _ flags: Int32) throws(SystemError) -> OwnedFD {
        OwnedFD(
            adopting: try system("open \(path)") {
                regen_open_in_root(root.raw, path, flags)
            })
    }

    /// The kernel answers EAGAIN when something was renamed while it went through a `..`.
    private static let mostRaces = 16
}

/// Something that a path led to, by a descriptor with O_PATH.
private struct FoundFile: ~Copyable {
    let descriptor: OwnedFD

    /// A name by which it can be opened for reading.
    var alias: String { "/proc/self/fd/\(descriptor.raw)" }

    /// Where it is.
    var place: String? { Directory.linkTarget(alias) }

    func status() throws(SystemError) -> FileStatus {
        try FileStatus(ofDescriptor: descriptor.raw)
    }

    func device() throws(SystemError) -> UInt64 {
        var status = stat()
        try system("look at a directory") { fstat(descriptor.raw, &status) }
        return UInt64(status.st_dev)
    }

    func space() throws(SystemError) -> Int64? {
        var answer = statfs()
        try system("ask for free space") { fstatfs(descriptor.raw, &answer) }
        guard answer.f_blocks > 0 else { return nil }  // one that is mounted when it is first used
        return Int64(clamping: answer.f_bavail).multipliedReportingOverflow(
            by: Int64(answer.f_frsize)
        ).partialValue
    }

    func identity() throws(SystemError) -> HeldLocks.Identity {
        var status = stat()
        try system("look at a lock") { fstat(descriptor.raw, &status) }
        let device = UInt64(status.st_dev)
        // gnu_dev_major and gnu_dev_minor, which Swift does not see everywhere (makedev(3)).
        let major = (device >> 8 & 0xfff) | (device >> 32 & ~0xfff)
        let minor = (device & 0xff) | (device >> 12 & ~0xff)
        let numbers = "\(major):\(minor)"
        // A file system with subvolumes tells stat one device and the list of locks another.
        let mount = MountLocation(ofDescriptor: descriptor.raw)?.device
        return HeldLocks.Identity(
            devices: [numbers, mount ?? numbers], inode: UInt64(status.st_ino))
    }

    func linkTarget() throws(SystemError) -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try system("read a link") {
            buffer.withUnsafeMutableBytes {
                readlinkat(
                    descriptor.raw, "", $0.baseAddress!.assumingMemoryBound(to: CChar.self),
                    $0.count)
            }
        }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }
}
