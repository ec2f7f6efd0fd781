/// What is seen of a service that Regen starts itself: what its configuration names.
public struct ServiceFacts: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// The user that it runs as; `nil`: the daemon's own.
    public var user: String?
    /// `user 'web'` where there is none; `nil`: all are known.
    public var unknown: String?
    /// Nobody answered in time who its user is.
    public var isUserSilent = false
    /// Whether the paths were looked at as its user; else nothing is said of what he may do.
    public var isSeenAsUser = true
    /// The paths that it names, the program first.
    public var paths: [Need] = []

    /// A path that is named.
    public struct Need: Equatable, Sendable {
        /// What for.
        public var role: Role
        /// The path, or the name of a program that was looked for in its PATH.
        public var path: String
        /// What it leads to, for the service's user.
        public var sight: PathSight

        /// A path.
        public init(_ role: Role, _ path: String, _ sight: PathSight) {
            self.role = role
            self.path = path
            self.sight = sight
        }
    }

    /// What a path is named for.
    public enum Role: Equatable, Sendable {
        /// What is run.
        case program
        /// The working directory.
        case directory
        /// The log file.
        case log
        /// The directory of the log file, which matters while that is not there.
        case logDirectory
        /// The program of a `command` or `progress` probe.
        case probeProgram
        /// The program of `validate_config`.
        case checkProgram
        /// Certificates that a probe believes or watches.
        case certificates
        /// A file of the remedy `environment`.
        case environmentFile
        /// The base of the remedy `dependencies`.
        case dependencyBase
        /// One of `blame_paths`.
        case blamePath

        /// The configuration's key.
        var key: String {
            switch self {
            case .program: "command"
            case .directory: "directory"
            case .log, .logDirectory: "log"
            case .probeProgram, .certificates: "probes"
            case .checkProgram: "validate_config"
            case .environmentFile: "environment"
            case .dependencyBase: "dependencies"
            case .blamePath: "blame_paths"
            }
        }
    }

    /// A service of which nothing was seen yet.
    public init(name: String) { self.name = name }
}

extension ServiceFacts {
    /// What it comes to: one finding that all is well, or one for each thing that is not.
    public func judge() -> [Finding] {
        if let unknown {
            let fix =
                unknown.hasPrefix("group")
                ? "groupadd --system \(String(Self.bare(unknown)).pasted)"
                : "useradd --system \(String(Self.bare(unknown)).pasted)"
            return [finding(.fault(fix: fix), "there is no \(unknown): it cannot be started")]
        }
        if isUserSilent {
            return [
                finding(
                    .warning(fix: "getent passwd \((user ?? "").pasted)"),
                    "nobody answered in time who user '\(user ?? "")' is")
            ]
        }
        let hasNoLog = paths.contains { $0.role == .log && $0.sight == .missing }
        let troubles = paths.filter { $0.role != .logDirectory || hasNoLog }.compactMap(judge)
        guard troubles.isEmpty else { return troubles }
        let program = paths.first { $0.role == .program }?.path ?? "-"
        let user = user.map { " as \($0)" } ?? ""
        return [finding(.fine, "\(program)\(user)")]
    }

    private func finding(_ verdict: Finding.Verdict, _ found: String) -> Finding {
        Finding(.services, name, verdict, found)
    }

    /// `user 'web'` is about `web`.
    private static func bare(_ text: String) -> Substring {
        text.split(separator: "'").last ?? text[...]
    }

    private var reader: String { user.map { "user \($0)" } ?? "regend's user" }

    private func judge(_ need: Need) -> Finding? {
        let subject = "\(need.role.key): \(need.path)"
        guard let facts = need.sight.facts else { return absent(need, subject) }
        func verdict(_ found: String) -> Finding {
            self.verdict(need, "namei -l \(need.path.pasted)", "\(subject) \(found)")
        }
        switch (need.role, facts.kind) {
        case (.program, .file), (.probeProgram, .file), (.checkProgram, .file):
            if facts.isExecutable || !isSeenAsUser && facts.mode & 0o111 != 0 { return nil }
            return verdict("may not be executed by \(reader)")
        case (.program, _), (.probeProgram, _), (.checkProgram, _): return verdict("is no program")
        case (.directory, .directory):
            if facts.isExecutable || !isSeenAsUser { return nil }
            return verdict("may not be entered by \(reader)")
        case (.log, .file):
            return facts.isWritable || !isSeenAsUser
                ? nil : verdict("may not be written by \(reader)")
        case (.log, _): return verdict("is no regular file")
        case (.logDirectory, .directory):
            return facts.isWritable || !isSeenAsUser
                ? nil : verdict("takes no file of \(reader)")
        case (.dependencyBase, .directory): return nil
        case (.directory, _), (.logDirectory, _), (.dependencyBase, _):
            return verdict("is no directory")
        case (.certificates, _), (.environmentFile, _), (.blamePath, _): return nil
        }
    }

    /// Nothing is there, or nobody could look.
    private func absent(_ need: Need, _ subject: String) -> Finding? {
        let found = "\(subject) \(need.sight.trouble ?? "")"
        switch (need.sight, need.role) {
        case (.found, _), (.missing, .log): return nil  // a log file is made
        case (.missing, .directory), (.missing, .logDirectory), (.missing, .dependencyBase):
            let owner = user.map { " -o \($0.pasted)" } ?? ""
            return verdict(need, "install -d\(owner) \(need.path.pasted)", found)
        case (.missing, _) where !need.path.contains("/"):
            return verdict(
                need,
                "command -v \(need.path.pasted)  # and write the whole path in the configuration",
                "\(subject) is nowhere in its PATH")
        case (.missing, _): return verdict(need, "ls -l \(need.path.pasted)", found)
        case (.forbidden, _) where isSeenAsUser:
            return verdict(
                need, "namei -l \(need.path.pasted)", "\(subject) may not be reached by \(reader)")
        case (.forbidden, _): return finding(.warning(fix: "sudo regen doctor"), found)
        case (.unseen, _):
            let fix = "namei -l $(command -v regen)  # \(reader) must be able to run it"
            return finding(.warning(fix: fix), found)
        case (.silent, _): return verdict(need, "findmnt -T \(need.path.pasted)", found)
        case (.failed, _): return verdict(need, "namei -l \(need.path.pasted)", found)
        }
    }

    /// Without its program or directory a service cannot be started again; without the rest it runs,
    /// and Regen knows or does less.
    private func verdict(_ need: Need, _ fix: String, _ found: String) -> Finding {
        switch need.role {
        case .program: finding(.fault(fix: fix), "\(found): it cannot be started")
        case .directory: finding(.fault(fix: fix), "\(found): it cannot be started")
        case .log, .logDirectory: finding(.warning(fix: fix), "\(found): what it prints is lost")
        case .probeProgram: finding(.warning(fix: fix), "\(found): the probe never passes")
        case .certificates: finding(.warning(fix: fix), "\(found): the probe fails")
        case .checkProgram: finding(.warning(fix: fix), "\(found): the remedy fails")
        case .environmentFile, .dependencyBase:
            finding(.fault(fix: fix), "\(found): the remedy refuses, and a human is needed")
        case .blamePath: finding(.warning(fix: fix), "\(found): it is no evidence")
        }
    }
}
