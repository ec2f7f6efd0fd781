/// Received bytes, cut into messages that end with NUL.
struct MessageBuffer {
    /// What the buffer holds next.
    enum Message: Equatable {
        /// The bytes of a whole message, without its NUL.
        case whole([UInt8])
        /// More bytes than a message may have, and no end in sight.
        case tooLong
    }

    private let longest: Int
    private var bytes: [UInt8] = []
    /// Bytes before this one belong to messages that were taken.
    private var start = 0
    /// There is no NUL from `start` up to here.
    private var searched = 0

    /// Messages may have up to `longest` bytes.
    init(longest: Int) { self.longest = longest }

    /// So many more bytes are welcome: enough for the longest message and its NUL.
    var room: Int { longest + 1 - (bytes.count - start) }

    /// Adds received bytes, at most `room` of them.
    mutating func append(_ received: UnsafeRawBufferPointer) {
        precondition(received.count <= room, "a message buffer is never filled beyond its room")
        bytes.removeSubrange(..<start)
        searched -= start
        start = 0
        bytes.append(contentsOf: received)
    }

    /// Whether `next` has something to give.
    mutating func hasNext() -> Bool { end() != nil || room == 0 }

    /// The next message, or `nil` when its end has not arrived.
    mutating func next() -> Message? {
        guard let end = end() else { return room == 0 ? .tooLong : nil }
        let message = Array(bytes[start..<end])
        start = end + 1
        searched = start
        if start == bytes.count { self = MessageBuffer(longest: longest) }
        return .whole(message)
    }

    /// Where the first message's NUL is.
    private mutating func end() -> Int? {
        let end = bytes[searched...].firstIndex(of: 0)
        searched = end ?? bytes.count
        return end
    }
}
