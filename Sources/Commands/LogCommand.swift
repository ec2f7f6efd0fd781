internal import ArgumentParser
import Control
import JSON
import Linux

/// `regen log`
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Shows what a service writes.")

    @Argument(help: "A service, or one instance of it (web@1).")
    var name: String

    @Option(name: .shortAndLong, help: "Begin with so many of the last lines.")
    var number = 10

    @Flag(name: .shortAndLong, help: "Go on with what is written from now on.")
    var follow = false

    @OptionGroup var control: ControlOptions

    func validate() throws {
        if number < 0 { throw ValidationError("There are no negative numbers of lines.") }
    }

    func run() throws {
        let path = try askForPath()
        do {
            var tail = try LogTail(path: path, lines: number)
            try tail.copy()
            while follow {
                pause(milliseconds: LogTail.interval)
                try tail.copy()
                try tail.turn()
            }
        } catch { throw Exit.wrong("\(error)".printable) }
    }

    private func askForPath() throws -> String {
        var client = try control.connect()
        do {
            let answer = try client.call(.logPath) { $0.object { $0.string("service", name) } }
            guard let path = answer["path"]?.string else { throw ControlFailure.misunderstood }
            return path
        } catch let failure as ControlFailure { throw Exit(failure) }
    }
}
