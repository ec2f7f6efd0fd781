/// A mapping that is read key by key. Unknown keys are told when it is opened.
struct Section {
    let place: Place
    private let members: [Tree.Member]

    /// Opens a mapping that knows `keys`. `later` are keys that the design has and this version not yet.
    ///
    /// When something else stands there, that is told, and the section is as if it were empty.
    init(_ place: Place, keys: [String], later: [String] = [], _ findings: inout Findings) {
        self.place = place
        members = uniqueMembers(of: place, &findings)
        for member in members where !keys.contains(member.key) {
            let complaint = Section.unknown(member.key, in: place.path, keys: keys, later: later)
            findings.error(
                at: member.position, joined(place.path, member.key), complaint.message,
                complaint.hint)
        }
    }

    private static func unknown(
        _ key: String, in path: String, keys: [String], later: [String]
    ) -> Complaint {
        let name = path.isEmpty ? quoted(key) : "\(quoted(key)) in \(path)"
        if later.contains(key) {
            return Complaint("key \(name) is not supported by this version yet", "leave it out")
        }
        if key == "<<" {
            return Complaint(
                "merge key \(name) is not supported", "write what services share under 'defaults'")
        }
        let meant = nearest(key, among: keys).map { "did you mean '\($0)'?" }
        return Complaint(
            "unknown key \(name)", meant ?? "known keys: \(keys.joined(separator: ", "))")
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
        guard let place = place(key) else { return fallback }
        do { return try parse(place.tree) } catch {
            findings.error(place, error)
            return fallback
        }
    }

    /// The same for what may be absent.
    func read<Value>(
        _ key: String, _ findings: inout Findings, _ parse: (Tree) throws(Complaint) -> Value
    ) -> Value? {
        read(key, or: nil, &findings) { tree throws(Complaint) in try parse(tree) }
    }

    /// A list below the key, each element read on its own so that each error has its own place.
    func list<Value>(
        _ key: String, counts: ClosedRange<Int>, _ findings: inout Findings,
        _ parse: (Tree) throws(Complaint) -> Value
    ) -> [Value]? {
        guard let place = place(key) else { return nil }
        guard case .sequence(let elements) = place.tree.content else {
            findings.error(
                place, Complaint("a list is needed, not \(place.tree.kind)", "write [a, b]"))
            return nil
        }
        guard counts.contains(elements.count) else {
            let range = "\(counts.lowerBound) to \(counts.upperBound)"
            findings.error(place, Complaint("\(range) elements are allowed, not \(elements.count)"))
            return nil
        }
        var values: [Value] = []
        for (index, element) in elements.enumerated() {
            do { values.append(try parse(element)) } catch {
                findings.error(place.element(index, element), error)
            }
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
