internal import ArgumentParser
import Control
import JSON

/// `regen probe`
struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Looks with every probe of a service now.",
        discussion: """
            It only looks: nothing is done about what it finds. Ends with 0 when all probes passed, \
            else with 1.
            """)

    @Argument(help: "A service, or one instance of it (web@1).")
    var name: String

    @Flag(help: "Tell the results as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    func run() throws {
        let answer = try control.ask(.probe, doing: "probing \(name)") { json in
            json.object { $0.string("service", name) }
        }
        guard let reply = ProbeReply(answer) else { throw Exit(.misunderstood) }
        try Terminal.output.write(
            json ? JSONWriter.line(reply.write) : reply.text(of: name, for: .output))
        if reply.probes.isEmpty || reply.probes.contains(where: { $0.outcome != .passed }) {
            throw Exit.no(nil)
        }
    }
}

extension ProbeReply {
    /// A table of the looks, and what it comes to.
    fileprivate func text(of name: String, for terminal: Terminal) -> String {
        guard !probes.isEmpty else {
            return "\(name.printable) has no probes: nobody can say more than whether it runs\n"
        }
        var table = Table(header: ["INSTANCE", "PROBE", "RESULT", "TIME", "REASON"])
        for look in probes {
            table.add([
                Table.Cell(look.instance.printable), Table.Cell(look.probe.printable),
                Table.Cell(look.outcome.words, look.outcome.style),
                Table.Cell(Took(microseconds: look.tookMicroseconds).description),
                Table.Cell(look.reason?.printable ?? ""),
            ])
        }
        let passed = probes.count { $0.outcome == .passed }
        let style: Terminal.Style = passed == probes.count ? .green : .red
        let sum = terminal.styled("\(passed) of \(probes.count) passed", style)
        return "\(table.text(for: terminal))\n\(sum)\n"
    }
}

extension ProbeReport.Outcome {
    /// The outcome in a person's words.
    var words: String {
        switch self {
        case .passed: "passed"
        case .failed: "failed"
        case .unknown: "could not look"
        case .never: "not looked yet"
        }
    }

    /// Red is what a service did wrong.
    var style: Terminal.Style {
        switch self {
        case .passed: .green
        case .failed: .red
        case .unknown: .yellow
        case .never: .dim
        }
    }
}

/// How long a look took: `0.08 ms`, `3.1 ms`, `1004 ms`.
struct Took: CustomStringConvertible {
    let microseconds: Int64

    var description: String {
        let microseconds = max(0, microseconds)
        if microseconds >= 10_000 { return "\(microseconds / 1000) ms" }
        let fraction = String(microseconds % 1000 + 1000).dropFirst()
        return "\(microseconds / 1000).\(fraction.prefix(microseconds < 1000 ? 2 : 1)) ms"
    }
}
