private import CLinux
private import Glibc

/// A directory out of which no path leads: not by `..`, not by a symbolic link, not by a link of
/// /proc. Nor did a symbolic link lead to it.
public struct ConfinedDirectory: ~Copyable {
    /// Its path.
    public let path: String
    private let directory: OwnedFD

    /// Throws ELOOP when any part of the path is a symbolic link.
    /// The corresponding C function is `openat2`.
    public init(_ path: String) throws(SystemError) {
        let raw = try system("open \(path)") {
            regen_open_without_links(path, REGEN_O_PATH | O_DIRECTORY)
        }
        directory = OwnedFD(adopting: raw)
        self.path = path
    }

    /// What has this path below it; a symbolic link is found itself. `nil`: nothing has.
    /// Throws ELOOP when a directory on the way is a symbolic link, EXDEV when the path leads out.
    /// The corresponding C function is `openat2` with RESOLVE_BENEATH.
    public func find(_ below: String) throws(SystemError) -> ConfinedFile? {
        do throws(SystemError) {
            return try open(below, REGEN_O_PATH | O_NOFOLLOW)
        } catch {
            if error.code == ENOENT { return nil }
            throw error
        }
    }

    /// Makes an empty file that nobody but us may use, and opens it.
    /// The corresponding C function is `openat2` with O_CREAT and O_EXCL.
    public func makeFile(_ below: String) throws(SystemError) -> ConfinedFile {
        try open(below, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    }

    private func open(_ below: String, _ flags: Int32) throws(SystemError) -> ConfinedFile {
        let parent = try parent(of: below)
        let name = try name(of: below)
        let raw = try system("open \(path)/\(below)") {
            regen_open_beneath(parent.raw, name, flags, 0o600)
        }
        return ConfinedFile(
            path: "\(path)/\(below)", descriptor: OwnedFD(adopting: raw), parent: parent)
    }

    /// Makes a directory that nobody but us may use. The corresponding C function is `mkdirat`.
    public func makeDirectory(_ below: String) throws(SystemError) {
        try inParent(of: below) { parent, name in mkdirat(parent, name, 0o700) }
    }

    /// Makes a symbolic link. The corresponding C function is `symlinkat`.
    public func makeLink(_ below: String, to target: String) throws(SystemError) {
        try inParent(of: below) { parent, name in symlinkat(target, parent, name) }
    }

    /// Puts a symbolic link in the place of another one, at no moment without any.
    /// The corresponding C functions are `symlinkat` and `renameat`.
    public func replaceLink(_ below: String, to target: String) throws(SystemError) {
        try inParent(of: below) { parent, name in
            let other = ".\(name.prefix(200)).regen"
            unlinkat(parent, other, 0)
            guard symlinkat(target, parent, other) == 0 else { return -1 }
            return renameat(parent, other, parent, name)
        }
    }

    /// Where the directory is, within its file system, in which the path is a name.
    /// The corresponding C function is `openat2`.
    public func location(ofParentOf below: String) throws(SystemError) -> MountLocation? {
        let parent = try parent(of: below)
        return MountLocation(ofDescriptor: parent.raw)
    }

    private func inParent(
        of below: String, _ make: (Int32, String) -> Int32
    ) throws(SystemError) {
        let name = try name(of: below)
        let parent = try parent(of: below)
        try system("make \(path)/\(below)") { make(parent.raw, name) }
    }

    private func name(of below: String) throws(SystemError) -> String {
        let start = below.lastIndex(of: "/").map { below.index(after: $0) }
        let name = String(below[(start ?? below.startIndex)...])
        guard !name.isEmpty, name != ".", name != ".." else {
            throw SystemError(EINVAL, "name \(path)/\(below)")
        }
        return name
    }

    private func parent(of below: String) throws(SystemError) -> OwnedFD {
        let above = below.lastIndex(of: "/").map { String(below[..<$0]) } ?? "."
        let raw = try system("open \(path)/\(above)") {
            regen_open_beneath(directory.raw, above, O_RDONLY | O_DIRECTORY, 0)
        }
        return OwnedFD(adopting: raw)
    }
}

/// Something in a confined directory, by descriptor: whoever renames or replaces it meanwhile, we
/// still mean the same.
public struct ConfinedFile: ~Copyable {
    /// The path that it was found by.
    public let path: String
    private let descriptor: OwnedFD
    private let parent: OwnedFD

    fileprivate init(
        path: String, descriptor: consuming OwnedFD, parent: consuming OwnedFD
    ) {
        self.path = path
        self.descriptor = descriptor
        self.parent = parent
    }

    /// Waits until whoever takes a name out of its directory at this moment is done. The kernel counts
    /// a file's names down before the name itself goes; in between, `status` and `place` together
    /// would tell of a file with one name although its last one was elsewhere.
    /// The corresponding C function is `getdents64`, which waits for the directory's lock.
    public func settle() throws(SystemError) {
        try system("read the directory of \(path)") { regen_settle(parent.raw) }
    }

    /// What the kernel knows of it. The corresponding C function is `fstat`.
    public func status() throws(SystemError) -> FileStatus {
        try FileStatus(ofDescriptor: descriptor.raw)
    }

    /// Where it is now; it ends with ` (deleted)` when it has no name any more.
    /// The corresponding C function is `readlink` in /proc/self/fd.
    public var place: String? { Directory.linkTarget("/proc/self/fd/\(descriptor.raw)") }

    /// What a symbolic link says. The corresponding C function is `readlinkat`.
    public func linkTarget() throws(SystemError) -> String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = try system("read the link \(path)") {
            buffer.withUnsafeMutableBytes {
                readlinkat(
                    descriptor.raw, "", $0.baseAddress!.assumingMemoryBound(to: CChar.self),
                    $0.count)
            }
        }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Gives it to a user, a group, or both. The corresponding C function is `fchownat` with
    /// AT_EMPTY_PATH.
    public func change(owner: UInt32?, group: UInt32?) throws(SystemError) {
        try system("change the owner of \(path)") {
            regen_change_owner(descriptor.raw, owner ?? .max, group ?? .max)
        }
    }

    /// Sets the permission bits; never of a symbolic link.
    /// The corresponding C function is `chmod` of the descriptor's name in /proc: fchmod(2) refuses a
    /// descriptor that was opened with O_PATH.
    public func change(mode: UInt32) throws(SystemError) {
        try system("change the mode of \(path)") {
            chmod("/proc/self/fd/\(descriptor.raw)", mode_t(mode))
        }
    }

    /// Where it is within its file system, whatever is mounted where; `nil` when the kernel does not
    /// tell.
    public var location: MountLocation? { MountLocation(ofDescriptor: descriptor.raw) }
}

extension SystemError {
    /// ELOOP: a symbolic link where none may be.
    public static let symbolicLink = ELOOP
    /// EXDEV: the path leads out of where it must stay.
    public static let leadsOut = EXDEV
}
