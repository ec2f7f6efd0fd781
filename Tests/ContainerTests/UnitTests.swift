import Foundation
import JSON
import Systemd
import Testing

private let sleep = "ExecStart=/bin/sleep 1000\n"

/// What every systemd must give.
private enum UnitScene: String, CaseIterable, CustomTestStringConvertible {
    case deaths = "crashes are told from stops, counted, and healed by who should"
    case limits = "start limits, oneshots, sockets and failure actions"
    case action = "what systemd does at a start limit is not kept from it"
    case crowd = "more units at once than there are jobs"
    case dark = "regend comes before the bus does"
    case hang = "a unit that hangs is restarted by a job"
    case templates = "instances of a template come and go"
    case upheavals = "PID 1 executes itself anew, the bus is restarted, regend is killed"
    case hands = "start, stop, restart and heal by hand"

    var testDescription: String { rawValue }

    func play(_ debian: Debian) throws {
        switch self {
        case .deaths: try crashesAndStops(debian)
        case .limits: try startLimits(debian)
        case .action: try startLimitAction(debian)
        case .crowd: try manyAtOnce(debian)
        case .dark: try withoutBus(debian)
        case .hang: try hangs(debian)
        case .templates: try instances(debian)
        case .upheavals: try upheaval(debian)
        case .hands: try byHand(debian)
        }
    }
}

@Suite(
    "units of systemd 252", .serialized,
    .enabled(if: Container.obstacle(.bookworm) == nil, "\(Container.obstacle(.bookworm) ?? "")"))
struct UnitTests {
    @Test("regend looks after units", arguments: UnitScene.allCases)
    private func units(_ scene: UnitScene) throws { try scene.play(.bookworm) }
}

@Suite(
    "units of systemd 257", .serialized,
    .enabled(if: Container.obstacle(.trixie) == nil, "\(Container.obstacle(.trixie) ?? "")"))
struct NewerUnitTests {
    @Test("regend looks after units", arguments: UnitScene.allCases)
    private func units(_ scene: UnitScene) throws { try scene.play(.trixie) }
}

private func crashesAndStops(_ debian: Debian) throws {
    let java = #"ExecStart=/bin/bash -c 'trap "exit 143" TERM; while :; do sleep .1; done'"#
    let machine = try UnitMachine(
        debian,
        [
            "self.service": "[Service]\n\(sleep)Restart=always\nRestartSec=100ms\n",
            "bare.service": "[Service]\n\(sleep)", "java.service": "[Service]\n\(java)\n",
            "stubborn.service": "[Service]\n\(sleep)", "down.service": "[Service]\n\(sleep)",
        ],
        """
        services:
          self: { unit: self.service }
          bare: { unit: bare.service }
          java: { unit: java.service }
          stubborn: { unit: stubborn.service, on_stop: heal }
          down: { unit: down.service }
          nowhere: { unit: nowhere.service }
        """)
    try machine.sh("systemctl start self bare java stubborn")
    try machine.begin()
    for service in ["self", "bare", "java", "stubborn"] { try machine.until(service, "running") }
    #expect(try machine.services()["bare"]?["unit"]?["name"]?.string == "bare.service")
    #expect(try machine.services()["bare"]?["unit"]?["restarts"]?.string == "regen")
    #expect(try machine.services()["self"]?["unit"]?["restarts"]?.string == "systemd")

    // systemd's own restart is a crash that counts.
    try machine.kill("self")
    try machine.untilRecorded("incident.open", "self")
    try machine.container.until("systemd has restarted it") {
        try machine.show("NRestarts", "self") == "1"
    }
    try machine.until("self", "running")
    try machine.untilRecorded("incident.resolve", "self")

    // Without Restart= it is Regen that starts it again.
    let first = try machine.show("InvocationID", "bare")
    try machine.kill("bare")
    try machine.untilRecorded("incident.open", "bare")
    try machine.until(unit: "bare", "active")
    #expect(try machine.show("InvocationID", "bare") != first)
    try machine.until("bare", "running")

    // A stop by hand is respected, even where the program ends badly then.
    try machine.sh("systemctl stop bare java")
    for service in ["bare", "java"] {
        try machine.until(service, "stopped")
        try machine.stays("\(service) stays down") {
            ["inactive", "failed"].contains(try machine.show("ActiveState", service))
        }
    }
    #expect(try machine.count("incident.open", "java") == 0)
    // And so is the start.
    try machine.sh("systemctl start bare")
    try machine.until("bare", "running")

    // Unless it is to be healed.
    try machine.sh("systemctl stop stubborn")
    try machine.until(unit: "stubborn", "active")
    try machine.until("stubborn", "running")

    // What was not up is not started, and what does not exist does no harm.
    #expect(try machine.show("ActiveState", "down") == "inactive")
    #expect(try machine.services()["down"]?["phase"]?.string == "stopped")
    #expect(try machine.services()["nowhere"]?["phase"]?.string == "stopped")
}

private func startLimits(_ debian: Debian) throws {
    let breakable = "ExecStartPre=/bin/test ! -e /srv/broken\n\(sleep)"
    let machine = try UnitMachine(
        debian,
        [
            "limited.service": """
            [Unit]
            StartLimitIntervalSec=1h
            StartLimitBurst=3
            [Service]
            Restart=always
            RestartSec=10ms
            \(breakable)
            """,
            "strict.service": """
            [Unit]
            StartLimitIntervalSec=1h
            StartLimitBurst=1
            StartLimitAction=reboot-immediate
            FailureAction=none
            [Service]
            \(sleep)
            """,
            "once.service": "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
                + "ExecStop=/bin/false\n",
            "asked.service": "[Service]\n\(sleep)",
            "asked.socket": "[Socket]\nListenStream=/run/asked\n",
        ],
        """
        services:
          limited: { unit: limited.service, backoff: { first: 100ms, most: 1s } }
          strict: { unit: strict.service }
          once: { unit: once.service }
          asked: { unit: asked.service }
        """)
    try machine.sh("systemctl start limited strict once asked.socket asked")
    try machine.begin()
    for service in ["limited", "strict", "asked"] { try machine.until(service, "running") }
    for service in ["strict", "once", "asked"] {
        #expect(try machine.services()[service]?["unit"]?["restarts"]?.string == "nobody")
    }

    // systemd gives up; Regen goes on, and once the reason is gone it is up again.
    try machine.sh("touch /srv/broken")
    try machine.kill("limited")
    try machine.until(unit: "limited", "failed")
    try machine.untilRecorded("incident.open", "limited")
    try machine.sh("rm /srv/broken")
    try machine.until(unit: "limited", "active")
    try machine.until("limited", "running")

    // A reboot must not be what comes of our help.
    try machine.kill("strict")
    try machine.kill("asked")
    for service in ["strict", "asked"] {
        try machine.untilRecorded("incident.handover", service)
        try machine.stays("\(service) is left alone") {
            try machine.show("ActiveState", "\(service).service") == "failed"
        }
    }
}

private func startLimitAction(_ debian: Debian) throws {
    let machine = try UnitMachine(
        debian,
        [
            "strict.service": """
            [Unit]
            StartLimitIntervalSec=1h
            StartLimitBurst=3
            StartLimitAction=poweroff
            [Service]
            Restart=always
            RestartSec=100ms
            ExecStartPre=/bin/test ! -e /srv/broken
            \(sleep)
            """
        ], "services: { strict: { unit: strict.service } }")
    try machine.sh("systemctl start strict")
    try machine.begin()
    try machine.until("strict", "running")
    try machine.sh("touch /srv/broken")
    try machine.kill("strict")
    try machine.container.untilOff()
    #expect(try machine.count("incident.open", "strict") == 1)
    #expect(try machine.count("restart.attempt", "strict") == 0)
}

private func manyAtOnce(_ debian: Debian) throws {
    // Each start takes a while, so that all of them are under way at once.
    let machine = try UnitMachine(
        debian, ["worker@.service": "[Service]\nExecStartPre=/bin/sleep 2\n\(sleep)"],
        "services: { workers: { unit: worker@*.service } }")
    let count = SystemBus.mostCalls + 16
    let all = (1...count).map { "worker@\($0)" }.joined(separator: " ")
    try machine.sh("systemctl start \(all)")
    try machine.begin()
    func untilAllRun() throws {
        try machine.container.until("all of them run") {
            (try? machine.services())?.values.count { $0["phase"]?.string == "running" } == count
        }
    }
    try untilAllRun()
    try machine.sh("kill -KILL $(systemctl show -P MainPID \(all))")
    try machine.container.until("all of them are healed") {
        try machine.count("incident.resolve") == count
    }
    try untilAllRun()
    #expect(try machine.count("incident.open") == count)
    #expect(try machine.count("process.fail") == 0)
}

private func withoutBus(_ debian: Debian) throws {
    let machine = try UnitMachine(
        debian, ["web.service": "[Service]\n\(sleep)", "db.service": "[Service]\n\(sleep)"],
        """
        services:
          web: { unit: web.service }
          db: { unit: db.service }
        """)
    try machine.sh("systemctl start web db")
    try machine.begin()
    for service in ["web", "db"] { try machine.until(service, "running") }
    let untouched = try machine.show("InvocationID", "db")
    // As at a boot: neither the bus is there nor its socket.
    try machine.sh(
        """
        systemctl stop regen dbus.socket dbus.service
        rm -f /run/dbus/system_bus_socket
        """)
    try machine.kill("web")
    try machine.begin()
    try machine.untilRecorded("systemd.lost")
    #expect(try machine.count("incident.open") == 0)
    try machine.sh("systemctl start dbus.socket")
    try machine.untilRecorded("systemd.found")
    try machine.until("web", "running")
    try machine.until("db", "running")
    #expect(try machine.show("ActiveState", "web") == "active")
    #expect(try machine.show("InvocationID", "db") == untouched)
}

private func hangs(_ debian: Debian) throws {
    let machine = try UnitMachine(
        debian,
        [
            "web.service": """
            [Service]
            User=nobody
            RuntimeDirectory=web
            ExecStart=/bin/bash -c 'while :; do : > /run/web/beat; sleep .1; done'
            TimeoutStopSec=1

            """,
            "needs.service": "[Unit]\nRequires=web.service\n[Service]\n\(sleep)",
        ],
        """
        defaults: { probe: { interval: 300ms, timeout: 2s, strikes: 2, confirm_interval: 100ms } }
        services:
          web:
            unit: web.service
            probes:
              - file: { path: /run/web/beat, fresh: 3s }
              - command: [/bin/sh, -c, 'test "$(id -un)" = nobody']
          needs: { unit: needs.service }
        """)
    try machine.sh("systemctl start web needs")
    try machine.begin()
    try machine.until("web", "running")
    // The unit's user is who looks.
    try machine.untilRecorded("probe.proven", "web", times: 2)
    let first = try machine.show("InvocationID", "web")
    try machine.sh("systemctl kill -s STOP web")
    try machine.container.until("web runs anew") {
        try machine.show("InvocationID", "web") != first
            && machine.show("ActiveState", "web") == "active"
    }
    try machine.untilHealed("web")
    // A restart job, not a stop: who requires it is up again, or never was down.
    try machine.until(unit: "needs", "active")
}

private func instances(_ debian: Debian) throws {
    let machine = try UnitMachine(
        debian,
        ["worker@.service": "[Service]\n\(sleep)", "worker@named.service": "[Service]\n\(sleep)"],
        """
        services:
          workers: { unit: worker@*.service }
          named: { unit: worker@named.service }
        """)
    try machine.sh("systemctl start worker@a worker@named")
    try machine.begin()
    try machine.until("workers@a", "running")
    try machine.until("named", "running")
    #expect(try machine.services()["workers@named"] == nil)

    try machine.sh("systemctl start worker@b:1")
    try machine.until("workers@b:1", "running")
    let first = try machine.show("InvocationID", "worker@b:1")
    try machine.kill("worker@b:1")
    try machine.untilRecorded("incident.open", "workers@b:1")
    try machine.container.until("b:1 runs anew") {
        try machine.show("InvocationID", "worker@b:1") != first
            && machine.show("ActiveState", "worker@b:1") == "active"
    }

    // Stopped by hand, it is none any more, and systemd may forget it.
    try machine.sh("systemctl stop worker@a")
    try machine.container.until("a is gone") {
        guard let services = try? machine.services() else { return false }
        return services["workers@a"] == nil
    }
    try machine.sh("systemctl start worker@a")
    try machine.until("workers@a", "running")

    // Another regend finds them again, and touches none.
    let runs = try ["a", "b:1"].map { try machine.show("InvocationID", "worker@\($0)") }
    try machine.sh("systemctl kill -s KILL --kill-whom=main regen")
    try machine.container.until("another regend answers") {
        (try? machine.services()["workers@a"]?["phase"]?.string) == "running"
    }
    try machine.until("workers@b:1", "running")
    #expect(try ["a", "b:1"].map { try machine.show("InvocationID", "worker@\($0)") } == runs)
}

private func upheaval(_ debian: Debian) throws {
    let machine = try UnitMachine(
        debian, ["web.service": "[Service]\n\(sleep)", "db.service": "[Service]\n\(sleep)"],
        """
        services:
          web: { unit: web.service }
          db: { unit: db.service }
        """)
    func crash(_ unit: String, times: Int) throws {
        let before = try machine.show("InvocationID", unit)
        try machine.kill(unit)
        try machine.container.until("\(unit) runs anew") {
            try machine.show("InvocationID", unit) != before
                && machine.show("ActiveState", unit) == "active"
        }
        try machine.untilRecorded("incident.open", unit, times: times)
        try machine.untilRecorded("incident.resolve", unit, times: times)
    }
    try machine.sh("systemctl start web db")
    try machine.begin()
    for service in ["web", "db"] { try machine.until(service, "running") }
    let untouched = try machine.show("InvocationID", "db")

    try machine.sh("systemctl daemon-reexec")
    try crash("web", times: 1)
    try machine.restartBus()
    try machine.untilRecorded("systemd.lost")
    try machine.untilRecorded("systemd.found")
    try crash("web", times: 2)

    // Nobody looks while it fails: what is found then is a crash.
    try machine.sh("systemctl stop regen")
    try machine.kill("web")
    try machine.until(unit: "web", "failed")
    try machine.begin()
    try machine.until(unit: "web", "active")
    try machine.until("web", "running")
    try machine.sh("systemctl kill -s KILL --kill-whom=main regen")
    try machine.container.until("another regend answers") {
        (try? machine.services()["db"]?["phase"]?.string) == "running"
    }
    #expect(try machine.show("InvocationID", "db") == untouched)
    #expect(try machine.count("incident.open", "db") == 0)
    // Not looked after any more, it goes on.
    try machine.sh("systemctl stop regen; sed -i /db:/d /etc/regen/regen.yaml")
    try machine.begin()
    try machine.until("web", "running")
    #expect(try machine.show("InvocationID", "db") == untouched)
    #expect(try machine.show("ActiveState", "db") == "active")
}

private func byHand(_ debian: Debian) throws {
    let machine = try UnitMachine(
        debian, ["web.service": "[Service]\n\(sleep)"], "services: { web: { unit: web.service } }")
    try machine.begin()
    try machine.until("web", "stopped")
    try machine.regen("start", "web")
    try machine.until(unit: "web", "active")
    try machine.until("web", "running")
    let first = try machine.show("InvocationID", "web")
    try machine.regen("restart", "web")
    #expect(try machine.show("InvocationID", "web") != first)
    try machine.until("web", "running")
    try machine.regen("stop", "web")
    #expect(try machine.show("ActiveState", "web") == "inactive")
    #expect(try machine.services()["web"]?["phase"]?.string == "stopped")
    try machine.stays("it stays down") { try machine.show("ActiveState", "web") == "inactive" }
    try machine.sh("systemctl start web")
    try machine.until("web", "running")
    #expect(try machine.count("incident.open", "web") == 0)
}
