import Foundation
import Testing

/// What a program left behind.
struct Outcome {
    var code: Int32
    var output: String
    var error: String

    /// Its output, a JSON object.
    func json() throws -> NSDictionary? {
        try JSONSerialization.jsonObject(with: Data(output.utf8)) as? NSDictionary
    }
}

/// Runs a program that is found in PATH, or by its path, and waits for its end.
func run(_ words: [String], environment: [String: String] = [:]) throws -> Outcome {
    let folder = try Folder()
    let (output, error) = (try folder.write("output", ""), try folder.write("error", ""))
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = words
    process.environment = ProcessInfo.processInfo.environment
        .merging(["HOME": folder.url.path, "NO_COLOR": "1"]) { $1 }
        .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: error)
    try process.run()
    process.waitUntilExit()
    return Outcome(
        code: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
        error: try String(contentsOf: error, encoding: .utf8))
}

/// A directory that goes with the test.
final class Folder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "regen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> URL {
        let file = url.appending(path: name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file
    }
}

/// Nix, which evaluates and never builds here, and the tree that it evaluates.
enum Nix {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The `regen` that was built together with these tests.
    static let regen = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "regen")

    /// A directory with nixpkgs' `lib` and `nixos`.
    static let tree = ProcessInfo.processInfo.environment["NIXPKGS"]

    /// Why nothing can be evaluated; `nil`: it can.
    static let obstacle: String? = {
        if let missing { return missing }
        guard let tree else { return "say NIXPKGS=PATH, a nixpkgs tree, to evaluate the module" }
        let isTree = FileManager.default.fileExists(
            atPath: "\(tree)/nixos/lib/eval-config.nix")
        return isTree ? nil : "NIXPKGS=\(tree) has no nixos/lib/eval-config.nix"
    }()

    /// Why not even a file can be parsed.
    static let missing: String? = {
        let found = try? run(["nix-instantiate", "--version"])
        return found?.code == 0 ? nil : "nix-instantiate is not there (Debian: nix-bin)"
    }()

    /// What an expression is, as JSON. Throws `Complaint` with what Nix says against it.
    static func evaluate(_ expression: String) throws -> Any {
        let told = try run([
            "nix-instantiate", "--eval", "--strict", "--json", "--store", "dummy://", "-E",
            expression,
        ])
        guard told.code == 0 else { throw Complaint(text: told.error) }
        return try JSONSerialization.jsonObject(
            with: Data(told.output.utf8), options: .fragmentsAllowed)
    }

    struct Complaint: Error {
        let text: String
    }

    /// `attribute` of what `Nix/NAME.nix` makes of its arguments.
    static func evaluate(_ name: String, _ arguments: String, _ attribute: String) throws -> Any {
        let tree = try #require(tree)
        return try evaluate(
            """
            (import \(repository.path)/Tests/NixTests/Nix/\(name).nix {
              tree = \(tree); repository = \(repository.path); \(arguments)
            }).\(attribute)
            """)
    }
}

/// A NixOS with this in its configuration.
struct Machine {
    let module: String
    /// What it is built on.
    var builder = "x86_64-linux"

    /// `services.regen` with nginx, which is protected, and this besides.
    init(_ more: String = "", regen: String = "") {
        module = """
            { lib, pkgs, ... }: {
              services.nginx.enable = true;
              services.regen = { enable = true; protect = [ "nginx" ]; \(regen) };
              \(more)
            }
            """
    }

    init(module: String) { self.module = module }

    private func look<Value>(_ attribute: String) throws -> Value {
        let folder = try Folder()
        let file = try folder.write("module.nix", module)
        let found = try Nix.evaluate(
            "evaluate", "modules = [ \(file.path) ]; builder = \"\(builder)\";",
            "report.\(attribute)")
        return try #require(found as? Value)
    }

    func assertions() throws -> [String] { try look("assertions") }
    func warnings() throws -> [String] { try look("warnings") }
    func units() throws -> [String: String] { try look("units") }
    func settings() throws -> [String: Any] { try look("settings") }
    func scripts() throws -> [String: String] { try look("scripts") }
    func preSwitchChecks() throws -> [String: String] { try look("preSwitchChecks") }
    func check() throws -> String { try look("check") }

    /// What `regen check` says of the configuration that a build would check.
    func checked(_ more: String...) throws -> Outcome {
        let folder = try Folder()
        let json = try JSONSerialization.data(withJSONObject: try settings(), options: .sortedKeys)
        let file = try folder.write("regen.json", String(decoding: json, as: UTF8.self))
        return try run([Nix.regen.path, "check", file.path] + more)
    }
}

/// A unit's settings by section and key; what is there several times is joined.
struct UnitText {
    private(set) var settings: [String: [String: String]] = [:]

    init(_ text: String) {
        var section = ""
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if line.hasPrefix("[") {
                section = String(line.dropFirst().dropLast())
            } else if let equals = line.firstIndex(of: "=") {
                let key = String(line[..<equals])
                let value = String(line[line.index(after: equals)...])
                let before = settings[section]?[key].map { "\($0) " } ?? ""
                settings[section, default: [:]][key] = before + (value == "yes" ? "true" : value)
            }
        }
    }

    subscript(section: String, key: String) -> String? { settings[section]?[key] }
}
