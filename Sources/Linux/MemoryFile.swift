private import CLinux
private import Glibc

/// A file that is only in memory, sealed: nobody can change it any more, not even its maker.
public struct MemoryFile: ~Copyable {
    /// The descriptor, at the file's beginning. It is passed on to programs that this one executes.
    public let descriptor: OwnedFD

    /// Makes a file with these bytes. The name is only seen in /proc.
    ///
    /// The corresponding C functions are `memfd_create`, `write`, `lseek` and `fcntl` (F_ADD_SEALS).
    public init(name: String, _ bytes: [UInt8]) throws(SystemError) {
        let file = OwnedFD(
            adopting: try system("make a memory file") { regen_memory_file(name) })
        let raw = file.raw
        var done = 0
        while done < bytes.count {
            done += try system("write to a memory file") {
                bytes.withUnsafeBytes { write(raw, $0.baseAddress! + done, $0.count - done) }
            }
        }
        try system("seek in a memory file") { lseek(raw, 0, SEEK_SET) }
        try system("seal a memory file") { regen_seal(raw) }
        descriptor = file
    }
}
