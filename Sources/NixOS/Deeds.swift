import Linux
public import SafeSwitch

/// Changes the machine's generations. Blocks as long as the disk, Nix's lock or a command does, so it
/// runs in a child of the daemon; whenever that is killed, the next run finds each profile leading to
/// what it led to before or to what it was to lead to.
public struct Deeds {
    private let root: SystemRoot

    /// Deeds below this root.
    public init(root: SystemRoot) { self.root = root }

    /// Where Nix keeps the system's profile.
    static let profiles = "/nix/var/nix/profiles"
    /// Where NixOS's boot menus look for more profiles.
    static let systemProfiles = "/nix/var/nix/profiles/system-profiles"
    /// What passed a whole probation: garbage collection spares it, and boot menus have it.
    static let knownGood = "last-known-good"
    /// So many earlier generations of `last-known-good` are kept.
    static let knownGoodBefore = 1

    /// Does it, and tells what came of it. Doing it again does no harm.
    public func perform(_ deed: Deed) -> DeedOutcome {
        do throws(DeedFailure) {
            switch deed {
            case .setProfile(let generation, let path): try setProfile(generation, path)
            case .addGeneration(let path): try addGeneration(path)
            case .markKnownGood(let path): try markKnownGood(path)
            case .reboot(let command): try reboot(command)
            }
            return .done
        } catch {
            return error.outcome
        }
    }

    /// Never relative, as `nix-env --rollback` is: the generation is one that a plan was made for.
    private func setProfile(_ generation: Int, _ path: String) throws(DeedFailure) {
        try requireComplete(path)
        let profile = try Profile("system", in: Self.profiles, root: root)
        try requireLead(profile, generation, path)
        do throws(DeedFailure) {
            try profile.locked { () throws(DeedFailure) in
                // Again: whoever held the lock may have deleted it.
                try requireLead(profile, generation, path)
                try profile.lead(to: generation)
            }
        } catch {
            guard error.isForNix else { throw error }
            try NixEnvironment(root: root).switchSystem(to: generation, because: error.words)
            guard try profile.leads(to: generation) else { throw error }
        }
    }

    private func addGeneration(_ path: String) throws(DeedFailure) {
        try requireComplete(path)
        let profile = try Profile("system", in: Self.profiles, root: root)
        try profile.locked { () throws(DeedFailure) in
            // First the link that keeps the path from garbage collection.
            try profile.lead(to: profile.add(path))
        }
    }

    private func markKnownGood(_ path: String) throws(DeedFailure) {
        try requireComplete(path)
        try makeSystemProfiles()
        let profile = try Profile(Self.knownGood, in: Self.systemProfiles, root: root)
        try profile.locked { () throws(DeedFailure) in
            let number = try profile.add(path)
            try profile.lead(to: number)
            try profile.prune(keeping: number, and: Self.knownGoodBefore)
        }
    }

    private func makeSystemProfiles() throws(DeedFailure) {
        do throws(SystemError) {
            let above = try RootedDirectory(root: root.directory, Self.profiles)
            try above.makeDirectory("system-profiles", mode: 0o755)
            try above.synchronize()
        } catch {
            if error.code != SystemError.exists { throw DeedFailure(error) }
        }
    }

    /// So long a command that reboots may take, in nanoseconds.
    static let rebootPatience: Int64 = 30_000_000_000
    /// So many bytes of what a command said are told.
    static let mostSaid = 500

    private func reboot(_ command: [String]) throws(DeedFailure) {
        guard let program = command.first else {
            throw DeedFailure("no command to reboot the machine is configured")
        }
        let ingredients = SpawnPlan.Ingredients(
            command: command, environment: [ActivationCommand.path])
        let outcome = try NixOS.deed { () throws(SystemError) in
            try BoundedCommand.run(
                ingredients, nanoseconds: Self.rebootPatience, keeping: .last(Self.mostSaid))
        }
        guard outcome.status == .exited(0) else {
            throw DeedFailure(
                "\(program) \(outcome.words); reboot the machine by hand", isTransient: true)
        }
    }

    /// NixOS's own tools refuse a path without `nixos-version` as well: it is no system.
    private func requireComplete(_ path: String) throws(DeedFailure) {
        guard ActivationCommand.isSystem(path) else {
            throw DeedFailure("\(path) is no path of the Nix store")
        }
        guard try resolve(path) != nil else {
            throw DeedFailure("\(path) is not there any more: it was garbage-collected")
        }
        guard try resolve("\(path)/nixos-version") != nil else {
            throw DeedFailure("\(path) has no nixos-version: it is no NixOS system")
        }
        let program = ActivationCommand.program(of: path)
        let canSwitch = try NixOS.deed { () throws(SystemError) in
            try RootedTree(root.below("/")).isExecutable(program)
        }
        guard canSwitch else {
            throw DeedFailure(
                "\(program) is no program: the system was built with system.switch.enable = false")
        }
    }

    /// The generation must lead to the path, or to the system whose specialisation that is.
    private func requireLead(
        _ profile: borrowing Profile, _ generation: Int, _ path: String
    ) throws(DeedFailure) {
        guard let target = try profile.target(of: generation) else {
            throw DeedFailure("generation \(generation) is not there any more: it was deleted")
        }
        if target == path { return }
        let wanted = try resolve(path)
        if try resolve(target) == wanted { return }
        let specialisations = "\(target)/specialisation"
        let names = (try? specialisationNames(specialisations)) ?? []
        for name in names where try resolve("\(specialisations)/\(name)") == wanted { return }
        throw DeedFailure("generation \(generation) leads to \(target) now, not to \(path)")
    }

    private func specialisationNames(_ path: String) throws(SystemError) -> [String] {
        try RootedDirectory(root: root.directory, path).names()
    }

    private func resolve(_ path: String) throws(DeedFailure) -> String? {
        try NixOS.deed { () throws(SystemError) in
            try RootedTree(root.below("/")).destination(of: path)
        }
    }
}

extension BoundedCommand.Outcome {
    /// How it ended and what it said last, on one line.
    var words: String {
        let said = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline)
            .joined(separator: "; ")
        let end =
            switch status {
            case .exited(let code): "exited with \(code)"
            case .signalled(let signal): "was ended by signal \(signal)"
            case nil: "took too long and was ended"
            }
        return said.isEmpty ? end : "\(end): \(said)"
    }
}
