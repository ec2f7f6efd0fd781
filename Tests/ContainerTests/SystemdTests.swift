import JSON
import Testing

/// Where the services of a test are held.
enum Holding: String, CaseIterable, CustomTestStringConvertible {
    case leaves
    case sessions

    var testDescription: String { self == .leaves ? "in cgroup leaves" : "by session" }

    /// `web` needs `db`, so that it goes down first.
    var yaml: String {
        """
        cgroup: \(self == .leaves ? "auto" : "off")
        services:
          db: { command: [/srv/tidy, db], user: root }
          web: { command: [/srv/tidy, web], user: root, after: [db] }
        """
    }
}

/// How systemd ends a regend and gets another one.
enum Renewal: String, CaseIterable, CustomTestStringConvertible {
    case restart = "systemctl restart"
    /// Only the daemon: without `--kill-whom` systemctl kills all that the unit has.
    case kill = "systemctl kill -s KILL --kill-whom=main"
    case stopAndStart = "systemctl stop, then start"

    var testDescription: String { rawValue }
}

@Suite(
    "regend as a unit of systemd 252", .serialized,
    .enabled(
        if: Container.obstacle(.bookworm) == nil, "\(Container.obstacle(.bookworm) ?? "")"))
struct SystemdTests {
    @Test(
        "services keep their processes, and the next regend takes them over",
        arguments: Renewal.allCases, Holding.allCases)
    func renewed(_ renewal: Renewal, _ holding: Holding) throws {
        let unit = try Unit(.bookworm, holding.yaml)
        let daemon = try unit.pid()
        let services = try unit.pids()
        let leaf = try unit.cgroup(of: try #require(services["web"]))

        switch renewal {
        case .restart: try unit.systemctl("restart", "regen")
        case .kill: try unit.systemctl("kill", "-s", "KILL", "--kill-whom=main", "regen")
        case .stopAndStart:
            try unit.systemctl("stop", "regen")
            #expect(try unit.pid() == 0)
            #expect(try unit.processes() == services.values.sorted())
            try unit.systemctl("start", "regen")
        }
        try unit.untilAnswered(besides: daemon)

        #expect(try unit.pids() == services)
        #expect(try unit.processes() == services.values.sorted())
        #expect(try unit.cgroup(of: try #require(services["web"])) == leaf)
        for service in ["db", "web"] { try unit.untilRecorded("daemon.adopt \(service)") }
        let sentences = try unit.sentences()
        for service in ["db", "web"] {
            #expect(sentences.count { $0 == "daemon.adopt \(service)" } == 1)
            #expect(sentences.count { $0 == "process.start \(service)" } == 1)
        }
        #expect(!sentences.contains { $0.hasPrefix("process.exit") })
        #expect(sentences.contains("daemon.stop") == (renewal != .kill))
        #expect(unit.container.text("srv/cleaned").isEmpty)
    }

    @Test("each service has a leaf below the delegated cgroup, and so has its successor")
    func leaves() throws {
        let unit = try Unit(.bookworm, Holding.leaves.yaml)
        let own = try unit.cgroup(of: try unit.pid())
        #expect(own == "/system.slice/regen.service")
        for (name, pid) in try unit.pids() {
            #expect(try unit.cgroup(of: pid) == "\(own)/regen-\(name)")
        }
        let first = try #require(try unit.pids()["web"])
        _ = try unit.container.run(["sh", "-c", "kill -KILL \(first)"])
        try unit.container.until("web has a successor") {
            guard let pid = try unit.pids()["web"], pid != first else { return false }
            return try unit.cgroup(of: pid).hasPrefix("\(own)/regen-web")
        }
        let daemon = try unit.pid()
        try unit.systemctl("restart", "regen")
        try unit.untilAnswered(besides: daemon)
        let second = try #require(try unit.pids()["web"])
        #expect(try unit.cgroup(of: second).hasPrefix("\(own)/regen-web"))
    }

    @Test("systemctl kill of the whole unit: the services are started anew, as incidents")
    func allKilled() throws {
        let unit = try Unit(.bookworm, Holding.leaves.yaml)
        let daemon = try unit.pid()
        let services = try unit.pids()
        try unit.systemctl("kill", "-s", "KILL", "regen")
        try unit.untilAnswered(besides: daemon)
        try unit.untilAllRun()
        for (name, pid) in try unit.pids() {
            #expect(pid != services[name])
            try unit.untilRecorded("incident.open \(name)")
        }
        #expect(try unit.processes() == unit.pids().values.sorted())
    }

    @Test("poweroff: dependents go down first, all may clean up, and it is all in the ledger")
    func poweredOff() throws { try Shutdown.poweredOff(.bookworm) }

    @Test("reboot: the services are stopped, and started afresh by the next boot's regend")
    func rebooted() throws {
        let unit = try Unit(.bookworm, Holding.leaves.yaml)
        _ = try unit.container.run(["systemctl", "--no-block", "reboot"])
        try unit.untilRebooted()

        #expect(unit.container.text("srv/cleaned") == "web\ndb\n")
        for service in ["db", "web"] {
            try unit.untilRecorded("process.start \(service)", times: 2)
        }
        let sentences = try unit.sentences()
        #expect(sentences.count { $0 == "boot" } == 2)
        for service in ["db", "web"] {
            #expect(sentences.count { $0 == "service.rest \(service) ended" } == 1)
        }
        #expect(!sentences.contains { $0.hasPrefix("daemon.adopt") })
        #expect(!sentences.contains { $0.hasPrefix("incident.") })
    }
}

@Suite(
    "regend as a unit of systemd 257", .serialized,
    .enabled(if: Container.obstacle(.trixie) == nil, "\(Container.obstacle(.trixie) ?? "")"))
struct NewerSystemdTests {
    @Test("with DelegateSubgroup= the leaves are beside the daemon's cgroup, and adoption works")
    func delegateSubgroup() throws {
        let unit = try Unit(.trixie, Holding.leaves.yaml, more: "DelegateSubgroup=daemon")
        let daemon = try unit.pid()
        let services = try unit.pids()
        #expect(try unit.cgroup(of: daemon) == "/system.slice/regen.service/daemon")
        for (name, pid) in services {
            #expect(try unit.cgroup(of: pid) == "/system.slice/regen.service/regen-\(name)")
        }
        try unit.systemctl("restart", "regen")
        try unit.untilAnswered(besides: daemon)
        #expect(try unit.pids() == services)
    }

    @Test("poweroff: dependents go down first, all may clean up, and it is all in the ledger")
    func poweredOff() throws { try Shutdown.poweredOff(.trixie) }
}

/// What every systemd must give.
enum Shutdown {
    static func poweredOff(_ debian: Debian) throws {
        let unit = try Unit(
            debian,
            Holding.leaves.yaml + """

                  deaf: { command: [/srv/deaf], user: root, stop: { grace: 300ms } }
                """)
        // The container may be gone before this command has its answer.
        _ = try unit.container.run(["systemctl", "poweroff"])
        try unit.container.untilOff()

        #expect(unit.container.text("srv/cleaned") == "web\ndb\n")
        #expect(unit.container.text("srv/messages").contains("the machine shuts down"))
        // Deaf's death comes between, whenever its time is over.
        let way = try unit.sentences("service.stop", "service.rest").filter { !$0.contains("deaf") }
        #expect(
            way == [
                "service.stop web", "service.rest web ended",
                "service.stop db", "service.rest db ended",
            ])
        #expect(try unit.sentences("service.kill", "incident.open") == ["service.kill deaf"])
        #expect(try unit.sentences().last == "daemon.stop")
        let last = try #require(try unit.records().last { $0["ev"]?.string == "daemon.stop" })
        #expect(last["left_running"]?.integer == 0)
    }
}
