private import Glibc

/// Standard input, descriptor 0.
public enum StandardInput {
    /// Whether a person types there. The corresponding C function is `isatty`.
    public static var isTerminal: Bool { isatty(0) == 1 }

    /// The first line without its newline, or what there is where it ends without one. `nil`: it is
    /// longer than `most` bytes. What follows the line may be lost.
    ///
    /// Blocks until the line is there. The corresponding C function is `read`.
    public static func line(most: Int) throws(SystemError) -> [UInt8]? {
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(most + 1, 64 << 10))
        while line.count <= most {
            let count = try system("read standard input") { read(0, &chunk, chunk.count) }
            if count == 0 { return line }
            let end = chunk[..<count].firstIndex(of: UInt8(ascii: "\n"))
            line += chunk[..<(end ?? count)]
            if end != nil { break }
        }
        return line.count <= most ? line : nil
    }
}
