internal import ArgumentParser
import Configuration
import Control
import JSON
import Linux
import Supervision

/// `regen pause`
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Does nothing to services for a while, whatever happens to them.",
        discussion: """
            For work by hand. The services themselves go on; regen resume ends it sooner. \
            Ends with 0 when all of them are paused, else with 1.
            """)

    @Argument(help: "Services, or single instances (web@1).")
    var names: [String]

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "For how long, from 1s to 30d: 90s, 10m, 6h, 2d.", discussion: "Default: 1h.",
            valueName: "duration"),
        transform: {
            try Interval.milliseconds(
                $0, within: ControlRequest.pauses, "say 90s, 10m, 6h or 2d, from 1s to 30d")
        })
    var length: Int64?

    @OptionGroup var outcome: OutcomeOptions

    func run() throws {
        let length = length ?? ControlRequest.usualPause
        let reply = try outcome.ask(.pause, for: names) { $0.integer("for_ms", length) }
        try outcome.tell(reply, { $0.pause != nil }) { reply in
            let isPaused = reply.services.contains { $0.pause != nil }
            return reply.pauses(of: Span(milliseconds: length), for: .output)
                + (isPaused ? hint : "")
        }
    }

    /// What the person needs next.
    private var hint: String {
        let names = names.map(\.printable).joined(separator: " ")
        return
            "Until then nothing is healed or restarted. To end it sooner: regen resume \(names)\n"
    }
}

extension ServicesReply {
    /// `web: paused for 1h, until 2026-11-21 08:12:30 UTC`, a line for each instance.
    fileprivate func pauses(of length: Span, for terminal: Terminal) -> String {
        services.map { service in
            let outcome =
                service.pause.map {
                    "\(terminal.styled("paused", .yellow)) for \(length), until \($0.end)"
                } ?? terminal.styled("not paused", .red)
            return "\(service.name.printable): \(outcome)\n"
        }.joined()
    }
}

extension PauseReport {
    /// `2026-11-21 08:12:30 UTC`
    var end: String { UTCTime(milliseconds: untilUnixMilliseconds).toTheSecond }
}
