import Control
import SafeSwitch

extension PlanReport {
    /// Where it leads, how, and what to think of first; or why it leads nowhere.
    func text(for terminal: Terminal) -> String {
        var lines: [String] = []
        if let from { lines.append("from         \(from.text)") }
        if let refused {
            lines.append(
                "rollback     \(terminal.styled("refused", .red)): \(refused.text.printable)")
            return lines.joined(separator: "\n") + "\n"
        }
        lines.append("to           \(to?.text ?? "-")")
        if let choice { lines.append("because      \(Self.sentence(of: choice))") }
        lines.append("mode         \(modeText)")
        lines += Self.list("restarts     ", restarts ?? ["what differs between the two systems"])
        lines += Self.list("not undone   ", notUndone)
        lines += Self.list("risks        ", risks.isEmpty ? ["none that are known"] : risks)
        lines += Self.list("not chosen   ", rejected.map { "\($0.generation) \($0.text)" })
        return lines.joined(separator: "\n") + "\n"
    }

    private static func sentence(of choice: String) -> String {
        Plan.Choice(rawValue: choice)?.sentence ?? choice.printable
    }

    private var modeText: String {
        switch mode {
        case SwitchMode.live.rawValue:
            isDegraded
                ? "live, under the kernel that runs: degraded until a reboot"
                : "live: switched at once, and the boot default"
        case SwitchMode.reboot.rawValue: "reboot: the boot default, and the machine reboots"
        default: (mode ?? "-").printable
        }
    }

    /// The lines below each other behind the first one's title; none for none.
    private static func list(_ title: String, _ lines: [String]) -> [String] {
        let indent = String(repeating: " ", count: title.count)
        return lines.enumerated().map { ($0.offset == 0 ? title : indent) + $0.element.printable }
    }
}

extension SystemReport {
    /// `generation 41 (25.11.20261101), /nix/store/…`
    var text: String { "\(name), \(path.printable)" }

    /// `generation 41 (25.11.20261101), specialisation quiet`; the path where no generation leads
    /// to it.
    var name: String {
        guard let generation else { return version.map { "(\($0.printable))" } ?? "no generation" }
        let versionText = version.map { " (\($0.printable))" } ?? ""
        let variant = specialisation.map { ", specialisation \($0.printable)" } ?? ""
        return "generation \(generation)\(versionText)\(variant)"
    }
}
