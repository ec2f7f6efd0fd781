import Foundation
import Testing

@Suite(
    "tests in virtual machines", .enabled(if: Nix.obstacle == nil, "\(Nix.obstacle ?? "")"))
struct TestScriptsTests {
    private static let names: [String] = {
        guard Nix.missing == nil else { return [] }
        let path = "\(Nix.repository.path)/nix/tests"
        let names = try? Nix.evaluate("builtins.attrNames (import \(path))")
        return names as? [String] ?? []
    }()

    @Test("have scripts that Python compiles, and that call what the tree's test driver has")
    func scripts() throws {
        let tree = try #require(Nix.tree)
        #expect(Self.names.count >= 5)
        for name in Self.names {
            let script = try Nix.evaluate("vm-test", "name = \"\(name)\";", "script")
            let folder = try Folder()
            let file = try folder.write("script.py", try #require(script as? String))
            let told = try run([
                "python3", "\(Nix.repository.path)/Tests/NixTests/Nix/check-script.py", file.path,
                tree,
            ])
            #expect(told.code == 0, "\(name): \(told.error)")
        }
    }

    @Test("their machines are configured well") func machines() throws {
        for name in Self.names {
            let nodes = try Nix.evaluate("vm-test", "name = \"\(name)\";", "nodes")
            for (node, report) in try #require(nodes as? [String: [String: Any]]) {
                // What the tree is too old for is said by the module itself, and is another test's.
                let assertions = try #require(report["assertions"] as? [String])
                    .filter { !$0.contains("it came with") }
                #expect(assertions == [], "\(name) \(node)")
                let json = try JSONSerialization.data(
                    withJSONObject: try #require(report["settings"]))
                let folder = try Folder()
                let file = try folder.write("regen.json", String(decoding: json, as: UTF8.self))
                let checked = try run([Nix.regen.path, "check", file.path])
                #expect(checked.code == 0, "\(name) \(node): \(checked.output)\(checked.error)")
            }
        }
    }
}
