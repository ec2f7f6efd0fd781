import Foundation
import Glibc
import JSON
import Testing

/// A container that is like a NixOS as far as switching goes: its units are those of the generation that
/// runs, its profile is a real one of Nix's, and its switch-to-configuration (examples/stand-in) really
/// exchanges unit files and has systemd restart what has changed. Regen is one of its units.
final class NixMachine {
    let container: Container
    /// The generations' systems, as paths in the store: the first one runs.
    let good: String
    let bad: String

    private static let standIns = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("examples/stand-in").path

    /// Why there can be none here; `nil`: there can.
    static func obstacle(_ debian: Debian) -> String? {
        Container.obstacle(debian)
            ?? (access("/usr/bin/nix-store", X_OK) == 0 ? nil : "no nix-store: install nix-bin")
    }

    /// A system of that name: what its `web.service` runs, a shell script, and what is added to the
    /// section `[Service]` of its `regen.service`.
    struct System {
        let name: String
        let web: String
        var regen = ""
    }

    /// Boots it into `good`, the profile's only generation. `yaml` is Regen's configuration.
    init(_ debian: Debian, _ yaml: String, good: System, bad: System) throws {
        var paths: [String] = []
        container = try Container(
            debian,
            [
                "/nix": "root/nix", "/etc/regen": "etc", "/var/lib/regen": "state", "/srv": "srv",
            ]
        ) { directory in
            for folder in ["root/nix", "etc", "state", "srv"] {
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/\(folder)", withIntermediateDirectories: true)
            }
            try yaml.write(
                toFile: "\(directory)/etc/regen.yaml", atomically: false, encoding: .utf8)
            for system in [good, bad] { paths.append(try Self.make(system, in: directory)) }
        }
        (self.good, self.bad) = (paths[0], paths[1])
        try addGeneration(self.good)
        try enter(self.good)
        try inside("systemctl start regen")
    }

    /// What a boot does of a system, but for Regen: Debian's own has come up before it.
    private func enter(_ system: String) throws {
        try inside(
            """
            mv /etc/systemd/system /etc/systemd/system.debian
            mkdir -p /stand-in /run/nixos
            : > /etc/NIXOS
            ln -s '\(system)' /run/booted-system
            '\(system)/activate' '\(system)'
            systemctl daemon-reload
            systemctl start web
            """)
    }

    /// `nixos-rebuild boot` and a reboot: it comes up with `bad`, whose `web` has failed before Regen's first look.
    func rebootIntoBad() throws {
        try addGeneration(bad)
        _ = try container.run(["systemctl", "--no-block", "reboot"])
        try container.reboot()
        try enter(bad)
        try until("web has failed") { try self.property("ActiveState", of: "web") == "failed" }
        try inside("systemctl start regen")
    }

    private static func make(_ system: System, in directory: String) throws -> String {
        let (web, regen) = ("\(directory)/\(system.name)-web", "\(directory)/\(system.name)-regen")
        try "#!/bin/sh\n\(system.web)\n".write(toFile: web, atomically: false, encoding: .utf8)
        try Unit.service(system.regen).write(toFile: regen, atomically: false, encoding: .utf8)
        return try outside(
            [
                "\(standIns)/new-system", "\(directory)/root", system.name,
                "--service", "web=\(web)", "--unit", "regen.service=\(regen)",
            ], [:])
    }

    /// Runs a command of the host's and returns the first line that it prints.
    @discardableResult
    private static func outside(
        _ command: [String], _ environment: [String: String], input: String = ""
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"].merging(environment) { $1 }
        let (entry, exit) = (Pipe(), Pipe())
        process.standardInput = entry
        process.standardOutput = exit
        try process.run()
        try entry.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try entry.fileHandleForWriting.close()
        let text = exit.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command)")
        return String(decoding: text.prefix { $0 != 10 }, as: UTF8.self)
    }

    /// Makes a new generation of the system profile, as nixos-rebuild does: Nix is told of the path, and
    /// sets the profile.
    private func addGeneration(_ system: String) throws {
        let root = "\(container.directory)/root"
        let nix = [
            "NIX_REMOTE": "local?root=\(root)", "HOME": "/var/empty",
            "NIX_CONFIG": "substitute = false\nbuild-users-group =",
        ]
        let hash = try Self.outside(
            ["/usr/bin/nix-hash", "--type", "sha256", root + system], nix)
        // What it has to know of a path: the size, here not known, who made it, and its references.
        try Self.outside(
            ["/usr/bin/nix-store", "--load-db"], nix, input: "\(system)\n\(hash)\n0\n\n0\n")
        try Self.outside(
            [
                "/usr/bin/nix-env", "--profile", "\(root)/nix/var/nix/profiles/system", "--set",
                system,
            ], nix)
    }

    // MARK: - What happens to it

    /// Runs a script inside, which must come off; what it prints.
    @discardableResult
    func inside(_ script: String, at: SourceLocation = #_sourceLocation) throws -> String {
        let (status, output) = try container.run(["bash", "-ec", script])
        try #require(status == 0, "\(script): \(output)", sourceLocation: at)
        return output
    }

    /// What nixos-rebuild runs a switch-to-configuration by.
    static let systemdRun =
        "systemd-run -E LOCALE_ARCHIVE -E NIXOS_INSTALL_BOOTLOADER --collect --no-ask-password "
        + "--quiet --service-type=exec --unit=nixos-rebuild-switch-to-configuration"

    /// A deployment of the bad generation with `nixos-rebuild switch`. That a unit has failed then is no
    /// reason to worry for it.
    func deployBad() throws {
        try addGeneration(bad)
        let (status, output) = try container.run([
            "bash", "-c", "\(Self.systemdRun) --pipe '\(bad)/bin/switch-to-configuration' switch",
        ])
        try #require(status == 0 || status == 4, "\(output)")
    }

    /// An accident of a system's switch-to-configuration, as examples/stand-in/README.md has them.
    func knob(_ name: String, _ text: String = "", of system: String) throws {
        let folder = "\(container.directory)/root\(system)/stand-in"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        chmod("\(folder)/\(name)", 0o755)
    }

    // MARK: - How it is

    /// What `/run/current-system` leads to.
    var current: String {
        get throws { String(try inside("readlink -f /run/current-system").dropLast()) }
    }

    /// What the profile leads to.
    var profile: String {
        get throws {
            String(try inside("readlink -f /nix/var/nix/profiles/system").dropLast())
        }
    }

    /// A property of a unit's.
    func property(_ name: String, of unit: String) throws -> String {
        String(try inside("systemctl show -P \(name) \(unit)").dropLast())
    }

    /// The records that are on the disk, oldest first; none before there is a ledger.
    func records(_ event: String? = nil) throws -> [JSONValue] {
        guard FileManager.default.fileExists(atPath: container.ledger) else { return [] }
        return try container.records().filter { event == nil || $0["ev"]?.string == event }
    }

    /// Waits until the ledger has so many records of an event.
    func untilRecorded(_ event: String, times: Int = 1) throws {
        try until("recorded: \(event)") { try self.records(event).count >= times }
    }

    /// Waits until `condition` holds; where it does not in time, the journal is told.
    func until(_ what: String, _ condition: () throws -> Bool) throws {
        do { try container.until(what, condition) } catch {
            print(story)
            throw error
        }
    }

    /// What a person would want to read when a test fails: what happened, but for the crashes.
    private var story: String {
        let crashes = /process\.|restart\.|unit\.|web\.service/
        let commands = [
            "/opt/regen/regen ledger show -n 2000 /var/lib/regen", "journalctl --no-pager -o cat",
        ]
        return commands.compactMap { command in
            let output = try? container.run(["sh", "-c", command]).output
            return output?.split(separator: "\n").filter { !$0.contains(crashes) }.suffix(60)
                .joined(separator: "\n")
        }
        .joined(separator: "\n\n")
    }
}
