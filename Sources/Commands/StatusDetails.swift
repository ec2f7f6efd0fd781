import Control
import Linux

extension DaemonReport {
    /// What makes healing itself harder at the moment, a line each.
    func troubles(for terminal: Terminal, now: Int64) -> [String] {
        var lines: [String] = []
        if stalled {
            lines.append(
                terminal.styled("the machine is stalled", .yellow)
                    + ": what is late now is no service's own fault")
        }
        if let cause = commonCause {
            let age = Span(milliseconds: now / 1_000_000 &- cause.sinceUnixMilliseconds)
            let what = terminal.styled("a common cause", .yellow)
            lines.append(
                """
                \(what), incident \(cause.incident) for \(age): \(cause.count) of \(cause.of) \
                probed services have strikes; restarts for strikes go one at a time
                """)
        }
        lines += workers.filter { $0.state != WorkerReport.ready }.map { $0.text(terminal) }
        return lines
            + routes.filter { $0.state != RouteReport.ready }.map { $0.text(terminal, now) }
    }
}

extension WorkerReport {
    /// `worker probe (regen-probe) is down, replaced 3 times: it was silent; …`
    fileprivate func text(_ terminal: Terminal) -> String {
        let whose = account.map { " (\($0.printable))" } ?? ""
        var line = "worker \(role.printable)\(whose) is "
        line += terminal.styled(state.printable, .yellow)
        if restarts > 0 { line += ", replaced \(restarts) time\(restarts == 1 ? "" : "s")" }
        if let reason { line += ": \(reason.printable)" }
        return role == "probe" ? line + "; what it cannot look at gets no strikes" : line
    }
}

extension RouteReport {
    /// `route ops is failing for 3 min, 2 notices wait: HTTP 503`
    fileprivate func text(_ terminal: Terminal, _ now: Int64) -> String {
        var line = "route \(name.printable) is \(terminal.styled(state.printable, .yellow))"
        if let since = failingSinceUnixMilliseconds {
            line += " for \(Span(milliseconds: now / 1_000_000 &- since))"
        }
        if waiting > 0 { line += ", \(waiting) notice\(waiting == 1 ? " waits" : "s wait")" }
        if let reason { line += ": \(reason.printable)" }
        return line
    }
}

extension InstanceReport {
    /// `3/3`, `2/3 strike 2`, `0/1 suspicious`
    var probesCell: Table.Cell {
        guard !probes.isEmpty else { return "-" }
        let passed = probes.count { $0.outcome == .passed }
        let strikes = probes.map(\.strikes).max() ?? 0
        var text = "\(passed)/\(probes.count)"
        if strikes > 0 { text += " strike \(strikes)" }
        let isSuspicious = probes.contains(where: \.suspect)
        if isSuspicious { text += " suspicious" }
        let isFine = passed == probes.count
        return Table.Cell(text, isFine ? .green : strikes > 0 ? .red : .yellow)
    }

    /// All that the table has no room for; nothing when there is nothing to tell.
    func details(for terminal: Terminal) -> String {
        let lines = keeper + probes.flatMap { $0.lines(for: terminal) } + conditions + findings
        guard !lines.isEmpty else { return "" }
        return ([terminal.styled(name.printable, .bold)] + lines.map { "  \($0)" })
            .joined(separator: "\n") + "\n"
    }

    /// `unit nginx.service: active (running); systemd restarts it`
    private var keeper: [String] {
        guard let unit else { return [] }
        let state = unit.state.map { ": \($0.printable)" } ?? ": systemd has not said how it is"
        return ["unit \(unit.name.printable)\(state)\(unit.starter.map { "; \($0)" } ?? "")"]
    }

    /// What keeps it from being healed, and what is being done.
    private var conditions: [String] {
        var lines: [String] = []
        if let pause {
            lines.append(
                """
                paused until \(pause.end): nothing is healed or restarted; \
                regen resume \(name.printable) ends it sooner
                """)
        }
        if let heldBy {
            lines.append(
                "held back: \(heldBy.printable), which it depends on, is unhealthy; "
                    + "its own strikes restart nothing until then")
        }
        if let remedy {
            let attempts = remedyAttempts.map { ", attempt \($0)" } ?? ""
            lines.append("remedy in hand: \(remedy.printable)\(attempts)")
        }
        return lines
    }

    /// What was found out about its last failure.
    private var findings: [String] {
        var lines: [String] = []
        if let diagnosis {
            let time = UTCTime(milliseconds: diagnosis.atUnixMilliseconds).toTheSecond
            lines.append(
                "diagnosis of \(time): \(diagnosis.kind.printable): \(diagnosis.text.printable)")
            lines += diagnosis.evidence.map { "  \($0.printable)" }
        }
        if let output = lastOutput {
            let place =
                output.journal.map {
                    journalCommand(unit: $0.unit, cursor: $0.cursor)
                } ?? "regen log \(name.printable)"
            lines.append(
                "last output: \(output.bytes) bytes, SHA-256 \(output.sha256.printable); "
                    + "\(place) shows it")
        }
        return lines
    }
}

extension UnitReport {
    /// Who starts it again, in words.
    fileprivate var starter: String? {
        switch restarts {
        case "systemd": "systemd restarts it, and Regen once systemd gives up"
        case "regen": "Regen restarts it"
        case "nobody": "it is not Regen's to start"
        case let other?: other.printable
        case nil: nil
        }
    }
}

extension ProbeReport {
    /// `tcp 127.0.0.1:80: failed, strike 2 of 3: connection refused (3s ago, 0.2 ms)`
    fileprivate func lines(for terminal: Terminal) -> [String] {
        var line = "\(name.printable): \(terminal.styled(outcome.words, outcome.style))"
        if strikes > 0 { line += ", strike \(strikes) of \(of)" }
        if let reason {
            line += ": \(reason.printable)"
        } else if outcome == .failed {
            line += ": why is for those who may act"
        }
        let times = [
            agoMilliseconds.map { "\(Span(milliseconds: $0)) ago" },
            tookMicroseconds.map { "took \(Took(microseconds: $0))" },
        ].compactMap { $0 }
        if !times.isEmpty { line += " (\(times.joined(separator: ", ")))" }
        guard suspect else { return [line] }
        let what = terminal.styled("suspicious", .yellow)
        return [
            line,
            "  \(what): it has never passed under this configuration, so it causes nothing; "
                + "it is probably mistyped",
        ]
    }
}
