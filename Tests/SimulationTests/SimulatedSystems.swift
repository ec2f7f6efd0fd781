import SafeSwitch
import Supervision

/// One system in the simulated store, with the truth about it.
struct SimSystem {
    /// What a service does on it.
    enum Effect { case works, crashes, hangs }

    let path: String
    /// By the instance's number: which version of it there is in here.
    var versions: [Int]
    /// By the instance's number.
    var effects: [Effect]
    var kernel = 0
    var initInterface = 0
    var inhibitor = 0
    /// Since when it is gone from the store, by the true clock.
    var goneSince: Int64?

    /// As a look sees it.
    var seen: NixSystem {
        var system = NixSystem(path: path)
        system.kernel = NixSystem.KernelTriple(kernel: "/nix/store/linux-\(kernel)")
        system.initInterface = "systemd \(initInterface)"
        system.inhibitors = [NixSystem.Inhibitor(key: "dbus", value: "\(inhibitor)")]
        if goneSince != nil { system.defects = [.missing] }
        return system
    }
}

/// A simulated switch-to-configuration, which runs on whether anybody watches it or not.
struct SimActivation {
    /// Regen's own number; `nil`: somebody else's.
    var flight: Int?
    var process: ProcessIdentity
    var system: Int
    var activation: Activation
    /// When the boot loader has its entry, and when the system is in force.
    var bootsAt: Instant
    var runsAt: Instant
    var ends: Instant
    /// It is killed by then.
    var dies: Instant?
    var status: Supervision.ExitStatus
    /// It is to another system than the one that ran.
    var isChange: Bool
    /// It refuses before it does anything.
    var refuses = false
    var hasBootEntry = false
    var isInForce = false
    /// The daemon that waits for its end, by the serial that it gave; whether it is its child.
    var serial: Int?
    var isChild = true

    /// When something happens with it next.
    var next: Instant {
        let end = min(ends, dies ?? ends)
        if refuses { return end }
        if !hasBootEntry, activation != .test { return min(bootsAt, end) }
        if !isInForce, activation != .boot { return min(runsAt, end) }
        return end
    }
}

/// The simulated NixOS: what is on its disk, and what runs.
struct SimSystems {
    var systems: [SimSystem] = []
    var generations: [Generation] = []
    /// The profile's choice.
    var chosen = 1
    var current = 0
    var booted = 0
    /// What the boot loader boots.
    var bootEntry = 0
    var knownGood: Int?
    var activation: SimActivation?
    /// Somebody holds Nix's lock of the profile until then.
    var lockedUntil = Instant(nanoseconds: 0)
    /// Deeds fail for good until then.
    var brokenUntil = Instant(nanoseconds: 0)
    /// Looks fail until then.
    var unseenUntil = Instant(nanoseconds: 0)
    private var seen: [NixSystem] = []

    init(services: Int) {
        add(versions: [Int](repeating: 1, count: services))
        seen = systems.map(\.seen)
        appendGeneration(0)
    }

    @discardableResult
    mutating func add(versions: [Int]) -> Int {
        let path = "/nix/store/s\(systems.count)-nixos-system"
        systems.append(
            SimSystem(
                path: path, versions: versions,
                effects: [SimSystem.Effect](repeating: .works, count: versions.count)))
        seen = []
        return systems.count - 1
    }

    mutating func appendGeneration(_ system: Int) {
        let number = (generations.last?.number ?? 0) + 1
        generations.append(
            Generation(number: number, path: systems[system].path, date: Int64(number)))
        chosen = number
    }

    func place(of path: String) -> Int? { systems.firstIndex { $0.path == path } }

    /// Which system a generation leads to.
    func system(of number: Int) -> Int? {
        generations.first { $0.number == number }.flatMap { place(of: $0.path) }
    }

    /// Takes away generations that nothing leads to, and their systems.
    mutating func collect(_ numbers: [Int], at truth: Int64) {
        generations.removeAll { numbers.contains($0.number) && $0.number != chosen }
        for place in systems.indices where systems[place].goneSince == nil {
            let isRooted =
                place == current || place == booted || place == bootEntry || place == knownGood
                || activation?.system == place
                || generations.contains { $0.path == systems[place].path }
            if !isRooted { systems[place].goneSince = truth }
        }
        seen = []
    }

    /// What a look sees now.
    mutating func landscape() -> Landscape {
        if seen.isEmpty { seen = systems.map(\.seen) }
        var landscape = Landscape()
        landscape.generations = generations
        landscape.systems = seen
        landscape.defaultGeneration = chosen
        landscape.current = systems[current].path
        landscape.booted = systems[booted].path
        landscape.knownGoodProfile = knownGood.map { systems[$0].path }
        landscape.switchHolder = activation?.process.pid
        return landscape
    }

    mutating func changeSystems(_ change: (inout [SimSystem]) -> Void) {
        change(&systems)
        seen = []
    }

    /// How a service differs between two systems: the truth.
    func compare(_ number: Int, _ before: String, _ after: String) -> Comparison {
        var comparison = Comparison()
        guard let old = place(of: before), let new = place(of: after),
            systems[old].goneSince == nil, systems[new].goneSince == nil
        else { return comparison }
        let (from, to) = (systems[old].versions[number], systems[new].versions[number])
        comparison.paths = [
            Comparison.PathDifference(
                path: "/run/current-system/sw/bin/s\(number)",
                difference: from == to ? .same : .differs,
                before: "/nix/store/s\(number)-\(from)", after: "/nix/store/s\(number)-\(to)")
        ]
        comparison.kernel = systems[old].kernel == systems[new].kernel ? .same : .differs
        return comparison
    }
}
