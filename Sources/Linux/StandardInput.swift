private import Glibc

/// Standard input, for a person's answer.
public enum StandardInput {
    /// Whether a person types there. The corresponding C function is `isatty`.
    public static var isTerminal: Bool { isatty(0) == 1 }

    /// The next line without its end, cut after so many bytes; empty at the end of input. What comes
    /// after it in the same reading is lost: on a terminal a reading is a line.
    ///
    /// The corresponding C function is `read`.
    public static func line(limit: Int) throws(SystemError) -> String {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try system("read standard input") { read(0, &bytes, bytes.count) }
        return String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}

/// The path with all links resolved; ENOENT where it leads nowhere. The corresponding C function is
/// `realpath`.
public func resolvedPath(_ path: String) throws(SystemError) -> String {
    guard let resolved = realpath(path, nil) else {
        throw SystemError(errno, "look for \(path)")
    }
    defer { free(resolved) }
    return String(cString: resolved)
}
