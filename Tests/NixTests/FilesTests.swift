import Foundation
import Testing

@Suite("files for Nix", .enabled(if: Nix.missing == nil, "\(Nix.missing ?? "")"))
struct FilesTests {
    private func text(_ path: String) throws -> String {
        try String(contentsOf: Nix.repository.appending(path: path), encoding: .utf8)
    }

    /// All files that end so, but for what a build has made.
    private func files(_ suffix: String) throws -> [String] {
        let root = try FileManager.default.contentsOfDirectory(atPath: Nix.repository.path)
        return root.filter { !$0.hasPrefix(".") }.flatMap { name in
            let path = Nix.repository.appending(path: name).path
            let below = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
            return [name] + below.map { "\(name)/\($0)" }
        }.filter { $0.hasSuffix(suffix) }
    }

    @Test("each of them parses") func parse() throws {
        let files = try files(".nix")
        #expect(files.count > 15)
        for file in files {
            let told = try run([
                "nix-instantiate", "--parse", Nix.repository.appending(path: file).path,
            ])
            #expect(told.code == 0, "\(file): \(told.error)")
        }
    }

    @Test("nobody has committed a lock that was not made with the real nixpkgs") func lock() throws
    {
        #expect(try files("flake.lock") == [])
    }

    @Test("the Swift packages are the ones of Package.swift, in the layout of nixpkgs' hook")
    func packages() throws {
        let state = try Nix.evaluate(
            """
            (import \(Nix.repository.path)/nix/swift-packages.nix {
              lib.toLower = x: if x == "Yams" then "yams" else x;
              fetchFromGitHub = x: x; writeText = n: t: t; linkFarm = n: l: { };
            })
            """)
        let root = try #require(state as? [String: Any])
        let packages = try #require(root["packages"] as? [String: [String: Any]])
        let manifest = try text("Package.swift")
        let wanted = manifest.matches(of: /\.package\(url: "([^"]*)", exact: "([^"]*)"\)/)
        #expect(wanted.count == packages.count)
        for match in wanted {
            let name = try #require(match.1.split(separator: "/").last)
            let package = try #require(packages[String(name)])
            #expect(package["location"] as? String == String(match.1))
            #expect(package["version"] as? String == String(match.2))
        }
        let object = try #require((root["state"] as? [String: Any])?["object"] as? [String: Any])
        let dependencies = try #require(object["dependencies"] as? [[String: Any]])
        for dependency in dependencies {
            let place = try #require(dependency["subpath"] as? String)
            #expect(packages[place] != nil)
            #expect((dependency["state"] as? [String: Any])?["name"] as? String == "edited")
        }
    }

    @Test("the package has the version of the program") func version() throws {
        let told = try run([Nix.regen.path, "--version"])
        let version = told.output.dropFirst("regen ".count).dropLast()
        #expect(try text("nix/package.nix").contains("version = \"\(version)\";"))
    }
}
