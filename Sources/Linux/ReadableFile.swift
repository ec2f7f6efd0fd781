private import CLinux
private import Glibc

/// A file opened for reading at any place.
public struct ReadableFile: ~Copyable {
    private let fd: OwnedFD
    private let path: String

    /// Opens the file; a FIFO without a writer does not block.
    ///
    /// The corresponding C function is `open` with `O_RDONLY`, `O_CLOEXEC` and `O_NONBLOCK`.
    public init(path: String) throws(SystemError) {
        self.path = path
        fd = OwnedFD(
            adopting: try system("open \(path)") {
                open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
            })
    }

    /// Which file it is, whatever its name, and how long.
    public struct Status: Equatable, Sendable {
        /// The file system.
        public let device: UInt64
        /// The file in it.
        public let inode: UInt64
        /// Its length in bytes.
        public let size: Int64

        /// Whether both are the same file.
        public func isSameFile(as other: Status) -> Bool {
            device == other.device && inode == other.inode
        }

        fileprivate init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
        }
    }

    /// The descriptor, for the length of one call.
    var raw: Int32 { fd.raw }

    /// What the kernel knows of the file now. The corresponding C function is `fstat`.
    public func status() throws(SystemError) -> Status {
        var status = stat()
        try system("look at \(path)") { fstat(fd.raw, &status) }
        return Status(status)
    }

    /// What the kernel knows of the file that has this name now. The corresponding C function is
    /// `stat`.
    public static func status(of path: String) throws(SystemError) -> Status {
        var status = stat()
        try system("look at \(path)") { stat(path, &status) }
        return Status(status)
    }

    /// Reads at most a buffer's length of bytes at `offset`; 0 at the end of the file.
    ///
    /// The corresponding C function is `pread`.
    public func read(
        at offset: Int64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemError) -> Int {
        try system("read \(path)") { pread(fd.raw, buffer.baseAddress, buffer.count, Int(offset)) }
    }
}

/// Does nothing for so many milliseconds, or until a signal was handled.
///
/// Blocks: for clients only. The corresponding C function is `poll` without descriptors.
public func pause(milliseconds: Int32) { _ = poll(nil, 0, milliseconds) }
