import Foundation
import JSON
import Testing

/// A container with regend, units to look after, and none of Nix.
fileprivate final class Practice {
    let unit: Unit

    private static let own = "services:\n  own: { command: [/srv/tidy, own], user: root }\n"

    /// What regend is not started with: it would tell of much of it itself.
    private static let yaml =
        own + """
              plain: { unit: plain.service }
              gone: { unit: no-such.service }
              masked: { unit: masked.service }
              none: { unit: lonely@*.service }
              many: { unit: worker@*.service }
              left: { unit: careless.service, restarts: systemd }
              once: { unit: once.service }
              fatal: { unit: fatal.service }
            """

    private static let units = [
        "plain.service": "[Service]\nExecStart=/bin/sleep 1000\nRestart=on-failure\n",
        "lonely@.service": "[Service]\nExecStart=/bin/sleep 1000\n",
        "worker@.service": "[Service]\nExecStart=/bin/sleep 1000\n",
        "careless.service": "[Service]\nExecStart=/bin/sleep 1000\n",
        "once.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
        "fatal.service":
            "[Unit]\nFailureAction=reboot\n[Service]\nExecStart=/bin/sleep 1000\n",
    ]

    init(_ debian: Debian) throws {
        unit = try Unit(debian, Self.own)
        for (name, text) in Self.units {
            try text.write(
                toFile: "\(unit.container.directory)/units/\(name)", atomically: false,
                encoding: .utf8)
        }
        try Self.yaml.write(
            toFile: "\(unit.container.directory)/etc/regen.yaml", atomically: false,
            encoding: .utf8)
        try sh("systemctl daemon-reload; systemctl start plain worker@1 worker@2")
        try sh("ln -s /dev/null /run/systemd/system/masked.service; systemctl daemon-reload")
    }

    func sh(_ script: String) throws {
        let (status, output) = try unit.container.run(["bash", "-c", script])
        try #require(status == 0, "\(script): \(output)")
    }

    /// What `regen doctor` finds: `ok …`, by check; and how it ends.
    func visit(as user: String = "root") throws -> (status: Int32, lines: [String: [String]]) {
        let (status, output) = try unit.container.run([
            "setpriv", "--reuid", user, "--clear-groups", "/opt/regen/regen", "doctor", "--json",
        ])
        let json = try JSONValue.parse(Array(output.utf8), limit: 1 << 20)
        var lines: [String: [String]] = [:]
        for finding in try #require(json.array, "\(output)") {
            let check = try #require(finding["check"]?.string)
            let words = ["verdict", "found", "fix"].compactMap { finding[$0]?.string }
            lines[check, default: []].append(words.joined(separator: " | "))
        }
        return (status, lines)
    }

    /// All of it, one after the other: a boot takes longer than the rest.
    func play(_ debian: Debian) throws {
        try healthy(debian)
        try unprivileged()
        try withoutBus()
        try withoutDaemon()
    }

    private func healthy(_ debian: Debian) throws {
        let (status, lines) = try visit()
        func expect(_ check: String, _ start: String, at: SourceLocation = #_sourceLocation) {
            let own = lines[check] ?? []
            #expect(
                own.count == 1 && own[0].hasPrefix(start), "\(check): \(own)", sourceLocation: at)
        }
        #expect(status == 1, "units that cannot be healed are faults")
        let version = debian == .bookworm ? "252" : "257"
        expect("systemd", "ok | systemd \(version)")
        expect("bus", "ok | PID 1 answers")
        expect("daemon", "ok | regend")
        expect("ledger", "ok | sound")
        expect("configuration", "ok | /etc/regen/regen.yaml is fine")
        expect("generations", "ok | this is no NixOS, and SafeSwitch is off")
        expect("state", "ok | /var/lib/regen")
        expect("own", "ok | /srv/tidy as root")
        expect("plain", "ok | plain.service is active (running), restarted by systemd")
        expect("gone", "fault | no-such.service does not exist | systemctl list-unit-files")
        expect(
            "masked",
            "fault | masked.service is masked: nobody can start it | systemctl unmask masked")
        expect("none", "warning | lonely@*.service: no instance is loaded")
        expect("many", "ok | worker@*.service: 2 instances")
        expect("left", "fault | careless.service has Restart=no")
        expect("once", "warning | once.service is Type=oneshot")
        expect("fatal", "warning | fatal.service has FailureAction=reboot")
        expect("regend", "warning | watched by nobody")
    }

    /// Whoever is not root sees less, says so, and changes nothing about what he sees.
    private func unprivileged() throws {
        let (_, lines) = try visit(as: "nobody")
        #expect(lines["rights"]?.first?.hasPrefix("warning | not root (uid 65534)") == true)
        #expect(lines["daemon"]?.first?.hasPrefix("warning") == true)
        #expect(lines["bus"] == ["ok | PID 1 answers"])
        #expect(lines["kernel"]?.first?.hasPrefix("ok") == true)
    }

    private func withoutBus() throws {
        try sh("systemctl stop dbus.socket dbus.service")
        let (status, lines) = try visit()
        #expect(status == 1)
        #expect(lines["bus"]?.first?.hasPrefix("fault") == true, "\(lines)")
        #expect(lines["plain"] == nil, "nothing is said of what cannot be seen")
        #expect(lines["daemon"]?.first?.hasPrefix("ok") == true)
        try sh("systemctl start dbus.socket")
        #expect(try visit().lines["bus"] == ["ok | PID 1 answers"])
    }

    private func withoutDaemon() throws {
        try sh("systemctl stop regen")
        let (status, lines) = try visit()
        #expect(status == 1)
        let daemon = lines["daemon"]?.first ?? ""
        #expect(daemon.hasPrefix("fault | no regend answers at /run/regen/"), "\(daemon)")
        #expect(daemon.hasSuffix("| systemctl start regen"))
        #expect(lines["plain"]?.first?.hasPrefix("ok") == true)
    }
}

@Suite(
    "regen doctor below systemd 252", .serialized,
    .enabled(if: Container.obstacle(.bookworm) == nil, "\(Container.obstacle(.bookworm) ?? "")"))
struct DoctorTests {
    @Test("well, and with things missing") func visits() throws {
        try Practice(.bookworm).play(.bookworm)
    }
}

@Suite(
    "regen doctor below systemd 257", .serialized,
    .enabled(if: Container.obstacle(.trixie) == nil, "\(Container.obstacle(.trixie) ?? "")"))
struct NewerDoctorTests {
    @Test("well, and with things missing") func visits() throws {
        try Practice(.trixie).play(.trixie)
    }
}
