private import CLinux
private import Glibc

/// inotify(7) watches that fire once: what is busy costs one wake-up for each time it is armed,
/// what is quiet costs none.
public struct Inotify: ~Copyable {
    private let descriptor: OwnedFD

    /// The descriptor, to be polled for reading.
    public var raw: Int32 { descriptor.raw }

    /// The corresponding C function is `inotify_init1`.
    public init() throws(SystemError) {
        descriptor = OwnedFD(
            adopting: try system("inotify_init1") {
                inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            })
    }

    /// Watches a file for its next change, another name or its end, and no further. Returns the
    /// watch's number.
    /// The corresponding C function is `inotify_add_watch` with IN_ONESHOT.
    public func watchOnce(_ path: String) throws(SystemError) -> Int32 {
        let once: UInt32 = 0x8000_0000  // IN_ONESHOT: too large for an Int32 enum
        let mask = UInt32(IN_MODIFY) | UInt32(IN_MOVE_SELF) | once
        return try system("inotify_add_watch \(path)") {
            inotify_add_watch(descriptor.raw, path, mask)
        }
    }

    /// The watches that fired, some of them twice. What they watch is to be watched again by its
    /// owner.
    public func fired() -> [Int32] {
        var watches: [Int32] = []
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer in
            while true {
                let length = read(descriptor.raw, buffer.baseAddress!, buffer.count)
                guard length > 0 else { return }
                var at = 0
                while at < length {
                    let event = buffer.baseAddress!.load(
                        fromByteOffset: at, as: inotify_event.self)
                    // IN_IGNORED, as the watch goes, is all that is heard of a removed file's end.
                    watches.append(event.wd)
                    at += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
        }
        return watches
    }
}
