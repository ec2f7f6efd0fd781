import Foundation
import Glibc
import JSON
import Testing

/// Stand-in systems below the scratch directory, which the daemon takes for the machine's root.
extension Installation {
    private static let standIns = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("examples/stand-in").path

    /// Runs a program below the scratch directory's root; its exit status and its first line.
    @discardableResult
    func outside(
        _ program: String, _ arguments: [String]
    ) throws -> (status: Int32, line: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = [
            "REGEN_ROOT": directory, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let line = String(decoding: text.prefix { $0 != 10 }, as: UTF8.self)
        return (process.terminationStatus, line)
    }

    /// Makes a system whose service `web` is this script: its path in the store.
    func system(
        _ name: String, web script: String, options: [String] = []
    ) throws -> String {
        try make("\(name)-web", "#!/bin/sh\n\(script)\n")
        let made = try outside(
            "\(Self.standIns)/new-system",
            [directory, name, "--service", "web=\(programs)/\(name)-web"] + options)
        try #require(made.status == 0)
        return made.line
    }

    /// Adds a generation that leads to the system, as `nix-env --set` does: its number.
    @discardableResult
    func generation(_ system: String) throws -> Int {
        let made = try outside("\(Self.standIns)/new-generation", [directory, system, "--set"])
        return try #require(Int(made.line))
    }

    /// Boots the generation, or else the default.
    func boot(_ generation: Int? = nil) throws {
        let number = generation.map { ["\($0)"] } ?? []
        try #require(try outside("\(Self.standIns)/boot", [directory] + number).status == 0)
    }

    /// Everything ends at once, and the machine boots into the generation, or else its default.
    func reboot(into generation: Int? = nil) throws {
        abandon()
        try boot(generation)
        try startInNewBoot()
    }

    /// The daemon starts and believes that the machine has booted again. Needs root.
    func startInNewBoot() throws {
        try "\(UUID().uuidString.lowercased())\n".write(
            toFile: "\(directory)/boot-id", atomically: true, encoding: .utf8)
        try startInSameBoot()
    }

    /// The daemon starts and believes to be in that boot. Below `sys` of the scratch directory is what
    /// it sees of /sys/class/watchdog and /sys/fs/pstore, where there is something.
    func startInSameBoot() throws {
        var mounts = [("boot-id", "/proc/sys/kernel/random/boot_id")]
        for folder in ["class/watchdog", "fs/pstore"]
        where FileManager.default.fileExists(atPath: "\(directory)/sys/\(folder)") {
            mounts.append(("sys/\(folder)", "/sys/\(folder)"))
        }
        let script = mounts.map { "mount --bind \(directory)/\($0.0) \($0.1)" }
            .joined(separator: " && ")
        try launch(
            below: "exec unshare -m /bin/sh -c '\(script) && exec \"$0\" run --config \"$@\"' "
                + "\"$0\" \"$@\"")
        try until("the daemon answers") { (try? self.status()) != nil }
    }

    /// Runs switch-to-configuration of a system, as a deployment does: its exit status.
    @discardableResult
    func deploy(_ system: String, _ action: String = "switch") throws -> Int32 {
        try outside("\(directory)\(system)/bin/switch-to-configuration", [action]).status
    }

    /// What `/run/current-system` leads to, as a path in the store.
    var currentSystem: String { inside("\(directory)/run/current-system") }

    /// The number of the profile's generation.
    var profile: Int? {
        let link = try? FileManager.default.destinationOfSymbolicLink(
            atPath: "\(directory)/nix/var/nix/profiles/system")
        return link?.split(separator: "-").dropFirst().first.flatMap { Int($0) }
    }

    private func inside(_ path: String) -> String {
        let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        return String(real.dropFirst(directory.count))
    }

    /// An accident of switch-to-configuration: a file of `stand-in/`, of the whole root or a system.
    func knob(_ name: String, _ text: String = "", of system: String = "") throws {
        let folder = "\(directory)\(system)/stand-in"
        for folder in ["\(directory)/stand-in", folder] {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        }
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }

    /// Each line of what switch-to-configuration wrote down, without its pid.
    var switchLog: [String] {
        text("var/log/switch-to-configuration.log").split(separator: "\n").map {
            $0.split(separator: " ").dropFirst().joined(separator: " ")
        }
    }
}
