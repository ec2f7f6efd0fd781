private import CSystemd

/// The last lines that one run of a unit has written to the journal: its standard output and error,
/// and what it has logged.
///
/// A journal holds what strangers wrote, in files that may be damaged: to be read by a process that
/// nothing depends on, with no more rights than reading needs.
public struct JournalTail: Equatable, Sendable {
    /// Where in the journal the first of them is.
    public var cursor: String
    /// What `journalctl --output=cat --cursor=… _SYSTEMD_UNIT=…` prints from there on, as far as it was
    /// there and there was room.
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

    /// So many entries are looked at in search of the run's.
    public static let mostEntries = 1024

    /// One run of a unit.
    public struct Run: Equatable, Sendable {
        /// The unit's first name.
        public var unit: String
        /// InvocationID in hexadecimal.
        public var invocation: String
        /// When it began, in microseconds since 1970.
        public var began: Int64

        /// A run.
        public init(of unit: String, _ invocation: String, began: Int64) {
            self.unit = unit
            self.invocation = invocation
            self.began = began
        }
    }

    /// Reads the end of what a run has written: whole lines, the last ones, and at most `most` bytes
    /// of them; of a last line that is longer its beginning.
    ///
    /// Of what a process says just before it ends, journald often cannot tell the run any more. Such
    /// a line is taken for that run's of which PID 1 has logged something last before it.
    ///
    /// `nil` when there is none, or nobody can tell: no journal, none that we may read, a damaged
    /// one. Blocks as long as the files do.
    /// The corresponding C functions are `sd_journal_open`, `sd_journal_previous`,
    /// `sd_journal_get_data` and `sd_journal_get_cursor`.
    public init?(of run: Run, in place: Place = .system, most: Int) {
        guard Self.isInvocation(run.invocation), let journal = OpenJournal(place),
            journal.seekEnd(of: run.unit, threshold: most + OpenJournal.message.utf8.count + 1)
        else { return nil }
        var words = Words(room: most)
        var unclear = Words(room: most)
        search: for _ in 0..<Self.mostEntries {
            guard !words.isFull, journal.goBack(), let entry = journal.entry(of: run) else { break }
            switch entry {
            case .said(let line, at: let cursor): words.add(line, at: cursor)
            case .unclear(let line, at: let cursor): unclear.add(line, at: cursor)
            case .noticed:
                words.add(unclear)
                unclear = Words(room: most)
            case .another where words.isEmpty: unclear = Words(room: most)
            case .another: break search
            case .empty: continue
            }
        }
        words.add(unclear)
        guard let cursor = words.cursor else { return nil }
        self.cursor = cursor
        bytes = Array(words.lines.reversed().joined())
    }

    /// 32 hexadecimal digits, as systemd writes the id of a run.
    public static func isInvocation(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
}

/// Lines, the last one first, as many as there is room for.
private struct Words {
    private(set) var lines: [[UInt8]] = []
    /// Where the first of them is: that which was added last.
    private(set) var cursor: String?
    private(set) var isFull = false
    private var cursors: [String] = []
    private var room: Int

    init(room: Int) { self.room = room }

    var isEmpty: Bool { lines.isEmpty }

    mutating func add(_ line: [UInt8], at cursor: String) {
        guard !isFull, line.count <= room || lines.isEmpty else {
            isFull = true
            return
        }
        lines.append(Array(line.prefix(room)))
        cursors.append(cursor)
        self.cursor = cursor
        room -= min(line.count, room)
        isFull = room == 0 || lines.count == JournalTail.mostLines
    }

    mutating func add(_ more: Words) {
        for (line, cursor) in zip(more.lines, more.cursors) { add(line, at: cursor) }
        isFull = isFull || more.isFull && !more.isEmpty
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

    /// Goes behind the last entry of a unit. Of longer fields than `threshold` no more is taken out,
    /// however much a compressed one holds.
    func seekEnd(of unit: String, threshold: Int) -> Bool {
        sd_journal_set_data_threshold(journal, threshold) >= 0
            // Length 0: it ends with its NUL.
            && sd_journal_add_match(journal, "_SYSTEMD_UNIT=\(unit)", 0) >= 0
            && sd_journal_add_disjunction(journal) >= 0
            && sd_journal_add_match(journal, "_PID=1", 0) >= 0
            && sd_journal_add_match(journal, "UNIT=\(unit)", 0) >= 0
            && sd_journal_seek_tail(journal) >= 0
    }

    /// To the entry before; false: there is none, or it cannot be read.
    func goBack() -> Bool { sd_journal_previous(journal) > 0 }

    /// What one entry means for the search for a run's words.
    enum Entry {
        /// The run's own words.
        case said([UInt8], at: String)
        /// Words of the unit in one of its runs.
        case unclear([UInt8], at: String)
        /// PID 1 says something of the run: what comes after that and has no run, is of this one.
        case noticed
        /// Of another run.
        case another
        /// Nothing.
        case empty
    }

    static let message = "MESSAGE"

    /// This entry; `nil`: it is older than the run, or cannot be read.
    func entry(of run: JournalTail.Run) -> Entry? {
        var time: UInt64 = 0
        guard sd_journal_get_realtime_usec(journal, &time) >= 0,
            time >= UInt64(clamping: run.began)
        else { return nil }
        if let noticed = data("INVOCATION_ID") {
            return noticed.elementsEqual(run.invocation.utf8) ? .noticed : .another
        }
        let said = data("_SYSTEMD_INVOCATION_ID")
        guard said?.elementsEqual(run.invocation.utf8) != false else {
            // That PID 1 says it, or another run.
            return data("UNIT") == nil ? .another : .empty
        }
        guard let message = data(Self.message) else { return .empty }
        guard let cursor else { return nil }
        let line = message + [UInt8(ascii: "\n")]
        return said == nil ? .unclear(line, at: cursor) : .said(line, at: cursor)
    }

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
