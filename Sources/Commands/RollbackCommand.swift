internal import ArgumentParser
import Control
import JSON
import Linux

/// `regen rollback`
struct RollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Goes back to an earlier generation of the system.",
        discussion: """
            Tells where it would lead, how, what would not be undone and what may go wrong; asks; \
            and follows it until the probes have had their say. What services have written is not \
            taken back: not files, not databases, not migrations. It goes on when it is not watched.
            Ends with 0 when it is done and the probes pass, with 1 when it is refused or did not \
            help.
            """)

    @Option(
        help: ArgumentHelp(
            "A generation's number, or known-good: the newest that is.",
            discussion:
                "Default: what ran before, if it is known good, else the newest known good.",
            valueName: "target"),
        transform: RollbackCommand.target)
    var to: RollbackWish?

    @Flag(help: "Only tell what would be done.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Do not ask. Needed where there is no terminal.")
    var yes = false

    @Flag(help: "Tell it as one JSON object; with --dry-run or --yes.")
    var json = false

    @OptionGroup var control: ControlOptions

    func validate() throws {
        if json, !yes, !dryRun {
            throw ValidationError("With --json nobody is asked: say --yes or --dry-run.")
        }
    }

    func run() throws {
        let plan = try askForPlan()
        if dryRun || !json {
            try Terminal.output.write(
                json ? JSONWriter.line(plan.write) : plan.text(for: .output))
        }
        guard let target = plan.to else {
            if !dryRun, json, let refused = plan.refused {
                try Terminal.output.write(JSONWriter.refusal(refused))
            }
            throw Exit.no(nil)
        }
        if dryRun { return }
        if !yes { try Question.ask("Go back to \(target.name)?") }
        let number = try control.begin(.rollback, doing: "beginning", json: json) { json in
            write(into: &json)
            json.string("expected", target.path)
        }
        try SwitchFollower(control: control, number: number).follow().tell(json: json)
    }

    private func askForPlan() throws(Exit) -> PlanReport {
        let answer = try control.ask(.planRollback, doing: "looking at the generations") { json in
            json.object { write(into: &$0) }
        }
        guard let plan = PlanReport(answer) else { throw Exit(.misunderstood) }
        return plan
    }

    private func write(into json: inout JSONWriter) {
        switch to {
        case .generation(let number)?: json.integer("to", number)
        case .knownGood?: json.bool("known_good", true)
        case .anywhere?, nil: break
        }
    }

    private static func target(_ text: String) throws -> RollbackWish {
        if text == "known-good" { return .knownGood }
        return .generation(try generationNumber(text))
    }
}

/// A generation's number as an argument.
func generationNumber(_ text: String) throws -> Int64 {
    guard let number = Int64(text), ControlRequest.generationNumbers.contains(number) else {
        throw ValidationError("'\(text)' is no generation: regen generations lists those there are")
    }
    return number
}

/// A question to whoever sits at the terminal.
enum Question {
    /// A longer answer is no yes.
    private static let longestAnswer = 256

    /// Returns for a yes; a no ends the command, and so does the lack of somebody to ask.
    static func ask(_ question: String) throws(Exit) {
        guard StandardInput.isTerminal, StandardStream.error.isTerminal else {
            throw .wrong(
                "nobody can be asked, because this is no terminal: say --yes if it is meant")
        }
        Terminal.error.complain("\(question) [y/N] ")
        let line: [UInt8]?
        do { line = try StandardInput.line(most: longestAnswer) } catch { throw .wrong("\(error)") }
        let answer = String(decoding: line ?? [], as: UTF8.self).lowercased()
        guard ["y", "yes"].contains(answer) else { throw .no("nothing was done") }
    }
}
