internal import ArgumentParser
import JSON
import Ledger
import Linux

/// `regen ledger verify`
struct LedgerVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks that no record was changed, removed or put in.",
        discussion: """
            Needs neither a daemon nor a lock. The chain shows every change by whoever does not \
            rewrite all that follows; whoever could, is found out by a head that was kept elsewhere.

            Exit codes: 0 sound, 1 wrong usage or unreadable, 2 tampered, 3 torn tail, 4 trust \
            begins later than at the first record, 5 last seal too old, 6 forked from a \
            witness, 7 records were lost.
            """)

    @Flag(help: "Tell what was found as one JSON object.")
    var json = false

    @OptionGroup var ledger: LedgerPlace

    func run() throws {
        let directory = ledger.ledgerDirectory()
        let report: LedgerReport
        do { report = try LedgerVerifier(directory: directory).verify() } catch {
            throw Exit.no("\(error)".printable)
        }
        let text = json ? JSONWriter.line(report.write) : report.text(directory, for: .output)
        try Terminal.output.write(text)
        if report.verdict != .sound { throw Exit.code(report.verdict.rawValue) }
    }
}

extension LedgerReport {
    /// Ranges, places and what they mean; never a bare "OK".
    func text(_ directory: String, for terminal: Terminal) -> String {
        let lines =
            [
                "ledger     \(directory.printable)",
                "records    \(range)",
                "witnessed  none: no witness's checkpoint was given",
                "sealed     none",
                "unsealed   \(range)",
                "head       \(head.text)",
            ] + faultLines + remarkLines + stretchLines + noteLines
        return lines.joined(separator: "\n") + "\n\n" + conclusion(for: terminal) + "\n"
    }

    /// `0 to 1233 (1234 records)`
    private var range: String {
        guard let first, let last else { return "none" }
        return "\(first) to \(last) (\(count(records, "record")))"
    }

    private var faultLines: [String] {
        let lines = faults.map {
            """
            fault      at record \($0.sequence), \($0.file.printable) byte \($0.offset): \
            expected \($0.expected.printable), found \($0.found.printable)
            """
        }
        let more = faultCount - faults.count
        return more > 0 ? lines + ["           and \(more) more"] : lines
    }

    private var remarkLines: [String] {
        remarks.map {
            """
            remark     record \($0.sequence) is \($0.event.printable), \
            \($0.file.printable) byte \($0.offset)
            """
        }
    }

    private var stretchLines: [String] {
        let ends = abandoned.map {
            "abandoned  \(place(of: $0)), numbered anew in the next segment after a disk error"
        }
        guard let torn else { return ends }
        let tail =
            isBeingWritten
            ? "tail       \(place(of: torn)), a line that is being written"
            : "torn       \(place(of: torn)); regend cuts it at its next start and keeps a copy"
        return ends + [tail]
    }

    private func place(of stretch: Stretch) -> String {
        "\(count(stretch.bytes, "byte")) from byte \(stretch.offset) of \(stretch.file.printable)"
    }

    private var noteLines: [String] {
        var lines: [String] = []
        if clocksBack > 0 {
            lines.append("note       a clock went back before \(count(clocksBack, "record"))")
        }
        if unusualKeys > 0 {
            lines.append("note       \(count(unusualKeys, "record")) with keys in unusual order")
        }
        return lines
    }

    private func conclusion(for terminal: Terminal) -> String {
        switch verdict {
        case .sound:
            terminal.styled("No change found in these records.", .green)
                + " Compare the head with one that was kept outside of this machine:\n"
                + "without it nobody can tell a ledger that was rewritten as a whole."
        case .tampered:
            terminal.styled("Tampered or damaged: \(count(Int64(faultCount), "fault")).", .red)
                + " Keep a copy of the directory before anything else is done."
        case .gap:
            terminal.styled("Records were lost.", .yellow)
                + " The disk refused them; the ledger.gap records say how many and when."
        case .torn: terminal.styled("A torn tail, as a crash leaves it.", .yellow)
        case .unanchored:
            terminal.styled("Trust begins at record \(first ?? 0).", .yellow)
                + " What was before it is not here."
        case .unreadable, .stale, .forked: terminal.styled("\(verdict)", .red)
        }
    }

    private func count(_ number: Int64, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
