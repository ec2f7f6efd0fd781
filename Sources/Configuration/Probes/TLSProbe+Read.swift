import Supervision

extension TLSProbe {
    init(_ place: Place, _ findings: inout Findings) {
        self.init(.file("/"))
        guard case .mapping = place.tree.content else {
            source = place.read(or: source, &findings, TLSProbe.server)
            return
        }
        let section = Section(
            place, keys: ["server", "file", "days", "names"] + ProbePolicy.keys, &findings)
        if section.exactlyOne(of: ["server", "file"], &findings) == "server" {
            source = section.read("server", or: source, &findings, TLSProbe.server)
        } else {
            source = section.read("file", or: source, &findings) { tree throws(Complaint) in
                .file(try absolutePath(tree))
            }
        }
        days = section.read("days", or: days, &findings, integer(0...TLSProbe.mostDays))
        names =
            section.list("names", counts: 0...TLSProbe.mostNames, &findings, certificateName)
            ?? names
    }

    private static func server(_ tree: Tree) throws(Complaint) -> Source {
        let address = try Address.parse(tree)
        return .server(host: address.host, port: address.port)
    }
}

/// A name or address as certificates have them: `example.org`, `*.example.org`, `::1`.
private func certificateName(_ tree: Tree) throws(Complaint) -> String {
    let text = try text(tree)
    let marks = [colon, UInt8(ascii: "*")]
    guard (1...longestHostName).contains(text.utf8.count),
        text.utf8.allSatisfy({ isNameByte($0) || marks.contains($0) })
    else { throw Complaint("\(quoted(text)) is not a name that a certificate can have") }
    return text
}
