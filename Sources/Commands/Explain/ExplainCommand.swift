internal import ArgumentParser
import JSON
import Ledger
import Linux

/// `regen explain`
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Shows why Regen did what it did, and checks it again.",
        discussion: """
            Shows step by step what is recorded of an incident, and which rule fired on which facts. \
            Each rule runs again on what was recorded; where it would decide differently now, the \
            answer is 1. Needs no daemon. Times are UTC.
            """)

    @Argument(help: "The incident's number, as in messages and in regen status.")
    var number: Int

    @Flag(name: .customLong("switch"), help: "The number is that of a switch of the system.")
    var isSwitch = false

    @Flag(help: "Tell it as one JSON object.")
    var json = false

    @OptionGroup var ledger: LedgerPlace

    func validate() throws {
        if number < 1 { throw ValidationError("Incidents and switches are numbered from 1.") }
    }

    func run() throws {
        let subject = isSwitch ? Story.Subject.flight(number) : .incident(number)
        let directory = ledger.ledgerDirectory()
        let story: Story?
        do { story = try Story(subject, in: LedgerReader(directory: directory)) } catch {
            let text = "\(error); if the ledger is elsewhere: regen explain \(number) DIRECTORY"
            throw Exit.wrong(text.printable)
        }
        guard let story else {
            throw Exit.no(
                "there is no \(subject.words) in \(directory.printable); see: regen ledger show")
        }
        let text = json ? JSONWriter.line(story.write) : story.text(for: .output)
        try Terminal.output.write(text)
        if story.steps.contains(where: \.today.isOther) { throw Exit.no(nil) }
    }
}

extension Story {
    /// A heading, a row for each step, and what it comes to.
    func text(for terminal: Terminal) -> String {
        var table = Table(header: ["TIME", "RECORD", "TODAY", "WHAT AND WHY"])
        for step in steps {
            table.add([
                Table.Cell("\(UTCTime(nanoseconds: step.line.wall))", .dim),
                Table.Cell(step.line.event.printable, .bold),
                Table.Cell(step.today.word, step.today.style), Table.Cell(step.text.printable),
            ])
        }
        return
            "\(heading.printable)\n\n\(table.text(for: terminal))\n\(conclusion(for: terminal))\n"
    }

    private var heading: String {
        services.isEmpty
            ? subject.words : "\(subject.words) of \(services.joined(separator: ", "))"
    }

    private func conclusion(for terminal: Terminal) -> String {
        let more = leftOut > 0 ? "\(leftOut) more records are in: regen ledger show\n" : ""
        let others = steps.count(where: \.today.isOther)
        let checked = steps.count { $0.today != .nothing }
        if others > 0 {
            return more + terminal.styled("Would be decided differently today: ", .red)
                + "\(others) of \(checked) decisions. Another version of Regen made them, or the "
                + "ledger is not whole: regen ledger verify"
        }
        guard checked > 0 else { return more + "No decision in it whose rule could run again." }
        return more + terminal.styled("Would be decided the same today.", .green)
    }

    /// The same for programs.
    func write(_ json: inout JSONWriter) {
        json.beginObject()
        switch subject {
        case .incident(let number): json.integer("incident", Int64(number))
        case .flight(let number): json.integer("switch", Int64(number))
        }
        json.key("services")
        json.beginArray()
        for service in services { json.string(service) }
        json.endArray()
        json.bool("same", !steps.contains(where: \.today.isOther))
        json.integer("left_out", Int64(leftOut))
        json.key("steps")
        json.beginArray()
        for step in steps { step.write(&json) }
        json.endArray()
        json.endObject()
    }
}

extension Story.Step {
    fileprivate func write(_ json: inout JSONWriter) {
        json.beginObject()
        json.integer("seq", line.sequence)
        json.key("t")
        json.decimal(line.wall)
        json.string("event", line.event)
        json.string("text", text)
        if today != .nothing { json.string("today", today.word) }
        json.endObject()
    }
}

extension Again {
    fileprivate var style: Terminal.Style? {
        switch self {
        case .nothing: nil
        case .same: .green
        case .unsure: .yellow
        case .other: .red
        }
    }
}
