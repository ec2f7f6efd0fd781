private import Glibc

/// What this machine calls itself.
public enum HostName {
    /// The name in force, at most 64 bytes. The corresponding C function is `gethostname`.
    public static var current: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "localhost" }
        return String(
            decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
