import Configuration
import Linux
import Records
import Supervision

/// The daemon's own messages, for people and for the journal.
///
/// Standard error may be a pipe that nobody reads or a stopped terminal, so nothing is written
/// unless poll(2) says that it can be: what does not fit into the bound is dropped and counted.
struct Narrator {
    /// How much a message matters; the numbers are syslog's, as `<N>` of sd-daemon(3).
    enum Level: Int {
        case error = 3
        case warning = 4
        case notice = 5
        case info = 6
    }

    /// Bytes that may wait for a slow reader.
    static let mostWaiting = 256 << 10
    /// Written at once: POLLOUT promises room for so much in a pipe (PIPE_BUF, pipe(7)).
    static let piece = 4096

    private var waiting: [UInt8] = []
    private var dropped = 0
    private let isTerminal = StandardStream.error.isTerminal
    /// A person at a terminal needs no priorities; the journal understands them.
    private let hasPriorities = environmentVariable("JOURNAL_STREAM") != nil
    private let hasColour =
        StandardStream.error.isTerminal && environmentVariable("NO_COLOR") == nil

    /// Nothing waits for the reader.
    var isIdle: Bool { waiting.isEmpty }

    mutating func say(_ level: Level, _ text: String) {
        guard waiting.count < Self.mostWaiting else {
            dropped += 1
            return
        }
        if hasPriorities { waiting.append(contentsOf: "<\(level.rawValue)>".utf8) }
        if !isTerminal { waiting.append(contentsOf: "regend: ".utf8) }
        // What services, servers and processes call themselves must not move a terminal's cursor, or
        // pass for lines of ours.
        waiting.append(contentsOf: coloured(level, plain(text)).utf8)
        waiting.append(10)
    }

    private func plain(_ text: String) -> String {
        text.utf8.allSatisfy { 0x20..<0x7F ~= $0 } ? text : visible(text)
    }

    private func coloured(_ level: Level, _ text: String) -> String {
        guard hasColour else { return text }
        switch level {
        case .error: return "\u{1b}[31m\(text)\u{1b}[0m"
        case .warning: return "\u{1b}[33m\(text)\u{1b}[0m"
        case .notice: return "\u{1b}[32m\(text)\u{1b}[0m"
        case .info: return text
        }
    }

    /// Writes as much as the reader takes without making us wait.
    mutating func flush() {
        var written = 0
        while written < waiting.count, StandardStream.error.isWritable {
            let end = min(written + Self.piece, waiting.count)
            guard let count = StandardStream.writeOnceToError(waiting[written..<end]) else {
                // The reader is gone: nobody to tell.
                waiting.removeAll()
                return
            }
            if count == 0 { break }
            written += count
        }
        waiting.removeFirst(written)
        if waiting.isEmpty, dropped > 0 {
            let count = dropped
            dropped = 0
            say(.warning, "\(count) messages were dropped: nobody read them in time")
        }
    }
}
