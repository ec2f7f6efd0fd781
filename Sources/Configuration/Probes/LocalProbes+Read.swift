import Supervision

extension CommandProbe {
    init(_ place: Place, _ findings: inout Findings) {
        guard case .mapping = place.tree.content else {
            self.init(command: place.commandLine(&findings))
            return
        }
        let section = Section(
            place, keys: ["command", "exit", "contains"] + ProbePolicy.keys, &findings)
        self.init(command: section.neededPlace("command", &findings)?.commandLine(&findings) ?? [])
        exit = section.read("exit", or: exit, &findings, integer(0...255))
        contains = section.read("contains", &findings, boundedText(Probe.longestText))
    }
}

extension MemoryProbe {
    init(_ place: Place, _ findings: inout Findings) {
        self.init(below: .share(100))
        let section = Section(place, keys: ["below", "of"] + ProbePolicy.keys, &findings)
        below = section.needed("below", or: below, &findings, Bound.parse)
        of = section.read("of", or: of, &findings, word)
        if case .share = below, of == .tree {
            findings.error(
                place.child("below"),
                Complaint(
                    "processes without a control group have no limit to take a share of",
                    "write a size such as 512MiB, or 'of: cgroup'"))
        }
    }
}

extension MemoryProbe.Bound {
    fileprivate static func parse(_ tree: Tree) throws(Complaint) -> Self {
        let text = try text(tree)
        guard text.utf8.last == percent else { return .bytes(try size(sizes)(tree)) }
        return .share(try percentage(1...100)(tree))
    }

    private static let sizes: ClosedRange<Int64> = 4096...(1 << 50)

    /// As `parse` reads it.
    var configured: String {
        switch self {
        case .share(let number): "\(number)%"
        case .bytes(let number): String(number)
        }
    }
}

extension CPUProbe {
    init(_ place: Place, _ findings: inout Findings) {
        self.init()
        let section = Section(place, keys: ["below", "for"] + ProbePolicy.keys, &findings)
        below = section.read("below", or: below, &findings, percentage(1...100_000))
        window = section.read("for", or: window, &findings, duration(.seconds(1) ... .hours(24)))
    }
}

extension ProgressProbe {
    private static let sources = ["file", "number", "command"]

    init(_ place: Place, _ findings: inout Findings) {
        self.init(.command([]))
        let section = Section(
            place, keys: ProgressProbe.sources + ["within"] + ProbePolicy.keys, &findings)
        switch section.exactlyOne(of: ProgressProbe.sources, &findings) {
        case "file":
            source = .modification(path: section.read("file", or: "/", &findings, absolutePath))
        case "number":
            source = .number(path: section.read("number", or: "/", &findings, absolutePath))
        case "command": source = .command(section.place("command")?.commandLine(&findings) ?? [])
        default: break
        }
        within = section.read(
            "within", or: within, &findings, duration(.milliseconds(100) ... .hours(24)))
    }
}

extension FileProbe {
    init(_ place: Place, _ findings: inout Findings) {
        self.init(path: "/")
        guard case .mapping = place.tree.content else {
            path = place.read(or: path, &findings, absolutePath)
            return
        }
        let section = Section(
            place, keys: ["path", "fresh", "owner", "mode"] + ProbePolicy.keys, &findings)
        path = section.needed("path", or: path, &findings, absolutePath)
        fresh = section.read("fresh", &findings, duration(.seconds(1) ... .hours(24 * 365)))
        owner = section.read("owner", &findings, accountName)
        mode = section.read("mode", &findings, permissionBits)
    }
}

extension NotifyProbe {
    init(_ place: Place, _ findings: inout Findings) {
        self.init()
        guard case .mapping = place.tree.content else {
            if !["true", "on"].contains(try? text(place.tree)) {
                findings.error(
                    place,
                    Complaint(
                        "\(place.tree.kind) is neither on nor a mapping",
                        "write on or { watchdog: 10s }"))
            }
            return
        }
        let section = Section(place, keys: ["watchdog"] + ProbePolicy.keys, &findings)
        watchdog = section.read("watchdog", &findings, duration(.milliseconds(100) ... .hours(24)))
    }
}

/// Percent, with the sign: `80%`.
private func percentage(_ range: ClosedRange<Int>) -> (Tree) throws(Complaint) -> Int {
    { tree throws(Complaint) in
        let text = try text(tree)
        guard text.utf8.last == percent, let number = decimal(text.dropLast(), as: Int.self),
            range.contains(number)
        else {
            throw Complaint(
                "\(quoted(text)) is not a share from \(range.lowerBound)% to \(range.upperBound)%")
        }
        return number
    }
}

private let percent = UInt8(ascii: "%")
