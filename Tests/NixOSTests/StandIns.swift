import Foundation
import Glibc
import Linux
import NixOS
import SafeSwitch
import Testing

/// A machine of stand-in systems in a directory of its own, which goes with it.
final class StandIns {
    let root: String
    var deeds: Deeds { Deeds(root: SystemRoot(root)) }
    var profiles: String { "\(root)/nix/var/nix/profiles" }

    init() throws {
        let manager = FileManager.default
        let place = manager.temporaryDirectory.resolvingSymlinksInPath().path
        root = "\(place)/regen-systems-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try manager.createDirectory(atPath: root, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    static let scripts = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "examples/stand-in").path

    /// What a command printed; throws unless it ends with 0.
    @discardableResult
    func run(_ command: [String], _ environment: [String: String] = [:]) throws -> String {
        let (status, output) = try attempt(command, environment)
        guard status == 0 else { throw Failed(command: command, status: status, output: output) }
        return output.trimmingCharacters(in: .newlines)
    }

    /// How a command ended, and what it printed. Looked for in PATH.
    func attempt(
        _ command: [String], _ environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String) {
        let process = process(command, environment)
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Starts a command, whose output nobody reads.
    func start(_ command: [String], _ environment: [String: String] = [:]) throws -> Process {
        let process = process(command, environment)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func process(_ command: [String], _ environment: [String: String]) -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        return process
    }

    struct Failed: Error {
        let command: [String]
        let status: Int32
        let output: String
    }

    /// A system; `options` are those of new-system.
    func system(_ name: String, _ options: String...) throws -> String {
        try run([Self.scripts + "/new-system", root, name] + options)
    }

    /// A generation; its number.
    @discardableResult
    func generation(_ system: String, _ options: String...) throws -> Int {
        Int(try run([Self.scripts + "/new-generation", root, system] + options))!
    }

    /// Boots what is the default.
    func boot() throws { try run([Self.scripts + "/boot", root]) }

    /// Generations 1 and 2, of which 2 is the default.
    func twoGenerations() throws -> (first: String, second: String) {
        let systems = (try system("one"), try system("two"))
        try generation(systems.0)
        try generation(systems.1, "--set")
        return systems
    }

    /// The exit code of a system's switch-to-configuration.
    func activate(
        _ system: String, _ action: String, _ environment: [String: String] = [:]
    ) throws -> Int32 {
        try attempt(
            ["\(root)\(system)/bin/switch-to-configuration", action],
            environment.merging(["REGEN_ROOT": root]) { $1 }
        ).status
    }

    /// What a link below the root says; `nil`: there is none.
    func link(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: root + path)
    }

    /// What the system profile's link says.
    var profile: String? { link("/nix/var/nix/profiles/system") }

    /// The store path of the running system.
    var current: String? { link("/run/current-system").map { String($0.dropFirst(2)) } }

    /// Everything in the profile's directory.
    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: profiles).sorted()
    }

    /// Writes a file below the root, and the directories above it.
    func write(_ path: String, _ text: String = "", mode: Int = 0o644) throws {
        let manager = FileManager.default
        try manager.createDirectory(
            atPath: URL(filePath: root + path).deletingLastPathComponent().path,
            withIntermediateDirectories: true)
        try text.write(toFile: root + path, atomically: false, encoding: .utf8)
        try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: root + path)
    }

    /// The text of a file below the root.
    func text(_ path: String) throws -> String {
        try String(contentsOfFile: root + path, encoding: .utf8)
    }

    /// Takes something away below the root.
    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: root + path) }

    /// Waits for what another process does.
    func until(_ what: String, _ condition: () -> Bool) throws {
        for _ in 0..<1000 {
            if condition() { return }
            usleep(10_000)
        }
        throw Failed(command: ["wait until", what], status: -1, output: "it did not come")
    }

    func exists(_ path: String) -> Bool { access(root + path, F_OK) == 0 }
}

/// Whether a failure is one, and says this.
func fails(_ outcome: DeedOutcome, isTransient: Bool, _ words: String) -> Bool {
    guard case .failed(let said, isTransient) = outcome else { return false }
    return said.contains(words)
}
