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
        /// The directory of a log file that is not there yet.
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
                ? "groupadd --system \(Self.bare(unknown))"
                : "useradd --system \(Self.bare(unknown))"
            return [finding(.fault(fix: fix), "there is no \(unknown): it cannot be started")]
        }
        if isUserSilent {
            return [
                finding(
                    .warning(fix: "getent passwd \(user ?? "")"),
                    "nobody answered in time who user '\(user ?? "")' is")
            ]
        }
        let troubles = paths.compactMap(judge)
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

    private var reader: String { user.map { "user \($0)" } ?? "this user" }

    private func judge(_ need: Need) -> Finding? {
        let subject = "\(need.role.key): \(need.path)"
        guard let facts = need.sight.facts else { return absent(need, subject) }
        let look = "ls -ld \(need.path)"
        switch need.role {
        case .program, .probeProgram, .checkProgram:
            if facts.kind == .file, facts.isExecutable { return nil }
            return facts.kind == .file
                ? verdict(
                    need, "chmod a+x \(need.path)", "\(subject) may not be executed by \(reader)")
                : verdict(need, look, "\(subject) is no program")
        case .directory:
            if facts.kind != .directory { return verdict(need, look, "\(subject) is no directory") }
            return facts.isExecutable
                ? nil
                : verdict(
                    need, "chmod a+x \(need.path)", "\(subject) may not be entered by \(reader)")
        case .log:
            if facts.kind != .file { return verdict(need, look, "\(subject) is no regular file") }
            return facts.isWritable
                ? nil
                : verdict(
                    need, "chown \(user ?? "root") \(need.path)",
                    "\(subject) may not be written by \(reader)")
        case .logDirectory:
            return facts.kind == .directory && facts.isWritable
                ? nil
                : verdict(
                    need, "chown \(user ?? "root") \(need.path)",
                    "\(subject) takes no file of \(reader)")
        case .dependencyBase:
            return facts.kind == .directory
                ? nil : verdict(need, look, "\(subject) is no directory")
        case .certificates, .environmentFile, .blamePath: return nil
        }
    }

    /// Nothing is there, or nobody could look.
    private func absent(_ need: Need, _ subject: String) -> Finding? {
        let trouble = need.sight.trouble ?? ""
        switch need.sight {
        case .found: return nil
        case .missing:
            switch need.role {
            // A log file is made.
            case .log: return nil
            case .directory, .logDirectory, .dependencyBase:
                let owner = user.map { " -o \($0)" } ?? ""
                return verdict(need, "install -d\(owner) \(need.path)", "\(subject) \(trouble)")
            case .program, .probeProgram, .checkProgram:
                let isBare = !need.path.contains("/")
                return verdict(
                    need,
                    isBare
                        ? "type -P \(need.path)  # and write its path in \(need.role.key):"
                        : "ls -l \(need.path)",
                    isBare ? "\(subject) is nowhere in its PATH" : "\(subject) \(trouble)")
            case .certificates, .environmentFile, .blamePath:
                return verdict(need, "ls -l \(need.path)", "\(subject) \(trouble)")
            }
        case .forbidden:
            return verdict(
                need, "namei -l \(need.path)", "\(subject) may not be reached by \(reader)")
        case .silent:
            return verdict(need, "findmnt -T \(need.path)", "\(subject) \(trouble)")
        case .failed: return verdict(need, "namei -l \(need.path)", "\(subject) \(trouble)")
        case .unseen: return finding(.warning(fix: "sudo regen doctor"), "\(subject) \(trouble)")
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
