import Supervision

extension Configuration {
    /// Checks that each `after` names a service, and that no service waits for itself through others.
    func checkOrder(_ place: Place, _ findings: inout Findings) {
        let places = place.membersByKey
        let numbers = Dictionary(
            services.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = services.map(\.name)
        var after: [[Int]] = []
        for service in services {
            after.append(service.policy.after.compactMap { numbers[$0] })
            for name in service.policy.after where numbers[name] == nil && places[name] == nil {
                let meant = findings.isFull ? nil : nearest(name, among: names)
                let hint = meant.map { "did you mean '\($0)'?" }
                findings.error(
                    (places[service.name] ?? place).child("after"),
                    Complaint("there is no service '\(name)'", hint))
            }
        }
        for cycle in cycles(after) {
            let circle = cycle.map { names[$0] } + [names[cycle[0]]]
            findings.error(
                (places[names[cycle[0]]] ?? place).child("after"),
                Complaint(
                    "services wait for each other: \(shortened(circle))", "remove one 'after'"))
        }
    }
}

/// So many names of a cycle are shown.
private let mostNamesShown = 20

private func shortened(_ names: [String]) -> String {
    guard names.count > mostNamesShown else { return names.joined(separator: " → ") }
    let shown = names.prefix(mostNamesShown - 1) + ["…", names[names.count - 1]]
    return shown.joined(separator: " → ")
}

/// The cycles of a graph that a walk in depth meets: at least one of each knot, each as the numbers
/// along the way. Without recursion, because a chain can be as long as a configuration has services.
func cycles(_ edges: [[Int]]) -> [[Int]] {
    enum Mark { case new, onPath, done }
    var marks = [Mark](repeating: .new, count: edges.count)
    var found: [[Int]] = []
    for start in edges.indices where marks[start] == .new {
        var path = [(node: start, next: 0)]
        marks[start] = .onPath
        while let (node, next) = path.last {
            guard next < edges[node].count else {
                marks[node] = .done
                path.removeLast()
                continue
            }
            path[path.count - 1].next += 1
            let target = edges[node][next]
            switch marks[target] {
            case .new:
                marks[target] = .onPath
                path.append((target, 0))
            case .onPath:
                let first = path.firstIndex { $0.node == target } ?? 0
                found.append(path[first...].map(\.node))
                if found.count > ConfigurationErrors.mostKept { return found }
            case .done: break
            }
        }
    }
    return found
}

extension Place {
    /// The places below, by their key; the first of equal ones.
    var membersByKey: [String: Place] {
        guard case .mapping(let members) = tree.content else { return [:] }
        return Dictionary(
            members.map { ($0.key, member($0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// The place below a key, or this one when it has no such key.
    func child(_ key: String) -> Place {
        guard case .mapping(let members) = tree.content,
            let found = members.first(where: { $0.key == key })
        else { return self }
        return member(found)
    }
}
