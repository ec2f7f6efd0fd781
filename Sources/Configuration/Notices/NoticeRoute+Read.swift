import Supervision

extension NoticeRoute {
    /// All routes; none where there is no key.
    static func read(_ root: Section, _ findings: inout Findings) -> [NoticeRoute] {
        guard let place = root.place("notices") else { return [] }
        var routes: [NoticeRoute] = []
        for member in uniqueMembers(of: place, &findings) {
            do { try check(name: member.key) } catch {
                findings.error(at: member.position, place.path, error.message, error.hint)
                continue
            }
            routes.append(NoticeRoute(member.key, place.member(member), &findings))
        }
        if routes.count > most {
            findings.error(place, Complaint("\(routes.count) routes are more than \(most)"))
        }
        return routes
    }

    private static func check(name: String) throws(Complaint) {
        let isFine = name.utf8.first.map { isLetter($0) || isDigit($0) } == true
        guard isFine, name.utf8.allSatisfy(isNameByte), name.utf8.count <= longestName else {
            throw Complaint(
                "\(quoted(name)) is not a route's name",
                "use 1 to \(longestName) letters, digits, '_', '.' or '-', "
                    + "beginning with a letter or digit")
        }
    }

    private init(_ name: String, _ place: Place, _ findings: inout Findings) {
        self.init(name: name, .webhook(Webhook(.file("/"))))
        let section = Section(place, keys: ["webhook", "mail", "on"], &findings)
        switch section.exactlyOne(of: ["webhook", "mail"], &findings) {
        case "webhook": way = .webhook(Webhook(section.place("webhook")!, &findings))
        case "mail": way = .mail(Mail(section.place("mail")!, &findings))
        default: break
        }
        occasions = NoticeRoute.occasions(section, &findings)
    }

    private static func occasions(
        _ section: Section, _ findings: inout Findings
    ) -> [Occasion] {
        guard let place = section.place("on") else { return Occasion.forHumans }
        guard case .scalar = place.tree.content else {
            let read = section.list(
                "on", counts: 1...Occasion.allCases.count, &findings
            ) { tree throws(Complaint) -> Occasion in try word(tree) }
            return read ?? Occasion.forHumans
        }
        return place.read(or: Occasion.forHumans, &findings) { tree throws(Complaint) in
            guard try text(tree) == "all" else {
                throw Complaint("\(quoted(try text(tree))) is neither all nor a list of events")
            }
            return Occasion.allCases
        }
    }
}

extension Complaint {
    /// `key` is where the file is named instead.
    static func secret(belongsInFileOf key: String) -> Complaint {
        Complaint(
            "a secret in the configuration can be read by whoever can read that",
            "put it into a file, and name that in '\(key)'")
    }
}
