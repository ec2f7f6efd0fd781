import Configuration
import Linux
import Supervision
import Systemd
public import Worker

extension Looker {
    /// Answers each question as far as it can; what it cannot stays open, and nothing is an error.
    static func survey(_ questions: [LookRequest.Question], _ request: LookRequest) -> Survey {
        var survey = Survey(serial: request.serial)
        for question in questions {
            switch question {
            case .log(let path, let before): survey.log = endOfLog(path, before: before)
            case .journal(let unit, let invocation, let began):
                survey.journal = endOfJournal(
                    of: JournalTail.Run(of: unit, invocation, began: began))
            case .memory: survey.memory = memory(of: request.subject, .auto)
            case .ports(let ports):
                let search = PortSearch(request.subject)
                for port in ports.prefix(LookRequest.mostPorts) {
                    survey.ports += (try? search.holders(of: port)) ?? []
                }
            case .environment(let files): survey.missing += missing(files)
            case .changes(let root): survey.changes = changes(below: root)
            }
        }
        return survey
    }

    /// The end of a log, at most `Survey.mostLog` bytes of what stands before that offset.
    public static func endOfLog(_ path: String, before: Int64) -> LogEnd? {
        guard let file = try? ReadableFile(path: path), let size = try? file.status().size else {
            return nil
        }
        let end = min(max(before, 0), size)
        let offset = max(end - Int64(Survey.mostLog), 0)
        var bytes = [UInt8](repeating: 0, count: Int(end - offset))
        guard !bytes.isEmpty else { return LogEnd(offset: offset, bytes: []) }
        let count = bytes.withUnsafeMutableBytes { try? file.read(at: offset, into: $0) }
        return count.map { LogEnd(offset: offset, bytes: Array(bytes.prefix($0))) }
    }

    /// The end of what a unit's run has written to the journal; `nil` when nothing is known of it.
    ///
    /// journald writes down what it is told when it comes to it, and a run's last words are in its
    /// socket when the run has ended: we wait until no more come, though not for ever.
    static func endOfJournal(of run: JournalTail.Run) -> JournalEnd? {
        guard JournalTail.isInvocation(run.invocation) else { return nil }
        var last: JournalTail?
        for _ in 0..<mostJournalReadings {
            pause(milliseconds: journalQuiet)
            let tail = JournalTail(of: run, most: Survey.mostLog)
            if let tail, tail == last { break }
            last = tail
        }
        guard let last, JournalEnd.isCursor(last.cursor) else { return nil }
        return JournalEnd(cursor: last.cursor, bytes: last.bytes)
    }

    /// So long no more words came: these were the last.
    private static let journalQuiet: Int32 = 100
    /// So often the journal is read at most.
    private static let mostJournalReadings = 8

    /// When the system was changed last. Links themselves: the profile's link is a new one after each change of generation.
    public static func changes(below root: String) -> SystemChanges {
        func time(_ path: String) -> Int64? { (try? FileStatus(of: root + path))?.modified }
        var changes = SystemChanges(boot: Clock.realtime() - Clock.boottime())
        changes.profile = time("/nix/var/nix/profiles/system")
        changes.current = time("/run/current-system")
        changes.etc = time("/etc")
        return changes
    }
}
