private import CLinux
private import Glibc

/// The kernel's random bytes.
public enum Random {
    /// Fills the buffer, at most 256 bytes. The corresponding C function is `getrandom`.
    public static func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(SystemError) {
        precondition(buffer.count <= 256, "more than getrandom gives in one go")
        try system("getrandom") { getrandom(buffer.baseAddress, buffer.count, 0) }
    }
}
