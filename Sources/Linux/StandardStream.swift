private import CLinux
private import Glibc

/// Standard output or standard error, written without a buffer between.
public enum StandardStream: Int32, Sendable {
    /// Descriptor 1.
    case output = 1
    /// Descriptor 2.
    case error = 2

    /// Whether a person looks at it. The corresponding C function is `isatty`.
    public var isTerminal: Bool { isatty(rawValue) == 1 }

    /// Writes the whole text; throws when the disk is full or the reader has gone.
    ///
    /// The corresponding C function is `write`.
    public func write(_ text: String) throws(SystemError) {
        try write(Array(text.utf8)[...])
    }
}

/// The value of an environment variable of this process; `nil` when it is not set.
///
/// The corresponding C function is `getenv`.
public func environmentVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}

extension StandardStream {
    /// Whether a write of up to PIPE_BUF bytes would not block now. The corresponding C function is
    /// `poll`.
    public var isWritable: Bool {
        var descriptor = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
        return poll(&descriptor, 1, 0) == 1
    }

    /// Writes once to standard error and says how much of it was taken, 0 when it would have to wait;
    /// `nil` when the reader is gone. `isWritable` promises nothing where children write to the same
    /// pipe: they can fill it in between.
    /// The corresponding C functions are `send` with MSG_DONTWAIT and `write`.
    public static func writeOnceToError(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = bytes.withUnsafeBytes {
            isErrorSocket
                ? send(2, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
                : Glibc.write(unblockedError, $0.baseAddress, $0.count)
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    private static let isErrorSocket = errorKind == S_IFSOCK

    /// Standard error's pipe or terminal, opened once more: O_NONBLOCK on descriptor 2 itself would
    /// hold for everybody who has inherited it.
    private static let unblockedError: Int32 = {
        guard errorKind == S_IFIFO || errorKind == S_IFCHR else { return 2 }
        let flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        let opened = regen_open("/proc/self/fd/2", flags, 0)
        return opened >= 0 ? opened : 2
    }()

    /// The file behind it, by device and inode; `nil` when it is closed. The corresponding C function
    /// is `fstat`.
    public var file: (device: UInt64, inode: UInt64)? {
        var status = stat()
        guard fstat(rawValue, &status) == 0 else { return nil }
        return (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    private static var errorKind: mode_t {
        var status = stat()
        return fstat(2, &status) == 0 ? status.st_mode & S_IFMT : 0
    }
}
