import Configuration
import Linux
import SafeSwitch

/// What blame compares of each service: as the configuration names it, and as the one before the last
/// change of generation did.
struct Subjects {
    private var paths: [String: [String]] = [:]
    private var former: [String: [String]] = [:]
    /// Another generation came while this configuration was in force.
    private var isOutdated = false
    /// A switch is under way.
    private var isSwitching = false
    /// The configuration was read again during it: what it was before is kept already.
    private var wasReplaced = false

    /// The subject of an instance; `nil`: its service is not configured.
    func subject(_ instance: String, of service: String) -> Subject? {
        guard let paths = paths[service] else { return nil }
        return Subject(service: instance, paths: paths, formerPaths: former[service] ?? [])
    }

    /// A configuration comes into force.
    mutating func load(_ configuration: Configuration, _ options: Options) {
        if isOutdated || isSwitching && !wasReplaced {
            former = paths
            isOutdated = false
            wasReplaced = isSwitching
        }
        paths = [:]
        for service in configuration.services {
            paths[service.name] = Self.paths(of: service).map(options.within)
        }
    }

    /// Somebody switches.
    mutating func switchBegan() {
        isSwitching = true
        wasReplaced = false
    }

    /// They no longer do.
    mutating func switchEnded() { isSwitching = false }

    /// Another generation runs.
    mutating func generationChanged() {
        isOutdated = !wasReplaced
        if !isSwitching { wasReplaced = false }
    }

    /// What it runs, and what else it names for blame.
    private static func paths(of service: ServiceConfiguration) -> [String] {
        var paths: [String] = []
        if service.sequence == nil, let launch = service.launch, let program = program(launch) {
            paths.append(program)
        }
        paths += service.blamePaths
        return paths
    }

    /// The program; one without a slash as it is found now.
    private static func program(_ launch: Launch) -> String? {
        let name = launch.command[0]
        if name.utf8.contains(UInt8(ascii: "/")) { return name }
        let own = launch.environment.first { $0.name == "PATH" }?.value
        return (own ?? Forge.path).split(separator: ":").map { "\($0)/\(name)" }.first {
            (try? Directory.contains($0)) == true
        }
    }
}
