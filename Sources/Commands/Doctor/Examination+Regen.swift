import Configuration
import Control
import Linux
import Systemd

extension Examination {
    mutating func lookAtRegen() -> RegenFacts {
        var facts = RegenFacts()
        facts.daemon = daemon.daemon
        facts.version = Version.text
        facts.hasUnit = hasOwnUnit
        facts.configuration = file.outcome
        facts.configurationPath = file.path
        facts.missingPrograms = Self.missingPrograms()
        facts.users = workerUsers()
        facts.unknownActors = unknownActors()
        let state = configuration?.stateDirectory ?? "/var/lib/regen"
        let places = [daemon.report?.stateDirectory ?? root + state, daemon.directory]
        let sights = looking.paths(places)
        facts.state = RegenFacts.Place(path: places[0], sight: sights[0])
        facts.runtime = RegenFacts.Place(path: places[1], sight: sights[1])
        facts.secrets = secrets()
        return facts
    }

    /// Whether systemd knows a unit for regend.
    var hasOwnUnit: Bool {
        guard case .success(let look)? = bus, let unit = Self.ownUnit,
            case .state(let state)? = look.units[unit]
        else { return false }
        return state.loadState == "loaded"
    }

    /// `regend` beside us or in libexec, and `regen-net` beside that.
    private static func missingPrograms() -> [String] {
        guard let own = try? executablePath(), let end = own.lastIndex(of: "/") else { return [] }
        let folders = [String(own[..<end]), own[..<end] + "/../libexec"]
        return ["regend", "regen-net"].filter { program in
            !folders.contains { isExecutable("\($0)/\(program)") }
        }
    }

    private mutating func workerUsers() -> [RegenFacts.WorkerUser] {
        let probes = configuration?.services.contains { $0.probes.contains { $0.kind.isRemote } }
        let notices = configuration.map { !$0.notices.isEmpty }
        let purposes = [
            ("regen-probe", probes ?? false ? "servers are probed" : nil),
            ("regen-notify", notices ?? false ? "people are told" : nil),
        ]
        let sights = looking.accounts(
            purposes.map { .account(user: $0.0, group: nil, groups: []) })
        return zip(purposes, sights).map { user, sight in
            let exists: Bool? =
                switch sight {
                case .known: true
                case .unknown: false
                case .silent: nil
                }
            return RegenFacts.WorkerUser(name: user.0, exists: exists, purpose: user.1)
        }
    }

    private mutating func unknownActors() -> [String] {
        let names = (configuration?.control.allow ?? []).compactMap { allowed -> String? in
            if case .name(let name) = allowed { name } else { nil }
        }
        let sights = looking.accounts(names.map { .account(user: $0, group: nil, groups: []) })
        return zip(names, sights).compactMap { name, sight in
            if case .unknown = sight { name } else { nil }
        }
    }

    private mutating func secrets() -> [RegenFacts.Secret] {
        let files = (configuration?.notices ?? []).flatMap { route in
            route.secretFiles.map { (route.name, $0) }
        }
        return zip(files, looking.paths(files.map(\.1))).map { file, sight in
            RegenFacts.Secret(route: file.0, path: file.1, sight: sight)
        }
    }
}
