import SafeSwitch
import Supervision

extension SafeSwitchPolicy {
    /// How long a probation may be. A shorter one ends before a service has failed three times; of a
    /// longer one nobody would call the change "lately".
    static let probations: ClosedRange<Interval> = .seconds(10) ... .hours(24)
    /// How long one rollback may keep the next away.
    static let limits: ClosedRange<Interval> = .minutes(1) ... .hours(30 * 24)
    /// When a switch may be called overdue: one takes some seconds at least.
    static let delays: ClosedRange<Interval> = .seconds(10) ... .hours(24)
    /// Numbers that a fence may have; Nix counts generations from 1.
    static let fences = 0...Int(Int32.max)
    /// The most words of the command that reboots.
    static let mostRebootWords = 32

    private static let keys = [
        "policy", "probation", "limit", "overdue", "fence", "allow_reboot", "maintenance",
        "on_exhausted",
        "reboot_command",
    ]

    /// `nil` without `safeswitch:`: nothing of SafeSwitch happens then.
    init?(root: Section, _ findings: inout Findings) {
        guard let place = root.place("safeswitch") else { return nil }
        let section = Section(place, keys: SafeSwitchPolicy.keys, &findings)
        self.init()
        mode = section.read("policy", or: mode, &findings, modeWord)
        probation = section.read(
            "probation", or: probation, &findings, duration(Self.probations))
        limit = section.read("limit", or: limit, &findings, duration(Self.limits))
        overdue = section.read("overdue", or: overdue, &findings, duration(Self.delays))
        fence = section.read("fence", &findings, integer(Self.fences))
        allowReboot = section.read("allow_reboot", or: allowReboot, &findings, boolean)
        maintenance =
            section.list(
                "maintenance", counts: 0...MaintenanceWindow.mostWindows, &findings,
                MaintenanceWindow.parse) ?? maintenance
        onExhausted = section.read("on_exhausted", or: onExhausted, &findings, word)
        readRebootCommand(section, &findings)
        warn(section, &findings)
    }

    private mutating func readRebootCommand(_ section: Section, _ findings: inout Findings) {
        guard let place = section.place("reboot_command"),
            let words = place.elements(1...Self.mostRebootWords, &findings)
        else { return }
        let program = words[0].read(or: "", &findings, absolutePath)
        rebootCommand = [program] + words.dropFirst().map { $0.read(or: "", &findings, text) }
        let bytes = rebootCommand.reduce(-1) { $0 + $1.utf8.count + 1 }
        if bytes > longestScript {
            findings.error(
                place, Complaint("the command has \(bytes) bytes, more than \(longestScript)"))
        }
    }

    private func warn(_ section: Section, _ findings: inout Findings) {
        if onExhausted == .rebootIntoKnownGood, !allowReboot,
            let place = section.place("on_exhausted")
        {
            findings.warning(
                place,
                Complaint(
                    "the machine is not rebooted without 'allow_reboot: true'",
                    "add it, or write 'stay'"))
        }
        if let fence, fence <= 1, let place = section.place("fence") {
            findings.warning(
                place,
                Complaint(
                    "a fence at \(fence) keeps nothing out: generations count from 1",
                    "leave it out, or name the lowest generation to go back to"))
        }
        if limit < probation {
            findings.warning(
                section.place("limit") ?? section.place,
                Complaint(
                    "'limit' (\(limit.configured)) is shorter than 'probation' "
                        + "(\(probation.configured)): one change could be answered by two rollbacks"
                ))
        }
    }
}

/// `off` is a word; JSON may say `false`.
private func modeWord(_ tree: Tree) throws(Complaint) -> SafeSwitchPolicy.Mode {
    if case .scalar("false", quoted: false) = tree.content { return .off }
    return try word(tree)
}
