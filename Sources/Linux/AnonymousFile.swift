private import CLinux
private import Glibc

/// A file that lives in memory and has no name: the way in which bytes of any length go to another
/// process, and a child's output comes back without anyone having to drain a pipe.
public struct AnonymousFile: ~Copyable {
    private let descriptor: OwnedFD

    /// Its descriptor.
    public var raw: Int32 { descriptor.raw }

    /// An empty one; `name` shows up in /proc only.
    /// The corresponding C function is `memfd_create`.
    public init(named name: String) throws(SystemError) {
        descriptor = OwnedFD(
            adopting: try system("memfd_create \(name)") {
                regen_memory_file(name)
            })
    }

    /// One with these bytes that nobody can change any more, not even its maker. It stands at its
    /// beginning.
    /// The corresponding C functions are `memfd_create`, `write`, `lseek` and `fcntl` (F_ADD_SEALS).
    public static func sealed(
        named name: String, _ bytes: [UInt8]
    ) throws(SystemError) -> AnonymousFile {
        let file = try AnonymousFile(named: name)
        let raw = file.raw
        var done = 0
        while done < bytes.count {
            done += try system("write to a memory file") {
                bytes.withUnsafeBytes { write(raw, $0.baseAddress! + done, $0.count - done) }
            }
        }
        try system("seek in a memory file") { lseek(raw, 0, SEEK_SET) }
        try system("seal a memory file") { regen_seal(raw) }
        return file
    }

    /// Takes over one that somebody else has made.
    public init(adopting descriptor: consuming OwnedFD) { self.descriptor = descriptor }

    /// Everything in it; throws EFBIG when that is more than `limit` bytes.
    /// The corresponding C functions are `fstat` and `pread`.
    public func contents(limit: Int) throws(SystemError) -> [UInt8] {
        var status = stat()
        try system("fstat") { fstat(raw, &status) }
        guard Int(status.st_size) <= limit else { throw SystemError(EFBIG, "read a memory file") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = try system("pread") {
                bytes.withUnsafeMutableBytes {
                    pread(raw, $0.baseAddress! + done, $0.count - done, off_t(done))
                }
            }
            if count == 0 { break }
            done += count
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }
}
