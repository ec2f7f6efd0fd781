private import Glibc

/// Reads files whose contents are nobody's business. Its errors tell paths, never contents.
public enum SecretFile {
    /// Why a secret is not taken.
    public struct Defect: Error, Equatable, Sendable, CustomStringConvertible {
        /// The file, what is wrong with it, and what to do.
        public let description: String

        /// A defect.
        public init(description: String) { self.description = description }
    }

    /// One line of visible characters, without the space and line end around it, of a regular file
    /// of at most `limit` bytes that others may neither read nor write. Links are followed: that is
    /// how secrets are handed out. As root only what nobody else can exchange is taken.
    ///
    /// The corresponding C functions are `open` with O_NONBLOCK, `fstat` and `pread`.
    public static func line(at path: String, limit: Int) throws(Defect) -> String {
        let bytes = try contents(path, limit: limit)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Defect(description: "\(path) is not UTF-8")
        }
        let line = text.drop { $0.isWhitespace }
        let end = line.lastIndex { !$0.isWhitespace }
        guard let end else { throw Defect(description: "\(path) is empty") }
        let secret = String(line[...end])
        guard secret.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw Defect(description: "\(path) has more than one line, or control characters")
        }
        return secret
    }

    private static func contents(_ path: String, limit: Int) throws(Defect) -> [UInt8] {
        let file = try open(path)
        try check(file, path)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit + 1, alignment: 1)
        defer { buffer.deallocate() }
        var count = 0
        while count < buffer.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
            let more: Int
            do throws(SystemError) { more = try file.read(at: Int64(count), into: room) } catch {
                throw Defect(description: "\(error)")
            }
            if more == 0 { return Array(buffer[..<count]) }
            count += more
        }
        throw Defect(description: "\(path) is longer than \(limit) bytes")
    }

    private static func open(_ path: String) throws(Defect) -> ReadableFile {
        do throws(SystemError) { return try ReadableFile(path: path) } catch {
            throw Defect(description: "\(error)")
        }
    }

    private static func check(_ file: borrowing ReadableFile, _ path: String) throws(Defect) {
        let status: FileStatus
        do throws(SystemError) { status = try FileStatus(ofDescriptor: file.raw) } catch {
            throw Defect(description: "\(error)")
        }
        guard status.kind == .file else {
            throw Defect(description: "\(path) is not a regular file")
        }
        guard status.mode & 0o006 == 0 else {
            let mode = String(status.mode, radix: 8)
            throw Defect(
                description: "\(path) may be read or written by everybody (mode \(mode)); "
                    + "chmod o-rwx it, and change the secret if it mattered")
        }
        guard ProcessTable.effectiveUser == 0 else { return }
        do throws(TrustedPath.Defect) { try TrustedPath.check(path) } catch {
            throw Defect(description: "\(error); as root I take no secret from there")
        }
    }
}
