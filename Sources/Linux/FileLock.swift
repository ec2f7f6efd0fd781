private import CLinux
private import Glibc

/// A lock on a file, held until the last reference goes. It belongs to the open file description,
/// so a child that closes its descriptors does not drop it, and two openings in one process exclude
/// each other.
public final class FileLock {
    private let file: File

    /// Locks the file and writes this process's id into it; nil when somebody else holds it.
    ///
    /// The corresponding C function is `fcntl` with F_OFD_SETLK.
    public init?(_ path: String) throws(SystemError) {
        file = try File(opening: path, [.readWrite, .create])
        do {
            let raw = file.raw
            try system("lock \(path)") { regen_lock_file(raw) }
        } catch {
            if error.code == EAGAIN || error.code == EACCES { return nil }
            throw error
        }
        // Who holds it is a courtesy to people; a full disk must not keep the holder from work.
        _ = try? file.truncate(to: 0)
        _ = try? Array("\(getpid())\n".utf8).withUnsafeBytes { bytes throws(SystemError) in
            try file.write(bytes, at: 0)
        }
    }

    /// Whether somebody holds the lock, without touching it. False when there is no such file.
    ///
    /// The corresponding C function is `fcntl` with F_OFD_GETLK.
    public static func isHeld(_ path: String) throws(SystemError) -> Bool {
        do {
            let file = try File(opening: path, .read)
            let raw = file.raw
            return try system("look at the lock \(path)") { regen_file_is_locked(raw) } == 1
        } catch {
            if error.code == SystemError.noEntry { return false }
            throw error
        }
    }

    /// The process id that the holder wrote into the file, if it is readable.
    public static func holder(_ path: String) -> Int32? {
        guard let file = try? File(opening: path, .read) else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { buffer in
            guard let count = try? file.read(into: buffer, at: 0) else { return nil }
            let digits = buffer.prefix(count).prefix { $0 != UInt8(ascii: "\n") }
            return Int32(String(decoding: digits, as: UTF8.self))
        }
    }
}
