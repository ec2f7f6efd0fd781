import Control

extension WatchdogReport {
    /// What `regen status` tells of the watchdog, a line each.
    func lines(for terminal: Terminal) -> [String] {
        var words = "watchdog " + styled(terminal)
        if let condition { words += ": \(condition.printable) does not hold" }
        if let reason { words += ": \(reason.printable)" }
        if state == Self.waiting {
            words +=
                watchedMilliseconds.map {
                    "; systemd watches regend, told each \(Span(milliseconds: $0))"
                } ?? "; nobody watches regend"
        }
        return [
            "\(words)\(devices.isEmpty ? "" : "; ")" + devices.map(\.text).joined(separator: ", ")
        ]
    }

    private func styled(_ terminal: Terminal) -> String {
        switch state {
        case Self.feeding: terminal.styled("fed", .green)
        case Self.starving where devices.contains { $0.state == Device.test }:
            terminal.styled("not fed, a test: nothing is reset", .yellow)
        case Self.starving: terminal.styled("not fed: the machine will be reset", .red)
        case Self.waiting: terminal.styled("not used", .yellow)
        case Self.test: terminal.styled("test, no device is opened", .yellow)
        default: state.printable
        }
    }
}

extension WatchdogReport.Device {
    /// `/dev/watchdog0 (i6300ESB timer, time-out 30s, nowayout)`
    fileprivate var text: String {
        var remarks: [String] = []
        switch state {
        case Self.armed: if let identity { remarks.append(identity.printable) }
        case Self.busy: remarks.append("fed by \(detail?.printable ?? "somebody else")")
        case Self.absent: remarks.append("not there yet")
        case Self.off: remarks.append("left alone")
        default: remarks.append(detail?.printable ?? state.printable)
        }
        if let timeoutMilliseconds {
            remarks.append("time-out \(Span(milliseconds: timeoutMilliseconds))")
        }
        if isNoWayOut == true { remarks.append("nowayout: stopping regend resets the machine") }
        if disarmsAtDeath { remarks.append("stops when regend is killed") }
        return "\(path.printable) (\(remarks.joined(separator: ", ")))"
    }
}
