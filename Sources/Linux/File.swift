private import CLinux
private import Glibc

/// An open file that knows its path, so that its errors can name it.
public struct File: ~Copyable {
    /// What opening may do.
    public struct Options: OptionSet, Sendable {
        /// The bits of open(2).
        public let rawValue: Int32
        /// Bits as in open(2).
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// O_RDONLY: read only; what an empty set means.
        public static let read = Options([])
        /// O_RDWR: read and write.
        public static let readWrite = Options(rawValue: O_RDWR)
        /// O_CREAT: make the file if it is not there.
        public static let create = Options(rawValue: O_CREAT)
        /// O_EXCL: with `create`, fail if it is there.
        public static let exclusive = Options(rawValue: O_EXCL)
        /// O_TRUNC: empty it.
        public static let truncate = Options(rawValue: O_TRUNC)
    }

    /// Its name in errors; the owner changes it when it renames the file.
    public var path: String
    private let descriptor: OwnedFD

    /// Opens a file, never a symbolic link, closed on exec. `mode` is for a new file.
    ///
    /// The corresponding C function is `open`.
    public init(
        opening path: String, _ options: Options, mode: UInt32 = 0o600
    ) throws(SystemError) {
        let flags = options.rawValue | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let raw = try system("open \(path)") { open(path, flags, mode) }
        self.path = path
        descriptor = OwnedFD(adopting: raw)
    }

    /// The number, for the length of one call.
    public var raw: Int32 { descriptor.raw }

    /// The size in bytes. The corresponding C function is `fstat`.
    public func size() throws(SystemError) -> Int64 {
        var status = stat()
        try system("stat \(path)") { fstat(raw, &status) }
        return Int64(status.st_size)
    }

    /// Reads up to the buffer's size from `offset` on; 0 at the end.
    ///
    /// The corresponding C function is `pread`.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(SystemError) -> Int {
        try system("read \(path)") { pread(raw, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Writes at `offset`, possibly less than all: how much was written.
    ///
    /// The corresponding C function is `pwrite`.
    public func write(
        _ bytes: UnsafeRawBufferPointer, at offset: Int64
    ) throws(SystemError) -> Int {
        try system("write \(path)") { pwrite(raw, bytes.baseAddress, bytes.count, off_t(offset)) }
    }

    /// Cuts the file or extends it with zeros. The corresponding C function is `ftruncate`.
    public func truncate(to size: Int64) throws(SystemError) {
        try system("truncate \(path)") { ftruncate(raw, off_t(size)) }
    }

    /// Waits until data and metadata are on the disk. The corresponding C function is `fsync`.
    public func synchronize() throws(SystemError) {
        try system("fsync \(path)") { fsync(raw) }
    }

    /// Waits until the data, and what is needed to read it, is on the disk.
    ///
    /// The corresponding C function is `fdatasync`.
    public func synchronizeData() throws(SystemError) {
        try system("fdatasync \(path)") { fdatasync(raw) }
    }

    /// Takes `size` bytes of disk space for the file's beginning.
    ///
    /// The corresponding C function is `posix_fallocate`.
    public func allocate(_ size: Int64) throws(SystemError) {
        while true {
            let code = posix_fallocate(raw, 0, off_t(size))
            if code == 0 { return }
            if code != EINTR { throw SystemError(code, "allocate \(size) bytes for \(path)") }
        }
    }
}
