private import CLinux
private import Glibc

/// A file descriptor with exactly one owner, closed exactly once.
public struct OwnedFD: ~Copyable {
    /// The number, to pass to a call. Never keep it beyond the owner's life.
    public let raw: Int32

    /// Takes over a descriptor that a call has just made.
    public init(adopting raw: Int32) {
        precondition(raw >= 0, "an OwnedFD owns a descriptor")
        self.raw = raw
    }

    /// The corresponding C function is `close`. Its errors are ignored: Linux always frees the number.
    deinit { _ = close(raw) }

    /// Gives the descriptor away; the caller owns it now.
    public consuming func release() -> Int32 {
        let raw = raw
        discard self
        return raw
    }
}

extension OwnedFD {
    /// /dev/null, for reading and writing. The corresponding C function is `open`.
    public static func null() throws(SystemError) -> OwnedFD {
        OwnedFD(
            adopting: try system("open /dev/null") {
                regen_open("/dev/null", O_RDWR | O_CLOEXEC, 0)
            })
    }
}
