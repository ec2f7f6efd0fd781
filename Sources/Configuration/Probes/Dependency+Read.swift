extension Dependency {
    private static let kinds = ["directory", "file", "link"]
    private static let common = ["to", "create", "owner", "group", "mode"]

    /// `{ base: /srv/web, path: cache, kind: directory }`, or `{ directory: /srv/web/cache }`, whose
    /// base is the directory that it is in.
    init?(_ place: Place, _ findings: inout Findings) {
        let isLong = ["base", "path", "kind"].contains { place.membersByKey[$0] != nil }
        let keys = isLong ? ["base", "path", "kind"] : Dependency.kinds
        let section = Section(place, keys: keys + Dependency.common, &findings)
        guard section.isMapping else { return nil }
        let word: String
        if isLong {
            word = section.needed("kind", or: "file", &findings, kindWord)
            self.init(
                base: section.needed("base", or: "/-", &findings, plainPath),
                path: section.needed("path", or: "-", &findings, relativePath), kind: .file)
        } else {
            guard let key = section.exactlyOne(of: Dependency.kinds, &findings) else { return nil }
            word = key
            let whole = section.read(key, or: "/-/-", &findings, plainPath)
            let parts = whole.split(separator: "/")
            self.init(
                base: "/" + parts.dropLast().joined(separator: "/"),
                path: String(parts.last ?? "-"),
                kind: .file)
        }
        readKind(word, section, &findings)
        create = section.read("create", or: create, &findings, boolean)
        owner = section.read("owner", &findings, accountName)
        group = section.read("group", &findings, accountName)
        mode = section.read("mode", &findings, permissionBits)
        check(section, &findings)
    }

    private mutating func readKind(
        _ word: String, _ section: Section, _ findings: inout Findings
    ) {
        switch word {
        case "link": kind = .link(to: section.needed("to", or: "-", &findings, linkTarget))
        case "directory": kind = .directory
        default: kind = .file
        }
        if word != "link", let place = section.place("to") {
            findings.error(place, Complaint("only a link leads to something", "leave it out"))
        }
        if word == "link", let place = section.place("mode") {
            findings.error(place, Complaint("a link has no mode of its own", "leave it out"))
        }
    }

    private func check(_ section: Section, _ findings: inout Findings) {
        if base == "/" {
            findings.error(
                section.place,
                Complaint(
                    "the root directory cannot be the base",
                    "choose the service's own directory"))
        }
        if isInStore("\(base)/\(path)") { findings.error(section.place, storeComplaint) }
    }
}

private func kindWord(_ tree: Tree) throws(Complaint) -> String {
    let text = try text(tree)
    guard ["file", "directory", "link"].contains(text) else {
        throw Complaint("\(quoted(text)) is not one of file, directory, link")
    }
    return text
}

/// An absolute path outside of the store whose parts all have a name: nothing in it leads back up.
func plainPath(_ tree: Tree) throws(Complaint) -> String {
    let path = try absolutePath(tree)
    guard path == "/" || isPlain(path.dropFirst()) else { throw upwards(path) }
    guard !isInStore(path) else { throw storeComplaint }
    return path
}

private func relativePath(_ tree: Tree) throws(Complaint) -> String {
    let path = try text(tree)
    guard path.utf8.first != slash else {
        throw Complaint("\(quoted(path)) is not a path below the base", "begin it without /")
    }
    guard path.utf8.count <= longestPath else {
        throw Complaint("the path is longer than \(longestPath) bytes")
    }
    guard isPlain(path[...]) else { throw upwards(path) }
    return path
}

/// What a link says. It may lead into the store: only the link itself is ever made.
private func linkTarget(_ tree: Tree) throws(Complaint) -> String {
    let path = try text(tree)
    guard (1...longestPath).contains(path.utf8.count) else {
        throw Complaint("a link leads to 1 to \(longestPath) bytes")
    }
    guard isPlain(path.utf8.first == slash ? path.dropFirst() : path[...]) else {
        throw upwards(path)
    }
    return path
}

private func upwards(_ path: String) -> Complaint {
    Complaint("\(quoted(path)) has an empty part, '.' or '..'", "write it out plainly")
}

private func isPlain(_ path: Substring) -> Bool {
    path.split(separator: "/", omittingEmptySubsequences: false)
        .allSatisfy { !["", ".", ".."].contains($0) }
}

private func isInStore(_ path: String) -> Bool {
    path == "/nix/store" || path.hasPrefix("/nix/store/")
}

private let storeComplaint = Complaint(
    "what is in /nix/store never changes", "leave it out: Regen does not touch the store")
