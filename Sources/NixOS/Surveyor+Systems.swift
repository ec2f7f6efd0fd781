import JSON
import Linux
import SafeSwitch

extension Surveyor {
    /// All the systems that a landscape names, and their specialisations: what is asked for and what
    /// runs first, then the newest.
    func systems(of landscape: Landscape, also asked: String?) -> [NixSystem] {
        var known: Set<String> = []
        var systems: [NixSystem] = []
        let told = (asked.map { [$0] } ?? []) + landscape.told
        for path in told + landscape.generations.reversed().map(\.path)
        where known.insert(path).inserted { systems.append(system(path)) }
        for child in systems.flatMap(\.specialisations) {
            guard systems.count < Self.mostSystems else { break }
            guard known.insert(child.path).inserted else { continue }
            var system = system(child.path)
            system.specialisations = []  // NixOS has one level of them
            systems.append(system)
        }
        return systems
    }

    /// What is known of the system with this path.
    func system(_ path: String) -> NixSystem {
        var system = NixSystem(path: path)
        guard (try? tree.status(path))?.kind == .directory else {
            system.defects = [.missing]
            return system
        }
        system.version = line("\(path)/nixos-version")
        system.kernelVersion = names(in: "\(path)/kernel-modules/lib/modules").first
            .map(Self.printable)
        system.revision = revision("\(path)/sw/bin/nixos-version")
        system.kernel = NixSystem.KernelTriple(
            kernel: tree.resolve("\(path)/kernel"), initrd: tree.resolve("\(path)/initrd"),
            modules: tree.resolve("\(path)/kernel-modules"))
        system.systemd = tree.resolve("\(path)/systemd")
        system.initInterface = line("\(path)/init-interface-version")
        system.inhibitors = inhibitors("\(path)/switch-inhibitors")
        system.defects = defects(path, hasKernel: system.kernel.kernel != nil)
        system.specialisations = specialisations(of: path)
        return system
    }

    /// The specialisations of a system, by name.
    func specialisations(of path: String) -> [NixSystem.Specialisation] {
        let directory = "\(path)/specialisation"
        return names(in: directory).prefix(Self.mostSpecialisations).compactMap { name in
            let link = "\(directory)/\(name)"
            return (tree.resolve(link) ?? destination(of: link)).map {
                NixSystem.Specialisation(name: Self.printable(name), path: $0)
            }
        }
    }

    private func names(in directory: String) -> [String] {
        ((try? tree.names(in: directory, most: Self.mostNamesInSystem)) ?? []).sorted()
    }

    private func defects(_ path: String, hasKernel: Bool) -> [NixSystem.Defect] {
        NixSystem.Defect.allCases.filter { defect in
            switch defect {
            case .missing: false
            case .notNixOS: !isFile("\(path)/nixos-version")
            case .cannotSwitch: !isProgram("\(path)/bin/switch-to-configuration")
            case .noInit: !isFile("\(path)/init")
            case .noKernel: !hasKernel && needsKernel
            case .noActivation: !isFile("\(path)/activate")
            }
        }
    }

    private func isFile(_ path: String) -> Bool { (try? tree.status(path))?.kind == .file }

    private func isProgram(_ path: String) -> Bool {
        guard let status = try? tree.status(path) else { return false }
        return status.kind == .file && status.mode & 0o111 != 0
    }

    /// A file's first line without white space around it; `nil`: no such file, or nothing in it.
    private func line(_ path: String) -> String? {
        guard let bytes = try? tree.beginning(of: path, most: Self.longestLine) else { return nil }
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
        let line = bytes.prefix { $0 != 0x0a }.drop(while: isSpace)
        let end = line.lastIndex { !isSpace($0) } ?? line.startIndex - 1
        let text = Self.printable(String(decoding: line[..<(end + 1)], as: UTF8.self))
        return text.isEmpty ? nil : text
    }

    /// The configuration's revision, out of the JSON that the script `nixos-version` has in it, or
    /// names (nixpkgs has done both): to run the script would take longer, and would run something.
    private func revision(_ path: String) -> String? {
        guard let script = try? tree.beginning(of: path, most: Self.longestScript) else {
            return nil
        }
        if let revision = Self.revision(in: script) { return revision }
        guard let start = script.firstRange(of: Self.jsonFile)?.upperBound else { return nil }
        let name = script[start...].prefix(Self.longestLine).prefix { $0 > 0x20 && $0 < 0x7f }
        let file = AbsolutePath.store + String(decoding: name, as: UTF8.self)
        return (try? tree.beginning(of: file, most: Self.longestScript)).flatMap(Self.revision)
    }

    private static func revision(in text: [UInt8]) -> String? {
        guard let start = text.firstRange(of: revisionKey)?.upperBound else { return nil }
        let value = text[start...].prefix(longestLine + 1).prefix { $0 != UInt8(ascii: "\"") }
        // A script whose "@configurationRevision@" was never filled in does not know it.
        guard let first = value.first, first != UInt8(ascii: "@"), value.count <= longestLine,
            value.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") })
        else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    private func inhibitors(_ path: String) -> [NixSystem.Inhibitor] {
        guard let bytes = try? tree.beginning(of: path, most: Self.longestScript),
            let members = try? JSONValue.parse(bytes, limit: Self.longestScript).object
        else { return [] }
        return members.sorted { $0.key < $1.key }.prefix(Self.mostInhibitors).compactMap {
            guard let value = $0.value.string else { return nil }
            return NixSystem.Inhibitor(
                key: Self.printable($0.key), value: Self.printable(value))
        }
    }

    /// Without control characters, and not longer than a line: it goes to people and into the ledger.
    private static func printable(_ text: String) -> String {
        var short = ""
        for scalar in text.unicodeScalars {
            guard short.utf8.count < longestLine else { break }
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            short.unicodeScalars.append(isControl ? "\u{fffd}" : scalar)
        }
        return short
    }

    /// Specialisations are looked at as long as there are not so many systems.
    private static let mostSystems = 1024
    /// Of more specialisations, the first by name.
    private static let mostSpecialisations = 32
    /// Of more keys, the first.
    private static let mostInhibitors = 64
    /// Names read of a directory of a system.
    private static let mostNamesInSystem = 256
    /// Bytes of a version and the like; what is longer is cut.
    private static let longestLine = 256
    /// Bytes of `nixos-version` and `switch-inhibitors`; what stands behind is not seen.
    private static let longestScript = 64 << 10
    private static let jsonFile = Array("cat \(AbsolutePath.store)".utf8)
    private static let revisionKey = Array(#""configurationRevision":""#.utf8)
}
