public import Linux

/// Everything that the writer does to a disk, so that a test can make any of it fail.
public protocol LedgerDisk: Sendable {
    /// Makes a file that must not be there yet, 0600.
    func create(_ path: String) throws(SystemError) -> File
    /// Writes at an offset; possibly less than all.
    func write(
        _ bytes: UnsafeRawBufferPointer, to file: borrowing File, at offset: Int64
    ) throws(SystemError) -> Int
    /// Waits until what was written is on the disk.
    func synchronize(_ file: borrowing File) throws(SystemError)
    /// Cuts a file.
    func truncate(_ file: borrowing File, to size: Int64) throws(SystemError)
    /// Takes disk space for a file, as much as `size`.
    func allocate(_ file: borrowing File, _ size: Int64) throws(SystemError)
    /// Gives a file or directory another name.
    func rename(_ old: String, to new: String) throws(SystemError)
    /// Takes a name away.
    func remove(_ path: String) throws(SystemError)
    /// Waits until a directory's names are on the disk.
    func synchronizeDirectory(_ path: String) throws(SystemError)
}

/// The disk as the kernel offers it.
public struct KernelDisk: LedgerDisk {
    /// There is only one.
    public init() {}

    /// Makes a file that must not be there yet, 0600.
    public func create(_ path: String) throws(SystemError) -> File {
        try File(opening: path, [.readWrite, .create, .exclusive])
    }

    /// The corresponding C function is `pwrite`.
    public func write(
        _ bytes: UnsafeRawBufferPointer, to file: borrowing File, at offset: Int64
    ) throws(SystemError) -> Int {
        try file.write(bytes, at: offset)
    }

    /// The corresponding C function is `fdatasync`.
    public func synchronize(_ file: borrowing File) throws(SystemError) {
        try file.synchronizeData()
    }

    /// The corresponding C function is `ftruncate`.
    public func truncate(_ file: borrowing File, to size: Int64) throws(SystemError) {
        try file.truncate(to: size)
    }

    /// The corresponding C function is `posix_fallocate`.
    public func allocate(_ file: borrowing File, _ size: Int64) throws(SystemError) {
        try file.allocate(size)
    }

    /// The corresponding C function is `rename`.
    public func rename(_ old: String, to new: String) throws(SystemError) {
        try Directory.rename(old, to: new)
    }

    /// The corresponding C function is `unlink`.
    public func remove(_ path: String) throws(SystemError) { try Directory.remove(path) }

    /// The corresponding C function is `fsync`.
    public func synchronizeDirectory(_ path: String) throws(SystemError) {
        try Directory.synchronize(path)
    }
}

extension LedgerDisk {
    func writeAll(
        _ bytes: UnsafeRawBufferPointer, to file: borrowing File, at offset: Int64
    ) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = try write(rest, to: file, at: offset + Int64(written))
            // Zero is no error number, and waiting for more than zero could take for ever.
            guard count > 0 else {
                throw SystemError(SystemError.inputOutput, "write \(file.path)")
            }
            written += count
        }
    }

    /// Takes a name away that may not be there.
    func removeIfPresent(_ path: String) throws(SystemError) {
        do {
            try remove(path)
        } catch  where error.code == SystemError.noEntry {
            return
        }
    }
}
