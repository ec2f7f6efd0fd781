public import Linux
public import SafeSwitch

/// Looks at the machine's generations. Changes nothing, runs nothing and takes no lock.
///
/// Whatever stands on the disk is a value of the answer: a link that leads nowhere, a system half
/// deleted, a file of the wrong kind. Everything is read up to a bound.
public struct Surveyor {
    let root: SystemRoot
    let tree: RootedTree
    /// Whether a system must have a kernel. Those of containers have none: there the host's runs.
    let needsKernel: Bool

    /// One that looks below this root; throws where there is no such directory.
    public init(root: SystemRoot) throws(SystemError) {
        self.root = root
        tree = try RootedTree(root.below("/"))
        let running = "/run/current-system"
        needsKernel = tree.resolve(running) == nil || tree.resolve("\(running)/kernel") != nil
    }

    /// What there is now, and this system as well, which may be in no profile. Throws where the
    /// profiles' directory is there and cannot be read: nobody is to conclude from that that there
    /// are no generations.
    public func landscape(also system: String? = nil) throws(SystemError) -> Landscape {
        var landscape = Landscape()
        // Once more at the end: what is seen while nobody is said to switch was so.
        landscape.switchHolder = switchHolder()
        landscape.defaultGeneration = defaultGeneration()
        landscape.current = destination(of: "/run/current-system")
        landscape.booted = destination(of: "/run/booted-system")
        landscape.knownGoodProfile = destination(
            of: "\(Self.profiles)/system-profiles/last-known-good")
        landscape.generations = choose(from: try generations(), for: landscape)
        landscape.systems = systems(of: landscape, also: system)
        landscape.bootSpace = Self.bootPlaces.lazy.compactMap { try? tree.space(ofMount: $0) }.first
        landscape.profileHolder = tree.lockHolder("\(Self.profiles)/system.lock")
        landscape.switchHolder = landscape.switchHolder ?? switchHolder()
        return landscape
    }

    /// Who runs switch-to-configuration. That needs root: whoever else has locked the file, which all may
    /// read, would only have us believe that somebody switches. Of 0 nobody knows who that is.
    private func switchHolder() -> Int32? {
        guard let pid = tree.lockHolder(Self.switchLock) ?? unitHolder() else { return nil }
        if pid == 0 { return pid }
        let user = ProcessTable.user(pid)
        return user == 0 || user == ProcessTable.effectiveUser ? pid : nil
    }

    /// Who is in the unit that nixos-rebuild switches in: it has the unit before it has the lock.
    private func unitHolder() -> Int32? {
        // Units are no part of a root that is not the machine's own.
        guard root.directory.isEmpty, let mount = Cgroup.mountPoint() else { return nil }
        let path = "\(mount)/system.slice/\(ActivationCommand.unit)/cgroup.procs"
        return ProcessTable.text(path)?.split(separator: "\n").first.flatMap { Int32($0) }
    }

    /// Where a link leads: through all further ones, or as far as they go; `nil`: it is no link.
    func destination(of link: String) -> String? {
        guard let text = tree.linkTarget(link) else { return nil }
        if let place = tree.resolve(link) { return place }
        var path = AbsolutePath.join(link, text)
        for _ in 0..<Self.mostHops {
            guard let text = tree.linkTarget(path) else { break }
            path = AbsolutePath.join(path, text)
        }
        return path
    }

    /// The number in what the profile's link says, which is relative or absolute.
    private func defaultGeneration() -> Int? {
        let profile = "\(Self.profiles)/system"
        guard let text = tree.linkTarget(profile) else { return nil }
        let path = AbsolutePath.join(profile, text)
        guard path.hasPrefix("\(Self.profiles)/") else { return nil }
        return Self.number(of: String(path.dropFirst(Self.profiles.utf8.count + 1)))
    }

    /// The newest generations, the newest first; their dates are still missing.
    private func generations() throws(SystemError) -> [Generation] {
        let names: [String]
        do throws(SystemError) {
            names = try tree.names(in: Self.profiles, most: Self.mostNames)
        } catch {
            if error.code == SystemError.noEntry { return [] }
            throw error
        }
        return names.compactMap(Self.number).sorted(by: >).prefix(Self.mostLinks).compactMap {
            guard let path = destination(of: Self.link($0)) else { return nil }
            return Generation(number: $0, path: path, date: 0)
        }
    }

    /// The newest, and of the older ones those that the rest of the landscape is about.
    private func choose(
        from generations: [Generation], for landscape: Landscape
    ) -> [Generation] {
        let told = Set(landscape.told)
        let older = generations.dropFirst(Landscape.mostGenerations).lazy.filter { generation in
            generation.number == landscape.defaultGeneration || told.contains(generation.path)
                || specialisations(of: generation.path).contains { told.contains($0.path) }
        }
        let chosen =
            generations.prefix(Landscape.mostGenerations)
            + older.prefix(Landscape.mostGenerations)
        return chosen.reversed().map { generation in
            var generation = generation
            let status = try? tree.status(ofLink: Self.link(generation.number))
            generation.date = (status?.modified ?? 0) / 1_000_000_000
            return generation
        }
    }

    private static func link(_ number: Int) -> String { "\(profiles)/system-\(number)-link" }

    /// The number in `system-42-link`; `nil` for every other name.
    private static func number(of name: String) -> Int? {
        guard name.hasPrefix("system-"), name.hasSuffix("-link"),
            let number = Int(name.dropFirst(7).dropLast(5)), number > 0,
            name == "system-\(number)-link"
        else { return nil }
        return number
    }

    private static let profiles = "/nix/var/nix/profiles"
    /// switch-to-configuration's own.
    private static let switchLock = "/run/nixos/switch-to-configuration.lock"
    /// Where a boot loader keeps kernels, the likeliest first.
    private static let bootPlaces = ["/boot", "/efi", "/boot/efi"]
    /// Names read of the profiles' directory; of more, any so many.
    private static let mostNames = 1 << 16
    /// Generations that are looked for the ones that matter; older ones are not seen.
    private static let mostLinks = 4096
    /// As many links as the kernel follows.
    static let mostHops = 40
}

extension Landscape {
    /// The systems that the machine itself names.
    var told: [String] { [current, booted, knownGoodProfile].compactMap { $0 } }
}

/// What can be said of paths without looking at a disk.
enum AbsolutePath {
    /// What a link at this path says, as a path of its own.
    static func join(_ link: String, _ text: String) -> String {
        let base = text.hasPrefix("/") ? [] : link.split(separator: "/").dropLast()
        var parts = Array(base)
        for part in text.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The store path that this is, or is within: `/nix/store/…-nginx-1.28`; `nil`: it is in none.
    static func storePath(_ path: String) -> String? {
        guard path.hasPrefix(store) else { return nil }
        let name = path.dropFirst(store.utf8.count).prefix { $0 != "/" }
        return name.isEmpty ? nil : store + name
    }

    static let store = "/nix/store/"
}
