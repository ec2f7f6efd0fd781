import Linux

/// A unit's file and its drop-ins, as systemd would read them in one system.
struct UnitText: Equatable {
    /// Each file's name below the units' directory, and what is in it.
    struct Fragment: Equatable {
        var name: String
        var bytes: [UInt8]
    }

    /// The unit's own file first.
    var fragments: [Fragment] = []

    /// What came of reading one.
    enum Reading: Equatable {
        /// The system does not have the unit.
        case absent
        /// It has, and it could not be read whole.
        case unreadable
        /// It has.
        case text(UnitText)
    }

    /// The unit of a system.
    static func read(_ name: String, in view: SystemView) -> Reading {
        guard isName(name) else { return .unreadable }
        guard let file = own(name).first(where: { view.hasUnit($0) }) else { return .absent }
        var unit = UnitText()
        for fragment in [file] + view.dropIns(of: name).prefix(mostFragments) {
            guard let bytes = view.unitFile(fragment) else { return .unreadable }
            unit.fragments.append(Fragment(name: fragment, bytes: bytes))
        }
        return .text(unit)
    }

    /// What its `ExecStart=` lines say, as far as no later one takes them back.
    var execStart: [String] {
        var commands: [String] = []
        for fragment in fragments {
            var isService = false
            for line in Self.lines(fragment.bytes) {
                if line.hasPrefix("[") {
                    isService = line == "[Service]"
                } else if isService, let equals = line.firstIndex(of: "="),
                    Self.trimmed(line[..<equals]) == "ExecStart"
                {
                    let value = Self.trimmed(line[line.index(after: equals)...])
                    if value.isEmpty { commands = [] } else { commands.append(String(value)) }
                }
            }
        }
        return commands
    }

    /// The program of a command line, without what systemd reads in front of it.
    static func program(of command: String) -> String {
        let word = command.split { $0 == " " || $0 == "\t" }.first ?? ""
        return String(word.drop { "@-:+!|".contains($0) }.filter { $0 != "\"" && $0 != "'" })
    }

    /// The store paths that a command line names.
    static func storePaths(in command: String) -> Set<String> {
        var paths: Set<String> = []
        var rest = command[...]
        while let start = rest.firstRange(of: AbsolutePath.store) {
            let name = rest[start.upperBound...].prefix(mostNameLength).prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber || "+-._?=".contains($0))
            }
            if !name.isEmpty { paths.insert(AbsolutePath.store + name) }
            rest = rest[start.upperBound...].dropFirst(name.count)
        }
        return paths
    }

    /// Names below the units' directory where a unit's own file may be: `web@a.service` may be an
    /// instance of `web@.service`.
    private static func own(_ name: String) -> [String] {
        [name] + [template(name)].compactMap { $0 }
    }

    /// Where its drop-ins may be (systemd.unit(5)): of all of its type, of those that begin alike up
    /// to a dash, of its template, its own.
    static func dropInDirectories(of name: String) -> [String] {
        let type = name.lastIndex(of: ".").map { name[name.index(after: $0)...] } ?? ""
        let stem = name.prefix { $0 != "@" && $0 != "." }
        let dashes = stem.indices.filter {
            stem[$0] == "-" && stem.index(after: $0) < stem.endIndex
        }
        return
            (["\(type).d"] + dashes.map { "\(stem[...$0]).\(type).d" }
            + own(name).reversed().map { "\($0).d" })
    }

    private static func template(_ name: String) -> String? {
        guard let at = name.firstIndex(of: "@"), let dot = name.lastIndex(of: "."), at < dot
        else { return nil }
        let template = String(name[...at] + name[dot...])
        return template == name ? nil : template
    }

    private static func isName(_ name: String) -> Bool {
        name.utf8.count <= mostNameLength && name.contains(".") && !name.hasPrefix(".")
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 }
    }

    /// Lines, continued ones in one, without comments.
    private static func lines(_ bytes: [UInt8]) -> [Substring] {
        var lines: [Substring] = []
        var begun = ""
        for raw in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let line = trimmed(raw)
            if line.hasPrefix("#") || line.hasPrefix(";") { continue }
            if line.hasSuffix("\\") {
                begun += line.dropLast() + " "
            } else {
                lines.append(begun.isEmpty ? line : begun + line)
                begun = ""
            }
        }
        return lines
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        let start = text.drop(while: isSpace)
        return start.lastIndex { !isSpace($0) }.map { start[...$0] } ?? ""
    }

    /// Drop-ins that are read; a unit with more is compared by the first.
    private static let mostFragments = 64
    private static let mostNameLength = 255
}

extension SystemView {
    private var units: String { "\(system)/etc/systemd/system" }

    fileprivate func hasUnit(_ name: String) -> Bool {
        (try? tree.status(ofLink: "\(units)/\(name)")) != nil
    }

    /// What is in a file of the units' directory. One that is masked says nothing; `nil`: it cannot be
    /// read, or is longer than what is read.
    fileprivate func unitFile(_ name: String) -> [UInt8]? {
        let path = "\(units)/\(name)"
        if tree.linkTarget(path) == "/dev/null" { return [] }
        guard let place = resolve(path),
            let bytes = try? tree.beginning(of: place, most: Self.longestUnit + 1)
        else { return nil }
        return bytes.count <= Self.longestUnit ? bytes : nil
    }

    fileprivate func dropIns(of name: String) -> [String] {
        UnitText.dropInDirectories(of: name).flatMap { directory in
            let names = try? tree.names(in: "\(units)/\(directory)", most: Self.mostNames)
            return (names ?? []).filter { $0.hasSuffix(".conf") }.sorted()
                .map { "\(directory)/\($0)" }
        }
    }

    private static let longestUnit = 256 << 10
    private static let mostNames = 256
}
