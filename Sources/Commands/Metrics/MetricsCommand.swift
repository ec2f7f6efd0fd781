internal import ArgumentParser
import Configuration
import Control
import Linux
import Supervision

/// `regen metrics`
struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Tells how the daemon and its services are in numbers, for Prometheus.",
        discussion: """
            A file is for the textfile collector of node_exporter: it is replaced at once and whole. \
            Where regend does not answer, regen_up is 0, and all else is missing. \
            Ends with 0 when regend has answered, else with 1.
            """)

    @Option(
        help: ArgumentHelp(
            "Write it into this file, whose name ends in .prom.", valueName: "file"),
        completion: .file(extensions: ["prom"]))
    var textfile: String?

    @Option(
        help: ArgumentHelp(
            "Go on, and write the file anew so often, from 1s to 1h.", valueName: "duration"),
        transform: {
            try Interval.milliseconds($0, within: 1_000...3_600_000, "say 15s or 1m, from 1s to 1h")
        })
    var every: Int64?

    @OptionGroup var control: ControlOptions

    func validate() throws {
        if every != nil, textfile == nil { throw ValidationError("--every needs a --textfile.") }
        if let textfile, !textfile.hasSuffix(".prom") {
            throw ValidationError("\(textfile.printable): node_exporter reads files *.prom only.")
        }
    }

    func run() throws {
        guard let every else {
            let (metrics, silence) = look()
            try tell(metrics)
            if let silence { throw Exit.no(silence.message) }
            return
        }
        var last: String?
        while true {
            let trouble = again()
            // Each trouble is said once, and its end.
            if trouble != last {
                Terminal.error.complain("regen: \(trouble ?? "all is well again")\n")
            }
            last = trouble
            pause(milliseconds: Int32(every))
        }
    }

    /// The numbers of now, and why there are nearly none.
    private func look() -> (MetricsText, silence: Exit?) {
        do throws(Exit) {
            return (MetricsText(try control.status(of: nil)), nil)
        } catch { return (.ofNobody, error) }
    }

    private func tell(_ metrics: MetricsText) throws(Exit) {
        guard let textfile else { return try Terminal.output.write(metrics.text) }
        do {
            try File.replace(textfile, with: Array(metrics.text.utf8), mode: 0o644)
        } catch { throw .wrong("\(error)".printable) }
    }

    /// What went wrong in one more round.
    private func again() -> String? {
        let (metrics, silence) = look()
        do { try tell(metrics) } catch { return error.message }
        return silence?.message
    }
}
