import Configuration
import Control
import Linux
import Systemd

/// All looks of `regen doctor`, in the order in which one needs the other.
struct Examination {
    /// The usual place of the configuration.
    static let usualConfiguration = "/etc/regen/regen.yaml"
    /// So many milliseconds regend may take for each answer.
    static let patience: Int64 = 2_000
    /// So many for its look at the generations.
    static let surveyPatience: Int64 = 10_000
    /// regend's own unit.
    static let ownUnit = UnitName("regen.service")

    /// What Regen's own directories stand below; empty: `/`.
    let root: String
    var looking: Looking
    let daemon: DaemonSight
    let file: FileSight
    let bus: Result<BusLook, BusFailure>?

    init(root: String?, config: String?, control: ControlOptions) throws(Exit) {
        let root = try Self.absolute(root ?? "")
        self.root = root == "/" ? "" : root
        looking = try Looking()
        // Which daemon is meant, its configuration may say; which configuration, the daemon.
        var file = try FileSight(at: config.map(Self.absolute), &looking)
        let named = control.isNamed ? control.directory : nil
        let configured = file.configuration?.runtimeDirectory ?? "/run/regen"
        daemon = DaemonSight(named ?? self.root + configured)
        if config == nil {
            let usual = self.root + Self.usualConfiguration
            file = FileSight(at: daemon.report?.configFile ?? usual, &looking)
            if daemon.report?.configFile == nil, file.outcome == .unreadable(.missing) {
                file = .none
            }
        }
        self.file = file
        bus = Self.isSystemd ? Self.lookAtBus(file.configuration) : nil
    }

    private static func absolute(_ path: String) throws(Exit) -> String {
        if path.isEmpty || path.hasPrefix("/") { return path }
        do throws(SystemError) { return try workingDirectory() + "/" + path } catch {
            throw .wrong("\(error)")
        }
    }

    /// sd_booted(3)
    static var isSystemd: Bool { (try? Directory.contains("/run/systemd/system")) ?? false }

    var configuration: Configuration? { file.configuration }

    mutating func findings() -> [Finding] {
        let machine = lookAtMachine().judge()
        let regen = lookAtRegen().judge()
        let services = lookAtServices() + lookAtUnits().flatMap { $0.judge() }
        return machine + regen + services + lookAtNixOS().judge() + lookAtWatchdogs().judge()
    }
}

/// A configuration file, looked at before it is read: it may be on a disk that does not answer.
struct FileSight {
    let path: String?
    let outcome: RegenFacts.Configuration
    let configuration: Configuration?

    /// None is known.
    static let none = FileSight(path: nil, outcome: .none, configuration: nil)

    private init(path: String?, outcome: RegenFacts.Configuration, configuration: Configuration?) {
        self.path = path
        self.outcome = outcome
        self.configuration = configuration
    }

    init(at path: String?, _ looking: inout Looking) {
        guard let path else {
            self = .none
            return
        }
        let sight = looking.path(path)
        guard sight.facts?.kind == .file else {
            self.init(path: path, outcome: .unreadable(sight), configuration: nil)
            return
        }
        let file = ConfigurationFile.read(path)
        let errors = file.errors?.errors ?? []
        let outcome: RegenFacts.Configuration =
            file.configuration != nil
            ? .fine(warnings: file.warnings.count)
            : .wrong(
                errors: errors.count + (file.errors?.omitted ?? 0),
                first: errors.first.map { "\($0)" } ?? "it cannot be read")
        self.init(path: path, outcome: outcome, configuration: file.configuration)
    }
}

/// Who answers at a control socket.
struct DaemonSight {
    let directory: String
    let daemon: RegenFacts.Daemon

    var report: DaemonReport? {
        if case .answers(let report) = daemon { report } else { nil }
    }

    init(_ directory: String) {
        self.directory = directory
        do throws(ControlFailure) {
            var client = try ControlClient(runtimeDirectory: directory)
            try client.greet(milliseconds: Examination.patience)
            try client.begin(.status)
            guard let answer = try client.answer(milliseconds: Examination.patience) else {
                throw .timedOut(milliseconds: Examination.patience)
            }
            guard let reply = StatusReply(answer) else { throw .misunderstood }
            daemon = .answers(reply.daemon)
        } catch {
            switch error {
            case .notRunning(let path): daemon = .absent(path: path)
            case .notAdmitted(let path): daemon = .shut(path: path)
            case .silent(let path, _): daemon = .silent("regend at \(path) says nothing")
            case .timedOut: daemon = .silent("regend in \(directory) does not answer")
            default: daemon = .silent("\(error)")
            }
        }
    }
}
