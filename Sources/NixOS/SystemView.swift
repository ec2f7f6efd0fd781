import Linux

/// The machine as it would be if this system ran: `/run/current-system`, `/etc` and the system profile
/// are this system's.
struct SystemView {
    let tree: RootedTree
    /// The system's path.
    let system: String

    /// Where a path leads; `nil`: nowhere, or around in circles. Link by link, because a link on the
    /// way may lead through the running system as well.
    func resolve(_ path: String) -> String? {
        guard path.hasPrefix("/") else { return nil }
        var rest = Self.parts(path)
        var done: [Substring] = []
        var hops = 0
        while let part = rest.popLast() {
            if part == "." { continue }
            if part == ".." {
                _ = done.popLast()
                continue
            }
            done.append(part)
            let here = "/" + done.joined(separator: "/")
            guard let target = replacement(of: here, before: &rest) ?? tree.linkTarget(here) else {
                continue
            }
            hops += 1
            guard hops <= Surveyor.mostHops else { return nil }
            if target.hasPrefix("/") { done = [] } else { done.removeLast() }
            rest += Self.parts(target)
        }
        let place = "/" + done.joined(separator: "/")
        return (try? tree.status(place)) == nil ? nil : place
    }

    /// What stands in this system for a directory of the running one.
    private func replacement(of path: String, before rest: inout [Substring]) -> String? {
        switch path {
        case "/run/current-system", "/nix/var/nix/profiles/system": return system
        case "/etc":
            // What /etc itself links to is `static`, which is the system's `etc`.
            if rest.last == "static" { rest.removeLast() }
            return "\(system)/etc"
        default: return nil
        }
    }

    /// The last one first.
    private static func parts(_ path: String) -> [Substring] {
        path.split(separator: "/").reversed()
    }
}
