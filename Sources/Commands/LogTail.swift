import Linux

/// The end of a file that grows, is truncated, or is replaced by another of its name.
struct LogTail: ~Copyable {
    /// A file that is followed is looked at every so many milliseconds.
    static let interval: Int32 = 200
    /// Bytes are read in pieces of this size, whatever the length of the file or its lines.
    static let chunk = 64 << 10

    private let path: String
    private var file: ReadableFile
    /// Everything before this byte has been copied, or was too long ago.
    private var offset: Int64

    /// The tail that begins with the last `lines` lines. What follows the last line end counts
    /// as one.
    init(path: String, lines: Int) throws(SystemError) {
        self.path = path
        let file = try ReadableFile(path: path)
        offset = try Self.start(of: lines, in: file)
        self.file = file
    }

    /// Copies what is new to standard output, as it is.
    mutating func copy() throws(SystemError) {
        if try file.status().size < offset { offset = 0 }
        var buffer = [UInt8](repeating: 0, count: Self.chunk)
        while true {
            let count = try Self.read(file, at: offset, into: &buffer)
            if count == 0 { return }
            try StandardStream.output.write(buffer[..<count])
            offset += Int64(count)
        }
    }

    /// Turns to the file that has the name now, if it is another one; there may be none yet.
    mutating func turn() throws(SystemError) {
        guard let next = try? ReadableFile(path: path),
            let (old, new) = try? (file.status(), next.status()), !old.isSameFile(as: new)
        else { return }
        // The old one may have grown since it was read last.
        try copy()
        file = next
        offset = 0
    }

    /// Where the last `lines` lines begin, found from the end backwards.
    private static func start(
        of lines: Int, in file: borrowing ReadableFile
    ) throws(SystemError) -> Int64 {
        let size = try file.status().size
        var buffer = [UInt8](repeating: 0, count: chunk)
        var end = size
        var missing = lines
        while end > 0, missing > 0 {
            let begin = max(0, end - Int64(chunk))
            let count = min(try read(file, at: begin, into: &buffer), Int(end - begin))
            for index in (0..<count).reversed() where buffer[index] == UInt8(ascii: "\n") {
                let next = begin + Int64(index) + 1
                // The file's last byte ends its last line and begins none.
                if next == size { continue }
                missing -= 1
                if missing == 0 { return next }
            }
            end = begin
        }
        return missing == 0 ? size : 0
    }

    private static func read(
        _ file: borrowing ReadableFile, at offset: Int64, into buffer: inout [UInt8]
    ) throws(SystemError) -> Int {
        let result = buffer.withUnsafeMutableBytes { bytes -> Result<Int, SystemError> in
            do throws(SystemError) { return .success(try file.read(at: offset, into: bytes)) } catch
            {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
