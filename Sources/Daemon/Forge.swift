import Configuration
import Linux
import Records
import Supervision
import Systemd

/// Makes hands out of configured services: everything that is the same for all of them.
struct Forge {
    /// Where a command without a slash is looked for, and what services get as PATH: the places of
    /// NixOS, then those of everybody else.
    static let path =
        "/run/wrappers/bin:/run/current-system/sw/bin:"
        + "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The state directory's id: device and inode, so that it outlives renames and ledgers.
    let stateID: String
    /// Where logs go that are configured without a path.
    let logDirectory: String
    /// Below which leaves are made.
    let cgroup: String?
    /// Where services say how they are.
    let notifyPath: String
    /// The limit of open files that the daemon itself was given.
    let openFiles: Linux.ResourceLimit
    /// An open /dev/null.
    let null: Int32

    func hand(for service: ServiceConfiguration, named name: String) throws(SystemError) -> Hand {
        switch service.keeper {
        case .process(let launch): try hand(for: service, launch, named: name)
        case .unit(let rules): try hand(for: service, rules, named: name)
        }
    }

    private func hand(
        for service: ServiceConfiguration, _ rules: UnitService, named name: String
    ) throws(SystemError) -> UnitHand {
        guard let unit = UnitName(rules.name) else {
            throw SystemError(SystemError.noEntry, "watch the unit \(rules.name)")
        }
        return UnitHand(service, unit, rules, named: name)
    }

    private func hand(
        for service: ServiceConfiguration, _ launch: Launch, named name: String
    ) throws(SystemError) -> ProcessHand {
        var ingredients = SpawnPlan.Ingredients(
            command: launch.command, environment: environment(service, launch, name))
        ingredients.directory = launch.directory
        ingredients.umask = launch.umask
        ingredients.nice = launch.nice.map { Int32($0) }
        if let score = launch.oomScoreAdjust { ingredients.oomScore = Int32(score) }
        ingredients.limits = limits(launch)
        let log = log(service.log, name)
        ingredients.output = output(service.log, log?.path)
        return ProcessHand(
            facts: InstanceFacts(
                name: name, program: Self.program(launch.command[0]),
                launch: service.fingerprint),
            identity: launch.user.map {
                Hand.Identity(user: $0, group: launch.group, groups: launch.groups)
            },
            log: log, ingredients: ingredients,
            leaves: service.sequence == nil ? try leaves(name) : nil, watch: Watch(service),
            sequence: service.sequence, null: null)
    }

    /// A hand for something that runs and is no longer configured: it can only be stopped.
    func hand(ofLeftover name: String) throws(SystemError) -> Hand {
        let launch = Launch(command: ["/"])
        let hand = try hand(
            for: ServiceConfiguration(name: name, launch: launch, log: .none), launch, named: name)
        hand.isLeftover = true
        return hand
    }

    /// Whether a log is in our own directory, where no service can put anything else in its place.
    func owns(_ path: String) -> Bool { path.hasPrefix(logDirectory + "/") }

    private func leaves(_ name: String) throws(SystemError) -> Leaves? {
        guard let cgroup else { return nil }
        return try Leaves("\(cgroup)/regen-\(name)")
    }

    private func environment(
        _ service: ServiceConfiguration, _ launch: Launch, _ name: String
    ) -> [String] {
        // The mark first: of a large environment only the beginning is looked at. What a sequence
        // leaves behind must never be taken for ours.
        var environment =
            service.sequence != nil
            ? []
            : [
                "REGEN_SERVICE=\(name)", "REGEN_STATE=\(stateID)",
                "REGEN_LAUNCH=\(String(service.fingerprint, radix: 16))",
            ]
        for case .notify(let notify) in service.probes.map(\.kind) {
            environment.append("NOTIFY_SOCKET=\(notifyPath)")
            if let watchdog = notify.watchdog {
                environment.append("WATCHDOG_USEC=\(watchdog.nanoseconds / 1000)")
            }
        }
        environment += launch.environment.map { "\($0.name)=\($0.value)" }
        if !launch.environment.contains(where: { $0.name == "PATH" }) {
            environment.append("PATH=\(Self.path)")
        }
        return environment
    }

    private func limits(_ launch: Launch) -> [Linux.ResourceLimit] {
        let limits = launch.limits.map {
            Linux.ResourceLimit(name: $0.resource.rawValue, soft: $0.soft, hard: $0.hard)
        }
        // Where the daemon has raised its own limit, services get what it was.
        let isRaised = openFiles.soft != openFiles.hard
        return !isRaised || limits.contains { $0.name == openFiles.name }
            ? limits : [openFiles] + limits
    }

    private func log(_ log: Log, _ name: String) -> (path: String, bound: Int64)? {
        switch log {
        case .file(let path, let bound): (path ?? "\(logDirectory)/\(name).log", bound)
        case .inherit, .none: nil
        }
    }

    private func output(_ log: Log, _ path: String?) -> ChildOutput {
        switch log {
        case .file(path: nil, _): .ownFile(path!)
        case .file: .userFile(path!)
        case .inherit: .inherited
        case .none: .null
        }
    }

    /// The name that the kernel gives the process: the last part of its path, 15 bytes at most
    /// (TASK_COMM_LEN, prctl(2)).
    static func program(_ path: String) -> String {
        let last = path.utf8.split(separator: UInt8(ascii: "/")).last ?? path.utf8[...]
        return String(decoding: last.prefix(15), as: UTF8.self)
    }
}
