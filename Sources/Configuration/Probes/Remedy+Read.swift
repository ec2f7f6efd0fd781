import Supervision

extension Remedy {
    private static let mappings = ["validate_config", "dependencies", "environment"]
    private static let words = ["restart", "port_conflict"]

    /// Reads a service's `remedies`; `nil` where there are none.
    static func list(_ section: Section, _ findings: inout Findings) -> [Remedy]? {
        guard let place = section.place("remedies"),
            let elements = place.elements(1...mostRemedies, &findings)
        else { return nil }
        var remedies: [Remedy] = []
        for element in elements {
            guard let remedy = Remedy(element, &findings) else { continue }
            if remedy == .restart, remedies.contains(.restart) {
                findings.error(
                    element, Complaint("'restart' is there twice", "keep one of them"))
            }
            remedies.append(remedy)
        }
        return remedies
    }

    private init?(_ place: Place, _ findings: inout Findings) {
        guard case .mapping = place.tree.content else {
            let word = place.read(or: nil, &findings, Remedy.word)
            guard let word else { return nil }
            self = word
            return
        }
        let section = Section(place, keys: Remedy.mappings, &findings)
        switch section.exactlyOne(of: Remedy.mappings, &findings) {
        case "validate_config": self.init(check: section, &findings)
        case "dependencies":
            let places =
                section.place("dependencies")?.elements(1...Remedy.mostItems, &findings) ?? []
            self = .dependencies(places.compactMap { Dependency($0, &findings) })
        case "environment":
            let places =
                section.place("environment")?.elements(1...Remedy.mostItems, &findings) ?? []
            self = .environment(places.map { EnvironmentFile($0, &findings) })
        default: return nil
        }
    }

    private static func word(_ tree: Tree) throws(Complaint) -> Remedy? {
        let text = try text(tree)
        switch text {
        case "restart": return .restart
        case "port_conflict": return .portConflict
        default:
            if mappings.contains(text) {
                throw Complaint("\(quoted(text)) has to say what", "write { \(text): … }")
            }
            let hint = nearest(text, among: words + mappings).map { "did you mean '\($0)'?" }
            throw Complaint(
                "\(quoted(text)) is not a remedy",
                hint ?? "write one of \((words + mappings).joined(separator: ", "))")
        }
    }

    /// `validate_config: "nginx -t"`, or with a time-out as a mapping.
    private init(check remedy: Section, _ findings: inout Findings) {
        let timeout = Interval.seconds(30)
        guard let place = remedy.place("validate_config"), case .mapping = place.tree.content else {
            let command = remedy.place("validate_config")?.commandLine(&findings)
            self = .validateConfig(command: command ?? [], timeout: timeout)
            return
        }
        let section = Section(place, keys: ["command", "timeout"], &findings)
        let command = section.neededPlace("command", &findings)?.commandLine(&findings)
        self = .validateConfig(
            command: command ?? [],
            timeout: section.read(
                "timeout", or: timeout, &findings, duration(Remedy.checkTimeouts)))
    }
}

extension EnvironmentFile {
    fileprivate init(_ place: Place, _ findings: inout Findings) {
        let section = Section(place, keys: ["file", "keys"], &findings)
        self.init(
            path: section.needed("file", or: "/", &findings, plainPath),
            keys: section.list("keys", counts: 1...EnvironmentFile.mostKeys, &findings) {
                tree throws(Complaint) in try anyVariableName(try text(tree))
            } ?? [])
        if keys.isEmpty { _ = section.neededPlace("keys", &findings) }
    }
}
