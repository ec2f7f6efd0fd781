internal import ArgumentParser
import JSON
import Ledger
import Linux
import Records

/// `regen vet`
struct VetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vet",
        abstract: "Tells whether a system may be switched to, or is quarantined.",
        discussion: """
            Ends with 1 when it is what Regen has switched away from, and with 2 when nobody knows. \
            Needs no daemon. NixOS asks it before a switch where services.regen.refuseQuarantined \
            is set.
            """)

    @Argument(
        help: "A system: its store path, or a link to it such as nixos-rebuild's ./result.",
        completion: .directory)
    var path: String

    @Flag(help: "Tell the outcome as one JSON object.")
    var json = false

    @OptionGroup var ledger: LedgerPlace

    func run() throws {
        let system = try SwitchCommand.storePath(path)
        let directory = ledger.ledgerDirectory()
        let verdict: QuarantineVerdict
        do {
            verdict = try QuarantineVerdict(of: system, in: LedgerReader(directory: directory))
        } catch {
            throw Exit.wrong("\(error); if the ledger is elsewhere, name its directory".printable)
        }
        try Terminal.output.write(json ? JSONWriter.line(verdict.write) : verdict.text)
        if verdict.isQuarantined { throw Exit.no(nil) }
    }
}

/// What the ledger says of a system that somebody wants to switch to.
struct QuarantineVerdict {
    let system: String
    let isQuarantined: Bool
    /// The record that quarantined it; `nil` when it cannot be found any more.
    private(set) var reason: StoryLine?

    /// What is quarantined stands in the newest segment, since each begins with what lasts. For the
    /// reason all are read, newest first, only when there has to be one.
    init(of system: String, in reader: LedgerReader) throws(SystemError) {
        self.system = system
        let segments = try reader.segments()
        guard let newest = segments.last else {
            throw SystemError(SystemError.noEntry, "find a ledger in \(reader.directory)")
        }
        var recollection = Recollection()
        try reader.forEachLine(of: newest) { line in
            recollection.take(line.bytes)
            return true
        }
        isQuarantined = recollection.quarantined.contains(system)
        guard isQuarantined else { return }
        let mark = Array("\"quarantine.add\"".utf8)
        for segment in segments.reversed() where reason == nil {
            try reader.forEachLine(of: segment) { line in
                guard mark.withUnsafeBytes({ line.bytes.contains($0) }),
                    let found = StoryLine(line.bytes), found.event == "quarantine.add",
                    found.string("system") == system
                else { return true }
                reason = found
                return true
            }
        }
    }

    /// One sentence, and where to read on.
    var text: String {
        guard isQuarantined else { return "\(system) is not quarantined\n".printableLines }
        guard let reason else { return "\(system) is quarantined\n".printableLines }
        let number = reason.number("generation").map { ", generation \($0)," } ?? ""
        let when = UTCTime(nanoseconds: reason.wall).toTheSecond
        let because = reason.incident.map { " because of incident \($0); see: regen explain \($0)" }
        return
            "\(system)\(number) is quarantined: Regen switched away from it on \(when)\(because ?? "")\n"
            .printableLines
    }

    /// The same for programs.
    func write(_ json: inout JSONWriter) {
        json.beginObject()
        json.string("system", system)
        json.bool("quarantined", isQuarantined)
        if let reason {
            json.key("t")
            json.decimal(reason.wall)
            if let generation = reason.json["generation"]?.integer {
                json.integer("generation", generation)
            }
            if let incident = reason.json["incident"]?.integer {
                json.integer("incident", incident)
            }
        }
        json.endObject()
    }
}
