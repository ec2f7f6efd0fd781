private import CLinux
private import Glibc

/// Reads a whole file, pipe or device of at most `limit` bytes; `-` is standard input.
///
/// Stops at the limit, whatever the file's size claims to be, and throws EFBIG then. A directory is
/// EISDIR. The corresponding C functions are `open` and `read`.
public func readInput(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
    if path == "-" { return try readAll(0, "standard input", limit) }
    let file = try system("open \(path)") { open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) }
    let owned = OwnedFD(adopting: file)
    return try readAll(owned.raw, path, limit)
}

private func readAll(_ file: Int32, _ name: String, _ limit: Int) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 256 << 10)
    while true {
        let count = try system("read \(name)") { read(file, &chunk, chunk.count) }
        if count == 0 { return bytes }
        guard bytes.count + count <= limit else { throw SystemError(EFBIG, "read \(name)") }
        bytes += chunk[..<count]
    }
}

extension SystemError {
    /// EFBIG: the file is larger than what is read.
    public static let fileTooLarge = EFBIG
}
