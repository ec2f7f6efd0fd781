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
          web: { command: [/bin/sleep, '1000'], critical: true }
        """
    }

    private static func watchdog(_ installation: Installation) throws -> JSONValue? {
        try installation.status()["daemon"]?["watchdog"]
    }

    private static func device(_ installation: Installation) throws -> JSONValue? {
        try watchdog(installation)?["devices"]?.array?.first
    }

    @Test(
        "a disk that does not answer starves it, and the reason is told before; an answer ends it")
    func stall() throws {
        guard FailingDisk.isPossible else { return }
        let path = "/tmp/regen-dog-disk-\(getpid())"
        let disk = try FailingDisk(path, image: "\(path).image")
        defer {
            disk.unmount()
            unlink("\(path).image")
            rmdir(path)
        }
        let installation = try Installation(
            Self.yaml("{ timeout: 10s, ledger_stall: 10s, test: true }"), in: path)
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
        #expect(installation.messages.contains("not fed any more (ledger-answered): the disk"))
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
}

extension Installation {
    /// How often the daemon has waited for something.
    fileprivate func switches() throws -> Int {
        let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches") }
        return Int(line?.split(separator: "\t").last ?? "") ?? 0
    }
}
