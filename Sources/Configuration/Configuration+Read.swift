import SafeSwitch
import Supervision

extension Configuration {
    /// The longest runtime directory: with `/io.regen.Control` it must fit the 107 bytes of a
    /// socket's path.
    public static let longestRuntimeDirectory = 90

    private static let keys = [
        "state_directory", "runtime_directory", "cgroup", "on_exit", "control", "notices",
        "safeswitch", "watchdog", "defaults", "services",
    ]

    /// Reads and checks a configuration. Throws all that is wrong with it; adds to `warnings` what
    /// is worth a second look.
    public init(
        _ tree: Tree, warnings: inout [ConfigurationError]
    ) throws(ConfigurationErrors) {
        var findings = Findings()
        let root = Section(Place(tree: tree, path: ""), keys: Configuration.keys, &findings)
        self.init(root, &findings)
        warnings += findings.warnings.inOrder
        guard findings.errors.first.isEmpty else {
            throw ConfigurationErrors(findings.errors.inOrder, omitted: findings.errors.omitted)
        }
    }

    private init(_ root: Section, _ findings: inout Findings) {
        self.init(services: [])
        stateDirectory = root.read("state_directory", or: stateDirectory, &findings, absolutePath)
        runtimeDirectory = root.read(
            "runtime_directory", or: runtimeDirectory, &findings, runtimePath)
        cgroup = root.read("cgroup", or: cgroup, &findings, Cgroup.parse)
        onExit = root.read("on_exit", or: onExit, &findings, word)
        control = Control(root, &findings)
        notices = NoticeRoute.read(root, &findings)
        safeSwitch = SafeSwitchPolicy(root: root, &findings)
        watchdog = WatchdogPolicy(root: root, &findings)
        let defaults = ServiceDefaults(
            root, onExit: onExit, mayRollBack: (safeSwitch?.mode ?? .off) != .off, &findings)
        guard let place = root.place("services") else {
            findings.error(
                root.place,
                Complaint("there are no services", "add 'services:' with at least one"))
            return
        }
        readServices(place, defaults, &findings)
    }

    private mutating func readServices(
        _ place: Place, _ defaults: ServiceDefaults, _ findings: inout Findings
    ) {
        let members = uniqueMembers(of: place, &findings)
        if members.isEmpty, place.tree.content == .mapping([]) {
            findings.error(place, Complaint("there are no services", "add at least one"))
        }
        for member in members {
            do { _ = try serviceName(member.key) } catch {
                findings.error(at: member.position, place.path, error.message, error.hint)
                continue
            }
            services.append(
                ServiceConfiguration(member.key, place.member(member), defaults, &findings))
        }
        checkInstanceCount(place, &findings)
        checkLogs(place, &findings)
        checkUnits(place, &findings)
        checkOrder(place, &findings)
    }

    private func checkInstanceCount(_ place: Place, _ findings: inout Findings) {
        let most = Configuration.mostInstances
        guard instanceCount > most else { return }
        findings.error(
            place, Complaint("\(instanceCount) instances are more than the \(most) allowed"))
    }

    /// Two services that look after one unit would heal it twice.
    private func checkUnits(_ place: Place, _ findings: inout Findings) {
        let places = place.membersByKey
        var owners: [String: String] = [:]
        for service in services {
            guard let unit = service.unit, !unit.name.isEmpty else { continue }
            let place = places[service.name] ?? place
            if let owner = owners.updateValue(service.name, forKey: unit.name) {
                findings.error(
                    place.child("unit"), Complaint("\(unit.name) belongs to \(owner) already"))
            }
            if unit.onStop == .heal, service.policy.restart == .never {
                findings.warning(
                    place.child("on_stop"),
                    Complaint("with 'restart: never' nothing is started again", "leave it out"))
            }
        }
        guard owners.count > Configuration.mostUnits else { return }
        findings.error(
            place,
            Complaint("\(owners.count) units are more than the \(Configuration.mostUnits) allowed"))
    }

    /// Two writers in one file would cut and turn it under each other's hands.
    private func checkLogs(_ place: Place, _ findings: inout Findings) {
        let places = place.membersByKey
        var owners: [String: String] = [:]
        for service in services {
            guard case .file(let path?, _) = service.log else { continue }
            if service.instances > 1 {
                findings.error(
                    (places[service.name] ?? place).child("log"),
                    Complaint(
                        "\(service.instances) instances cannot share the log file \(quoted(path))",
                        "leave log.path out"))
            }
            if let owner = owners.updateValue(service.name, forKey: path) {
                findings.error(
                    (places[service.name] ?? place).child("log"),
                    Complaint("the log file \(quoted(path)) belongs to \(owner) already"))
            }
        }
    }
}

private func runtimePath(_ tree: Tree) throws(Complaint) -> String {
    let path = try absolutePath(tree)
    guard path.utf8.count <= Configuration.longestRuntimeDirectory else {
        throw Complaint(
            "the path is longer than \(Configuration.longestRuntimeDirectory) bytes",
            "the control socket below it needs a short one")
    }
    return path
}

extension Configuration.Cgroup {
    static func parse(_ tree: Tree) throws(Complaint) -> Configuration.Cgroup {
        let text = try text(tree)
        switch text {
        case "auto": return .auto
        case "off": return .off
        default:
            guard text.utf8.first == slash else {
                throw Complaint("\(quoted(text)) is not one of auto, off or an absolute path")
            }
            return .path(try absolutePath(tree))
        }
    }
}

extension Configuration.Control {
    init(_ root: Section, _ findings: inout Findings) {
        self.init()
        guard let place = root.place("control") else { return }
        let section = Section(place, keys: ["allow"], &findings)
        allow =
            section.list("allow", counts: 0...Self.mostAllowed, &findings, Account.parse) ?? []
    }
}

extension Configuration.Control.Account {
    static func parse(_ tree: Tree) throws(Complaint) -> Configuration.Control.Account {
        let name = try accountName(tree)
        guard name.utf8.allSatisfy(isDigit) else { return .name(name) }
        // The highest number means "no user" to the kernel.
        guard let uid: UInt32 = decimal(name), uid < .max else {
            throw Complaint("\(name) is not a user's number")
        }
        return .uid(uid)
    }
}
