import Foundation
import Testing

/// docs/nixos-options.md and .json are what the module says; with REGEN_WRITE_SNAPSHOTS set they are
/// written anew, to be looked at in the diff.
@Suite(
    "the options' documentation", .enabled(if: Nix.obstacle == nil, "\(Nix.obstacle ?? "")"))
struct OptionsTests {
    private let isWriting = ProcessInfo.processInfo.environment["REGEN_WRITE_SNAPSHOTS"] != nil

    private func made(_ part: String) throws -> Any {
        let tree = try #require(Nix.tree)
        return try Nix.evaluate(
            "(import \(Nix.repository.path)/nix/options.nix { lib = import \(tree)/lib; }).\(part)")
    }

    private func expect(_ name: String, _ text: String) throws {
        let file = Nix.repository.appending(path: "docs/\(name)")
        if isWriting { try text.write(to: file, atomically: true, encoding: .utf8) }
        #expect(
            try String(contentsOf: file, encoding: .utf8) == text,
            "docs/\(name) is out of date: run this with REGEN_WRITE_SNAPSHOTS=1")
    }

    @Test("is up to date for people") func markdown() throws {
        try expect("nixos-options.md", try #require(try made("markdown") as? String))
    }

    @Test("is up to date for programs") func json() throws {
        let json = try JSONSerialization.data(
            withJSONObject: try made("json"),
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        try expect("nixos-options.json", String(decoding: json, as: UTF8.self) + "\n")
    }

    /// Forms of a key that has several, which Nix keeps no options of, and what Regen ignores.
    private static let untyped: Set = [
        "clusters", "command.command", "command.contains", "command.exit", "crash_loop.crashes",
        "crash_loop.within", "log.path", "log.size", "notify.watchdog", "tcp.host", "tcp.port",
    ]

    @Test("has each key of the configuration's reference") func complete() throws {
        let options = try #require(try made("json") as? [[String: Any]])
        let names = options.compactMap { $0["name"] as? String }
        let file = Nix.repository.appending(path: "docs/configuration.md")
        let keys = try String(contentsOf: file, encoding: .utf8)
            .matches(of: /(?m)^\| `([a-z_.]+)` \|/).map { String($0.1) }
        #expect(keys.count > 100)
        let missing = keys.filter { key in !names.contains { $0.hasSuffix(".\(key)") } }
        #expect(Set(missing) == Self.untyped)
    }

    @Test("has a description for each option") func described() throws {
        let options = try #require(try made("json") as? [[String: Any]])
        #expect(options.count > 100)
        for option in options where (option["description"] as? String ?? "").isEmpty {
            Issue.record("\(option["name"] ?? "") has no description")
        }
    }
}
