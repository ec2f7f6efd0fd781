internal import ArgumentParser
import JSON
import Ledger
import Linux

/// `regen ledger show`
struct LedgerShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Shows the last records.",
        discussion: "Times are UTC. It verifies nothing: that is regen ledger verify.")

    @Option(name: .shortAndLong, help: "Begin with so many of the last records.")
    var number = 20

    @Flag(name: .shortAndLong, help: "Go on with what is recorded from now on.")
    var follow = false

    @Option(help: "Only what concerns this service, or instance (web@1).")
    var service: String?

    @Flag(help: "The lines as they are in the ledger.")
    var json = false

    @OptionGroup var ledger: LedgerPlace

    func validate() throws {
        if number < 0 { throw ValidationError("There are no negative numbers of records.") }
    }

    func run() throws {
        var feed = LedgerFeed(directory: ledger.ledgerDirectory(), service: service)
        do {
            try show(try feed.last(number))
            while follow {
                pause(milliseconds: LogTail.interval)
                try show(try feed.next())
            }
        } catch let error as SystemError { throw Exit.wrong("\(error)".printable) }
    }

    private func show(_ lines: [[UInt8]]) throws {
        guard !lines.isEmpty else { return }
        let text = lines.map { line in
            json ? String(decoding: line, as: UTF8.self) : LedgerText(line).text(for: .output)
        }
        try Terminal.output.write(text.joined())
    }
}
