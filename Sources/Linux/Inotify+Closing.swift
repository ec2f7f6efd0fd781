private import CLinux
private import Glibc

extension Inotify {
    /// Watches for the next time that somebody closes this file, and no further. Nothing is opened by
    /// it. Returns the watch's number, under which `signs` tells. The kernel tells just before it lets
    /// go of the file.
    ///
    /// The corresponding C function is `inotify_add_watch` with IN_ONESHOT.
    public func watchClosing(of path: String) throws(SystemError) -> Int32 {
        let once: UInt32 = 0x8000_0000  // IN_ONESHOT: too large for an Int32 enum
        let mask = Changes.closed.rawValue | once
        return try system("inotify_add_watch \(path)") { inotify_add_watch(raw, path, mask) }
    }
}
