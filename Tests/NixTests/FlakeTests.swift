import Foundation
import Testing

@Suite("the flake", .enabled(if: Nix.missing == nil, "\(Nix.missing ?? "")"))
struct FlakeTests {
    /// Asks for something about a copy of the flake that has all it needs and nothing that a build made.
    private func flake(_ words: String..., inputs: (String) -> [String: String]) throws -> Outcome {
        let folder = try Folder()
        let copy = folder.url.appending(path: "regen")
        try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: false)
        for name in [
            "Benchmarks", "Package.swift", "Sources", "Tests", "default.nix", "docs", "examples",
            "flake.nix", "nix",
        ] {
            try FileManager.default.copyItem(
                at: Nix.repository.appending(path: name), to: copy.appending(path: name))
        }
        let overrides = inputs("\(copy.path)/Tests/NixTests/Nix").sorted { $0.key < $1.key }
            .flatMap { ["--override-input", $0.key, "path:\($0.value)"] }
        let told = try run(
            [
                "nix", "--extra-experimental-features", "nix-command flakes", "--offline",
                "--store", folder.url.appending(path: "store").path, "flake",
            ] + words + ["path:\(copy.path)", "--no-write-lock-file"] + overrides)
        // A store is read only, and would stay.
        _ = try run(["chmod", "-R", "u+w", folder.url.path])
        return told
    }

    @Test("nix flake show succeeds with a stand-in for nixpkgs") func show() throws {
        let shown = try flake("show") { ["nixpkgs": "\($0)/nixpkgs"] }
        #expect(shown.code == 0, "\(shown.error)")
        for part in [
            "apps", "checks", "devShells", "formatter", "nixosConfigurations", "nixosModules",
            "overlays", "packages", "demo", "aarch64-linux", "package 'regen-", "own-upgrade",
        ] {
            #expect(shown.output.contains(part), "\(part)")
        }
    }

    @Test(
        "nix flake check succeeds, the virtual machine to try included, with a tree of nixpkgs",
        .enabled(if: Nix.obstacle == nil, "\(Nix.obstacle ?? "")"))
    func check() throws {
        let tree = try #require(Nix.tree)
        let checked = try flake("check", "--no-build") {
            ["nixpkgs": $0, "nixpkgs/tree": tree]
        }
        #expect(checked.code == 0, "\(checked.error)")
    }

    @Test(
        "who has no flakes gets the same package",
        .enabled(if: Nix.obstacle == nil, "\(Nix.obstacle ?? "")"))
    func withoutFlakes() throws {
        let tree = try #require(Nix.tree)
        let made = try Nix.evaluate(
            """
            let
              lib = import \(tree)/lib;
              pkgs = import \(Nix.repository.path)/Tests/NixTests/Nix/packages.nix { inherit lib; };
            in map (made: made.drvPath) [
              (import \(Nix.repository.path) { inherit pkgs; })
              (pkgs.callPackage \(Nix.repository.path)/nix/package.nix { })
            ]
            """)
        let paths = try #require(made as? [String])
        #expect(paths.count == 2 && paths.first == paths.last)
    }

    @Test(
        "an older Swift is refused with what to do",
        .enabled(if: Nix.obstacle == nil, "\(Nix.obstacle ?? "")"))
    func olderSwift() throws {
        let tree = try #require(Nix.tree)
        let error = #expect(throws: Nix.Complaint.self) {
            _ = try Nix.evaluate(
                """
                let
                  lib = import \(tree)/lib;
                  pkgs = import \(Nix.repository.path)/Tests/NixTests/Nix/packages.nix {
                    inherit lib; swiftVersion = "5.10.1";
                  };
                in (pkgs.callPackage \(Nix.repository.path)/nix/package.nix { }).pname
                """)
        }
        let text = try #require(error).text
        #expect(text.contains("Regen needs Swift 6.2 or newer, and this nixpkgs has 5.10.1"))
    }
}
