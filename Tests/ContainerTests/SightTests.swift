import Configuration
import Daemon
import Foundation
import Linux
import Supervision
import Systemd
import Testing

/// One way in which a unit goes down, and what is to be seen of it.
private struct Descent: Sendable {
    let name: String
    /// Its section `[Service]`.
    let service: String
    /// What is done to it once it is up; `%` is its main process.
    let deed: String
    let activity: UnitSight.Activity
    let isFailure: Bool
    let wasStopped: Bool

    init(
        _ name: String, _ service: String, _ deed: String, _ activity: UnitSight.Activity,
        failure isFailure: Bool, stopped wasStopped: Bool
    ) {
        self.name = name
        self.service = service
        self.deed = deed
        self.activity = activity
        self.isFailure = isFailure
        self.wasStopped = wasStopped
    }

    private static let sleep = "ExecStart=/bin/sleep 1000\n"
    private static func script(_ text: String) -> String { "ExecStart=/bin/bash -c '\(text)'\n" }
    private static let stop = "systemctl stop UNIT || true"
    /// Up once its trap is set.
    private static func trapping(_ trap: String) -> String {
        "Type=notify\nNotifyAccess=all\n"
            + script("\(trap); systemd-notify --ready; while :; do sleep .1; done")
    }

    static let all = [
        Descent("plain", sleep, stop, .inactive, failure: false, stopped: true),
        Descent("killed", sleep, "kill -KILL %", .failed, failure: true, stopped: false),
        Descent(
            "java", trapping(#"trap "exit 143" TERM"#), stop, .failed, failure: true, stopped: true),
        Descent(
            "stubborn", trapping(#"trap "" TERM"#) + "TimeoutStopSec=1\n", stop, .failed,
            failure: true, stopped: true),
        Descent("finished", script("sleep 4"), "true", .inactive, failure: false, stopped: false),
        Descent(
            "gave-up", script("sleep 4; exit 3"), "true", .failed, failure: true, stopped: false),
        Descent(
            "watchdog",
            "Type=notify\nNotifyAccess=all\nWatchdogSec=4\n"
                + script("systemd-notify --ready; sleep 1000"), "true", .failed, failure: true,
            stopped: false),
        Descent(
            "too-long", sleep + "RuntimeMaxSec=4\n", "true", .failed, failure: true, stopped: false),
        Descent(
            "slow-stop", sleep + "ExecStop=/bin/sleep .5\nExecStopPost=/bin/sleep .5\n", stop,
            .inactive, failure: false, stopped: true),
        Descent(
            "slow-end", sleep + "ExecStop=/bin/sleep .5\nExecStopPost=/bin/sleep .5\n",
            "kill -KILL %", .failed, failure: true, stopped: false),
        Descent(
            "dies-in-stop", sleep + "ExecStop=/bin/kill -SEGV $MAINPID\n", stop, .failed,
            failure: true, stopped: true),
        Descent(
            "remaining", "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n", stop,
            .inactive, failure: false, stopped: true),
        Descent(
            "forked", "Type=forking\nGuessMainPID=no\n" + script("sleep 1000 & disown"), stop,
            .inactive, failure: false, stopped: true),
        Descent(
            "waiting", sleep + "Restart=always\nRestartSec=1h\n",
            "kill -KILL %; until systemctl show -P SubState UNIT | grep -q auto-restart; do sleep .1; "
                + "done; systemctl stop UNIT", .inactive, failure: true, stopped: true),
        Descent(
            "limited",
            sleep + "Restart=always\nRestartSec=10ms\nExecStartPre=/bin/test ! -e /run/%n\n",
            "touch /run/UNIT; kill -KILL %", .failed, failure: true, stopped: false),
    ]

    var unit: UnitName { UnitName("\(name).service")! }
}

/// What is seen of units that go down, under every systemd.
private enum Sights {
    static func seen(_ debian: Debian) throws {
        let container = try Container(
            debian, ["/usr/local/lib/systemd/system": "units"], programs: []
        ) { directory in
            try FileManager.default.createDirectory(
                atPath: "\(directory)/units", withIntermediateDirectories: false)
            for descent in Descent.all {
                try "[Unit]\nStartLimitBurst=3\n[Service]\n\(descent.service)".write(
                    toFile: "\(directory)/units/\(descent.unit)", atomically: false,
                    encoding: .utf8)
            }
        }
        let loop = try BusLoop(
            .bus(path: "/proc/\(container.leader)/root/run/dbus/system_bus_socket"))
        for descent in Descent.all { #expect(loop.bus.watch(descent.unit)) }
        try loop.connected()
        for descent in Descent.all { try play(descent, container, loop) }
    }

    private static func play(_ descent: Descent, _ container: Container, _ loop: BusLoop) throws {
        let unit = descent.unit
        func sight(_ state: UnitState) -> UnitSight {
            UnitSight(
                state, of: UnitService(name: unit.text), process: nil,
                clockOffset: Clock.boottime() - Clock.monotonic())
        }
        let begin = Clock.boottime()
        #expect(try loop.request(.start, unit) == .done, "\(descent.name)")
        let up = sight(try loop.state(unit, "is up") { $0.activeState == "active" })
        #expect(up.since.nanoseconds >= begin && up.since.nanoseconds <= Clock.boottime())
        #expect(!up.wasStopped, "\(descent.name)")
        #expect(up.invocation != UnitSight.Invocation())
        // The script is the shell's: it sees how the unit goes down, and ends then.
        let deed = descent.deed.replacing("UNIT", with: unit.text)
            .replacing("%", with: "$(systemctl show -P MainPID \(unit))")
        _ = try container.run(["bash", "-c", deed])
        var ways: [UnitSight] = []
        let state = try loop.state(unit, "is down") { state in
            ways.append(sight(state))
            return ["inactive", "failed"].contains(state.activeState)
        }
        let down = sight(state)
        #expect(down.activity == descent.activity, "\(descent.name): \(state)")
        #expect(down.isFailure == descent.isFailure, "\(descent.name): \(state)")
        #expect(down.wasStopped == descent.wasStopped, "\(descent.name): \(state)")
        // On its way down it is not taken for the other either, once a process has ended.
        for way in ways where way.activity == .deactivating && way.exit != nil {
            #expect(way.wasStopped == descent.wasStopped, "\(descent.name): \(way)")
        }
    }
}

@Suite(
    "what is seen of units of systemd 252", .serialized,
    .enabled(if: Container.obstacle(.bookworm) == nil, "\(Container.obstacle(.bookworm) ?? "")"))
struct SightTests {
    @Test("a crash is told from a stop") func descents() throws { try Sights.seen(.bookworm) }
}

@Suite(
    "what is seen of units of systemd 257", .serialized,
    .enabled(if: Container.obstacle(.trixie) == nil, "\(Container.obstacle(.trixie) ?? "")"))
struct NewerSightTests {
    @Test("a crash is told from a stop") func descents() throws { try Sights.seen(.trixie) }
}
