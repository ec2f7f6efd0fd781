import Foundation
import Glibc
import JSON
import Testing

@Suite("boots", .enabled(if: geteuid() == 0, "another boot needs a mount namespace"))
struct BootTests {
    private static let plain = """
        cgroup: off
        services: { web: { command: [/bin/sleep, "1000"] } }
        """

    private func cause(_ installation: Installation) throws -> String? {
        try installation.status()["daemon"]?["boot"]?["cause"]?.string
    }

    private func boots(_ installation: Installation) throws -> [String?] {
        try installation.records("boot").map { $0["cause"]?.string }
    }

    private func write(_ installation: Installation, _ path: String, _ text: String) throws {
        let path = "\(installation.directory)/sys/\(path)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true
        )
        try text.write(toFile: path, atomically: false, encoding: .utf8)
    }

    // MARK: - Why the machine has booted

    @Test("each boot has one record that says how the one before ended, and status tells it")
    func told() throws {
        let installation = try Installation(Self.plain)
        try installation.startInNewBoot()
        try installation.until("boot", count: 1)
        #expect(try boots(installation) == ["unknown"])
        installation.abandon()
        try installation.startInNewBoot()
        try installation.until("boot", count: 2)
        #expect(try boots(installation).last == "power-loss")
        #expect(try cause(installation) == "power-loss")
        // Killed and started again in the same boot.
        installation.killDaemon()
        try installation.startInSameBoot()
        try installation.until("daemon.start", count: 3)
        #expect(try boots(installation).count == 2)
        #expect(try cause(installation) == "power-loss")
        #expect(try installation.regen("status").output.contains("last boot: power-loss ("))
        #expect(installation.messages.contains("the last boot ended: power-loss ("))
    }

    @Test("a regend that was stopped by hand does not know how the machine ended")
    func stopped() throws {
        let installation = try Installation(Self.plain)
        try installation.startInNewBoot()
        try installation.end()
        #expect(try installation.records("daemon.stop").last?["machine"] == nil)
        try installation.startInNewBoot()
        try installation.until("boot", count: 2)
        #expect(try boots(installation).last == "unknown")
    }

    @Test("a driver that says that it has reset the machine is believed")
    func watchdog() throws {
        let installation = try Installation(Self.plain)
        try write(installation, "class/watchdog/watchdog0/bootstatus", "0\n")
        try write(installation, "class/watchdog/watchdog0/identity", "i6300ESB timer\n")
        try installation.startInNewBoot()
        try installation.until("boot", count: 1)
        installation.abandon()
        try write(installation, "class/watchdog/watchdog0/bootstatus", "32\n")
        try installation.startInNewBoot()
        try installation.until("boot", count: 2)
        let boot = try #require(try installation.records("boot").last)
        #expect(boot["cause"]?.string == "watchdog")
        #expect(boot["evidence"]?.string?.contains("watchdog0 (i6300ESB timer)") == true)
    }

    @Test("a dump of the kernel's that is newer than the last word is a panic; none is removed")
    func panic() throws {
        let installation = try Installation(Self.plain)
        try write(installation, "fs/pstore/dmesg-efi-1", "old")
        let old = Date(timeIntervalSinceNow: -86_400)
        try FileManager.default.setAttributes(
            [.modificationDate: old],
            ofItemAtPath: "\(installation.directory)/sys/fs/pstore/dmesg-efi-1")
        for (count, cause) in [(1, "unknown"), (2, "power-loss")] {
            try installation.startInNewBoot()
            try installation.until("boot", count: count)
            #expect(try boots(installation).last == cause)
            installation.abandon()
        }
        try write(installation, "fs/pstore/dmesg-efi-2", "Kernel panic")
        try installation.startInNewBoot()
        try installation.until("boot", count: 3)
        let boot = try #require(try installation.records("boot").last)
        #expect(boot["cause"]?.string == "panic")
        #expect(boot["evidence"]?.string?.contains("/sys/fs/pstore/dmesg-efi-2") == true)
        #expect(installation.text("sys/fs/pstore/dmesg-efi-2") == "Kernel panic")
    }

    // MARK: - The gate

    /// A machine whose service was healthy on generation 1, and whose default is generation 2, on
    /// which it is not.
    private func broken(_ safeSwitch: String = "{ policy: propose }") throws -> SwitchingScene {
        let scene = try SwitchingScene(safeSwitch: safeSwitch, service: "critical: true")
        try scene.start()
        // Its health is certain once it was ill.
        try scene.restartService()
        try scene.installation.until("incident.resolve")
        try scene.installation.generation(scene.bad)
        try scene.installation.deploy(scene.bad, "boot")
        return scene
    }

    private func verdicts(_ installation: Installation) throws -> [String] {
        try installation.records("boot.check").map {
            let verdict = $0["verdict"]?.string ?? "?"
            return $0["reason"]?.string.map { "\(verdict) \($0)" } ?? verdict
        }
    }

    @Test("a new generation that breaks a critical service fails its boot, once, for good")
    func failsOnce() throws {
        let scene = try broken()
        let installation = scene.installation
        try installation.reboot()
        let first = try installation.regen("boot-check", "--wait", "8s", "--json")
        #expect(first.status == 1, "\(first)")
        let said = try JSONValue.parse(Array(first.output.utf8), limit: 4096)
        #expect(said["passed"]?.bool == false)
        #expect(said["system"]?.string == scene.bad)
        #expect(said["unhealthy"]?.array?.map(\.string) == ["web"])
        #expect(try verdicts(installation) == ["failed"])
        // It is asked for again, in this boot, by another regend, and in the next boot.
        #expect(try installation.regen("boot-check", "--wait", "1s").status == 0)
        installation.killDaemon()
        try installation.startInSameBoot()
        #expect(try installation.regen("boot-check", "--wait", "1s").status == 0)
        try installation.reboot()
        let last = try installation.regen("boot-check", "--wait", "1s")
        #expect(last.status == 0, "\(last)")
        #expect(last.output.contains("failed once"))
        #expect(try verdicts(installation).first == "failed")
        #expect(try verdicts(installation).dropFirst().allSatisfy { $0 == "passed failed-before" })
    }

    @Test("the generation before passes at once, and so does one where nothing was healthy before")
    func passes() throws {
        let scene = try broken()
        let installation = scene.installation
        try installation.reboot(into: 1)
        try installation.until("web", is: "running")
        let answer = try installation.regen("boot-check", "--wait", "10m")
        #expect(answer.status == 0, "\(answer)")
        #expect(answer.output.contains("all critical services are healthy"))
        #expect(try verdicts(installation) == ["passed healthy"])
        // The default was generation 2.
        let missed = try installation.records("boot.elsewhere")
        #expect(missed.count <= 1)
    }

    @Test("without generations it reports, and passes")
    func noGenerations() throws {
        let installation = try Installation(
            """
            cgroup: off
            services: { web: { command: [/bin/false], critical: true } }
            """)
        try installation.start()
        let answer = try installation.regen("boot-check", "--wait", "1s")
        #expect(answer.status == 0)
        #expect(answer.output.contains("not healthy: web"))
        #expect(try verdicts(installation) == ["passed no-generations"])
    }

    @Test("killed between the record and the answer, whenever: there is no second failure")
    func killed() throws {
        let scene = try broken()
        let installation = scene.installation
        try installation.reboot()
        var failures = 0
        for round in 0..<6 {
            let asking = Process()
            asking.executableURL = URL(fileURLWithPath: "\(Installation.programs)/regen")
            asking.arguments = ["boot-check", "--wait", "1s"]
            asking.environment = ["REGEN_RUNTIME_DIRECTORY": installation.runtime]
            asking.standardOutput = FileHandle.nullDevice
            asking.standardError = FileHandle.nullDevice
            try asking.run()
            // The first time as soon as the failure is in the file; then at any moment.
            if round == 0 {
                try installation.until("the failure is written") {
                    // The last line may be half there yet.
                    (try? self.verdicts(installation))?.isEmpty == false
                }
            } else {
                usleep(UInt32.random(in: 0...1_200_000))
            }
            installation.killDaemon()
            try installation.startInSameBoot()
            asking.waitUntilExit()
            if asking.terminationStatus == 1 { failures += 1 }
        }
        #expect(failures <= 1)
        #expect(try verdicts(installation).count { $0 == "failed" } == 1)
        try installation.reboot()
        #expect(try installation.regen("boot-check", "--wait", "1s").status == 0)
    }

    @Test("where no regend answers in time the boot counts as good, and it is said aloud")
    func unreachable() throws {
        let installation = try Installation(Self.plain)
        try FileManager.default.createDirectory(
            atPath: installation.runtime, withIntermediateDirectories: true)
        let answer = try installation.regen("boot-check", "--wait", "1s")
        #expect(answer.status == 0)
        #expect(answer.errors.contains("WARNING: the boot counts as good, and nobody has looked"))
    }
}
