/// One thing that `regen doctor` looked at, and what it comes to.
public struct Finding: Equatable, Sendable {
    /// What it is about.
    public enum Group: String, CaseIterable, Sendable {
        /// The machine and its clock, disks and init.
        case machine
        /// The daemon and what it needs.
        case regen
        /// What the configuration names.
        case services
        /// Generations to go back to.
        case nixos
        /// Who resets the machine when it hangs.
        case watchdog

        var heading: String {
            switch self {
            case .machine: "Machine"
            case .regen: "Regen"
            case .services: "Services"
            case .nixos: "NixOS"
            case .watchdog: "Watchdog"
            }
        }
    }

    /// What it comes to. A fix is a command or a line of configuration; what follows ` # ` says where
    /// it belongs, or why.
    public enum Verdict: Equatable, Sendable {
        /// As it should be.
        case fine
        /// Something works less well than it could, or could not be seen.
        case warning(fix: String)
        /// It stops a rollback, or a service from being healed.
        case fault(fix: String)

        /// `ok`, `warning`, `fault`
        public var word: String {
            switch self {
            case .fine: "ok"
            case .warning: "warning"
            case .fault: "fault"
            }
        }

        /// What to do.
        public var fix: String? {
            switch self {
            case .fine: nil
            case .warning(let fix), .fault(let fix): fix
            }
        }
    }

    /// What it is about.
    public let group: Group
    /// What was looked at, in a word or two: `kernel`, `web`.
    public let check: String
    /// What it comes to.
    public let verdict: Verdict
    /// What was found, in one line.
    public let found: String

    /// A finding.
    public init(_ group: Group, _ check: String, _ verdict: Verdict, _ found: String) {
        self.group = group
        self.check = check
        self.verdict = verdict
        self.found = found
    }

    /// Whether it stops a rollback, or a service from being healed.
    public var isFault: Bool {
        if case .fault = verdict { true } else { false }
    }

    /// Whether it is worth a second look.
    public var isWarning: Bool {
        if case .warning = verdict { true } else { false }
    }
}

extension String {
    /// As one word of a command that is pasted into a shell.
    var pasted: String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./@:=+,")
        if !isEmpty, allSatisfy(plain.contains) { return self }
        return "'"
            + split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#)
            + "'"
    }
}
