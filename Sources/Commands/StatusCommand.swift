internal import ArgumentParser
import Control
import JSON
import Linux

/// `regen status`
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tells how the daemon and its services are.",
        discussion: "Ends with 0 when everything that should run is running, else with 1.")

    @Argument(help: "A service, or one instance of it (web@1). Default: all.")
    var name: String?

    @Flag(help: "Tell it as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    func run() throws {
        let reply = try control.status(of: name)
        let text =
            json
            ? JSONWriter.line(reply.write)
            : name == nil ? reply.overview(for: .output) : reply.closeUp(for: .output)
        try Terminal.output.write(text)
        if !reply.services.allSatisfy(\.isAsItShouldBe) { throw Exit.no(nil) }
    }
}

extension JSONWriter {
    /// What `write` writes, and a line end.
    static func line(_ write: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        write(&json)
        return String(decoding: json.bytes, as: UTF8.self) + "\n"
    }
}

extension StatusReply {
    /// The daemon, a table of the services, and what it comes to.
    func overview(for terminal: Terminal) -> String {
        text(for: terminal, table(noting: \.remark), suspicions)
    }

    /// The same, and all that is known of each service.
    func closeUp(for terminal: Terminal) -> String {
        let details = services.map { $0.details(for: terminal) }.joined()
        return text(for: terminal, table(noting: \.progress), details)
    }

    private func text(for terminal: Terminal, _ table: Table, _ details: String) -> String {
        let daemon = daemon.text(for: terminal, now: Clock.realtime())
        guard !services.isEmpty else { return "\(daemon)\nno services\n" }
        let parts = [daemon, table.text(for: terminal), details, summary(for: terminal) + "\n"]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    /// A row for each service; the probes' column only where there are some.
    private func table(noting note: (InstanceReport) -> [String]) -> Table {
        let isProbed = services.contains { !$0.probes.isEmpty }
        let probes = isProbed ? ["PROBES"] : []
        var table = Table(
            header: ["SERVICE", "PHASE"] + probes
                + ["PID", "UPTIME", "RESTARTS", "LAST EXIT", "NOTE"])
        for service in services {
            var row = service.row(noting: note(service))
            if isProbed { row.insert(service.probesCell, at: 2) }
            table.add(row)
        }
        return table
    }

    /// A line that names the services with suspicious probes; nothing when there are none.
    private var suspicions: String {
        let suspects = services.filter { $0.probes.contains(where: \.suspect) }
        guard let first = suspects.first else { return "" }
        let names = suspects.map(\.name.printable).joined(separator: ", ")
        return """
            suspicious probes, which cause nothing, at \(names): \
            regen status \(first.name.printable) tells why

            """
    }

    /// `2 of 3 services that should run are running; 1 is handed over to you: db`
    private func summary(for terminal: Terminal) -> String {
        let wanted = services.filter(\.wanted)
        guard !wanted.isEmpty else { return "nothing of this should run" }
        let running = wanted.count(where: \.isAsItShouldBe)
        let all = running == wanted.count
        let first = terminal.styled(
            "\(running) of \(wanted.count) that should run are running", all ? .green : .yellow)
        let handedOver = services.filter { $0.phase == InstanceReport.handedOver }
        guard !handedOver.isEmpty else { return first }
        let names = handedOver.map(\.name.printable).joined(separator: ", ")
        return "\(first); \(terminal.styled("handed over to you: \(names)", .red))"
    }
}

extension DaemonReport {
    /// `regend 0.1.0 is ready, pid 812, up 3d 4h; ledger sound, 1024 records`
    fileprivate func text(for terminal: Terminal, now: Int64) -> String {
        let up = Span(milliseconds: now / 1_000_000 &- startedUnixMilliseconds)
        let name = terminal.styled("regend \(version.printable)", .bold)
        var lines = "\(name) is \(state.printable), pid \(pid), up \(up)\n"
        if let boot { lines += "\(boot.text(for: terminal))\n" }
        if let configFile { lines += "configuration \(configFile.printable)\n" }
        let isSound = ledger.state == "sound"
        lines += "ledger " + terminal.styled(ledger.state.printable, isSound ? .green : .red)
        if let detail = ledger.detail { lines += ": \(detail.printable)" }
        if let records = ledger.records { lines += ", \(records) records" }
        let system = safeSwitch?.lines(for: terminal) ?? []
        let dog = watchdog?.lines(for: terminal) ?? []
        return ([lines] + system + dog + troubles(for: terminal, now: now)).joined(separator: "\n")
            + "\n"
    }
}

extension BootCauseReport {
    /// `last boot: watchdog (watchdog0 (i6300ESB timer) says that it has reset the machine)`
    fileprivate func text(for terminal: Terminal) -> String {
        let style: Terminal.Style =
            switch cause {
            case "watchdog", "panic": .red
            case "power-loss": .yellow
            default: .dim
            }
        return "last boot: \(terminal.styled(cause.printable, style)) (\(evidence.printable))"
    }
}

extension InstanceReport {
    /// It is running, or should not.
    var isAsItShouldBe: Bool { !wanted || phase == Self.running }

    fileprivate func row(noting notes: [String]) -> [Table.Cell] {
        [
            Table.Cell(title), Table.Cell(phase.printable, style),
            Table.Cell(pid.map { "\($0)" } ?? "-"),
            Table.Cell(uptimeMilliseconds.map { Span(milliseconds: $0).description } ?? "-"),
            Table.Cell("\(restarts)"), Table.Cell(lastExit?.description ?? "-"),
            Table.Cell(notes.joined(separator: "; ")),
        ]
    }

    /// `web`, or `web (nginx.service)`, as long as the unit's name says more.
    private var title: String {
        guard let unit, unit.name != "\(name).service" else { return name.printable }
        return "\(name.printable) (\(unit.name.printable))"
    }

    /// What systemd says of nearly all units, and need not be told of each.
    private static let plainState = "active (running)"

    private var style: Terminal.Style {
        switch phase {
        case Self.running: .green
        case Self.handedOver: .red
        case _ where wanted: .yellow
        default: .dim
        }
    }

    /// `incident 3`, `next start in 12s`, `could not start: no such user`
    fileprivate var progress: [String] {
        var remarks: [String] = []
        if let incident { remarks.append("incident \(incident)") }
        if let waitingFor { remarks.append("waits for \(waitingFor.printable)") }
        if let next = nextStartMilliseconds {
            remarks.append("next start in \(Span(milliseconds: next))")
        }
        if let note, note != phase { remarks.append(note.printable) }
        return remarks
    }

    /// `progress`, and in short what `details` tells at length.
    var remark: [String] {
        var remarks = progress
        if let pause { remarks.append("paused until \(pause.end)") }
        if let heldBy { remarks.append("held back: \(heldBy.printable) is unhealthy") }
        if let remedy { remarks.append("remedy \(remedy.printable)") }
        if let state = unit?.state, state != Self.plainState {
            remarks.append("systemd: \(state.printable)")
        }
        return remarks
    }
}

extension LastExit {
    /// `code 1`, `SIGSEGV`, `SIGKILL (out of memory)`, `unknown`
    var description: String {
        switch self {
        case .code(let code): "code \(code)"
        case .signal(let signal, let oom):
            oom ? "\(Self.name(of: signal)) (out of memory)" : Self.name(of: signal)
        case .unknown: "unknown"
        }
    }

    /// The name that kill(1) knows; the number's own where it has none.
    private static func name(of signal: Int32) -> String {
        let names = [
            1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE",
            9: "KILL", 10: "USR1", 11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM",
            24: "XCPU", 25: "XFSZ", 31: "SYS",
        ]
        return names[Int(signal)].map { "SIG\($0)" } ?? "signal \(signal)"
    }
}
