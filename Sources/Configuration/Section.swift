/// A mapping that is read key by key. Unknown keys are told when it is opened.
struct Section {
    let place: Place
    /// Whether there was no other key than those asked for.
    let knowsAllKeys: Bool
    private let members: [Tree.Member]

    /// Opens a mapping that knows `keys`.
    ///
    /// When something else stands there, that is told, and the section is as if it were empty.
    init(_ place: Place, keys: [String], _ findings: inout Findings) {
        self.place = place
        members = uniqueMembers(of: place, &findings)
        let unknown = members.filter { !keys.contains($0.key) }
        knowsAllKeys = unknown.isEmpty
        for member in unknown {
            let complaint = Section.unknown(member.key, in: place.path, keys: keys)
            findings.error(
                at: member.position, joined(place.path, member.key), complaint.message,
                complaint.hint)
        }
    }

    /// Picks these keys out of a mapping that somebody else opens and checks.
    init(picking keys: [String], from place: Place) {
        self.place = place
        knowsAllKeys = true
        guard case .mapping(let members) = place.tree.content else {
            self.members = []
            return
        }
        self.members = members.filter { keys.contains($0.key) }
    }

    private static func unknown(_ key: String, in path: String, keys: [String]) -> Complaint {
        let name = path.isEmpty ? quoted(key) : "\(quoted(key)) in \(path)"
        if key == "<<" {
            return Complaint(
                "merge key \(name) is not supported", "write what services share under 'defaults'")
        }
        let meant = nearest(key, among: keys).map { "did you mean '\($0)'?" }
        return Complaint(
            "unknown key \(name)", meant ?? "known keys: \(keys.joined(separator: ", "))")
    }

    /// Whether a mapping stands there; if not, that has been told.
    var isMapping: Bool {
        if case .mapping = place.tree.content { true } else { false }
    }

    /// Whether the key stands there at all, known or not.
    func has(_ key: String) -> Bool { members.contains { $0.key == key } }

    /// What the key is set to; `nil` when it is absent or `null`.
    func place(_ key: String) -> Place? {
        guard let member = members.first(where: { $0.key == key }), !member.value.isNull
        else { return nil }
        return place.member(member)
    }

    /// The key's value; `fallback` when it is absent, or wrong, which is told.
    func read<Value>(
        _ key: String, or fallback: Value, _ findings: inout Findings,
        _ parse: (Tree) throws(Complaint) -> Value
    ) -> Value {
        place(key)?.read(or: fallback, &findings, parse) ?? fallback
    }

    /// The same for what may be absent.
    func read<Value>(
        _ key: String, _ findings: inout Findings, _ parse: (Tree) throws(Complaint) -> Value
    ) -> Value? {
        read(key, or: nil, &findings) { tree throws(Complaint) in try parse(tree) }
    }

    /// What a key is set to that must be there; its absence is told.
    func neededPlace(_ key: String, _ findings: inout Findings) -> Place? {
        if let place = place(key) { return place }
        if isMapping { findings.error(place, Complaint("'\(key)' is missing")) }
        return nil
    }

    /// The value of a key that must be there.
    func needed<Value>(
        _ key: String, or fallback: Value, _ findings: inout Findings,
        _ parse: (Tree) throws(Complaint) -> Value
    ) -> Value {
        neededPlace(key, &findings)?.read(or: fallback, &findings, parse) ?? fallback
    }

    /// The one of these keys that is set; none or several are told.
    func exactlyOne(of keys: [String], _ findings: inout Findings) -> String? {
        let found = keys.filter { place($0) != nil }
        if found.count == 1 { return found[0] }
        let words = keys.map { "'\($0)'" }.joined(separator: ", ")
        if isMapping, knowsAllKeys || !found.isEmpty {
            findings.error(place, Complaint("exactly one of \(words) is needed"))
        }
        return nil
    }

    /// A list below the key, each element read on its own so that each error has its own place.
    func list<Value>(
        _ key: String, counts: ClosedRange<Int>, _ findings: inout Findings,
        _ parse: (Tree) throws(Complaint) -> Value
    ) -> [Value]? {
        guard let places = place(key)?.elements(counts, &findings) else { return nil }
        var values: [Value] = []
        for place in places {
            do { values.append(try parse(place.tree)) } catch { findings.error(place, error) }
        }
        return values
    }
}

/// The mapping's members, each key once. What is not a mapping, and a second time the same key, is told.
func uniqueMembers(of place: Place, _ findings: inout Findings) -> [Tree.Member] {
    guard case .mapping(let members) = place.tree.content else {
        findings.error(
            place, Complaint("a mapping of keys to values is needed, not \(place.tree.kind)"))
        return []
    }
    var seen = Set<String>()
    return members.filter { member in
        if seen.insert(member.key).inserted { return true }
        findings.error(
            at: member.position, joined(place.path, member.key),
            "\(joined(place.path, member.key)): the key is there twice", "keep one of them")
        return false
    }
}
