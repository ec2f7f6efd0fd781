private import CLinux
private import Glibc

extension UnsafeRawBufferPointer {
    /// The distance from `start` to the first `byte` at or behind it.
    ///
    /// The corresponding C function is `memchr`.
    public func distance(toFirst byte: UInt8, from start: Int) -> Int? {
        guard start < count, let base = baseAddress?.advanced(by: start) else { return nil }
        guard let found = memchr(base, Int32(byte), count - start) else { return nil }
        return UnsafeRawPointer(found) - base
    }

    /// Whether `other` is somewhere in it; nothing is everywhere.
    ///
    /// The corresponding C function is `memmem`.
    public func contains(_ other: UnsafeRawBufferPointer) -> Bool {
        guard let part = other.baseAddress, !other.isEmpty else { return true }
        guard let base = baseAddress, !isEmpty else { return false }
        return regen_find(base, count, part, other.count) != nil
    }
}
