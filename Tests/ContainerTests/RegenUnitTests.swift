import Foundation
import JSON
import Testing

/// The units of examples/systemd, installed as operations.md says.
extension Unit {
    private static var examples: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../examples/systemd").standardized.path
    }

    private static func example(_ name: String) throws -> String {
        try String(contentsOfFile: "\(examples)/\(name)", encoding: .utf8)
    }

    /// `more` is a drop-in of the operator's.
    static func shipped(
        _ debian: Debian, _ yaml: String, unit: String = "regen.service", more: String = ""
    ) throws -> Unit {
        var files = [
            "units/regen.service": try example(unit), "etc/regen.yaml": yaml,
            "etc/regen.catalog": try example("regen.catalog"),
            "units/regen.service.d/operator.conf": "[Service]\n\(more)\n",
        ]
        if debian == .trixie, unit == "regen.service" {
            files["units/regen.service.d/delegate-subgroup.conf"] =
                try example("regen.service.d/delegate-subgroup.conf")
        }
        let shipped = try Unit(debian, files: files)
        try shipped.untilAllRun()
        return shipped
    }

    /// A property of the unit, as systemd knows it.
    func property(_ name: String) throws -> String {
        try container.run(["systemctl", "show", "-P", name, "regen"]).output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What a shell inside prints; it must end with 0.
    @discardableResult
    func shell(_ script: String, at: SourceLocation = #_sourceLocation) throws -> String {
        let (status, output) = try container.run(["sh", "-ec", script])
        #expect(status == 0, "\(script): \(output)", sourceLocation: at)
        return output
    }

    /// Installs the boot gate, which is not enabled; where it `reboots`, with the drop-in for that. Here
    /// it runs this program.
    func installBootGate(reboots: Bool = false, program: String? = nil) throws {
        let units = "\(container.directory)/units"
        let name = "regen-boot-check.service"
        try Self.example(name).write(
            toFile: "\(units)/\(name)", atomically: false, encoding: .utf8)
        try FileManager.default.createDirectory(
            atPath: "\(units)/\(name).d", withIntermediateDirectories: true)
        if reboots {
            try Self.example("\(name).d/reboot.conf").write(
                toFile: "\(units)/\(name).d/reboot.conf", atomically: false, encoding: .utf8)
        }
        if let program {
            try "[Service]\nExecStart=\nExecStart=\(program)\n".write(
                toFile: "\(units)/\(name).d/program.conf", atomically: false, encoding: .utf8)
        }
        try systemctl("daemon-reload")
        try systemctl("enable", name)
    }

    /// Writes the configuration anew.
    func configure(_ yaml: String) throws {
        let path = "\(container.directory)/etc/regen.yaml"
        try yaml.write(toFile: path, atomically: false, encoding: .utf8)
    }

    /// What the journal has under Regen's one identifier.
    func journal() throws -> [JSONValue] {
        try container.run(["journalctl", "-t", "regen", "-o", "json"]).output
            .split(separator: "\n").map { try JSONValue.parse(Array($0.utf8), limit: 1 << 16) }
    }
}

private let both: [Debian] = [.bookworm, .trixie]

@Suite(
    "the units that are shipped", .serialized,
    .enabled(
        if: both.allSatisfy { Container.obstacle($0) == nil },
        "\(both.compactMap { Container.obstacle($0) }.first ?? "")"))
struct RegenUnitTests {
    @Test(
        "systemd has nothing to say against any of them, and finds the hardened one hard",
        arguments: both)
    func verified(_ debian: Debian) throws {
        let unit = try Unit.shipped(debian, Holding.leaves.yaml)
        #expect(try unit.property("ActiveState") == "active")
        // What it says of other units is Debian's.
        let said = try unit.shell("systemd-analyze verify --man=no regen.service 2>&1")
        #expect(said.isEmpty, "\(said)")
        let hardened = try String(
            contentsOfFile: #filePath.replacing(
                "Tests/ContainerTests/RegenUnitTests.swift",
                with: "examples/systemd/regen-units-only.service"), encoding: .utf8)
        try hardened.write(
            toFile: "\(unit.container.directory)/units/regen-units-only.service",
            atomically: false, encoding: .utf8)
        let other = "/usr/local/lib/systemd/system/regen-units-only.service"
        #expect(try unit.shell("systemd-analyze verify --man=no \(other) 2>&1").isEmpty)
        try unit.installBootGate(reboots: true)
        let gate = "/usr/local/lib/systemd/system/regen-boot-check.service"
        let complaints = try unit.shell("systemd-analyze verify --man=no \(gate) 2>&1")
        #expect(complaints.isEmpty, "\(complaints)")
        #expect(try unit.shell("systemctl cat regen-boot-check").contains("FailureAction=reboot"))
        let security = try unit.shell("systemd-analyze security --offline=true --no-pager \(other)")
        let exposure = try #require(security.firstMatch(of: /exposure level.*: ([0-9.]+)/)?.1)
        #expect(try #require(Double(exposure)) <= 6)
    }

    @Test(
        "the boot gate lets boot-complete.target pass, and only its own no keeps it",
        arguments: both)
    func bootGate(_ debian: Debian) throws {
        let unit = try Unit.shipped(debian, Holding.leaves.yaml)
        let programs: [(String?, Bool)] = [
            (nil, true), ("/usr/local/bin/no-such-program", true), ("/bin/sh -c 'exit 2'", true),
            ("/bin/sh -c 'kill -SEGV $$$$'", true), ("/bin/sh -c 'kill -KILL $$$$'", true),
            ("/bin/sh -c 'exit 127'", true), ("/bin/false", false),
        ]
        for (program, passes) in programs {
            try unit.installBootGate(program: program)
            let (status, output) = try unit.container.run(
                ["systemctl", "start", "boot-complete.target"])
            #expect((status == 0) == passes, "\(program ?? "regen"): \(output)")
            try unit.shell("systemctl stop boot-complete.target regen-boot-check || true")
            try unit.shell("systemctl reset-failed regen-boot-check || true")
        }
        let checks = try unit.shell("grep -c '\"ev\":\"boot.check\"' /var/lib/regen/ledger/*.jsonl")
        #expect(checks == "1\n")
    }

    @Test("systemd knows how it is, and a reload tells whether it was good", arguments: both)
    func told(_ debian: Debian) throws {
        let unit = try Unit.shipped(debian, Holding.leaves.yaml)
        #expect(try unit.property("ActiveState") == "active")
        #expect(try unit.property("Type") == "notify")
        try unit.container.until("the status is told") {
            try unit.property("StatusText") == "2 services"
        }
        let services = try unit.pids()

        try unit.configure(
            Holding.leaves.yaml + "\n  more: { command: [/bin/sleep, '1000'], user: root }\n")
        try unit.systemctl("reload", "regen")
        #expect(try unit.property("ActiveState") == "active")
        #expect(try unit.pids()["more"] != nil)

        try unit.configure("services: { web: { comand: [/bin/true] } }")
        let (status, _) = try unit.container.run(["systemctl", "reload", "regen"])
        #expect(status != 0)
        try unit.container.until("the refusal is told") {
            try unit.property("StatusText")
                == "3 services, the configuration on the disk is refused"
        }
        #expect(try unit.property("ActiveState") == "active")

        try unit.configure(Holding.leaves.yaml)
        let daemon = try unit.pid()
        try unit.shell("kill -HUP \(daemon)")
        try unit.container.until("the configuration is in force again") {
            try unit.property("StatusText") == "2 services"
        }
        #expect(try unit.property("ActiveState") == "active")
        #expect(try unit.pids() == services)
        #expect(try unit.pid() == daemon)
    }

    @Test("the journal has fields, and explains each message", arguments: both)
    func journal(_ debian: Debian) throws {
        let unit = try Unit.shipped(debian, Holding.leaves.yaml)
        let updated = try unit.shell(
            """
            cp /etc/regen/regen.catalog /usr/lib/systemd/catalog/regen.catalog
            journalctl --update-catalog 2>&1
            """)
        #expect(updated.isEmpty, "\(updated)")
        try unit.shell("kill -KILL \(try #require(try unit.pids()["web"]))")
        try unit.container.until("the journal has the incident's end") {
            try unit.journal().contains { $0["REGEN_EVENT"]?.string == "incident.resolve" }
        }
        let entry = try #require(
            try unit.journal().first { $0["REGEN_EVENT"]?.string == "incident.resolve" })
        #expect(entry["REGEN_SERVICE"]?.string == "web")
        #expect(entry["REGEN_INCIDENT"]?.string == "1")
        #expect(entry["PRIORITY"]?.string == "5")
        #expect(entry["_SYSTEMD_UNIT"]?.string == "regen.service")
        #expect(entry["_TRANSPORT"]?.string == "journal")
        #expect(entry["MESSAGE"]?.string?.hasPrefix("web: healthy again after ") == true)
        let id = try #require(entry["MESSAGE_ID"]?.string)
        let explained = try unit.shell("journalctl -x MESSAGE_ID=\(id)")
        #expect(explained.contains("Subject: web is healthy again"))
        #expect(explained.contains("regen explain 1"))
        // One that cannot be swapped out says nothing; one that may be says so once.
        #expect(
            try unit.journal().count { $0["MESSAGE"]?.string?.contains("lock memory") == true } <= 1
        )
    }

    @Test("journald gone for a while: nothing waits for it, and what it did not take is told later")
    func silentJournal() throws {
        let unit = try Unit.shipped(.bookworm, Holding.leaves.yaml)
        try unit.shell("systemctl kill -s STOP --kill-whom=main systemd-journald")
        for _ in 1...3 {
            let before = try unit.pids()
            try unit.shell("kill -KILL \(try #require(before["web"]))")
            try unit.container.until("web is back") {
                let now = try unit.pids()["web"]
                return now != nil && now != before["web"]
            }
        }
        try unit.shell("systemctl kill -s CONT --kill-whom=main systemd-journald")
        try unit.container.until("the journal has it all") {
            try unit.journal().count { $0["REGEN_EVENT"]?.string == "process.start" } == 5
        }
    }

    @Test(
        "a loop that stands still is replaced, and services keep their processes", arguments: both)
    func watchdog(_ debian: Debian) throws {
        let unit = try Unit.shipped(debian, Holding.leaves.yaml, more: "WatchdogSec=4s")
        let daemon = try unit.pid()
        let services = try unit.pids()
        // It has fed it: more than one period has gone by.
        try unit.shell("sleep 9")
        #expect(try unit.pid() == daemon)
        let restarts = try #require(Int(try unit.property("NRestarts")))
        try unit.shell("kill -STOP \(daemon)")
        try unit.untilAnswered(besides: daemon)
        #expect(try unit.property("NRestarts") == "\(restarts + 1)")
        #expect(try unit.pids() == services)
        #expect(try unit.processes() == services.values.sorted())
    }

    @Test("restarted again and again, killed and upgraded: no service notices", arguments: both)
    func renewed(_ debian: Debian) throws {
        let unit = try Unit.shipped(debian, Holding.leaves.yaml)
        let services = try unit.pids()
        // Where the kernel gives us controllers, with them: systemd must still find its way back in.
        if debian == .trixie {
            try unit.shell(
                """
                cd /sys/fs/cgroup/system.slice/regen.service
                for one in $(cat cgroup.controllers); do echo +$one > cgroup.subtree_control; done
                """)
        }
        let isSoak = ProcessInfo.processInfo.environment["REGEN_SOAK"] != nil
        for _ in 1...(isSoak ? 100 : 15) {
            let daemon = try unit.pid()
            try unit.systemctl("restart", "regen")
            let next = try unit.pid()
            #expect(next != 0 && next != daemon)
            try #require(try unit.pids() == services)
        }
        for _ in 1...(isSoak ? 100 : 5) {
            let daemon = try unit.pid()
            try unit.shell("kill -KILL \(daemon)")
            try unit.untilAnswered(besides: daemon)
            try #require(try unit.pids() == services)
            // Newer systemd waits longer each time, 30 s in the end.
            try unit.systemctl("reset-failed", "regen")
        }

        try unit.shell(
            """
            cp -r /opt/regen /srv/next
            for one in /srv/next/regen*; do ln -sf $one /usr/local/bin/; done
            """)
        try unit.systemctl("restart", "regen")
        let exe = try unit.shell("readlink /proc/\(try unit.pid())/exe")
        #expect(exe == "/srv/next/regend\n")
        #expect(try unit.pids() == services)

        try unit.systemctl("stop", "regen")
        #expect(try unit.property("Result") == "success")
        #expect(try unit.processes() == services.values.sorted())
        try unit.systemctl("start", "regen")
        #expect(try unit.pids() == services)
        #expect(unit.container.text("srv/cleaned").isEmpty)

        // All the same their own signal and their grace when it is meant.
        try unit.shell("/usr/local/bin/regen stop --all")
        #expect(unit.container.text("srv/cleaned") == "web\ndb\n")
        #expect(try unit.processes().isEmpty)
        #expect(try unit.property("ActiveState") == "active")
    }

    @Test("a shutdown stops services in order, each with its grace", arguments: both)
    func poweredOff(_ debian: Debian) throws {
        let unit = try Unit.shipped(debian, Holding.leaves.yaml)
        try unit.container.until("the services have set their traps") {
            unit.container.text("srv/listening").split(separator: "\n").count == 2
        }
        _ = try unit.container.run(["systemctl", "poweroff"])
        try unit.container.untilOff()
        #expect(unit.container.text("srv/cleaned") == "web\ndb\n")
        #expect(try unit.sentences().last == "daemon.stop")
    }

    /// Does what it may: becomes root by sudo, and writes at home.
    private static let attempt = """
        #!/bin/sh
        sudo -n id > "/home/daemon/$1"
        exec sleep 1000

        """

    /// What a process may and has, as the kernel tells it, without what differs from one to the next.
    private static let portrait = """
        portrait() {
          grep -E '^(Umask|Cap...|NoNewPrivs|Seccomp|Seccomp_filters|SigBlk):' /proc/$1/status
          for one in mnt user pid net ipc uts cgroup; do readlink /proc/$1/ns/$one; done
          cat /proc/$1/limits /proc/$1/oom_score_adj
        }
        """

    @Test("a child may do what a peer of systemd's may", arguments: both)
    func children(_ debian: Debian) throws {
        let unit = try Unit.shipped(
            debian,
            """
            services:
              root: { command: [/bin/sleep, "1000"], user: root }
              idle: { command: [/bin/sleep, "1000"], user: daemon }
            """)
        try Self.attempt.write(
            toFile: "\(unit.container.directory)/srv/try", atomically: false, encoding: .utf8)
        try unit.shell(
            """
            install -d -o daemon /home/daemon
            echo 'daemon ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/daemon
            chmod 755 /srv/try
            systemd-run --unit=peer-root /bin/sleep 1000
            systemd-run --unit=peer-other --uid=daemon /srv/try peer
            """)
        try unit.configure(
            """
            services:
              root: { command: [/bin/sleep, "1000"], user: root }
              other: { command: [/srv/try, child], user: daemon }
            """)
        try unit.systemctl("reload", "regen")
        for who in ["peer", "child"] {
            try unit.container.until("\(who) has written at home") {
                try unit.container.run(["cat", "/home/daemon/\(who)"]).output.contains("\n")
            }
            #expect(try unit.shell("cat /home/daemon/\(who)").contains("uid=0(root)"))
        }
        for who in ["root", "other"] {
            let child = try #require(try unit.pids()[who])
            let mine = try unit.shell("\(Self.portrait)\nportrait \(child)")
            let theirs = try unit.shell(
                "\(Self.portrait)\nportrait $(systemctl show -P MainPID peer-\(who))")
            #expect(mine == theirs)
        }
    }

    @Test("nothing that works for regend has its score or what systemd said to it alone")
    func leaks() throws {
        let unit = try Unit.shipped(
            .bookworm,
            """
            services:
              web:
                command: [/bin/sleep, "1000"]
                user: daemon
                probes:
                  - command: { command: [/bin/sh, -c, "env; cat /proc/self/oom_score_adj"], contains: "\\n0\\n" }
            """, more: "OOMScoreAdjust=300")
        // Not the -900 that is shipped: who boots the container may not be allowed to give it.
        let score = try unit.shell("cat /proc/\(try unit.pid())/oom_score_adj")
        #expect(score == "300\n")
        try unit.container.until("its workers run") {
            let answer = try unit.container.run(["/opt/regen/regen", "status", "--json"]).output
            let status = try JSONValue.parse(Array(answer.utf8), limit: 1 << 20)
            let states = status["daemon"]?["workers"]?.array?.map { $0["state"]?.string }
            return states?.isEmpty == false && states?.allSatisfy { $0 == "ready" } == true
        }
        let others = try unit.shell(
            """
            for pid in $(find /sys/fs/cgroup/system.slice/regen.service -name cgroup.procs -exec cat {} +); do
              [ $pid != \(try unit.pid()) ] || continue
              echo "$(cat /proc/$pid/oom_score_adj) $(tr '\\0' ' ' < /proc/$pid/environ)"
            done
            """)
        #expect(others.split(separator: "\n").count >= 2)
        for line in others.split(separator: "\n") {
            #expect(line.hasPrefix("0 "))
            for name in ["NOTIFY_SOCKET", "WATCHDOG_", "JOURNAL_STREAM", "INVOCATION_ID"] {
                #expect(!line.contains(" \(name)"))
            }
        }
    }

    @Test("hardened, it watches units, keeps its record, and its workers look", arguments: both)
    func hardened(_ debian: Debian) throws {
        let unit = try Unit.shipped(
            debian,
            """
            services:
              bus:
                unit: dbus.service
                probes: [{ unix: /run/dbus/system_bus_socket }]
            """, unit: "regen-units-only.service")
        #expect(try unit.property("NoNewPrivileges") == "yes")
        #expect(try unit.container.run(["/opt/regen/regen", "probe", "bus"]).status == 0)
        try unit.untilRecorded("daemon.start")
        let bus = try unit.pids()
        let daemon = try unit.pid()
        try unit.systemctl("restart", "regen")
        try unit.untilAnswered(besides: daemon)
        try unit.untilAllRun()
        #expect(try unit.pids() == bus)
    }
}
