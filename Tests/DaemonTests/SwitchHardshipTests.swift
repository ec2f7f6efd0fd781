import Foundation
import Glibc
import JSON
import Testing

@Suite("a switch meets hardship") struct SwitchHardshipTests {
    private static let isRoot = geteuid() == 0

    @Test("one that hangs is told, is not ended, and is watched until it ends by itself")
    func hangs() throws {
        let scene = try SwitchingScene(safeSwitch: "{ overdue: 10s }", clear: "1s")
        let installation = scene.installation
        try scene.start()
        try installation.knob("wait-at-activate", of: scene.good)
        try scene.deployBad()
        try installation.until("switch.run")
        let run = try #require(try installation.records("switch.run").first?["pid"]?.integer)
        try installation.until("switch.linger")
        try installation.until("incident.handover", of: "web")
        let handover = try installation.records("incident.handover", of: "web").first
        #expect(handover?["reason"]?.string == "switch-lasts")
        try installation.untilSaid("needs a human; it is not ended")
        #expect(kill(pid_t(run), 0) == 0)
        #expect(try installation.records("switch.end").isEmpty)
        let flight = try installation.status()["daemon"]?["switch"]?["flight"]
        #expect(flight?["step"]?.string == "activate")

        try installation.knob("go-activate")
        try installation.until("switch.end")
        #expect(try installation.records("switch.end").first?["outcome"]?.string == "succeeded")
        #expect(try installation.records("switch.exit").first?["code"]?.integer == 0)
        scene.expectOn(scene.good, generation: 1)
        #expect(scene.runs(of: scene.good, "switch") == 1)
        #expect(try installation.records("switch.linger").count == 1)
        try installation.until("web", is: "running")
    }

    @Test(
        "it is scheduled as usual, however regend is", .enabled(if: isRoot, "lowering needs root"))
    func scheduling() throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try installation.script(
            "look",
            """
            exec >@DIR@/seen
            /usr/bin/nice
            for tool in chrt ionice; do /usr/bin/$tool -p $$; done
            /bin/cat /proc/self/oom_score_adj
            """)
        try installation.hook("activate", of: scene.good, "exec \(installation.programs)/look")
        try installation.launch(
            below: "renice -n 7 $$; chrt --batch -p 0 $$; ionice -c3 -p $$; "
                + "echo 300 >/proc/$$/oom_score_adj")
        try installation.until("the daemon answers") { (try? installation.status()) != nil }
        try installation.until("web", is: "running")
        #expect(try installation.says("/usr/bin/chrt", "-p").contains("SCHED_BATCH"))
        #expect(try installation.says("/usr/bin/ionice", "-p").contains("idle"))
        try installation.until("generation.change")
        try scene.deployBad()
        try installation.until("switch.end")
        let seen = installation.text("seen")
        #expect(seen.hasPrefix("0\n") && seen.hasSuffix("\n0\n"), "\(seen)")
        #expect(seen.contains("SCHED_OTHER") && seen.contains("none"), "\(seen)")
    }

    @Test("what it prints is bounded: the newest is kept")
    func prints() throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try installation.hook(
            "activate", of: scene.good,
            "/usr/bin/yes x | /usr/bin/head -c 3000000; echo the last line")
        try installation.knob("wait-at-start", of: scene.good)
        try scene.start()
        try scene.deployBad()
        let log = "\(installation.state)/switch/1.log"
        func size(_ path: String) -> Int64 {
            var status = stat()
            return stat(path, &status) == 0 ? Int64(status.st_size) : -1
        }
        try installation.until("it is put aside") { size("\(log).1") > 1 << 20 }
        try installation.until("it begins anew") { (0...1 << 20).contains(size(log)) }
        try installation.knob("go-start")
        try installation.until("switch.end")
        #expect(try installation.records("switch.end").first?["outcome"]?.string == "succeeded")
        let kept =
            installation.text("state/switch/1.log.1") + installation.text("state/switch/1.log")
        #expect(kept.contains("the last line"))
    }

    // MARK: Reboots

    /// The bad generation can only be left by a reboot, which the machine was asked for.
    private func asksForReboot() throws -> SwitchingScene {
        let scene = try SwitchingScene(
            safeSwitch: "{ allow_reboot: true, reboot_command: [@DIR@/bin/reboot, now] }",
            options: (["--inhibitor", "dbus=dbus"], ["--inhibitor", "dbus=broker"]))
        let installation = scene.installation
        try installation.script("reboot", "echo \"$@\" >>@DIR@/rebooted")
        try scene.start()
        // Whoever forces it: switch-to-configuration refuses to go there live, and back.
        try installation.generation(scene.bad)
        try installation.outside(
            "/usr/bin/env",
            [
                "NIXOS_NO_CHECK=1",
                "\(installation.directory)\(scene.bad)/bin/switch-to-configuration", "switch",
            ])
        try installation.until("generation.change", count: 2)
        try scene.restartService()
        try installation.until("the reboot is asked for") {
            installation.text("rebooted") == "now\n"
        }
        // Not yet: what runs is left as it is, and the next boot leads back.
        scene.expectOn(scene.bad, generation: 1)
        #expect(scene.runs(of: scene.good, "boot") == 1)
        #expect(scene.runs(of: scene.good, "switch") == 0)
        let steps = try installation.records("switch.step").map { $0["step"]?.string }
        #expect(steps == ["profile", "activate", "verify", "reboot"])
        return scene
    }

    @Test(
        "where only a reboot leads back it is prepared, recorded and asked for; the next boot confirms",
        .enabled(if: isRoot, "another boot needs a mount namespace"))
    func reboots() throws {
        let scene = try asksForReboot()
        let installation = scene.installation
        try installation.reboot()
        try installation.until("switch.end")
        let expected = [
            "step reboot", "generation.change", "step confirm", "incident.resolve",
            "switch.end succeeded", "quarantine.add",
        ]
        #expect(try scene.story().suffix(expected.count) == expected[...])
        scene.expectOn(scene.good, generation: 1)
        try installation.until("web", is: "running")
        #expect(installation.text("rebooted") == "now\n")
    }

    @Test(
        "a machine that boots something else is told of, and nothing is tried again",
        .enabled(if: isRoot, "another boot needs a mount namespace"))
    func bootsElsewhere() throws {
        let scene = try asksForReboot()
        let installation = scene.installation
        try installation.reboot(into: 2)
        try installation.until("switch.end")
        let end = try installation.records("switch.end").first
        #expect(end?["outcome"]?.string == "not-activated")
        #expect(end?["current"]?.string == scene.bad)
        let boot = try #require(try installation.records("boot.elsewhere").first)
        #expect(boot["expected"]?.string == scene.good && boot["booted"]?.string == scene.bad)
        try installation.untilSaid("generation 2 has booted and not generation 1")
        try installation.until("incident.handover", of: "web")
        #expect(try installation.records("switch.intent").count == 1)
        #expect(installation.text("rebooted") == "now\n")
    }

    // MARK: Ledgers

    @Test(
        "a disk that fails between the intent and its arrival: nothing is touched, and it is told",
        .enabled(if: FailingDisk.isPossible, "needs root, mkfs.ext4, a loop device and ext4"),
        arguments: ["answers late", "fails"])
    func notDurable(_ fault: String) throws {
        // Its log is on that disk as well.
        let scene = try SwitchingScene(service: "log: none")
        let installation = scene.installation
        let disk = try FailingDisk(installation.state, image: "\(installation.directory)/image")
        defer {
            try? disk.thaw()
            installation.abandon()
            disk.unmount()
        }
        try scene.start()
        try scene.deployUnnoticed()
        try disk.freeze()
        try scene.restartService()
        try installation.untilSaid("switch 1: back to generation 1")
        if fault == "fails" {
            try disk.die()
            try disk.thaw()
        }
        try installation.untilSaid(
            "switch 1: nothing was done: the intent did not reach the disk in time")
        try installation.untilSaid("web: needs a human")
        scene.expectOn(scene.bad, generation: 2)
        #expect(installation.switchLog.allSatisfy { !$0.contains(scene.good) })
        guard fault == "answers late" else { return }

        try disk.thaw()
        try installation.until("switch.end")
        let end = try installation.records("switch.end").first
        #expect(end?["outcome"]?.string == "abandoned")
        #expect(end?["refusal"]?.string == "not-durable")
        try installation.until("incident.handover", of: "web")
        // What the disk has taken after all is not acted upon, by the next one neither. That the service
        // goes on failing may lead to another switch, whose intent is durable.
        let exits = try installation.records("process.exit").count
        installation.killDaemon()
        try installation.start()
        try installation.until("the next one has looked") {
            try installation.records("process.exit").count >= exits + 5
                || installation.records("switch.end").count == 2
        }
        #expect(
            try installation.records("switch.step").allSatisfy { $0["switch"]?.integer != 1 })
    }
}

extension Installation {
    /// A script that switch-to-configuration of the system runs at a step.
    fileprivate func hook(_ step: String, of system: String, _ script: String) throws {
        try knob("hook-\(step)", "#!/bin/sh\n\(script)\n", of: system)
        chmod("\(directory)\(system)/stand-in/hook-\(step)", 0o755)
    }

    /// The first line that a tool says of the daemon.
    fileprivate func says(_ tool: String, _ option: String) throws -> String {
        try outside(tool, [option, "\(pid)"]).line
    }
}
