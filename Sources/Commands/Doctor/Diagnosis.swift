import JSON
import Linux

/// All findings, and how they are told.
struct Diagnosis {
    let findings: [Finding]

    var hasFault: Bool { findings.contains(where: \.isFault) }

    /// An array of `{"group":…,"check":…,"verdict":…,"found":…,"fix":…}`.
    func write(into json: inout JSONWriter) {
        json.beginArray()
        for finding in findings {
            json.beginObject()
            json.string("group", finding.group.rawValue)
            json.string("check", finding.check)
            json.string("verdict", finding.verdict.word)
            json.string("found", finding.found)
            if let fix = finding.verdict.fix {
                json.string("fix", fix)
            } else {
                json.key("fix")
                json.null()
            }
            json.endObject()
        }
        json.endArray()
    }

    /// A line for each finding, its fix below it, under its group's heading.
    func text(for terminal: Terminal, marks: Marks) -> String {
        let parts = Finding.Group.allCases.compactMap { group -> String? in
            let own = findings.filter { $0.group == group }
            guard !own.isEmpty else { return nil }
            let width = own.map(\.check.printable.count).max() ?? 0
            let lines = own.map { line($0, width, terminal, marks) }
            return terminal.styled(group.heading, .bold) + "\n" + lines.joined()
        }
        return parts.joined(separator: "\n") + "\n" + summary(for: terminal)
    }

    private func line(
        _ finding: Finding, _ width: Int, _ terminal: Terminal, _ marks: Marks
    ) -> String {
        let check = finding.check.printable
        let gap = String(repeating: " ", count: width - check.count + 2)
        let mark = terminal.styled(marks.mark(of: finding.verdict), finding.verdict.style)
        let line = "  \(mark) \(check)\(gap)\(finding.found.printable)\n"
        guard let fix = finding.verdict.fix else { return line }
        return line + "      \(terminal.styled(fix.printable, .cyan))\n"
    }

    private func summary(for terminal: Terminal) -> String {
        let faults = findings.count(where: \.isFault)
        let warnings = findings.count(where: \.isWarning)
        func count(_ number: Int, _ noun: String) -> String {
            "\(number) \(noun)\(number == 1 ? "" : "s")"
        }
        let rest = warnings > 0 ? ", \(count(warnings, "warning"))" : ""
        guard faults > 0 else {
            return terminal.styled("nothing stops healing or a rollback", .green) + rest + "\n"
        }
        let verb = faults == 1 ? "stops" : "stop"
        let text = "\(count(faults, "fault")) \(verb) healing or a rollback"
        return terminal.styled(text, .red) + rest + "\n"
    }
}

extension Finding.Verdict {
    fileprivate var style: Terminal.Style {
        switch self {
        case .fine: .green
        case .warning: .yellow
        case .fault: .red
        }
    }
}

/// What stands before a finding.
enum Marks {
    /// `✓`, `!`, `✗`
    case unicode
    /// `+`, `!`, `x`: for a locale without them.
    case ascii

    /// What the locale of this process can show (locale(7)).
    static var ofLocale: Marks {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environmentVariable)
        let locale = names.first { !$0.isEmpty }?.lowercased() ?? ""
        return locale.hasSuffix("utf-8") || locale.hasSuffix("utf8") ? .unicode : .ascii
    }

    func mark(of verdict: Finding.Verdict) -> String {
        switch (self, verdict) {
        case (_, .warning): "!"
        case (.unicode, .fine): "✓"
        case (.unicode, .fault): "✗"
        case (.ascii, .fine): "+"
        case (.ascii, .fault): "x"
        }
    }
}
