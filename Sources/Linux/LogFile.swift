private import CLinux
private import Glibc

/// A file that a service appends to.
public enum LogFile {
    /// Its size in bytes; `nil` when there is none.
    public static func size(_ path: String) -> Int64? {
        var status = stat()
        return lstat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// Of a log that has grown beyond all bounds the newest bytes are kept: copying more would take
    /// longer than an errand may, and it would never be cut.
    public static let mostKept: Int64 = 1 << 30
    /// So much of what is written during the copy is kept too. A service can write faster than that is
    /// copied, for ever.
    public static let mostAfterwards: Int64 = 64 << 20

    /// Copies the file to `path.1` and cuts it to nothing; returns the bytes kept aside.
    ///
    /// The writer has it open with O_APPEND and goes on at the new end. What it writes between the
    /// last read and the cut is lost: those two calls follow each other. See also the two bounds. When there is no room for
    /// the copy the file is cut all the same, or the disk would stay full.
    /// The corresponding C functions are `sendfile`, `rename` and `ftruncate`.
    public static func copyAside(_ path: String) throws(SystemError) -> Int64 {
        let log = OwnedFD(
            adopting: try system("open \(path)") {
                regen_open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
            })
        let aside = "\(path).1"
        let unfinished = "\(aside).part"
        unlink(unfinished)
        do {
            let copied = try copy(log.raw, to: unfinished)
            try system("truncate \(path)") { ftruncate(log.raw, 0) }
            try system("rename \(unfinished)") { rename(unfinished, aside) }
            return copied
        } catch {
            unlink(unfinished)
            guard [ENOSPC, EDQUOT].contains(error.code) else { throw error }
            try system("truncate \(path)") { ftruncate(log.raw, 0) }
            return 0
        }
    }

    private static func copy(_ log: Int32, to path: String) throws(SystemError) -> Int64 {
        let copy = OwnedFD(
            adopting: try system("create \(path)") {
                regen_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
            })
        let size = Int64(try system("measure the log") { lseek(log, 0, SEEK_END) })
        let most = min(size, mostKept) + mostAfterwards
        try system("seek in the log") { lseek(log, off_t(max(0, size - mostKept)), SEEK_SET) }
        var copied: Int64 = 0
        while copied < most {
            let count = try system("copy to \(path)") {
                sendfile(copy.raw, log, nil, 1 << 20)
            }
            if count == 0 { break }
            copied += Int64(count)
        }
        return copied
    }
}
