import Foundation
import JSON
import Testing

private let isSoak = ProcessInfo.processInfo.environment["REGEN_SOAK"] != nil

@Suite(
    "a real hardware watchdog", .serialized,
    .enabled(if: VirtualMachine.obstacle == nil, "\(VirtualMachine.obstacle ?? "")"))
struct WatchdogTests {
    /// The device's, in seconds.
    private static let timeout = 15.0
    /// How long the disk may be silent, in seconds.
    private static let stall = 15.0
    private static let yaml = """
        watchdog: { timeout: \(Int(timeout))s, ledger_stall: \(Int(stall))s }
        services:
          web: { command: [/bin/sleep, "100000"], user: root, critical: true }

        """
    /// A thousand that crash at once, each time they are started.
    private static let storm =
        yaml.replacing(/timeout: \d+s, ledger_stall: \d+s/, with: "timeout: 60s")
            + """
              storm:
                command: [/bin/false]
                user: root
                instances: 1000
                crash_loop: off

            """

    /// One whose regend is not watched by systemd, which would be quicker.
    private static func machine() throws -> VirtualMachine {
        let machine = try VirtualMachine(
            yaml, more: "WatchdogSec=0", files: ["etc/regen/storm.yaml": storm])
        try machine.untilRunning("web")
        let opened = try machine.untilRecorded("watchdog.open").last
        #expect(opened?["identity"]?.string == "i6300ESB timer")
        #expect(opened?["timeout_ms"]?.integer == Int64(timeout * 1000))
        return machine
    }

    @Test("an idle machine, a stopped regend, a full disk, a short silence of the disk: no reset")
    func calm() throws {
        let machine = try Self.machine()
        let calm = Calm(machine)
        try calm.idle()
        try calm.stopped()
        try calm.fullDisk()
        try calm.shortStall()
        #expect(machine.resets == 0)
        #expect(try machine.records("watchdog.starve").isEmpty)
        try machine.expectSoundLedger()
    }

    @Test(
        "heavy load, and nothing that can be written: no reset",
        .enabled(if: isSoak, "not yet part of make test; REGEN_SOAK=1"))
    func load() throws {
        let machine = try Self.machine()
        let calm = Calm(machine)
        try calm.load()
        try calm.readOnly()
        #expect(machine.resets == 0)
    }

    @Test(
        "regend or the disk hangs: a reset",
        .enabled(if: isSoak, "not yet part of make test; REGEN_SOAK=1"))
    func resets() throws {
        let machine = try Self.machine()
        let alarm = Alarm(machine)
        try alarm.isReset("regend stands still", within: Self.timeout + 5) {
            try machine.shell("kill -STOP \(try machine.daemon)")
        }
        try alarm.isReset("regend is killed and nobody may start it", within: Self.timeout + 5) {
            let daemon = try machine.daemon
            try machine.shell("systemctl mask --runtime --quiet regen; kill -KILL \(daemon)")
        }
        try alarm.isReset("the disk is silent", within: Self.stall + Self.timeout + 5) {
            try machine.shell(
                """
                dmsetup suspend --noflush --nolockfs --noudevsync state
                kill -KILL \(try #require(try machine.pids()["web"]))
                """)
        }
        try machine.expectSoundLedger()
    }

    /// What resets no machine.
    private struct Calm {
        let machine: VirtualMachine

        init(_ machine: VirtualMachine) { self.machine = machine }

        /// Lets so many time-outs go by, on the machine's own clock.
        private func wait(_ timeouts: Double) throws {
            let seconds = Int(timeouts * WatchdogTests.timeout)
            for _ in 0..<seconds / 10 { try machine.shell("sleep 10") }
        }

        func idle() throws { try wait(2) }

        func stopped() throws {
            try machine.shell("systemctl stop regen")
            #expect(try machine.shell("cat /sys/class/watchdog/watchdog0/state") == "inactive\n")
            try wait(2)
            try machine.shell("systemctl start regen")
            try machine.untilAnswered()
            #expect(try machine.shell("cat /sys/class/watchdog/watchdog0/state") == "active\n")
        }

        func fullDisk() throws {
            try machine.shell(
                """
                dd if=/dev/zero of=/state/full bs=1M 2>/dev/null || :
                kill -KILL \(try #require(try machine.pids()["web"]))
                """)
            try wait(2)
            try machine.untilRunning("web")
            try machine.shell("rm /state/full")
        }

        /// The disk answers again before its time is up.
        func shortStall() throws {
            try machine.shell(
                """
                dmsetup suspend --noflush --nolockfs --noudevsync state
                kill -KILL \(try #require(try machine.pids()["web"]))
                sleep \(Int(WatchdogTests.stall / 2))
                dmsetup resume --noudevsync state
                """)
            try wait(1)
        }

        /// A minute of all at once; ten in soak.
        func load() throws {
            try machine.shell(
                """
                cp /etc/regen/regen.yaml /etc/regen/calm.yaml
                cp /etc/regen/storm.yaml /etc/regen/regen.yaml
                systemctl reload regen
                for one in 1 2 3 4; do
                    systemd-run --quiet --unit=load-$one sh -c 'while :; do :; done'
                done
                systemd-run --quiet --unit=load-fork -p TasksMax=300 -p Restart=always \\
                    -p StartLimitIntervalSec=0 bash -c 'f() { f & f & wait; }; f'
                systemd-run --quiet --unit=load-memory -p Restart=always \\
                    -p StartLimitIntervalSec=0 -p OOMPolicy=continue -p OOMScoreAdjust=900 \\
                    perl -e 'open Z, "/dev/zero"; read Z, $x[$_], 50 << 20 for 1 .. 100'
                """)
            for _ in 0..<(isSoak ? 60 : 6) { try machine.shell("sleep 10") }
            let killed = try machine.shell("dmesg | grep -c 'Out of memory: Killed'")
            #expect(Int(killed.dropLast()) ?? 0 > 0)
            try machine.shell(
                """
                systemctl kill -s KILL 'load-*'; systemctl stop 'load-*'
                cp /etc/regen/calm.yaml /etc/regen/regen.yaml
                systemctl reload regen
                """)
        }

        /// Nothing can be written any more.
        func readOnly() throws {
            try machine.run("mount -o remount,abort /state")
            #expect(try machine.run("touch /var/lib/regen/probe").status != 0)
            try machine.run("kill -KILL \(try #require(try machine.pids()["web"]))")
            try wait(2)
            try machine.untilRunning("web")
        }
    }

    /// What resets it.
    private struct Alarm {
        let machine: VirtualMachine

        init(_ machine: VirtualMachine) { self.machine = machine }

        /// The machine must be reset in that time, and the next boot know why.
        func isReset(_ what: String, within seconds: Double, _ deed: () throws -> Void) throws {
            let begin = Date()
            try deed()
            let took = try machine.untilReset(since: begin)
            print("watchdog: \(what): reset after \(took) s")
            #expect(took <= seconds, "\(what)")
            let status = try machine.shell("cat /sys/class/watchdog/watchdog0/bootstatus")
            #expect(status != "0\n", "\(what)")
            try machine.untilAnswered()
            try machine.untilRunning("web")
        }
    }
}
