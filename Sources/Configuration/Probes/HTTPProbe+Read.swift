import Supervision

extension HTTPProbe {
    private static let keys = [
        "url", "socket", "method", "headers", "status", "contains", "matches", "within", "verify",
        "authorities", "redirects",
    ]

    init(_ place: Place, _ findings: inout Findings) {
        self.init(url: "")
        if case .mapping = place.tree.content {
            let section = Section(place, keys: HTTPProbe.keys + ProbePolicy.keys, &findings)
            url = section.needed("url", or: url, &findings, webAddress)
            read(section, &findings)
        } else {
            url = place.read(or: url, &findings, webAddress)
        }
        let host = authority(of: url).flatMap { hostAndPort($0)?.host }
        if let host { place.child("url").warnOfAnyAddress(host, &findings) }
    }

    private mutating func read(_ section: Section, _ findings: inout Findings) {
        socket = section.read("socket", &findings, socketPath)
        method = section.read("method", or: method, &findings, methodName)
        headers = HTTPProbe.headers(section, &findings)
        status = HTTPProbe.status(section, &findings) ?? status
        contains = section.read("contains", &findings, boundedText(Probe.longestText))
        matches = section.read("matches", &findings, boundedText(Probe.longestPattern))
        within = section.read("within", &findings, duration(.milliseconds(1) ... .hours(1)))
        verify = section.read("verify", or: verify, &findings, boolean)
        authorities = section.authorities(verify: verify, &findings)
        redirects = section.read(
            "redirects", or: redirects, &findings, integer(0...HTTPProbe.mostRedirects))
        if let place = section.place("contains") ?? section.place("matches"), method == "HEAD" {
            findings.error(place, Complaint("an answer to HEAD has no body", "use GET"))
        }
    }

    static func headers(_ section: Section, _ findings: inout Findings) -> [Header] {
        guard let place = section.place("headers") else { return [] }
        var headers: [Header] = []
        for member in uniqueMembers(of: place, &findings) {
            do { headers.append(try header(member)) } catch {
                findings.error(place.member(member), error)
            }
        }
        if headers.count > mostHeaders {
            findings.error(
                place, Complaint("\(headers.count) headers are more than \(mostHeaders)"))
        }
        let bytes = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        if bytes > mostHeaderBytes {
            findings.error(
                place, Complaint("the headers have \(bytes) bytes, more than \(mostHeaderBytes)"))
        }
        return headers
    }

    private static func status(
        _ section: Section, _ findings: inout Findings
    ) -> [ClosedRange<Int>]? {
        guard let place = section.place("status") else { return nil }
        guard case .sequence = place.tree.content else {
            return place.read(or: nil, &findings) { tree throws(Complaint) in
                [try statusRange(tree)]
            }
        }
        return section.list("status", counts: 1...mostStatusRanges, &findings, statusRange)
    }
}

/// One header. Its value is never shown: it may be a secret.
private func header(_ member: Tree.Member) throws(Complaint) -> HTTPProbe.Header {
    let marks = Array("!#$%&'*+-.^_`|~".utf8)
    guard !member.key.isEmpty,
        member.key.utf8.allSatisfy({ isLetter($0) || isDigit($0) || marks.contains($0) })
    else {
        throw Complaint("\(quoted(member.key)) is not the name of a header")
    }
    let value = try text(member.value)
    guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        throw Complaint("a header's value has no line breaks and no control characters")
    }
    return HTTPProbe.Header(member.key, value)
}

/// `200` or `200-299`
private func statusRange(_ tree: Tree) throws(Complaint) -> ClosedRange<Int> {
    let text = try text(tree)
    let ends = text.split(separator: "-", omittingEmptySubsequences: false)
    let numbers = ends.compactMap { decimal($0, as: Int.self) }
    guard numbers.count == ends.count, numbers.count <= 2, let low = numbers.first,
        let high = numbers.last, HTTPProbe.statusCodes.contains(low),
        HTTPProbe.statusCodes.contains(high), low <= high
    else {
        let (least, most) = (HTTPProbe.statusCodes.lowerBound, HTTPProbe.statusCodes.upperBound)
        throw Complaint(
            "\(quoted(text)) is neither a status from \(least) to \(most) nor a range of them",
            "write 200 or \"200-299\"")
    }
    return low...high
}

private func methodName(_ tree: Tree) throws(Complaint) -> String {
    let text = try text(tree)
    let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
    guard (1...16).contains(text.utf8.count), text.utf8.allSatisfy(capitals.contains) else {
        throw Complaint("\(quoted(text)) is not a method", "write one such as GET or HEAD")
    }
    return text
}
