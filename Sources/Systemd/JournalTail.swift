private import CSystemd

/// The last lines that one run of a unit has written to the journal.
///
/// A journal holds what strangers wrote, in files that may be damaged: to be read by a process that
/// nothing depends on, with no more rights than reading needs.
public struct JournalTail: Equatable, Sendable {
    /// Where in the journal the first of them is.
    public var cursor: String
    /// What `journalctl --output=cat --cursor=…` prints from there on, as far as it was there and
    /// there was room.
    public var bytes: [UInt8]

    /// Which journal.
    public enum Place: Equatable, Sendable {
        /// This machine's.
        case system
        /// The files in a directory.
        case directory(String)
    }

    /// So many lines at most.
    public static let mostLines = 64

    /// Reads the end of what a run has written: whole lines, the last ones, and at most `most` bytes
    /// of them; of a last line that is longer its beginning.
    ///
    /// `nil` when there is none, or nobody can tell: no journal, none that we may read, a damaged
    /// one. Blocks as long as the files do. `invocation` is InvocationID in hexadecimal.
    /// The corresponding C functions are `sd_journal_open`, `sd_journal_previous`,
    /// `sd_journal_get_data` and `sd_journal_get_cursor`.
    public init?(of invocation: String, in place: Place = .system, most: Int) {
        guard Self.isInvocation(invocation), let journal = OpenJournal(place),
            journal.seekEnd(of: invocation, threshold: most + Self.field.utf8.count + 1)
        else { return nil }
        var lines: [[UInt8]] = []
        var room = most
        var cursor: String?
        while lines.count < Self.mostLines, room > 0, journal.goBack() {
            guard let message = journal.data(Self.field) else { continue }
            let line = message + [UInt8(ascii: "\n")]
            guard line.count <= room || lines.isEmpty else { break }
            guard let here = journal.cursor else { break }
            cursor = here
            lines.append(Array(line.prefix(room)))
            room -= min(line.count, room)
        }
        guard let cursor else { return nil }
        self.cursor = cursor
        bytes = Array(lines.reversed().joined())
    }

    private static let field = "MESSAGE"

    /// 32 hexadecimal digits, as systemd writes the id of a run.
    public static func isInvocation(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
}

/// An open journal.
private final class OpenJournal {
    private let journal: OpaquePointer

    init?(_ place: JournalTail.Place) {
        var opened: OpaquePointer?
        let localOnly = Int32(SD_JOURNAL_LOCAL_ONLY)
        let result =
            switch place {
            case .system: sd_journal_open(&opened, localOnly)
            case .directory(let path): sd_journal_open_directory(&opened, path, 0)
            }
        guard result >= 0, let opened else { return nil }
        journal = opened
    }

    deinit { sd_journal_close(journal) }

    /// Goes behind the last entry of a run. Of longer fields than `threshold` no more is taken out,
    /// however much a compressed one holds.
    func seekEnd(of invocation: String, threshold: Int) -> Bool {
        sd_journal_set_data_threshold(journal, threshold) >= 0
            // Length 0: it ends with its NUL.
            && sd_journal_add_match(journal, "_SYSTEMD_INVOCATION_ID=\(invocation)", 0) >= 0
            && sd_journal_seek_tail(journal) >= 0
    }

    /// To the entry before; false: there is none, or it cannot be read.
    func goBack() -> Bool { sd_journal_previous(journal) > 0 }

    /// A field of this entry, without its name.
    func data(_ field: String) -> [UInt8]? {
        var data: UnsafeRawPointer?
        var length = 0
        guard sd_journal_get_data(journal, field, &data, &length) >= 0, let data else { return nil }
        return Array(UnsafeRawBufferPointer(start: data, count: length))
            .dropFirst(field.utf8.count + 1).map { $0 }
    }

    /// Where this entry is.
    var cursor: String? {
        var text: UnsafeMutablePointer<CChar>?
        guard sd_journal_get_cursor(journal, &text) >= 0, let text else { return nil }
        defer { regen_journal_free(text) }
        return String(cString: text)
    }
}
