private import CLinux
private import Glibc

/// The first bytes of a file, at most so many.
///
/// Blocks as long as the file does: a FIFO without a writer, a dead file server.
/// The corresponding C functions are `open` and `read`.
public func readBeginning(_ path: String, most: Int) throws(SystemError) -> [UInt8] {
    let file = OwnedFD(
        adopting: try system("open \(path)") {
            regen_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0)
        })
    var bytes = [UInt8](repeating: 0, count: most)
    var done = 0
    while done < most {
        let count = try system("read \(path)") {
            bytes.withUnsafeMutableBytes {
                read(file.raw, $0.baseAddress! + done, $0.count - done)
            }
        }
        if count == 0 { break }
        done += count
    }
    return Array(bytes[..<done])
}
