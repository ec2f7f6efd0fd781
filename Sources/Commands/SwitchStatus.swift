import Control
import Linux

extension SwitchReport {
    /// What `regen status` tells of the system, a line each.
    func lines(for terminal: Terminal) -> [String] {
        var lines = [condition(terminal)]
        if let flight { lines.append(terminal.styled(flight.progress, .yellow)) }
        if let foreignSwitch {
            lines.append(
                terminal.styled("another switch runs", .yellow)
                    + ", process \(foreignSwitch): nothing is switched until it ends")
        }
        if isDegraded {
            lines.append(
                terminal.styled("degraded", .yellow)
                    + ": another kernel runs than that of the running system, until a reboot")
        }
        if let last = ended.last {
            let time = UTCTime(milliseconds: last.atUnixMilliseconds).toTheSecond
            lines.append("\(time): \(last.line(for: terminal).dropLast())")
        }
        if let last = lastRollbackUnixMilliseconds {
            let time = UTCTime(milliseconds: last).toTheSecond
            lines.append("the last automatic rollback was at \(time)")
        }
        return lines
    }

    /// `system generation 42 (25.11), on probation until …; SafeSwitch automatic, known good …`
    private func condition(_ terminal: Terminal) -> String {
        var words = "system " + (running.map(\.text) ?? "unknown")
        if let until = probationUntilUnixMilliseconds {
            let time = UTCTime(milliseconds: until).toTheSecond
            words += ", \(terminal.styled("on probation", .yellow)) until \(time)"
        }
        words += "; SafeSwitch \(policy.printable), "
        if let knownGood {
            words += knownGood == running ? "known good" : "known good is \(knownGood.name)"
        } else {
            words += "nothing is known good yet"
        }
        return words
    }
}
