import Control
import Foundation
import Glibc
import JSON
import Linux
import Testing

/// A machine with one good generation and a service of its, and what comes after that.
final class SwitchingScene {
    let installation: Installation
    let good: String
    let bad: String

    /// `safeSwitch`, `service` and `more` are parts of the configuration; `options` are those of
    /// `new-system`. Crashes follow fast.
    init(
        safeSwitch: String = "{}", service: String = "", more: String = "",
        clear: String = "1m", good healthy: String = "exec sleep 1000",
        bad script: String = "exit 1", options: (good: [String], bad: [String]) = ([], [])
    ) throws {
        installation = try Installation(
            """
            cgroup: off
            safeswitch: \(safeSwitch)
            \(more)
            services:
              web:
                command: [@DIR@/run/current-system/sw/bin/web]
                backoff: { quick: 200ms, first: 10ms, most: 20ms, clear: \(clear) }
                \(service)
            """, root: .scratch)
        let directory = installation.directory
        good = try installation.system(
            "good", web: healthy.replacingOccurrences(of: "@DIR@", with: directory),
            options: options.good)
        bad = try installation.system("bad", web: script, options: options.bad)
        try installation.generation(good)
        try installation.boot()
    }

    /// The daemon runs and has seen what the machine runs, and the service is well.
    func start() throws {
        try installation.start()
        try installation.until("web", is: "running")
        try installation.until("generation.change")
    }

    /// A deployment of the bad generation, which restarts the service.
    func deployBad() throws {
        try deployUnnoticed()
        try restartService()
    }

    /// A deployment of the bad generation, while what runs is of the good one still.
    func deployUnnoticed() throws {
        try installation.generation(bad)
        try installation.deploy(bad)
        try installation.until("generation.change", count: 2)
    }

    func restartService() throws {
        let pid = try #require(try installation.pid(of: "web"))
        kill(pid, SIGKILL)
    }

    /// The bad generation breaks the service, and the switch back has come to its end.
    func breakAndGoBack() throws {
        try start()
        try deployBad()
        try installation.until("switch.end")
    }

    /// Records a failure unless the machine is whole: the profile and what runs agree.
    func expectOn(
        _ system: String, generation: Int, at place: SourceLocation = #_sourceLocation
    ) {
        #expect(installation.currentSystem == system, sourceLocation: place)
        #expect(installation.profile == generation, sourceLocation: place)
    }

    /// How often switch-to-configuration of a system was begun with this word.
    func runs(of system: String, _ action: String) -> Int {
        installation.switchLog.count { $0 == "\(action) \(system) begin" }
    }

    /// What SafeSwitch has recorded, and of the service what matters for it, in order; what follows
    /// itself is told once.
    func story() throws -> [String] {
        var story: [String] = []
        for record in try installation.records() {
            guard let event = record["ev"]?.string, let word = word(event, record),
                word != story.last
            else { continue }
            story.append(word)
        }
        return story
    }

    private func word(_ event: String, _ record: JSONValue) -> String? {
        switch event {
        case "switch.step": "step \(record["step"]?.string ?? "?")"
        case "switch.end": "switch.end \(record["outcome"]?.string ?? "?")"
        case "triage.verdict": "verdict \(record["verdict"]?.string ?? "?")"
        case "rollback.plan": "plan \(record["outcome"]?.string ?? "?")"
        case "incident.handover": "handover \(record["reason"]?.string ?? "?")"
        case "generation.change", "switch.intent", "switch.run", "switch.exit", "switch.falter",
            "quarantine.add", "generation.acquit", "incident.resolve", "switch.confirm":
            event
        default: nil
        }
    }
}

@Suite("a generation breaks a service") struct SwitchingTests {
    @Test(
        "it crash-loops, the machine goes back to the generation before, and the ledger tells why")
    func goesBack() throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try scene.breakAndGoBack()
        scene.expectOn(scene.good, generation: 1)
        try installation.until("web", is: "running")
        let expected = [
            "generation.change", "verdict generation", "plan go", "switch.intent", "step profile",
            "step activate", "switch.run", "switch.exit", "step verify", "generation.change",
            "step confirm", "incident.resolve", "switch.end succeeded", "quarantine.add",
        ]
        #expect(try scene.story() == expected)
        #expect(scene.runs(of: scene.good, "switch") == 1)
        // Output kept, for root alone.
        let log = "\(installation.state)/switch/1.log"
        var status = stat()
        #expect(stat(log, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(installation.text("state/switch/1.log").contains("activating"))
        #expect(try installation.end() == 0)
        #expect(
            try installation.regen("ledger", "verify", installation.state + "/ledger").status == 0)
        try print(scene.measure())
    }

    @Test("it fails the same on the one before: a human is told, and there is no second rollback")
    func neverTwice() throws {
        let scene = try SwitchingScene(
            good: "[ ! -e @DIR@/sick ] || exit 1; exec sleep 1000")
        let installation = scene.installation
        try scene.start()
        try "".write(
            toFile: "\(installation.directory)/sick", atomically: true, encoding: .utf8)
        try scene.deployBad()
        try installation.until("incident.handover", of: "web")
        scene.expectOn(scene.good, generation: 1)
        let ends = try installation.records("switch.end")
        #expect(ends.map { $0["outcome"]?.string } == ["not-helped"])
        let handover = try installation.records("incident.handover", of: "web").first
        #expect(handover?["reason"]?.string == "rollback-did-not-help")
        #expect(try installation.records("switch.intent").count == 1)
    }

    @Test(
        "where only a human may decide it is told and not done",
        arguments: [
            ("{ policy: propose }", "", "rollback-proposed"),
            ("{}", "rollback: never", "crash-loop"),
            ("{}", "rollback: propose", "rollback-proposed"), ("{ policy: off }", "", "crash-loop"),
        ])
    func onlyTells(_ safeSwitch: String, _ service: String, _ reason: String) throws {
        let scene = try SwitchingScene(safeSwitch: safeSwitch, service: service)
        let installation = scene.installation
        try installation.start()
        try installation.until("web", is: "running")
        if safeSwitch != "{ policy: off }" { try installation.until("generation.change") }
        try installation.generation(scene.bad)
        try installation.deploy(scene.bad)
        if safeSwitch != "{ policy: off }" {
            try installation.until("generation.change", count: 2)
        }
        try scene.restartService()
        try installation.until("incident.handover", of: "web")
        let handover = try installation.records("incident.handover", of: "web").first
        #expect(handover?["reason"]?.string == reason)
        scene.expectOn(scene.bad, generation: 2)
        #expect(try installation.records("switch.intent").isEmpty)
    }

    @Test("nothing is done while somebody else switches")
    func foreignSwitch() throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try scene.start()
        try scene.deployBad(waitingAt: "start")
        try installation.until("foreignswitch.begin")
        try scene.restartService()
        // What ends meanwhile is no crash that counts.
        try installation.until("process.exit", of: "web", count: 8)
        #expect(try installation.records("switch.intent").isEmpty)
        #expect(installation.currentSystem == scene.bad)
        try installation.knob("go-start")
        try installation.until("foreignswitch.end")
        try installation.until("switch.end")
        scene.expectOn(scene.good, generation: 1)
    }
}

@Suite("a switch is interrupted") struct SwitchInterruptionTests {
    @Test(
        "regend is killed at a recorded step, and the next one finishes",
        arguments: [
            "switch.intent", "step profile", "step activate", "switch.run", "switch.exit",
            "step verify", "step confirm",
        ])
    func killed(_ step: String) throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try scene.start()
        try scene.deployBad()
        try installation.until(step) { try scene.story().contains(step) }
        installation.killDaemon()
        try installation.start()
        let last = step == "step confirm" ? "switch.end succeeded" : "step confirm"
        try installation.until(last) { try scene.story().contains(last) }
        scene.expectOn(scene.good, generation: 1)
        #expect(try installation.records("switch.intent").count == 1)
        #expect((1...2).contains(scene.runs(of: scene.good, "switch")))
        try installation.until("web", is: "running")
    }

    @Test(
        "it outlives regend: the next one waits for the very same run",
        arguments: [SIGTERM, SIGKILL])
    func outlives(_ signal: Int32) throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try scene.start()
        try installation.knob("wait-at-activate", of: scene.good)
        try scene.deployBad()
        try installation.until("switch.run")
        if signal == SIGTERM { try installation.end() } else { installation.killDaemon() }
        try installation.start()
        try installation.knob("go-activate")
        try installation.until("switch.end")
        scene.expectOn(scene.good, generation: 1)
        #expect(scene.runs(of: scene.good, "switch") == 1)
    }

    @Test("switch-to-configuration dies, and is run once more to its end")
    func dies() throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try scene.start()
        try installation.knob("die-at-activate", "KILL", of: scene.good)
        try scene.deployBad()
        try installation.until("switch.end")
        scene.expectOn(scene.good, generation: 1)
        #expect(scene.runs(of: scene.good, "switch") == 2)
        #expect(try installation.records("switch.end").first?["outcome"]?.string == "succeeded")
    }

    @Test("who wants the configuration read meanwhile is told that it is read afterwards")
    func reloadIsDeferred() throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try scene.start()
        try installation.knob("wait-at-activate", of: scene.good)
        try scene.deployBad()
        try installation.until("switch.run")
        let reply = try installation.regen("reload")
        #expect(reply.status == 0 && reply.output.contains("a switch of the system is under way"))
        try installation.knob("go-activate")
        try installation.until("switch.end")
    }
}

@Suite("an operator switches") struct OperatorSwitchTests {
    @Test("regen rollback goes back without an incident")
    func rollback() throws {
        let scene = try SwitchingScene(bad: "exec sleep 1000")
        let installation = scene.installation
        try scene.start()
        try installation.generation(scene.bad)
        try installation.deploy(scene.bad)
        try installation.until("generation.change", count: 2)
        let reply = try installation.regen("rollback", "--yes")
        #expect(reply.status == 0, "\(reply.output)\(reply.errors)")
        try installation.until("switch.end")
        scene.expectOn(scene.good, generation: 1)
    }

    @Test("a trial that a human confirms becomes the boot default")
    func confirmed() throws {
        let scene = try SwitchingScene(bad: "exec sleep 1000")
        let installation = scene.installation
        try scene.start()
        let trial = try installation.trial(of: scene.bad)
        try installation.until("the trial runs") { installation.currentSystem == scene.bad }
        #expect(installation.profile == 1)
        try installation.until("step confirm") { try scene.story().contains("step confirm") }
        // It may wait for long: that keeps no configuration away.
        let reload = try installation.regen("reload")
        #expect(reload.status == 0 && !reload.output.contains("is under way"), "\(reload.output)")
        #expect(try installation.regen("confirm").status == 0)
        try installation.until("switch.end", count: 2)
        trial.end()
        scene.expectOn(scene.bad, generation: 2)
    }

    @Test("nothing but a path right in the store is put on trial, wherever else a program lies")
    func notInStore() throws {
        let scene = try SwitchingScene(bad: "exec sleep 1000")
        let installation = scene.installation
        try scene.start()
        let places = [
            "\(installation.directory)/programs", "/nix/store/../../programs", scene.good + "/sw",
        ]
        for place in places {
            // Past the command, which looks at the path as well.
            var client = try ControlClient(runtimeDirectory: installation.runtime)
            do {
                _ = try client.call(.switch) { json in
                    json.object { $0.string("path", place) }
                }
                Issue.record("\(place) was taken")
            } catch { #expect("\(error)".contains("is no system")) }
        }
        #expect(try installation.records("switch.intent").isEmpty)
    }

    @Test("a trial that breaks a service is left, and the boot default was never touched")
    func retreats() throws {
        let scene = try SwitchingScene()
        let installation = scene.installation
        try scene.start()
        let trial = try installation.trial(of: scene.bad)
        try installation.until("step confirm") { try scene.story().contains("step confirm") }
        try scene.restartService()
        try installation.until("switch.end", count: 2)
        trial.waitUntilExit()
        scene.expectOn(scene.good, generation: 1)
        try installation.until("web", is: "running")
    }
}

extension SwitchingScene {
    /// The deployment of the bad generation, which waits at a step of its until `go-STEP`.
    fileprivate func deployBad(waitingAt step: String) throws {
        try installation.knob("wait-at-\(step)", of: bad)
        try installation.generation(bad)
        _ = try installation.run([
            "/usr/bin/env", "REGEN_ROOT=\(installation.directory)",
            "\(installation.directory)\(bad)/bin/switch-to-configuration", "switch",
        ])
        let sign = "\(installation.directory)/stand-in/at-\(step)"
        try installation.until("it waits") { FileManager.default.fileExists(atPath: sign) }
    }

    /// How long the switch took from the crash loop on, and switch-to-configuration of that.
    fileprivate func measure() throws -> String {
        func at(_ event: String) throws -> Int64 {
            try installation.records(event).first?["bt"]?.string.flatMap { Int64($0) } ?? 0
        }
        let whole = try at("switch.exit") - at("crashloop.detected")
        let own = try at("switch.exit") - at("switch.run")
        return "crash loop to switched: \(whole / 1_000_000) ms, of them "
            + "switch-to-configuration \(own / 1_000_000) ms"
    }
}

extension Installation {
    /// `regen switch` of a system, which a human confirms within 5 min.
    fileprivate func trial(of system: String) throws -> Process {
        try run([
            "/usr/bin/env", "REGEN_RUNTIME_DIRECTORY=\(runtime)", "\(Self.programs)/regen",
            "switch",
            directory + system, "--confirm-within", "5m",
        ])
    }
}
