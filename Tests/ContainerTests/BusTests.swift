import Foundation
import Linux
import Systemd
import Testing

/// A container with units to watch.
fileprivate final class BusMachine {
    let container: Container
    static let units = [
        "plain.service": "[Service]\nExecStart=/bin/sleep 1000\n",
        "loop.service": """
        [Unit]
        StartLimitIntervalSec=1h
        StartLimitBurst=3
        [Service]
        ExecStart=/bin/false
        Restart=always
        RestartSec=10ms

        """,
        "worker@.service": "[Service]\nExecStart=/bin/sleep 1000\n",
        "flood.service": """
        [Service]
        Type=notify
        NotifyAccess=all
        ExecStart=/bin/bash -c 'systemd-notify --ready; for i in {1..500}; do systemd-notify --status=$$i; done'

        """,
        "slow.service": "[Service]\nType=oneshot\nExecStart=/bin/sleep 8\n",
        "endless.service": "[Service]\nType=oneshot\nExecStart=/bin/sleep 1000\n",
    ]

    init(_ debian: Debian) throws {
        container = try Container(
            debian, ["/usr/local/lib/systemd/system": "units"], programs: []
        ) { directory in
            try FileManager.default.createDirectory(
                atPath: "\(directory)/units", withIntermediateDirectories: false)
            for (name, text) in Self.units {
                try text.write(
                    toFile: "\(directory)/units/\(name)", atomically: false, encoding: .utf8)
            }
        }
    }

    var bus: BusAddress {
        .bus(path: "/proc/\(container.leader)/root/run/dbus/system_bus_socket")
    }
    /// PID 1's own socket takes nobody whose pid it cannot see: somebody inside passes it on.
    func manager() throws -> BusAddress {
        let script = """
            use IO::Select; use IO::Socket::UNIX;
            my $door = IO::Socket::UNIX->new(Local => "/run/relay", Listen => 5);
            while (my $us = $door->accept) {
                my $it = IO::Socket::UNIX->new(Peer => "/run/systemd/private") or next;
                my %other = ($us => $it, $it => $us);
                my $both = IO::Select->new($us, $it);
                CONNECTED: while (1) {
                    for my $from ($both->can_read) {
                        sysread($from, my $bytes, 65536) or last CONNECTED;
                        syswrite($other{$from}, $bytes);
                    }
                }
            }
            """
        try script.write(
            toFile: "\(container.directory)/units/relay", atomically: false, encoding: .utf8)
        try sh("systemd-run --quiet perl /usr/local/lib/systemd/system/relay")
        let path = "/proc/\(container.leader)/root/run/relay"
        try container.until("the relay listens") { FileManager.default.fileExists(atPath: path) }
        return .manager(path: path)
    }

    func sh(_ script: String) throws {
        let (status, output) = try container.run(["bash", "-c", script])
        try #require(status == 0, "\(script): \(output)")
    }
}

private let plain = UnitName("plain.service")!

/// What every systemd must give.
private enum Scene: String, CaseIterable, CustomTestStringConvertible {
    case life = "a unit's life, by jobs and by a kill"
    case missing = "a unit that does not exist costs one look, and is seen when it comes"
    case startLimit = "a start limit that is hit is told, and reset"
    case pattern = "instances of a template come and go"
    case crowd = "who changes does not wait for hundreds of first looks"
    case flood = "a flood of changes costs a look now and then"
    case transient = "a transient unit runs just what it is given, once"
    case busRestarted = "the bus is restarted: connected again, nothing is missed"
    case reexecuted = "PID 1 executes itself anew in the middle of a job"
    case forged = "what somebody else says in systemd's name is not believed"
    case privateSocket = "PID 1's own socket, without a bus"

    var testDescription: String { rawValue }

    func play(_ machine: BusMachine) throws {
        switch self {
        case .life: try machine.life()
        case .missing: try machine.missing()
        case .startLimit: try machine.startLimit()
        case .pattern: try machine.pattern()
        case .crowd: try machine.crowd()
        case .flood: try machine.flood()
        case .transient: try machine.transient()
        case .busRestarted: try machine.busRestarted()
        case .reexecuted: try machine.reexecuted()
        case .forged: try machine.forged()
        case .privateSocket: try machine.privateSocket()
        }
    }
}

@Suite(
    "the bus of systemd 252", .serialized,
    .enabled(if: Container.obstacle(.bookworm) == nil, "\(Container.obstacle(.bookworm) ?? "")"))
struct BusTests {
    @Test("PID 1 over D-Bus", arguments: Scene.allCases)
    private func bus(_ scene: Scene) throws { try scene.play(BusMachine(.bookworm)) }
}

@Suite(
    "the bus of systemd 257", .serialized,
    .enabled(if: Container.obstacle(.trixie) == nil, "\(Container.obstacle(.trixie) ?? "")"))
struct NewerBusTests {
    @Test("PID 1 over D-Bus", arguments: Scene.allCases)
    private func bus(_ scene: Scene) throws { try scene.play(BusMachine(.trixie)) }
}

extension BusMachine {
    fileprivate func life() throws {
        let loop = try BusLoop(bus)
        #expect(loop.bus.watch(plain))
        try loop.connected()
        let first = try loop.state(plain, "is told") { _ in true }
        #expect(first.loadState == "loaded" && first.activeState == "inactive")
        #expect(first.invocation == "" && first.mainPID == 0)

        #expect(try loop.request(.start, plain) == .done)
        let running = try loop.state(plain, "runs") { $0.subState == "running" && $0.job == 0 }
        #expect(running.id == "plain.service" && running.activeState == "active")
        #expect(running.type == "simple" && running.restart == "no")
        #expect(running.controlGroup == "/system.slice/plain.service")
        #expect(running.invocation.count == 32)
        #expect(running.startLimitAction == "none" && running.failureAction == "none")
        // Of Type=simple, which is up before its program is executed.
        try container.until("the program runs") { try command(running.mainPID) == "sleep" }

        #expect(try loop.request(.restart, plain) == .done)
        let again = try loop.state(plain, "has another process") {
            $0.mainPID != 0 && $0.mainPID != running.mainPID && $0.job == 0
        }
        #expect(again.invocation != running.invocation)
        try loop.settle()
        loop.forget()

        try sh("kill -KILL \(again.mainPID)")
        let dead = try loop.state(plain, "has failed") { $0.activeState == "failed" }
        #expect(dead.result == "signal" && dead.mainPID == 0 && dead.restarts == 0)
        #expect(dead.exitCode == 2 && dead.exitStatus == 9 && dead.exitedAt > 0)
        #expect(dead.invocation == again.invocation)

        let reset = try loop.bus.resetFailed(plain, at: Clock.boottime())
        #expect(try loop.outcome(reset) == .done)
        #expect(try loop.request(.stop, plain) == .done)
        try loop.settle(milliseconds: 2000)
        try tooMany(loop)
    }

    private func tooMany(_ loop: BusLoop) throws {
        var calls: [SystemBus.Call] = []
        for _ in 0..<SystemBus.mostCalls {
            calls.append(try loop.bus.resetFailed(plain, at: Clock.boottime()))
        }
        #expect(throws: SystemBus.Unsent.tooManyCalls) {
            _ = try loop.bus.resetFailed(plain, at: Clock.boottime())
        }
        for call in calls { _ = try loop.outcome(call) }
        #expect(try loop.request(.start, plain) == .done)
    }

    fileprivate func missing() throws {
        let loop = try BusLoop(bus)
        let unit = UnitName("later.service")!
        #expect(loop.bus.watch(unit))
        try loop.connected()
        let state = try loop.state(unit, "is told") { _ in true }
        #expect(state.loadState == "not-found")
        guard case .refused(let why) = try loop.request(.start, unit) else {
            Issue.record("it was started")
            return
        }
        #expect(why.name == "org.freedesktop.systemd1.NoSuchUnit")
        try loop.settle(milliseconds: 2000)

        try Self.units["plain.service"]!.write(
            toFile: "\(container.directory)/units/later.service", atomically: false,
            encoding: .utf8)
        try sh("systemctl daemon-reload")
        try loop.next("reloading") { $0 == .reloading(true) ? true : nil }
        try loop.next("reloaded") { $0 == .reloading(false) ? true : nil }
        try loop.state(unit, "is loaded") { $0.loadState == "loaded" }
        try sh("systemctl start later")
        try loop.state(unit, "runs") { $0.subState == "running" }
        loop.bus.unwatch(unit)
        try loop.settle()
        loop.forget()
        try sh("systemctl stop later")
        try loop.settle()
        #expect(loop.events == [])
    }

    fileprivate func startLimit() throws {
        let loop = try BusLoop(bus)
        let unit = UnitName("loop.service")!
        #expect(loop.bus.watch(unit))
        try loop.connected()
        var invocations: Set<String> = []
        for _ in 0..<2 {
            // Whether the first start counts as done is a matter of how fast the program fails.
            _ = try loop.request(.start, unit)
            let failed = try loop.state(unit, "has failed for good") {
                $0.subState == "failed" && $0.job == 0
            }
            #expect(failed.activeState == "failed" && failed.result == "exit-code")
            #expect(failed.restarts == 3 && failed.exitCode == 1 && failed.exitStatus == 1)
            #expect(failed.restart == "always")
            #expect(invocations.insert(failed.invocation).inserted)
            #expect(try loop.request(.start, unit) == .ended("failed"))

            try loop.settle()
            loop.forget()
            let reset = try loop.bus.resetFailed(unit, at: Clock.boottime())
            #expect(try loop.outcome(reset) == .done)
            try loop.state(unit, "is reset") { $0.activeState == "inactive" }
        }
    }

    fileprivate func pattern() throws {
        let loop = try BusLoop(bus)
        let pattern = UnitPattern("worker@*.service")!
        func until(_ names: [String]) throws {
            try loop.next("instances \(names)") { event -> Bool? in
                guard case .instances(pattern, let units, true) = event else { return nil }
                return units.map(\.text) == names ? true : nil
            }
        }
        #expect(loop.bus.watch(pattern))
        try loop.connected()
        try until([])
        try sh("systemctl start worker@1 worker@b.c plain")
        try until(["worker@1.service", "worker@b.c.service"])
        try sh("systemctl stop worker@1")
        try until(["worker@b.c.service"])
    }

    fileprivate func crowd() throws {
        let loop = try BusLoop(bus)
        #expect(loop.bus.watch(plain))
        try loop.connected()
        #expect(try loop.request(.start, plain) == .done)
        try loop.state(plain, "runs") { $0.subState == "running" }
        let count = 600
        for number in 1...count {
            #expect(loop.bus.watch(UnitName("worker@\(number).service")!))
        }
        try loop.turn(atMost: 0)
        try sh("kill -KILL $(systemctl show -P MainPID plain)")
        var told: Set<UnitName> = []
        try loop.next("plain has failed") { event -> Bool? in
            guard case .unit(let unit, let state) = event else { return nil }
            if unit == plain { return state.activeState == "failed" ? true : nil }
            told.insert(unit)
            return nil
        }
        #expect(told.count < count)
        // They have their turn all the same.
        try loop.next("the last of them") { event -> Bool? in
            guard case .unit(let unit, _) = event, unit != plain else { return nil }
            told.insert(unit)
            return told.count == count ? true : nil
        }
    }

    fileprivate func flood() throws {
        let loop = try BusLoop(bus)
        let unit = UnitName("flood.service")!
        #expect(loop.bus.watch(unit))
        try loop.connected()
        try loop.state(unit, "is told") { _ in true }
        let begin = Clock.boottime()
        _ = try loop.bus.request(.start, of: unit, within: BusLoop.patience, at: begin)
        var looks = 0
        try loop.next("the end of the flood") { event -> Bool? in
            guard case .unit(unit, let state) = event else { return nil }
            looks += 1
            return state.exitedAt > 0 && state.activeState == "inactive" ? true : nil
        }
        let most = (Clock.boottime() - begin) / SystemBus.lookPause + SystemBus.looksInARow + 1
        print("flood: \(looks) looks, at most \(most)")
        #expect(looks > 2)
        #expect(looks <= most)
        #expect(looks < 500)
    }

    fileprivate func transient() throws {
        let loop = try BusLoop(bus)
        try loop.connected()
        let unit = TransientUnit(
            name: UnitName("one-off.service")!, description: "One off, 100%",
            command: [
                "/bin/sh", "-c",
                #"echo "$0:$MARK" | tee /usr/local/lib/systemd/system/out; sleep 1000"#, "$HOME%n",
            ],
            environment: ["MARK=a b"], journalFields: ["REGEN_SWITCH=7"])
        func start() throws -> SystemBus.Outcome {
            try loop.outcome(
                try loop.bus.start(unit, within: BusLoop.patience, at: Clock.boottime()))
        }
        #expect(loop.bus.watch(unit.name))
        #expect(try start() == .done)
        try container.until("it has run") { !self.container.text("units/out").isEmpty }
        #expect(container.text("units/out") == "$HOME%n:a b\n")
        // Newer systemds give their own words about the unit the same fields.
        try container.until("the journal has it") {
            try self.container.run(["journalctl", "-o", "cat", "REGEN_SWITCH=7"]).output
                .contains("$HOME%n:a b\n")
        }
        try loop.state(unit.name, "runs") { $0.subState == "running" && $0.type == "exec" }
        guard case .refused(let why) = try start() else {
            Issue.record("it was started twice")
            return
        }
        #expect(why.name == "org.freedesktop.systemd1.UnitExists")
        // As every switch does, before it ends. What PID 1 has written of the unit is read again.
        try sh("systemctl daemon-reload; systemctl show -P ExecStart one-off | grep -F 'HOME%n'")
        // However soon it is not wanted any more, it is let go.
        loop.bus.unwatch(unit.name)
        try loop.settle()
        #expect(loop.bus.watch(unit.name))
        loop.bus.turn(at: Clock.boottime())
        loop.bus.unwatch(unit.name)
        #expect(loop.bus.watch(unit.name))
        try loop.state(unit.name, "runs") { $0.subState == "running" }
        try sh("pkill -KILL -f 'sleep 1000' || kill -KILL $(systemctl show -P MainPID one-off)")
        // While it is watched its end can be read.
        try loop.state(unit.name, "has failed") { $0.activeState == "failed" && $0.exitedAt > 0 }
        loop.bus.unwatch(unit.name)
        try loop.settle()
        #expect(try start() == .done, "the name is free again")
    }

    fileprivate func busRestarted() throws {
        let loop = try BusLoop(bus)
        #expect(loop.bus.watch(plain))
        try loop.connected()
        #expect(try loop.request(.start, plain) == .done)
        try loop.state(plain, "runs") { $0.subState == "running" }
        let endless = try loop.bus.request(
            .start, of: UnitName("endless.service")!, within: BusLoop.patience,
            at: Clock.boottime())
        try loop.settle()
        loop.forget()
        // The unit changes while there is no bus.
        try sh("systemctl kill -s KILL dbus; systemctl stop plain; systemctl start dbus")
        let why = try loop.next("lost") { event -> BusFailure? in
            if case .lost(let why) = event { why } else { nil }
        }
        print("bus restarted:", why)
        #expect(try loop.outcome(endless) == .lost)
        try loop.connected()
        try loop.state(plain, "is seen to have stopped") { $0.activeState == "inactive" }
        #expect(try loop.request(.start, plain) == .done)
        try loop.state(plain, "runs") { $0.subState == "running" }
    }

    fileprivate func reexecuted() throws {
        let loop = try BusLoop(bus)
        #expect(loop.bus.watch(plain))
        try loop.connected()
        #expect(try loop.request(.start, plain) == .done)
        let before = try loop.state(plain, "runs") { $0.subState == "running" }
        let slow = try loop.bus.request(
            .start, of: UnitName("slow.service")!, within: BusLoop.patience, at: Clock.boottime())
        try loop.settle()
        try sh("systemctl daemon-reexec")
        try loop.next("lost") { event -> Bool? in
            if case .lost = event { true } else { nil }
        }
        try loop.connected()
        let after = try loop.state(plain, "is told anew") { _ in true }
        #expect(after.mainPID == before.mainPID && after.invocation == before.invocation)
        #expect(try loop.outcome(slow) == .done)
        try sh("kill -KILL \(after.mainPID)")
        try loop.state(plain, "has failed") { $0.activeState == "failed" }
        #expect(try loop.request(.start, plain) == .done)
    }

    fileprivate func forged() throws {
        let loop = try BusLoop(bus)
        #expect(loop.bus.watch(plain))
        try loop.connected()
        try loop.state(plain, "is told") { _ in true }
        let call = try loop.bus.request(
            .start, of: UnitName("slow.service")!, within: BusLoop.patience, at: Clock.boottime())
        try loop.settle()
        loop.forget()
        try sh(
            """
            for name in $(busctl list --no-legend | grep -o '^:[^ ]*'); do
                as='setpriv --reuid 65534 --clear-groups busctl emit --destination='$name
                $as /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Reloading b true
                $as /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager JobRemoved uoss \
                    $(systemctl list-jobs --no-legend | awk '/slow/ { print $1 }') /job slow failed
                $as /org/freedesktop/DBus org.freedesktop.DBus NameOwnerChanged sss \
                    org.freedesktop.systemd1 :1.0 ''
            done
            """)
        #expect(try loop.outcome(call) == .done)
        #expect(loop.bus.isConnected)
    }

    fileprivate func privateSocket() throws {
        let loop = try BusLoop(manager())
        #expect(loop.bus.watch(plain))
        #expect(loop.bus.watch(UnitName("later.service")!))
        try loop.connected()
        try sh("systemctl stop dbus.socket dbus.service")
        #expect(try loop.request(.start, plain) == .done)
        let running = try loop.state(plain, "runs") { $0.subState == "running" && $0.job == 0 }
        try sh("kill -KILL \(running.mainPID)")
        try loop.state(plain, "has failed") { $0.activeState == "failed" }
        try loop.settle(milliseconds: 2000)
        try sh("systemctl daemon-reexec")
        try loop.next("lost") { event -> Bool? in
            if case .lost = event { true } else { nil }
        }
        try loop.connected()
        #expect(try loop.request(.start, plain) == .done)
    }

    /// What the container's process of that number runs.
    private func command(_ pid: UInt32) throws -> String {
        let path = "/proc/\(container.leader)/root/proc/\(pid)/comm"
        return String(try String(contentsOfFile: path, encoding: .utf8).dropLast())
    }
}
