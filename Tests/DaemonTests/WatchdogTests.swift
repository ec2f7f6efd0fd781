import Foundation
import Glibc
import JSON
import Testing

/// The hardware watchdog in the real daemon, as far as that goes without hardware: the rest is in the
/// VM.
@Suite("the hardware watchdog") struct WatchdogTests {
    private static func yaml(_ watchdog: String?) -> String {
        """
        cgroup: off
        \(watchdog.map { "watchdog: \($0)" } ?? "")
        services:
          web: { command: [/bin/sleep, '1000'], critical: true, log: none }
        """
    }

    private static func watchdog(_ installation: Installation) throws -> JSONValue? {
        try installation.status()["daemon"]?["watchdog"]
    }

    private static func device(_ installation: Installation) throws -> JSONValue? {
        try watchdog(installation)?["devices"]?.array?.first
    }

    @Test(
        "a disk that does not answer starves it, and the reason is told before; an answer ends it",
        .enabled(if: FailingDisk.isPossible, "needs root, mkfs.ext4, a loop device and ext4"))
    func stall() throws {
        let installation = try Installation(
            Self.yaml("{ timeout: 10s, ledger_stall: 10s, test: true }"))
        let disk = try FailingDisk(installation.state, image: "\(installation.directory)/image")
        defer {
            try? disk.thaw()
            installation.abandon()
            disk.unmount()
        }
        try installation.start()
        _ = try installation.whenRunning("web")
        let test = try Self.watchdog(installation)
        #expect(test?["state"]?.string == "test")
        #expect(try Self.device(installation)?["timeout_ms"]?.integer == 10_000)
        try disk.freeze()
        try installation.regen("restart", "web")
        try installation.until("it starves", seconds: 90) {
            try Self.watchdog(installation)?["state"]?.string == "starving"
        }
        #expect(try Self.watchdog(installation)?["condition"]?.string == "ledger-answered")
        #expect(
            installation.messages.contains(
                "not fed any more (ledger-answered): a test, nothing is reset: the disk"))
        try disk.thaw()
        try installation.until("it is fed again", seconds: 90) {
            try Self.watchdog(installation)?["state"]?.string == "test"
        }
        try installation.until("both are recorded") {
            try installation.records("watchdog.fed").count == 1
        }
        let starve = try #require(try installation.records("watchdog.starve").first)
        #expect(starve["condition"]?.string == "ledger-answered")
        #expect(try installation.end() == 0)
    }

    @Test("what is no watchdog is told once, and nothing is tried again for it") func unusable()
        throws
    {
        let installation = try Installation(Self.yaml("{ device: /dev/null }"))
        try installation.start()
        try installation.until("it is looked at") {
            try Self.device(installation)?["state"]?.string == "unusable"
        }
        #expect(try Self.device(installation)?["detail"]?.string?.contains("no watchdog") == true)
        #expect(try Self.watchdog(installation)?["state"]?.string == "waiting")
        let before = try installation.switches()
        for _ in 0..<500 { close(open("/dev/null", O_WRONLY)) }
        _ = try installation.status()
        #expect(try installation.switches() - before < 200)
        try installation.until("watchdog.off")
        #expect(try installation.records("watchdog.off").count == 1)
        let status = try installation.regen("status").output
        #expect(status.contains("watchdog not used; nobody watches regend; /dev/null (it is a"))
    }

    @Test("one that comes late is taken when it comes") func late() throws {
        let installation = try Installation(Self.yaml("{ device: '@DIR@/watchdog7' }"))
        try installation.start()
        #expect(try Self.device(installation)?["state"]?.string == "absent")
        // No device, but something of that name.
        mkdir("\(installation.directory)/watchdog7", 0o755)
        try installation.until("it is seen") {
            try Self.device(installation)?["detail"]?.string == "it is a directory"
        }
        rmdir("\(installation.directory)/watchdog7")
        symlink("/dev/null", "\(installation.directory)/watchdog7")
        try installation.until("the next is seen") {
            try Self.device(installation)?["detail"]?.string?.contains("no watchdog") == true
        }
    }

    @Test("a reload turns it on and off") func reload() throws {
        let installation = try Installation(Self.yaml(nil))
        try installation.start()
        #expect(try Self.watchdog(installation) == nil)
        try installation.configure(Self.yaml("{ test: true }"))
        #expect(try installation.regen("reload").status == 0)
        #expect(try Self.watchdog(installation)?["state"]?.string == "test")
        try installation.configure(Self.yaml("{ device: [/tmp, /dev/null] }"))
        #expect(try installation.regen("reload").status == 0)
        try installation.until("both are looked at") {
            let devices = try Self.watchdog(installation)?["devices"]?.array ?? []
            return devices.count == 2 && devices.allSatisfy { $0["state"]?.string == "unusable" }
        }
        try installation.configure(Self.yaml(nil))
        #expect(try installation.regen("reload").status == 0)
        #expect(try Self.watchdog(installation) == nil)
        try installation.configure(Self.yaml("{ timeout: 9s }"))
        let refused = try installation.regen("reload")
        #expect(refused.status == 1 || refused.status == 2)
        #expect(refused.errors.contains("watchdog.timeout: 9s is outside"))
    }

    /// A daemon that feeds a device without hardware; `nil`: there is no compiler for one.
    private func feeding(
        _ watchdog: String, _ change: (FakeWatchdog) throws -> Void = { _ in }
    ) throws -> (Installation, FakeWatchdog)? {
        guard FakeWatchdog.library != nil else {
            print("SKIPPED: no C compiler, so no watchdog device without hardware")
            return nil
        }
        let installation = try Installation(Self.yaml(watchdog))
        let device = FakeWatchdog(in: installation.directory)
        try change(device)
        try installation.start(below: device.shell)
        return (installation, device)
    }

    private static let plain = "{ device: '@DIR@/watchdog', timeout: 10s }"

    private func untilState(
        _ installation: Installation, _ state: String, seconds: Double = 30
    ) throws {
        try installation.until("the device is \(state)", seconds: seconds) {
            try Self.device(installation)?["state"]?.string == state
        }
    }

    @Test("it is armed, fed at half of its time-out, and stopped by the magic at a proper end")
    func life() throws {
        guard let (installation, device) = try feeding(Self.plain) else { return }
        try untilState(installation, "armed")
        #expect(device.events.prefix(3) == ["open", "timeout 10", "feed"])
        #expect(try Self.device(installation)?["identity"]?.string == "a fake")
        #expect(try Self.device(installation)?["timeout_ms"]?.integer == 10_000)
        #expect(try Self.watchdog(installation)?["state"]?.string == "feeding")
        // Turns alone do not feed it.
        let (began, before) = (Date(), device.feedings)
        for _ in 0..<20 { _ = try installation.status() }
        let most = Int(Date().timeIntervalSince(began) / 5) + 1
        #expect(device.feedings - before <= most)
        try installation.until("it is fed again") { device.feedings > before }
        #expect(try installation.end() == 0)
        #expect(device.events.suffix(3) == ["feed", "magic", "close"])
        let close = try #require(try installation.records("watchdog.close").first)
        #expect(close["magic"]?.bool == true)
        #expect(try installation.records("watchdog.open").count == 1)
    }

    @Test("killed, the daemon leaves it armed, and the next one takes it") func killed() throws {
        guard let (installation, device) = try feeding(Self.plain) else { return }
        try untilState(installation, "armed")
        installation.killDaemon()
        #expect(!device.events.contains("magic"))
        try installation.launch(below: device.shell)
        try installation.until("the next one has it") {
            device.events.count { $0 == "open" } == 2 && device.events.last == "feed"
        }
    }

    @Test("busy is told, tried again within seconds, and taken when somebody lets go") func busy()
        throws
    {
        let made = try feeding(Self.plain) { $0.set("busy", true) }
        guard let (installation, device) = made else { return }
        try untilState(installation, "busy")
        try installation.until("it is told") {
            try installation.records("watchdog.busy").count == 1
        }
        #expect(try Self.watchdog(installation)?["state"]?.string == "waiting")
        #expect(installation.messages.contains("somebody else feeds it; nobody watches me"))
        device.set("busy", false)
        try untilState(installation, "armed")
        #expect(try installation.records("watchdog.busy").count == 1)
    }

    @Test("a reload changes the time-out of an armed device, and lets go of one that it removes")
    func reloadArmed() throws {
        guard let (installation, device) = try feeding(Self.plain) else { return }
        try untilState(installation, "armed")
        try installation.configure(Self.yaml("{ device: '@DIR@/watchdog', timeout: 20s }"))
        #expect(try installation.regen("reload").status == 0)
        try installation.until("it has the new one") { device.events.contains("timeout 20") }
        #expect(!device.events.contains("close"))
        try installation.configure(Self.yaml(nil))
        #expect(try installation.regen("reload").status == 0)
        try installation.until("it is let go") {
            device.events.suffix(3) == ["feed", "magic", "close"]
        }
    }

    @Test("what dies with its parent goes on when the watchdog is let go") func children() throws {
        guard FakeWatchdog.library != nil else {
            print("SKIPPED: no C compiler, so no watchdog device without hardware")
            return
        }
        let services = """
            cgroup: off
            services:
              child: { command: [setpriv, --pdeathsig, KILL, sleep, '1000'], log: none }
            """
        let installation = try Installation("watchdog: \(Self.plain)\n\(services)")
        let device = FakeWatchdog(in: installation.directory)
        try installation.start(below: device.shell)
        try installation.until("child", is: "running")
        try untilState(installation, "armed")
        let pid = try #require(try installation.pid(of: "child"))
        try installation.until("setpriv has done its work") {
            try String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8) == "sleep\n"
        }
        try installation.configure(services)
        #expect(try installation.regen("reload").status == 0)
        try installation.until("it is let go") { device.events.last == "close" }
        // Turns, in which a death would be heard.
        for _ in 0..<20 { _ = try installation.status() }
        #expect(try installation.pid(of: "child") == pid)
        #expect(try installation.records("process.exit").isEmpty)
    }

    @Test("a driver that takes another time-out is fed by that, and one too short is not used")
    func timeouts() throws {
        let made = try feeding("{ device: '@DIR@/watchdog', timeout: 1h }") { try $0.setMost(12) }
        guard let (installation, device) = made else { return }
        try untilState(installation, "armed")
        #expect(try Self.device(installation)?["timeout_ms"]?.integer == 12_000)
        try installation.until("watchdog.open")
        #expect(try installation.records("watchdog.open").first?["asked_ms"]?.integer == 3_600_000)
        try device.setMost(9)
        try installation.configure(Self.yaml("{ device: ['@DIR@/watchdog'], test: true }"))
        #expect(try installation.regen("reload").status == 0)
        try installation.configure(Self.yaml(Self.plain))
        #expect(try installation.regen("reload").status == 0)
        try untilState(installation, "unusable")
        #expect(device.events.suffix(2) == ["magic", "close"])
    }

    @Test("one that cannot be fed is told, and opened anew") func broken() throws {
        guard let (installation, device) = try feeding(Self.plain) else { return }
        try untilState(installation, "armed")
        device.set("broken", true)
        try installation.until("it is told") {
            try !installation.records("watchdog.off").isEmpty
        }
        device.set("broken", false)
        try installation.until("it is fed again") {
            device.events.count { $0 == "open" } >= 2 && device.events.last == "feed"
        }
        try untilState(installation, "armed")
        #expect(!device.events.contains("magic"))
    }
}

extension Installation {
    /// How often the daemon has waited for something.
    fileprivate func switches() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches") }
        return Int(line?.split(separator: "\t").last ?? "") ?? 0
    }
}
