/// Received bytes, cut into messages that end with a byte of their own: NUL, or a newline.
public struct MessageBuffer {
    /// What the buffer holds next.
    public enum Message: Equatable, Sendable {
        /// The bytes of a whole message, without its end.
        case whole([UInt8])
        /// More bytes than a message may have, and no end in sight.
        case tooLong
    }

    private let longest: Int
    private let terminator: UInt8
    private var bytes: [UInt8] = []
    /// Bytes before this one belong to messages that were taken.
    private var start = 0
    /// There is no end from `start` up to here.
    private var searched = 0

    /// Messages may have up to `longest` bytes and end with `terminator`.
    public init(longest: Int, endingWith terminator: UInt8) {
        self.longest = longest
        self.terminator = terminator
    }

    /// So many more bytes are welcome: enough for the longest message and its end.
    public var room: Int { longest + 1 - (bytes.count - start) }

    /// Adds received bytes, at most `room` of them.
    public mutating func append(_ received: UnsafeRawBufferPointer) {
        precondition(received.count <= room, "a message buffer is never filled beyond its room")
        bytes.removeSubrange(..<start)
        searched -= start
        start = 0
        bytes.append(contentsOf: received)
    }

    /// Whether `next` has something to give.
    public mutating func hasNext() -> Bool { end() != nil || room == 0 }

    /// The next message, or `nil` when its end has not arrived.
    public mutating func next() -> Message? {
        guard let end = end() else { return room == 0 ? .tooLong : nil }
        let message = Array(bytes[start..<end])
        start = end + 1
        searched = start
        if start == bytes.count { self = MessageBuffer(longest: longest, endingWith: terminator) }
        return .whole(message)
    }

    /// Where the first message's end is.
    private mutating func end() -> Int? {
        let end = bytes[searched...].firstIndex(of: terminator)
        searched = end ?? bytes.count
        return end
    }
}
