private import CLinux
private import Glibc

/// Watches on directories that last: what comes into them, and who opens what is in them.
extension Inotify {
    /// What is to be told of the names in a directory.
    public struct Changes: OptionSet, Sendable {
        /// The bits of inotify(7).
        public let rawValue: UInt32
        /// Bits as in inotify(7).
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// A name is new: IN_CREATE.
        public static let created = Changes(rawValue: UInt32(IN_CREATE))
        /// Something was given this name, perhaps in place of what had it: IN_MOVED_TO.
        public static let movedHere = Changes(rawValue: UInt32(IN_MOVED_TO))
        /// It was opened: IN_OPEN.
        public static let opened = Changes(rawValue: UInt32(IN_OPEN))
        /// Whoever had it open has closed it: IN_CLOSE_WRITE and IN_CLOSE_NOWRITE.
        public static let closed = Changes(
            rawValue: UInt32(IN_CLOSE_WRITE) | UInt32(IN_CLOSE_NOWRITE))
    }

    /// Something that a watch on a directory tells.
    public struct Sign: Sendable {
        /// The watch's number; -1: signs were lost.
        public let watch: Int32
        /// The name that it is about; empty: the directory itself.
        public let name: String
        /// The watch is gone, and the directory with it.
        public let isLast: Bool
    }

    /// Watches a directory until it goes. Returns the watch's number, the same one where the directory
    /// is watched already. The corresponding C function is `inotify_add_watch` with IN_ONLYDIR.
    public func watch(directory path: String, for changes: Changes) throws(SystemError) -> Int32 {
        let mask = changes.rawValue | UInt32(IN_ONLYDIR)
        return try system("inotify_add_watch \(path)") { inotify_add_watch(raw, path, mask) }
    }

    /// What the watches on directories have to tell, oldest first.
    public func signs() -> [Sign] {
        var signs: [Sign] = []
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer in
            while true {
                let length = read(raw, buffer.baseAddress!, buffer.count)
                guard length > 0 else { return }
                var at = 0
                while at < length {
                    let event = buffer.baseAddress!.load(
                        fromByteOffset: at, as: inotify_event.self)
                    let begin = at + MemoryLayout<inotify_event>.size
                    let name = buffer[begin..<begin + Int(event.len)].prefix { $0 != 0 }
                    signs.append(
                        Sign(
                            watch: event.wd, name: String(decoding: name, as: UTF8.self),
                            isLast: event.mask & UInt32(IN_IGNORED) != 0))
                    at = begin + Int(event.len)
                }
            }
        }
        return signs
    }
}
