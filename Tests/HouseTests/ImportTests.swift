import Foundation
import Testing

/// The house's rule of who may import whom, as docs/architecture.md draws it.
private let rooms: [String: Set<String>] = [
    "Supervision": [],
    "JSON": ["CJansson"],
    "SafeSwitch": ["Supervision"],
    "Configuration": ["Supervision", "SafeSwitch", "JSON"],
    "Linux": ["CLinux", "Glibc"],
    "Systemd": ["Linux", "CSystemd"],
    "NixOS": ["Linux", "JSON", "SafeSwitch"],
    "Ledger": ["Linux", "JSON", "COpenSSL"],
    "Records": ["Supervision", "SafeSwitch", "Ledger", "JSON"],
    "Control": ["Linux", "JSON"],
    "Worker": ["Linux", "JSON", "Configuration", "Supervision"],
    "Probing": ["Linux", "Configuration", "Worker", "JSON", "Supervision", "Systemd"],
    "Daemon": [
        "Supervision", "Configuration", "JSON", "Linux", "Ledger", "Records", "Control", "Worker",
        "Probing", "SafeSwitch", "NixOS", "Systemd",
    ],
    "Network": [
        "Worker", "Configuration", "Supervision", "Linux", "JSON", "CCurl", "COpenSSL",
    ],
    "Commands": [
        "Supervision", "SafeSwitch", "NixOS", "Configuration", "JSON", "Linux", "Ledger", "Records",
        "Control", "Systemd", "ArgumentParser", "Yams",
    ],
    "regend": ["Daemon"],
    "regen-net": ["Network"],
    "regen": ["Commands"],
]

/// What comes with the compiler or the system and so is nobody's dependency in Package.swift.
private let given: Set<String> = ["Glibc", "Synchronization"]

/// Modules that a room may import.
private func allowed(in room: String) -> Set<String>? {
    guard let modules = rooms[room] else { return nil }
    return room == "Supervision" ? modules : modules.union(["Synchronization"])
}

/// What is wrong with a file of a room, one complaint an import.
private func complaints(room: String, file: String, text: String) -> [String] {
    guard let allowed = allowed(in: room) else { return ["\(file): no room is called \(room)"] }
    let pattern =
        /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
    return text.split(separator: "\n").compactMap { line in
        guard let match = line.firstMatch(of: pattern), !allowed.contains(String(match.1))
        else { return nil }
        return "\(file): \(room) may not import \(match.1)"
    }
}

/// The modules that Package.swift gives a target; `nil` when it has no such target.
private func dependencies(of target: String, in package: String) -> Set<String>? {
    let starts = [
        "room(\"\(target)\"", "room(\n\"\(target)\"", ".executableTarget(name:\"\(target)\"",
    ]
    let dense = package.replacing(/[ \t]/, with: "")
    for start in starts {
        guard let found = dense.range(of: start) else { continue }
        var depth = 1
        let rest = dense[found.upperBound...].prefix { character in
            depth += character == "(" ? 1 : character == ")" ? -1 : 0
            return depth > 0
        }
        let names = rest.replacing(/package:"[^"]*"/, with: "").matches(of: /"([^"]*)"/)
        return Set(names.map { String($0.1) })
    }
    return nil
}

@Suite("the house") struct ImportTests {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func sources() throws -> [(room: String, path: String, text: String)] {
        let folder = root.appending(path: "Sources")
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        return try paths.filter { $0.hasSuffix(".swift") }.map { path in
            let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
            return (String(path.prefix { $0 != "/" }), path, text)
        }
    }

    @Test("every file imports only what its room may") func imports() throws {
        let sources = try sources()
        #expect(sources.count > rooms.count)
        let found = sources.flatMap { complaints(room: $0.room, file: $0.path, text: $0.text) }
        #expect(found == [])
    }

    @Test("Package.swift gives each room just what the table allows") func manifest() throws {
        let package = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        for (room, modules) in rooms {
            #expect(
                dependencies(of: room, in: package) == modules.subtracting(given), "room \(room)")
        }
    }

    @Test(
        "a planted import is found",
        arguments: [
            ("Supervision", "import Glibc"), ("Supervision", "internal import Synchronization"),
            ("Configuration", "public import Linux"),
            ("Records", "private import struct Linux.File"),
            ("Ledger", "import Foundation"), ("Daemon", "@preconcurrency import Commands"),
            ("Commands", "  import Daemon"), ("Elsewhere", "let nothing = 0"),
            ("regen", "@_spi(Testing) public import Yams"), ("Control", "import func Glibc.open"),
        ])
    func planted(room: String, line: String) {
        let text =
            "// A comment that says import Foundation\n\(line)\nlet word = \"import Glibc\"\n"
        #expect(complaints(room: room, file: "planted.swift", text: text).count == 1)
    }

    @Test("a planted dependency is seen") func plantedDependency() {
        let package = """
            room("JSON", ["CJansson", "Linux"]),
            room(
                "Commands",
                [
                    "Daemon", .product(name: "Yams", package: "yams"),
                ]),
            .executableTarget(name: "regen", dependencies: ["Commands"], swiftSettings: strict),
            """
        #expect(dependencies(of: "JSON", in: package) == ["CJansson", "Linux"])
        #expect(dependencies(of: "Commands", in: package) == ["Daemon", "Yams"])
        #expect(dependencies(of: "regen", in: package) == ["Commands"])
        #expect(dependencies(of: "Control", in: package) == nil)
    }

    @Test("what is allowed is not complained about") func quiet() {
        let text = "import Linux\npublic import JSON\nprivate import Synchronization\n"
        #expect(complaints(room: "Ledger", file: "fine.swift", text: text) == [])
    }
}
