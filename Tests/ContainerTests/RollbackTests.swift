import Foundation
import JSON
import Testing

/// What happens in the middle of the switch back, at the step `activate` of switch-to-configuration.
private enum Accident: String, CaseIterable, CustomTestStringConvertible {
    case nothing = "nothing"
    case ownUnit = "Regen's own unit is changed by both generations, and restarted"
    case killed = "Regen is killed"
    case reexecuted = "PID 1 executes itself anew"
    case busRestarted = "the bus is restarted"
    case busAway = "there is no bus from before it until after it"

    var testDescription: String { rawValue }

    /// What a root's shell does then.
    var script: String? {
        switch self {
        case .nothing, .ownUnit, .busAway: nil
        case .killed: "systemctl kill -s KILL --kill-whom=main regen; sleep 0.5"
        case .reexecuted: "systemctl daemon-reexec"
        case .busRestarted: "systemctl kill -s KILL dbus; systemctl start dbus; sleep 0.5"
        }
    }
}

private enum Rollback {
    static let yaml = """
        safeswitch: {}
        services:
          web:
            command: [/run/current-system/sw/bin/web]
            backoff: { quick: 200ms, first: 10ms, most: 20ms }
        """

    static func machine(_ debian: Debian, _ accident: Accident = .nothing) throws -> NixMachine {
        let isOwn = accident == .ownUnit
        let machine = try NixMachine(
            debian, yaml,
            good: .init(name: "good", web: "exec sleep 1000"),
            bad: .init(name: "bad", web: "exit 1", regen: isOwn ? "Environment=GENERATION=2" : ""))
        try machine.untilRecorded("generation.change")
        return machine
    }

    static func goesBack(_ debian: Debian, _ accident: Accident) throws {
        let machine = try machine(debian, accident)
        if let script = accident.script {
            try machine.knob("hook-activate", "#!/bin/sh\n\(script)\n", of: machine.good)
        }
        let before = try machine.property("InvocationID", of: "regen")
        try machine.deployBad()
        try machine.inside("for p in $(grep -lsz REGEN_SERVICE=web /proc/[0-9]*/environ); do p=${p#/proc/}; kill -KILL ${p%/environ}; done")
        try machine.untilRecorded("switch.end")
        try expectWell(machine, accident)
        if accident == .ownUnit || accident == .killed {
            #expect(try machine.property("InvocationID", of: "regen") != before)
        }
    }

    static func expectWell(_ machine: NixMachine, _ accident: Accident) throws {
        let ends = try machine.records("switch.end").map { $0["outcome"]?.string }
        #expect(ends == ["succeeded"])
        #expect(try machine.current == machine.good)
        #expect(try machine.profile == machine.good)
        let intents = try machine.records("switch.intent")
        #expect(intents.count == 1 && intents.first?["generation"]?.integer == 1)
        let runs = try machine.records("switch.run")
        #expect(runs.map { $0["in"]?.string } == ["unit"])
        let number = try #require(intents.first?["switch"]?.integer)
        let journal = try machine.inside("journalctl --no-pager -o cat REGEN_SWITCH=\(number)")
        #expect(journal.components(separatedBy: "activating the configuration").count == 2)
        let story = try machine.inside("/opt/regen/regen explain --switch \(number)")
        #expect(story.contains("journalctl REGEN_SWITCH=\(number)"))
        try machine.inside("/opt/regen/regen ledger verify /var/lib/regen/ledger")
    }
}

@Suite(
    "a rollback on systemd 252", .serialized,
    .enabled(
        if: NixMachine.obstacle(.bookworm) == nil, "\(NixMachine.obstacle(.bookworm) ?? "")"))
struct RollbackTests {
    @Test("a generation that breaks a unit is left", arguments: Accident.allCases)
    private func goesBack(_ accident: Accident) throws {
        try Rollback.goesBack(.bookworm, accident)
    }
}

@Suite(
    "a rollback on systemd 257", .serialized,
    .enabled(if: NixMachine.obstacle(.trixie) == nil, "\(NixMachine.obstacle(.trixie) ?? "")"))
struct NewerRollbackTests {
    @Test("a generation that breaks a unit is left", arguments: Accident.allCases)
    private func goesBack(_ accident: Accident) throws {
        try Rollback.goesBack(.trixie, accident)
    }
}
