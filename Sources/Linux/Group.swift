private import Glibc

/// The group database.
public enum Group {
    /// A group's entry may need so many bytes; one with more members counts as unknown.
    public static let longestEntry = 1 << 20

    /// The number of the group with this name; `nil` when there is none or it cannot be read.
    ///
    /// May read files and ask name services: for the start of a program, not for its loop.
    /// The corresponding C function is `getgrnam_r`.
    public static func number(of name: String) -> UInt32? {
        var size = 4096
        while size <= longestEntry {
            var entry = group()
            var found: UnsafeMutablePointer<group>?
            let code = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) {
                getgrnam_r(name, &entry, $0.baseAddress!, size, &found)
            }
            if code == 0 { return found == nil ? nil : entry.gr_gid }
            guard code == ERANGE || code == EINTR else { return nil }
            if code == ERANGE { size *= 4 }
        }
        return nil
    }
}

/// The effective user of this process. The corresponding C function is `geteuid`.
public func effectiveUser() -> UInt32 { geteuid() }
