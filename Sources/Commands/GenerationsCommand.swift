internal import ArgumentParser
import Control
import JSON
import Linux

/// `regen generations`
struct GenerationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generations",
        abstract: "Lists the system's generations, and how a rollback to each would go.",
        discussion: """
            live: at once. reboot: by a reboot. refused: not at all, and why. Times are UTC.
            """)

    @Flag(help: "Tell them as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    func run() throws {
        let answer = try control.ask(.generations, doing: "looking at the generations")
        guard let reply = GenerationsReply(answer) else { throw Exit(.misunderstood) }
        try Terminal.output.write(
            json ? JSONWriter.line(reply.write) : reply.text(for: .output))
    }
}

extension GenerationsReply {
    /// A row for each generation, and what is in none.
    func text(for terminal: Terminal) -> String {
        guard !generations.isEmpty else { return "there are no generations\n" + strays }
        var table = Table(
            header: ["GENERATION", "DATE (UTC)", "VERSION", "KERNEL", "STATE", "ROLLBACK"])
        for generation in generations { table.add(generation.row) }
        return table.text(for: terminal) + strays
    }

    /// What runs or was booted and is in no generation.
    private var strays: String {
        [("runs", running), ("was booted", booted)].compactMap { what, system in
            guard let system, system.generation == nil else { return nil }
            return "\nwhat \(what) is in no generation: \(system.path.printable)\n"
        }.joined()
    }
}

extension GenerationReport {
    fileprivate var row: [Table.Cell] {
        let date = UTCTime(milliseconds: dateUnixMilliseconds).description.prefix(16)
        return [
            Table.Cell("\(number)", isRunning ? .bold : nil), Table.Cell("\(date)"),
            Table.Cell(version?.printable ?? "-"), Table.Cell(kernel?.printable ?? "-"),
            Table.Cell(marks.isEmpty ? "-" : marks.joined(separator: ", "), style),
            rollbackCell,
        ]
    }

    private var marks: [String] {
        let marks = [
            ("running", isRunning), ("booted", isBooted), ("default", isDefault),
            ("known good", isKnownGood), ("quarantined", isQuarantined), ("fenced", isFenced),
        ]
        return marks.filter(\.1).map(\.0)
    }

    private var style: Terminal.Style? {
        isQuarantined ? .red : isKnownGood ? .green : nil
    }

    /// `live`, `reboot`, `refused: is below the fence`; nothing for what runs anyway.
    private var rollbackCell: Table.Cell {
        guard case .refused(let refusal) = rollback else {
            return Table.Cell(rollback.word, rollback == .live ? .green : .yellow)
        }
        if isRunning { return "-" }
        let own = refusal.rejected.first { $0.generation == number }?.text ?? refusal.text
        return Table.Cell("refused: \(own.printable)", .dim)
    }
}
