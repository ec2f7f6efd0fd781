internal import ArgumentParser
import Control
import JSON

/// `regen reload`
struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Lets the daemon read its configuration again.",
        discussion: """
            Ends with 2 when the configuration is broken; everything stays as it was then.
            """)

    @Flag(help: "Tell the outcome as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    func run() throws {
        let reply = ReloadReply(
            try control.ask(.reload, doing: "reading the configuration"))
        try Terminal.output.write(json ? JSONWriter.line(reply.write) : reply.text)
    }
}

extension ReloadReply {
    /// `reloaded: 1 added (web), 2 changed (db, cache), nothing removed`, in short.
    var text: String {
        if isDeferred {
            return "a switch of the system is under way; the configuration is read after it\n"
        }
        let parts = [("added", added), ("changed", changed), ("removed", removed)]
            .filter { !$0.1.isEmpty }
            .map { "\($0.0) \($0.1.map(\.printable).joined(separator: ", "))" }
        return "reloaded: \(parts.isEmpty ? "nothing changed" : parts.joined(separator: "; "))\n"
    }
}
