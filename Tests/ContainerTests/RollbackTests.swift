import Foundation
import JSON
import Testing

/// What happens in the middle of the switch back, at the step `activate` of switch-to-configuration.
private enum Accident: String, CaseIterable, CustomTestStringConvertible {
    case nothing
    case ownUnit = "Regen's own unit is changed by both generations, and so restarted by the switch"
    case killed = "Regen is killed"
    case reexecuted = "PID 1 executes itself anew"
    case busRestarted = "the bus is restarted"

    var testDescription: String { rawValue }

    /// What a root's shell does then.
    var script: String? {
        switch self {
        case .nothing, .ownUnit: nil
        case .killed: "systemctl kill -s KILL --kill-whom=main regen; sleep 0.5"
        case .reexecuted: "systemctl daemon-reexec"
        case .busRestarted: "systemctl kill -s KILL dbus; systemctl start dbus; sleep 0.5"
        }
    }
}

/// What else may be in the way of a switch that an operator asks for.
private enum Obstacle: String, CaseIterable, CustomTestStringConvertible {
    case noBus = "there is no bus: it runs in a session of its own, and that is said"
    case foreign = "nixos-rebuild has the unit: refused until it has ended"
    case overtaken =
        "nixos-rebuild takes the unit at the last moment: told, and done when it has ended"

    var testDescription: String { rawValue }

    func play(_ machine: NixMachine) throws {
        switch self {
        case .noBus: try machine.switchesWithoutBus()
        case .foreign: try machine.waitsForNixosRebuild()
        case .overtaken: try machine.isOvertaken()
        }
    }
}

@Suite(
    "a rollback on systemd 252", .serialized,
    .enabled(
        if: NixMachine.obstacle(.bookworm) == nil, "\(NixMachine.obstacle(.bookworm) ?? "")"))
struct RollbackTests {
    @Test("a generation that breaks a unit is left, and meanwhile:", arguments: Accident.allCases)
    private func goesBack(_ accident: Accident) throws {
        try NixMachine.goesBack(.bookworm, accident)
    }

    @Test("a generation that breaks a unit and comes by a reboot is left, too")
    func comesByReboot() throws { try NixMachine.goesBackAfterReboot(.bookworm) }

    @Test("an operator goes back, and", arguments: Obstacle.allCases)
    private func asked(_ obstacle: Obstacle) throws {
        try obstacle.play(.deployed(.bookworm))
    }
}

@Suite(
    "a rollback on systemd 257", .serialized,
    .enabled(if: NixMachine.obstacle(.trixie) == nil, "\(NixMachine.obstacle(.trixie) ?? "")"))
struct NewerRollbackTests {
    @Test("a generation that breaks a unit is left, and meanwhile:", arguments: Accident.allCases)
    private func goesBack(_ accident: Accident) throws {
        try NixMachine.goesBack(.trixie, accident)
    }

    @Test("a generation that breaks a unit and comes by a reboot is left, too")
    func comesByReboot() throws { try NixMachine.goesBackAfterReboot(.trixie) }

    @Test("an operator goes back, and", arguments: Obstacle.allCases)
    private func asked(_ obstacle: Obstacle) throws {
        try obstacle.play(.deployed(.trixie))
    }

    @Test("varlinkctl introspects the control socket and calls it")
    func varlink() throws {
        let machine = try NixMachine.healthy(.trixie)
        let socket = "/run/regen/io.regen.Control"
        let text = try machine.inside("varlinkctl introspect \(socket) io.regen.Control")
        #expect(text.contains("interface io.regen.Control") && text.contains("method Status("))
        let info = try machine.inside("varlinkctl info \(socket)")
        #expect(info.contains("io.regen.Control"))
        let answer = try machine.inside(
            "varlinkctl call --json=short \(socket) io.regen.Control.Status '{\"service\":\"web\"}'"
        )
        let status = try JSONValue.parse(Array(answer.utf8), limit: 1 << 20)
        #expect(status["services"]?.array?.first?["phase"]?.string == "running")
        let refused = try machine.container.run([
            "varlinkctl", "call", socket, "io.regen.Control.Restart", "{\"services\":[\"nobody\"]}",
        ])
        #expect(refused.status != 0 && refused.output.contains("io.regen.Control."))
    }
}

extension NixMachine {
    private static let yaml = """
        safeswitch: {}
        services:
          web:
            unit: web.service
            backoff: { quick: 200ms, first: 10ms, most: 20ms }

        """

    /// It runs its good generation, and Regen has seen that.
    fileprivate static func healthy(
        _ debian: Debian, bad: System = .init(name: "bad", web: "exec sleep 1000")
    ) throws -> NixMachine {
        let machine = try NixMachine(
            debian, yaml, good: .init(name: "good", web: "exec sleep 1000"), bad: bad)
        try machine.untilRecorded("generation.change")
        try machine.untilWebRuns()
        return machine
    }

    /// It runs a newer generation, with which nothing is wrong.
    fileprivate static func deployed(_ debian: Debian) throws -> NixMachine {
        let machine = try healthy(debian)
        try machine.deployBad()
        try machine.untilRecorded("generation.change", times: 2)
        return machine
    }

    private func untilWebRuns() throws {
        try until("web runs") {
            let answer = try self.container.run(["/opt/regen/regen", "status", "--json"]).output
            let status = try? JSONValue.parse(Array(answer.utf8), limit: 1 << 20)
            return status?["services"]?.array?.first?["phase"]?.string == "running"
        }
    }

    // MARK: - Regen goes back

    fileprivate static func goesBack(_ debian: Debian, _ accident: Accident) throws {
        let isOwn = accident == .ownUnit
        let machine = try healthy(
            debian,
            bad: .init(
                name: "bad", web: "sleep 0.1; exit 1",
                regen: isOwn ? "Environment=GENERATION=2" : ""))
        if let script = accident.script {
            try machine.knob("hook-activate", "#!/bin/sh\n\(script)\n", of: machine.good)
        }
        // The ledger tells the next daemon, too, that it was well: a start alone says nothing of that.
        try machine.inside("systemctl kill -s KILL web")
        try machine.untilRecorded("incident.resolve")
        let before = try machine.property("InvocationID", of: "regen")
        try machine.deployBad()
        try machine.untilRecorded("switch.end")
        try machine.expectWentBack(by: "unit")
        #expect(try machine.property("ActiveState", of: "web") == "active")
        try machine.untilRecorded("incident.resolve", times: 2)
        let after = try machine.property("InvocationID", of: "regen")
        #expect((after != before) == [.ownUnit, .killed].contains(accident))
    }

    /// That the unit was up, only the ledger knows.
    fileprivate static func goesBackAfterReboot(_ debian: Debian) throws {
        let machine = try healthy(debian, bad: .init(name: "bad", web: "sleep 0.1; exit 1"))
        try machine.inside("systemctl kill -s KILL web")
        try machine.untilRecorded("incident.resolve")
        try machine.rebootIntoBad()
        try machine.untilRecorded("switch.end")
        try machine.expectWentBack(by: "unit")
        try machine.untilRecorded("incident.resolve", times: 2)
        #expect(try machine.records("boot").count == 2)
    }

    private func expectWentBack(by place: String) throws {
        #expect(try records("switch.end").map { $0["outcome"]?.string } == ["succeeded"])
        #expect(try current == good && profile == good)
        let intents = try records("switch.intent")
        #expect(intents.count == 1 && intents.first?["generation"]?.integer == 1)
        #expect(try records("switch.run").map { $0["in"]?.string } == [place])
        let story = try inside("/opt/regen/regen explain --switch 1")
        let journal = try inside("journalctl --no-pager -o cat REGEN_SWITCH=1")
        let runs = journal.components(separatedBy: "activating the configuration").count - 1
        if place == "unit" {
            #expect(runs == 1)
            #expect(story.contains("journalctl REGEN_SWITCH=1"))
        } else {
            #expect(runs == 0 && container.text("state/switch/1.log").contains("activating"))
            #expect(story.contains("switch/1.log"))
        }
        try inside("/opt/regen/regen ledger verify /var/lib/regen/ledger")
    }

    // MARK: - An operator goes back

    fileprivate func switchesWithoutBus() throws {
        try inside("systemctl stop dbus.socket dbus.service")
        try inside("/opt/regen/regen rollback --yes")
        try untilRecorded("switch.end")
        try expectWentBack(by: "session")
        #expect(container.text("srv/messages").contains("in a session of its own"))
    }

    fileprivate func waitsForNixosRebuild() throws {
        try inside("\(Self.systemdRun) sleep 1000")
        let (status, output) = try container.run(["/opt/regen/regen", "rollback", "--yes"])
        #expect(status == 1 && output.contains("another switch is running"), "\(output)")
        #expect(try records("switch.intent").isEmpty)
        try inside("systemctl stop nixos-rebuild-switch-to-configuration")
        try inside("/opt/regen/regen rollback --yes")
        try untilRecorded("switch.end")
        try expectWentBack(by: "unit")
    }

    fileprivate func isOvertaken() throws {
        // While somebody has Nix's lock, the plan is made and nothing done.
        let lock = "/nix/var/nix/profiles/system.lock"
        try inside("systemd-run --quiet --unit=nix flock \(lock) sleep 1000")
        try inside("while flock -n \(lock) true; do sleep 0.05; done")
        try inside("systemd-run --quiet --unit=asked /opt/regen/regen rollback --yes")
        try until("the profile is to be set") {
            try self.records("switch.step").contains { $0["step"]?.string == "profile" }
        }
        try inside("\(Self.systemdRun) sleep 1000")
        try inside("systemctl stop nix")
        try untilRecorded("switch.falter")
        let falter = try #require(try records("switch.falter").first)
        #expect(falter["step"]?.string == "activate")
        #expect(falter["reason"]?.string?.contains("nixos-rebuild is switching") == true)
        #expect(try current == bad)
        try inside("systemctl stop nixos-rebuild-switch-to-configuration")
        try untilRecorded("switch.end")
        try expectWentBack(by: "unit")
    }
}
