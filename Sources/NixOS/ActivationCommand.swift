public import SafeSwitch

/// How switch-to-configuration is run. Nothing but its own end ends it: it gets a session of its own
/// and a file for its output, and outlives the daemon.
public struct ActivationCommand: Equatable, Sendable {
    /// The program and its arguments.
    public let command: [String]
    /// The whole environment, as `NAME=value`.
    public let environment: [String]

    /// The run of a system's switch-to-configuration in a switch. `localeArchive`: the daemon's own
    /// `LOCALE_ARCHIVE`, which NixOS's tools hand on, too.
    public init(
        root: SystemRoot, system: String, activation: Activation, flight: Int,
        localeArchive: String?
    ) {
        command = [root.directory + Self.program(of: system), activation.rawValue]
        environment =
            [Self.path, "NIXOS_INSTALL_BOOTLOADER=0"]
            + (localeArchive.map { ["LOCALE_ARCHIVE=\($0)"] } ?? []) + Self.rootMark(root)
            + [Self.mark(of: flight)]
    }

    /// The switch that a process with this environment belongs to; `nil`: to none of this root's.
    /// What it starts inherits the environment, so look only at leaders of a session.
    public static func flight(in environment: [String], root: SystemRoot) -> Int? {
        guard environment.filter({ $0.hasPrefix(rootName) }) == rootMark(root) else { return nil }
        let flights = environment.filter { $0.hasPrefix(mark) }
        return flights.count == 1 ? Int(flights[0].dropFirst(mark.utf8.count)) : nil
    }

    /// The unit in which nixos-rebuild runs it, and we do where PID 1 is systemd: who has the name
    /// switches, and nobody else.
    public static let unit = "nixos-rebuild-switch-to-configuration.service"

    /// The switch's mark, which every line of its output has in the journal, too.
    public static func mark(of flight: Int) -> String { mark + String(flight) }

    /// Where its output is appended where it is in no unit, below the state directory.
    public static func log(state: String, flight: Int) -> String {
        "\(state)/switch/\(flight).log"
    }

    /// Whether this can be a system's path: one right in the Nix store, and written as nothing else.
    public static func isSystem(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 4 && path.hasPrefix(AbsolutePath.store)
            && !["", ".", ".."].contains(parts[3])
    }

    /// switch-to-configuration of a system.
    static func program(of system: String) -> String { "\(system)/bin/switch-to-configuration" }

    /// NixOS's places for programs, and then everybody else's.
    static let path =
        "PATH=/run/wrappers/bin:/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin"
        + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    private static let mark = "REGEN_SWITCH="
    private static let rootName = "REGEN_ROOT="

    private static func rootMark(_ root: SystemRoot) -> [String] {
        root.directory.isEmpty ? [] : [rootName + root.directory]
    }
}
