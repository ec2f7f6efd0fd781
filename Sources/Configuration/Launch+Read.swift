extension Launch {
    init(_ section: Section, _ sequence: StartSequence?, _ findings: inout Findings) {
        self.init(
            command: sequence.map { shell + $0.start.suffix(1) }
                ?? Launch.command(section, &findings))
        user = section.read("user", &findings, accountName)
        group = section.read("group", &findings, accountName)
        groups = section.list("groups", counts: 0...Launch.mostGroups, &findings, accountName)
        directory = section.read("directory", &findings, absolutePath)
        environment = Launch.environment(section, &findings)
        umask = section.read("umask", &findings, modeBits)
        limits = Launch.limits(section, &findings)
        oomScoreAdjust = section.read("oom_score_adjust", &findings, integer(-1000...1000))
        nice = section.read("nice", &findings, integer(-20...19))
        if user == nil, section.place("user") == nil, !command.isEmpty {
            findings.warning(
                section.place, Complaint("runs as root when regend is root", "set 'user:'"))
        }
    }

    private static func command(_ section: Section, _ findings: inout Findings) -> [String] {
        guard let place = section.place("command") else {
            // What is wrong with 'run' has been told.
            if section.isMapping, section.place("run") == nil {
                findings.error(
                    section.place,
                    Complaint(
                        "there is no command",
                        "add 'command: [/path/to/program, argument]', or 'unit: name.service'"))
            }
            return []
        }
        let words = section.list("command", counts: 1...mostWords, &findings, text) ?? []
        let bytes = words.reduce(0) { $0 + $1.utf8.count + 1 }
        if bytes > mostCommandBytes {
            findings.error(
                place, Complaint("the command has \(bytes) bytes, more than \(mostCommandBytes)"))
        }
        guard let program = words.first else { return words }
        place.checkProgram(program, &findings)
        return words
    }

    private static func environment(_ section: Section, _ findings: inout Findings) -> [Variable] {
        guard let place = section.place("environment") else { return [] }
        var variables: [Variable] = []
        for member in uniqueMembers(of: place, &findings) {
            let value = place.member(member)
            do {
                let name = try variableName(member.key)
                variables.append(Variable(name, try text(member.value)))
            } catch { findings.error(value, error) }
        }
        if variables.count > mostVariables {
            findings.error(
                place, Complaint("\(variables.count) variables are more than \(mostVariables)"))
        }
        let bytes = variables.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 2 }
        if bytes > mostEnvironmentBytes {
            findings.error(
                place,
                Complaint("the environment has \(bytes) bytes, more than \(mostEnvironmentBytes)"))
        }
        return variables
    }

    private static func limits(_ section: Section, _ findings: inout Findings) -> [Limit] {
        guard let place = section.place("limits") else { return [] }
        let names = Limit.Resource.allCases.map(\.rawValue)
        let limits = Section(place, keys: names, &findings)
        return Limit.Resource.allCases.compactMap { resource in
            limits.read(resource.rawValue, &findings) { tree throws(Complaint) in
                try Limit(resource, try text(tree))
            }
        }
    }
}

private func variableName(_ name: String) throws(Complaint) -> String {
    let name = try anyVariableName(name)
    guard !name.hasPrefix("REGEN_") else {
        throw Complaint("names that begin with REGEN_ are set by regend", "choose another name")
    }
    return name
}

/// `[A-Za-z_][A-Za-z0-9_]*`
func anyVariableName(_ name: String) throws(Complaint) -> String {
    let first = name.utf8.first.map { isLetter($0) || $0 == underscore }
    let allowed = name.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == underscore }
    guard first == true, allowed else {
        throw Complaint(
            "\(quoted(name)) is not a variable's name",
            "use letters, digits and '_', beginning with no digit")
    }
    return name
}

private func modeBits(_ tree: Tree) throws(Complaint) -> UInt32 {
    let text = try text(tree)
    let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
    guard (1...4).contains(digits.utf8.count), digits.utf8.allSatisfy(isDigit),
        let bits = UInt32(digits, radix: 8), bits <= 0o777
    else { throw Complaint("\(quoted(text)) is not a mask", "write octal digits such as 022") }
    return bits
}

extension Launch.Limit {
    /// `65536`, `64MiB`, `unlimited`, or a soft and a hard one: `1024:4096`.
    fileprivate init(_ resource: Resource, _ text: String) throws(Complaint) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let soft = Self.amount(parts[0], of: resource),
            let hard = Self.amount(parts[parts.count - 1], of: resource)
        else {
            throw Complaint(
                "\(quoted(text)) is not a limit",
                "write a number, unlimited, or a soft and a hard one such as \"1024:4096\"")
        }
        guard soft <= hard else {
            throw Complaint("the soft limit in \(quoted(text)) is above the hard one")
        }
        self.init(resource, soft: soft, hard: hard)
    }

    private static func amount(_ text: Substring, of resource: Resource) -> UInt64? {
        if text == "unlimited" { return unlimited }
        let number: UInt64? = resource.isInBytes ? bytes(text) : decimal(text)
        return number == unlimited ? nil : number
    }
}

extension Launch.Limit.Resource {
    /// Whether KiB, MiB and GiB mean something.
    fileprivate var isInBytes: Bool {
        switch self {
        case .addressSpace, .core, .data, .fileSize, .lockedMemory, .messageQueue, .residentSet,
            .stack:
            true
        case .cpu, .locks, .nice, .openFiles, .processes, .realTimePriority, .realTimeTime,
            .pendingSignals:
            false
        }
    }
}
