import Configuration
import Linux
import Systemd

extension Examination {
    /// Where a program without a slash is looked for where the service has no PATH of its own:
    /// as regend does.
    private static let path =
        "/run/wrappers/bin:/run/current-system/sw/bin:"
        + "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    mutating func lookAtServices() -> [Finding] {
        let services = configuration?.services ?? []
        // Of a unit only what is wrong is told here; that it is well, systemd's word says.
        let units = Set(services.filter { $0.unit != nil }.map(\.name))
        return lookAtPaths(of: services).flatMap { facts in
            facts.judge().filter { $0.verdict != .fine || !units.contains(facts.name) }
        }
    }

    private mutating func lookAtPaths(of services: [ServiceConfiguration]) -> [ServiceFacts] {
        let accounts = accounts(of: services)
        var facts = services.map { ServiceFacts(name: $0.name) }
        // All of one user's paths are looked at together. Only root can look as somebody else.
        var parties: [(account: Account?, members: [Int])] = []
        let own = ProcessTable.effectiveUser
        for (index, service) in services.enumerated() {
            facts[index].user = service.launch?.user
            var party: Account?
            switch accounts[index] {
            case .unknown(let what): facts[index].unknown = what
            case .silent: facts[index].isUserSilent = true
            case .known(let account):
                party = own == 0 ? account : nil
                facts[index].isSeenAsUser = own == 0 || account.user == own
            case nil: facts[index].isSeenAsUser = own == 0
            }
            if let place = parties.firstIndex(where: { $0.account == party }) {
                parties[place].members.append(index)
            } else {
                parties.append((party, [index]))
            }
        }
        for party in parties {
            let wanted = party.members.map { Self.wanted(services[$0]) }
            let sights = looking.paths(
                wanted.flatMap { $0.flatMap(\.candidates) }, as: party.account)
            var rest = sights[...]
            for (index, needs) in zip(party.members, wanted) {
                for need in needs {
                    let own = rest.prefix(need.candidates.count)
                    rest = rest.dropFirst(need.candidates.count)
                    facts[index].paths.append(need.found(Array(own)))
                }
            }
        }
        return facts
    }

    /// Who each service is; `nil`: the daemon's own user.
    private mutating func accounts(of services: [ServiceConfiguration]) -> [AccountSight?] {
        let orders = services.compactMap { service -> LookOrder? in
            guard let launch = service.launch, let user = launch.user else { return nil }
            return .account(user: user, group: launch.group, groups: launch.groups)
        }
        var sights = looking.accounts(orders)[...]
        return services.map { $0.launch?.user == nil ? nil : sights.popFirst() }
    }

    /// A path that a service names, and where it may be.
    private struct Wanted {
        let role: ServiceFacts.Role
        let path: String
        let candidates: [String]

        init(_ role: ServiceFacts.Role, _ path: String, candidates: [String]? = nil) {
            self.role = role
            self.path = path
            self.candidates = candidates ?? [path]
        }

        /// The first that can be executed; otherwise the first that is there.
        func found(_ sights: [PathSight]) -> ServiceFacts.Need {
            let best =
                sights.firstIndex { $0.facts?.kind == .file && $0.facts?.isExecutable == true }
                ?? sights.firstIndex { $0 != .missing }
            guard let best else { return ServiceFacts.Need(role, path, .missing) }
            return ServiceFacts.Need(role, candidates[best], sights[best])
        }
    }

    private static func wanted(_ service: ServiceConfiguration) -> [Wanted] {
        let launch = service.launch
        var wanted: [Wanted] = []
        if service.sequence == nil, let launch {
            wanted.append(program(.program, launch.command, launch))
        }
        if let directory = launch?.directory { wanted.append(Wanted(.directory, directory)) }
        if case .file(let path?, _) = service.log {
            let folder = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
            wanted.append(Wanted(.log, path))
            wanted.append(Wanted(.logDirectory, folder.isEmpty ? "/" : String(folder)))
        }
        for probe in service.probes { wanted += self.wanted(probe.kind, launch) }
        for remedy in service.remedies { wanted += self.wanted(remedy, launch) }
        return wanted + service.blamePaths.map { Wanted(.blamePath, $0) }
    }

    private static func wanted(_ probe: Probe.Kind, _ launch: Launch?) -> [Wanted] {
        switch probe {
        case .command(let probe): [program(.probeProgram, probe.command, launch)]
        case .progress(let probe):
            if case .command(let command) = probe.source {
                [program(.probeProgram, command, launch)]
            } else {
                []
            }
        case .http(let probe): probe.authorities.map { [Wanted(.certificates, $0)] } ?? []
        case .tls(let probe):
            if case .file(let path) = probe.source { [Wanted(.certificates, path)] } else { [] }
        case .tcp, .unix, .listening, .memory, .cpu, .file, .notify: []
        }
    }

    private static func wanted(_ remedy: Remedy, _ launch: Launch?) -> [Wanted] {
        switch remedy {
        case .validateConfig(let command, _): [program(.checkProgram, command, launch)]
        case .dependencies(let items): items.map { Wanted(.dependencyBase, $0.base) }
        case .environment(let files): files.map { Wanted(.environmentFile, $0.path) }
        case .restart, .portConflict: []
        }
    }

    private static func program(
        _ role: ServiceFacts.Role, _ command: [String], _ launch: Launch?
    ) -> Wanted {
        let name = command.first ?? ""
        if name.hasPrefix("/") { return Wanted(role, name) }
        if name.contains("/") {
            return Wanted(role, "\(launch?.directory ?? "")/\(name)")
        }
        let own = launch?.environment.first { $0.name == "PATH" }?.value
        let folders = (own ?? path).split(separator: ":")
        return Wanted(role, name, candidates: folders.map { "\($0)/\(name)" })
    }

    // MARK: Units

    /// What the configuration says of services that systemd keeps.
    var units: [UnitFacts] { Self.units(configuration) }

    private static func units(_ configuration: Configuration?) -> [UnitFacts] {
        (configuration?.services ?? []).compactMap { service in
            guard let unit = service.unit else { return nil }
            var facts = UnitFacts(name: service.name, unit: unit.name)
            facts.restarts =
                switch unit.restarter {
                case nil: .unsaid
                case .systemd?: .systemd
                case .regen?: .regen
                }
            return facts
        }
    }

    mutating func lookAtUnits() -> [UnitFacts] {
        guard case .success(let look)? = bus else { return units }
        return units.map { facts in
            var facts = facts
            if let unit = UnitName(facts.unit) {
                switch look.units[unit] {
                case .state(let state)?: facts.sight = .state(state)
                case .refused(let why)?: facts.sight = .refused(why.description)
                case nil: break
                }
            } else if let pattern = UnitPattern(facts.unit), let loaded = look.instances[pattern] {
                facts.sight = .instances(loaded.names.map(\.text))
            }
            return facts
        }
    }

    static func lookAtBus(_ configuration: Configuration?) -> Result<BusLook, BusFailure> {
        let own = [ownUnit].compactMap { $0 }
        let names = units(configuration).map(\.unit)
        do throws(BusFailure) {
            return .success(
                try BusLook(
                    .system, units: own + names.compactMap { UnitName($0) },
                    patterns: names.compactMap { UnitPattern($0) }, watchdogsOf: own))
        } catch { return .failure(error) }
    }
}
