import Configuration
import Linux
import Records
import Supervision
import Systemd

/// The daemon's own messages, for people and for the journal.
///
/// Standard error may be a pipe that nobody reads or a stopped terminal, so nothing is written
/// unless poll(2) says that it can be: what does not fit into the bound is dropped and counted. Where
/// it is the journal, messages go there by its own protocol, with fields; those that it refuses go to
/// standard error all the same.
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

    /// What the messages that follow are about.
    var topic = Topic()
    private var waiting: [UInt8] = []
    private let journal: Journal?
    /// Those that the journal has not taken yet, oldest first.
    private var messages: [Message] = []
    private var messageBytes = 0
    private var dropped = 0
    private let isTerminal = StandardStream.error.isTerminal
    /// A person at a terminal needs no priorities; the journal understands them.
    private let hasPriorities: Bool
    private let hasColour =
        StandardStream.error.isTerminal && environmentVariable("NO_COLOR") == nil

    /// What a message is about, for the journal's fields; all empty: nothing in particular.
    struct Topic {
        /// As in the ledger.
        var event: String?
        var service: String?
        var incident: Int64?
    }

    fileprivate struct Message {
        let level: Level
        let text: String
        let topic: Topic
    }

    init() {
        hasPriorities = Journal.takesStandardError(environmentVariable("JOURNAL_STREAM"))
        journal = hasPriorities ? try? Journal() : nil
    }

    /// Somebody makes use of `topic`.
    var wantsTopics: Bool { journal != nil }

    /// Nothing waits for the reader.
    var isIdle: Bool { waiting.isEmpty && messages.isEmpty }

    mutating func say(_ level: Level, _ text: String) {
        guard waiting.count + messageBytes < Self.mostWaiting else {
            dropped += 1
            return
        }
        guard journal != nil else { return write(level, text) }
        messages.append(Message(level: level, text: plain(text), topic: topic))
        messageBytes += text.utf8.count + Self.messageOverhead
    }

    /// The same for a message that is about an event alone.
    mutating func say(_ level: Level, _ text: String, event: String) {
        let before = topic
        topic = Topic(event: event)
        say(level, text)
        topic = before
    }

    /// What a message takes beside its text, about.
    private static let messageOverhead = 128

    private mutating func write(_ level: Level, _ text: String) {
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
        tellJournal()
        writeWaiting()
        if isIdle, dropped > 0 {
            let count = dropped
            dropped = 0
            say(.warning, "\(count) messages were dropped: nobody read them in time")
        }
    }

    private mutating func tellJournal() {
        guard let journal, !messages.isEmpty else { return }
        var done = 0
        sending: for message in messages {
            switch journal.send(message.entry) {
            case .sent: break
            case .full: break sending
            // Nobody listens there, or it is not for us: standard error leads to the journal, too.
            case .failed: write(message.level, message.text)
            }
            done += 1
        }
        messages.removeFirst(done)
        messageBytes = messages.reduce(0) { $0 + $1.text.utf8.count + Self.messageOverhead }
    }

    private mutating func writeWaiting() {
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
    }
}

extension Narrator.Message {
    /// In the journal's words (systemd.journal-fields(7)).
    fileprivate var entry: JournalEntry {
        var entry = JournalEntry()
        entry.append("MESSAGE", text)
        entry.append("PRIORITY", String(level.rawValue))
        entry.append("SYSLOG_IDENTIFIER", "regen")
        if let event = topic.event {
            entry.append("REGEN_EVENT", event)
            if let id = MessageID.of(event) { entry.append("MESSAGE_ID", id) }
        }
        if let service = topic.service { entry.append("REGEN_SERVICE", service) }
        if let incident = topic.incident { entry.append("REGEN_INCIDENT", String(incident)) }
        return entry
    }
}
