import Linux

/// Hands out the lines of a file in bounded memory.
enum LineScanner {
    /// Bytes read at a time; a piece without LF that is as long is handed out as it is.
    static let chunk = 256 << 10

    /// Calls `body` for each line with its LF, for a last one without, and for the pieces of one too
    /// long to hold, until it returns false. Reads from `start` to the file's size at the call.
    static func scan(
        _ path: String, from start: Int64 = 0,
        _ body: (_ line: UnsafeRawBufferPointer, _ offset: Int64) -> Bool
    ) throws(SystemError) {
        let file = try File(opening: path, .read)
        let size = try file.size()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 64)
        defer { buffer.deallocate() }
        var held = 0
        var offset = start
        while offset < size || held > 0 {
            let room = min(Int64(chunk - held), size - offset)
            let free = UnsafeMutableRawBufferPointer(
                rebasing: buffer[held..<(held + Int(max(room, 0)))])
            let count = free.isEmpty ? 0 : try file.read(into: free, at: offset)
            offset += Int64(count)
            held += count
            let isLast = count == 0 || offset >= size
            let filled = UnsafeRawBufferPointer(rebasing: buffer[..<held])
            let base = offset - Int64(held)
            guard let used = lines(in: filled, at: base, isLast: isLast, body) else { return }
            if isLast { return }
            held -= used
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[used..<(used + held)]))
        }
    }

    /// How many bytes were handed out; nil when `body` has had enough.
    private static func lines(
        in bytes: UnsafeRawBufferPointer, at base: Int64, isLast: Bool,
        _ body: (_ line: UnsafeRawBufferPointer, _ offset: Int64) -> Bool
    ) -> Int? {
        var start = 0
        while start < bytes.count {
            let end: Int
            if let distance = bytes.distance(toFirst: LineForm.lineFeed, from: start) {
                end = start + distance + 1
            } else if isLast || start == 0 && bytes.count == chunk {
                end = bytes.count
            } else {
                return start
            }
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            guard body(line, base + Int64(start)) else { return nil }
            start = end
        }
        return start
    }
}
