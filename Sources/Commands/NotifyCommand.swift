internal import ArgumentParser
import Control
import JSON

/// `regen notify`
struct NotifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Tells people something over a route, to see whether they hear it.",
        discussion: "One attempt, now. Ends with 0 when it was told, else with 1.")

    @Argument(help: "A route of the configuration.")
    var route: String

    @Flag(help: "Tell the result as a JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    func run() throws {
        let answer = try control.ask(.notify, doing: "telling \(route)") { json in
            json.object { $0.string("route", route) }
        }
        guard let reply = NotifyReply(answer) else { throw Exit(.misunderstood) }
        try Terminal.output.write(
            json ? JSONWriter.line(reply.write) : reply.text(of: route, for: .output))
        if reply.outcome != NotifyReply.delivered { throw Exit.no(nil) }
    }
}

extension NotifyReply {
    /// `ops: delivered in 12 ms`, `ops: refused: HTTP 404`
    fileprivate func text(of route: String, for terminal: Terminal) -> String {
        let isDelivered = outcome == Self.delivered
        let word = terminal.styled(outcome.printable, isDelivered ? .green : .red)
        let why = reason.map { ": \($0.printable)" } ?? ""
        let time = isDelivered ? " in \(Took(microseconds: tookMicroseconds))" : ""
        return "\(route.printable): \(word)\(time)\(why)\n"
    }
}
