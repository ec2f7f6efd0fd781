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
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            done += try system("write to standard \(self)") {
                bytes.withUnsafeBytes {
                    Glibc.write(rawValue, $0.baseAddress! + done, $0.count - done)
                }
            }
        }
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

    /// Writes once and says how much of it was taken; `nil` when the reader is gone.
    /// The corresponding C function is `write`.
    public func writeOnce(_ bytes: ArraySlice<UInt8>) -> Int? {
        let count = bytes.withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }
}
