private import CLinux
private import Glibc

/// A counter that makes a poller's descriptor readable: how another thread wakes the loop.
public final class EventFD: @unchecked Sendable {
    // Never changes; the kernel does the rest.
    private let descriptor: OwnedFD

    /// The corresponding C function is `eventfd`.
    public init() throws(SystemError) {
        descriptor = OwnedFD(
            adopting: try system("eventfd") {
                eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
            })
    }

    /// The number, for a poller to watch for reading while this object lives.
    public var raw: Int32 { descriptor.raw }

    /// Makes it readable. Any thread may. The corresponding C function is `write`.
    public func signal() {
        var one: UInt64 = 1
        // Would block means that it is readable already.
        _ = write(raw, &one, 8)
    }

    /// Makes it unreadable again: true if it was signalled. The corresponding C function is `read`.
    @discardableResult
    public func clear() -> Bool {
        var count: UInt64 = 0
        return read(raw, &count, 8) == 8
    }
}
