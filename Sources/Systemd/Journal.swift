public import Linux

/// The journal of this machine, written to without waiting: libsystemd's `sd_journal_send` waits when
/// journald takes nothing.
public final class Journal {
    /// Where journald listens.
    public static let path = "/run/systemd/journal/socket"

    private let sender: DatagramSender

    /// A journal that listens at `path`. Throws when there can be no socket.
    public init(at path: String = Journal.path) throws(SystemError) {
        sender = try DatagramSender(to: path)
    }

    /// Sends one entry, or nothing of it.
    public func send(_ entry: JournalEntry) -> DatagramSender.Outcome { sender.send(entry.bytes) }

    /// Whether what is written to standard error goes to the journal. `stream` is JOURNAL_STREAM,
    /// `device:inode` (systemd.exec(5)): it is inherited even where standard error is something else by
    /// now.
    public static func takesStandardError(_ stream: String?) -> Bool {
        guard let stream, let file = StandardStream.error.file else { return false }
        return stream == "\(file.device):\(file.inode)"
    }
}
