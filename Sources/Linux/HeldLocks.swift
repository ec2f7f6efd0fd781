/// The locks on files that the kernel knows of: /proc/locks (proc_locks(5)).
///
/// To find out who holds a lock by taking it would make the one who wants it give up.
public struct HeldLocks {
    /// Which file a lock is on.
    public struct Identity: Equatable, Sendable {
        /// The numbers by which its file system may be called there, `8:1`.
        public var devices: [String]
        /// The file in it.
        public var inode: UInt64

        /// A file.
        public init(devices: [String], inode: UInt64) {
            self.devices = devices
            self.inode = inode
        }
    }

    private let text: String

    /// The locks held now; `nil` when the kernel does not tell.
    public init?() {
        guard let text = ProcessTable.text("/proc/locks") else { return nil }
        self.init(text: text)
    }

    /// A list that somebody has read.
    public init(text: String) { self.text = text }

    /// Who has locked the file for itself alone, whole or in part: its process id, 0 where the list
    /// does not tell it. `nil`: nobody. Who only waits does not hold it.
    public func holder(of file: Identity) -> Int32? {
        for line in text.split(separator: "\n") {
            // 1: FLOCK  ADVISORY  WRITE 30880 fe:00:16220500 0 EOF
            let fields = line.split(separator: " ", maxSplits: 6)
            guard fields.count == 7, Self.kinds.contains(fields[1]), fields[3] == "WRITE",
                let pid = Int32(fields[4]), Self.names(fields[5], file)
            else { continue }
            return max(pid, 0)  // -1 where the lock belongs to an open file, not to a process
        }
        return nil
    }

    private static let kinds: [Substring] = ["FLOCK", "POSIX", "OFDLCK"]

    /// The device in hexadecimal, the inode in decimal.
    private static func names(_ field: Substring, _ file: Identity) -> Bool {
        let parts = field.split(separator: ":")
        guard parts.count == 3, UInt64(parts[2]) == file.inode,
            let major = UInt32(parts[0], radix: 16), let minor = UInt32(parts[1], radix: 16)
        else { return false }
        return file.devices.contains("\(major):\(minor)")
    }
}
