import Foundation
import JSON
import Testing

private let isSoak = ProcessInfo.processInfo.environment["REGEN_SOAK"] != nil

@Suite(
    "a real hardware watchdog", .serialized,
    .enabled(if: VirtualMachine.obstacle == nil, "\(VirtualMachine.obstacle ?? "")"))
struct WatchdogTests {
    /// The device's, in seconds: the shortest that Regen takes.
    private static let timeout = 10
    /// How long the disk may be silent, in seconds.
    private static let stall = 10
    private static let web = """
        services:
          web: { command: [/bin/sleep, "100000"], user: root, critical: true }

        """
    private static let yaml = """
        watchdog: { timeout: \(timeout)s, ledger_stall: \(stall)s }
        \(web)
        """

    @Test(
        """
        one that comes late, an idle machine, a stopped regend, a full disk, one that is silent for a short \
        time or cannot be written, a systemd that feeds it, and nowayout: no reset
        """)
    func calm() throws {
        let machine = try VirtualMachine(.instructions, Self.yaml, options: "late-watchdog")
        try machine.untilRunning("web")
        let calm = Calm(machine)
        try calm.late()
        try calm.idle()
        try calm.stopped()
        try calm.fullDisk()
        try calm.shortStall()
        try calm.busy()
        try calm.noWayOut()
        #expect(try machine.records("watchdog.starve").isEmpty)
        try machine.expectSoundLedger()
        try calm.readOnly()
        #expect(machine.resets == 0)
    }

    @Test(
        "regend or the disk hangs: a reset that the next boot tells of, and after three of them none"
    )
    func resets() throws {
        // Its regend is not watched by systemd, which would be quicker.
        let machine = try VirtualMachine(.instructions, Self.yaml, more: "WatchdogSec=0")
        try machine.untilRunning("web")
        let opened = try machine.untilRecorded("watchdog.open").last
        #expect(opened?["identity"]?.string == "i6300ESB timer")
        #expect(opened?["timeout_ms"]?.integer == Int64(1000 * Self.timeout))
        #expect(try machine.records("boot").map { $0["cause"]?.string } == ["unknown"])
        let alarm = Alarm(machine)
        try alarm.isReset(
            "regend stands still", within: Self.timeout, by: "kill -STOP \(try machine.daemon)")
        try machine.shell("systemctl mask --runtime --quiet regen")
        try alarm.isReset(
            "regend is killed and nobody may start it", within: Self.timeout,
            by: "kill -KILL \(try machine.daemon)")
        let web = try #require(try machine.pids()["web"])
        try alarm.isReset(
            "the disk is silent", within: Self.stall + Self.timeout,
            by: """
                dmsetup suspend --noflush --nolockfs --noudevsync state
                kill -KILL \(web)
                """
        ) {
            try machine.until("it is told before") {
                let watchdog = try machine.watchdog
                return watchdog?["state"]?.string == "starving"
                    && watchdog?["condition"]?.string == "ledger-answered"
            }
        }
        try alarm.isLeftAlone()
        try machine.expectSoundLedger()
    }

    @Test("heavy load: no reset")
    func load() throws {
        // What is asked is whether regend still turns, and not how fast an emulated machine is.
        let quiet = Self.yaml.replacing("timeout: \(Self.timeout)s", with: "timeout: 60s")
        let machine = try VirtualMachine(
            .instructions, quiet, more: "WatchdogSec=0",
            files: ["etc/regen/storm.yaml": quiet + Load.storm])
        try machine.untilRunning("web")
        try machine.untilRecorded("watchdog.open")
        try Load(machine).play(minutes: isSoak ? 10 : 1)
        #expect(machine.resets == 0)
        #expect(try machine.records("watchdog.starve").isEmpty)
        try machine.expectSoundLedger()
    }

    /// What resets no machine.
    private struct Calm {
        let machine: VirtualMachine

        init(_ machine: VirtualMachine) { self.machine = machine }

        /// Lets so many time-outs go by, on the machine's own clock.
        private func wait(_ timeouts: Int) throws {
            for _ in 0..<timeouts { try machine.shell("sleep \(WatchdogTests.timeout)") }
        }

        private static let state = "cat /sys/class/watchdog/watchdog0/state"

        /// Its driver comes after regend.
        func late() throws {
            #expect(try machine.watchdog?["state"]?.string == "waiting")
            try machine.shell("modprobe i6300esb")
            let opened = try machine.untilRecorded("watchdog.open").last
            #expect(opened?["identity"]?.string == "i6300ESB timer")
            #expect(opened?["nowayout"]?.bool == false)
        }

        func idle() throws { try wait(2) }

        func stopped() throws {
            try machine.shell("systemctl stop regen")
            #expect(try machine.records("watchdog.close").last?["magic"]?.bool == true)
            #expect(try machine.shell(Self.state) == "inactive\n")
            try wait(2)
            try machine.shell("systemctl start regen")
            try machine.untilAnswered()
            #expect(try machine.shell(Self.state) == "active\n")
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
                sleep \(WatchdogTests.stall / 2)
                dmsetup resume --noudevsync state
                """)
            try wait(1)
        }

        /// systemd was quicker: it watches regend instead, and regend takes what systemd lets go.
        func busy() throws {
            let openings = try machine.records("watchdog.open").count
            try machine.shell(
                "systemctl stop regen; \(Self.feed(microseconds: 60_000_000)); systemctl start regen"
            )
            let told = try machine.untilRecorded("watchdog.busy").last
            #expect(told?["holder"]?.string == "systemd (pid 1)")
            #expect(try machine.watchdog?["watched_ms"]?.integer ?? 0 > 0)
            let status = try machine.run("regen status").output
            #expect(status.contains("systemd watches regend"), "\(status)")
            #expect(status.contains("(fed by systemd (pid 1))"), "\(status)")
            let doctor = try machine.run("regen doctor").output
            #expect(
                doctor.contains("regend is to feed it, and systemd (pid 1) does"), "\(doctor)")
            try machine.shell(Self.feed(microseconds: 0))
            try machine.untilRecorded("watchdog.open", times: openings + 1)
        }

        private static func feed(microseconds: Int) -> String {
            "busctl set-property org.freedesktop.systemd1 /org/freedesktop/systemd1 "
                + "org.freedesktop.systemd1.Manager RuntimeWatchdogUSec t \(microseconds)"
        }

        /// What cannot be stopped is said to be so; it bears a restart.
        func noWayOut() throws {
            let openings = try machine.records("watchdog.open").count
            try machine.shell(
                """
                systemctl stop regen
                modprobe -r i6300esb; modprobe i6300esb nowayout=1
                systemctl start regen
                """)
            let opened = try machine.untilRecorded("watchdog.open", times: openings + 1).last
            #expect(opened?["nowayout"]?.bool == true)
            let status = try machine.run("regen status").output
            #expect(status.contains("nowayout: stopping regend resets the machine"), "\(status)")
            let doctor = try machine.run("regen doctor").output
            #expect(
                doctor.contains("nowayout: whoever stops regend resets the machine"), "\(doctor)")
            #expect(
                try machine.shell("systemctl stop regen; \(Self.state); systemctl start regen")
                    == "active\n")
            try machine.untilRecorded("watchdog.open", times: openings + 2)
            #expect(try machine.records("watchdog.close").last?["magic"]?.bool == false)
            try wait(1)
        }

        /// Nothing can be written any more.
        func readOnly() throws {
            let web = try #require(try machine.pids()["web"])
            try machine.run("mount -o remount,abort /state")
            #expect(try machine.run("touch /var/lib/regen/probe").status != 0)
            try machine.run("kill -KILL \(web)")
            try wait(2)
            try machine.untilRunning("web")
            #expect(try machine.pids()["web"] != web)
            #expect(try machine.watchdog?["state"]?.string == "feeding")
        }
    }

    /// All at once.
    private struct Load {
        /// A thousand that crash at once, each time they are started.
        static let storm = """
              storm:
                command: [/bin/false]
                user: root
                instances: 1000
                crash_loop: off

            """
        let machine: VirtualMachine

        init(_ machine: VirtualMachine) { self.machine = machine }

        func play(minutes: Int) throws {
            try machine.shell(
                """
                cp /etc/regen/storm.yaml /etc/regen/regen.yaml
                systemctl reload regen
                # Of a memory that would take minutes to fill.
                head -c 300M /dev/zero >/dev/shm/full
                """)
            // All have been started once.
            try machine.until("they crash") { try crashes > 100 }
            let before = try crashes
            try machine.shell(
                """
                for one in 1 2 3 4; do
                    systemd-run --quiet --unit=load-$one sh -c 'while :; do :; done'
                done
                systemd-run --quiet --unit=load-fork -p TasksMax=300 -p Restart=always \\
                    -p StartLimitIntervalSec=0 bash -c 'f() { f & f & wait; }; f'
                systemd-run --quiet --unit=load-memory -p CPUWeight=1000 -p Restart=always \\
                    -p StartLimitIntervalSec=0 -p OOMPolicy=continue -p OOMScoreAdjust=900 \\
                    perl -e 'open Z, "/dev/zero"; read Z, $x[$_], 50 << 20 for 1 .. 100'
                """)
            for _ in 0..<6 * minutes { try machine.shell("sleep 10") }
            let killed = try count("dmesg | grep -c 'Out of memory: Killed'")
            let crashed = try crashes - before
            print(
                "watchdog: \(minutes) min of load: \(killed) killed for memory, \(crashed) crashes")
            #expect(killed > 0)
            #expect(crashed >= 100)
            try machine.run("systemctl kill -s KILL 'load-*'; systemctl stop 'load-*'")
        }

        private var crashes: Int {
            get throws {
                try count("cat /var/lib/regen/ledger/*.jsonl | grep -c '\"ev\":\"process.exit\"'")
            }
        }

        private func count(_ script: String) throws -> Int {
            Int(try machine.run(script).output.prefix { $0.isNumber }) ?? 0
        }
    }

    /// What resets it.
    private struct Alarm {
        /// What may come on top of the time-out, in seconds.
        private static let slack = 5.0
        let machine: VirtualMachine

        init(_ machine: VirtualMachine) { self.machine = machine }

        /// The machine must be reset in that time by what the script does, and the next boot know
        /// why.
        func isReset(
            _ what: String, within seconds: Int, by script: String,
            _ meanwhile: () throws -> Void = {}
        ) throws {
            let boots = try machine.records("boot").count
            let resets = machine.resets
            let ticked = machine.ticks.count
            // The time counts from the first tick: nothing slow may come between it and the deed.
            try machine.shell("\(VirtualMachine.ticking)\n\(script)")
            try meanwhile()
            try machine.untilReset(after: resets)
            // From before the deed to the last sign of life.
            let ticks = machine.ticks.dropFirst(ticked)
            let took = try #require(ticks.last) - #require(ticks.first)
            print("watchdog: \(what): reset after \(took) s of its own time")
            #expect(took <= Double(seconds) + Self.slack, "\(what)")
            let status = try machine.shell("cat /sys/class/watchdog/watchdog0/bootstatus")
            #expect(status != "0\n", "\(what)")
            try machine.untilAnswered()
            try machine.untilRunning("web")
            try told(what, boots + 1)
        }

        /// What is in the ledger of it, before and after.
        private func told(_ what: String, _ boots: Int) throws {
            let boot = try #require(try machine.untilRecorded("boot", times: boots).last)
            #expect(boot["cause"]?.string == "watchdog", "\(what): \(boot)")
            #expect(boot["evidence"]?.string?.contains("i6300ESB timer") == true, "\(what)")
            let past = try machine.records("boot", "watchdog.open", "watchdog.close")
                .filter { $0["boot"] != boot["boot"] }
            // The boot before had armed it, and nobody had let it go.
            #expect(past.last?["ev"]?.string == "watchdog.open", "\(what): \(past)")
            let lastBoot = past.last { $0["ev"]?.string == "boot" }
            #expect(past.last?["boot"] == lastBoot?["boot"], "\(what)")
            let status = try machine.run("regen status").output
            #expect(status.contains("last boot: watchdog"), "\(what): \(status)")
        }

        /// It was reset three times: nobody opens the device, and everybody is told.
        func isLeftAlone() throws {
            let boot = try machine.records("boot").last?["boot"]
            let off = try #require(try machine.untilRecorded("watchdog.off").last)
            #expect(off["reason"]?.string?.contains("3 times within an hour") == true, "\(off)")
            try machine.shell("systemctl restart regen")
            try machine.untilAnswered()
            try machine.untilRecorded("watchdog.off", times: 2)
            let opened = try machine.records("watchdog.open").filter { $0["boot"] == boot }
            #expect(opened.isEmpty)
            let state = try machine.shell("cat /sys/class/watchdog/watchdog0/state")
            #expect(state == "inactive\n")
            let status = try machine.run("regen status").output
            #expect(
                status.contains("watchdog not used: it has reset this machine 3 times"), "\(status)"
            )
            let doctor = try machine.run("regen doctor").output
            #expect(doctor.contains("the watchdog stays off"), "\(doctor)")
        }
    }
}

extension VirtualMachine {
    /// What `regen status` says of the watchdog.
    fileprivate var watchdog: JSONValue? {
        get throws {
            let answer = try run("regen status --json").output
            return try JSONValue.parse(Array(answer.utf8), limit: 1 << 20)["daemon"]?["watchdog"]
        }
    }
}
