import Foundation
import Glibc
import JSON
import Testing

@Suite("an operator and what is looked at") struct ProbeOperatorTests {
    private func yaml(_ port: Int, page: String = "/health", other: String = "") -> String {
        """
        \(Installation.brisk)
        services:
          web:
            command: [@DIR@/bin/serve, web, '\(port)']
            probes: [ { http: "http://127.0.0.1:\(port)\(page)"\(other) } ]
          clock:
            command: [/bin/sleep, '1000']
            probes: [ { command: [@DIR@/bin/tick] } ]
        """
    }

    private func installation(_ port: Int, other: String = "") throws -> Installation {
        let installation = try Installation(yaml(port, other: other))
        try installation.makeServer()
        try installation.script("tick", "echo >> @DIR@/clock.asked")
        try installation.start()
        try installation.untilProven("web")
        try installation.untilProven("clock")
        return installation
    }

    @Test("a probe that changes restarts nothing, must prove itself, and the old one is forgotten")
    func reload() throws {
        let port = try Installation.freePort()
        let installation = try installation(port)
        let pids = try installation.whenRunning("web", "clock")
        try installation.configure(yaml(port, page: "/helth"))
        #expect(try installation.regen("reload").output == "reloaded: nothing changed\n")
        let lines = installation.text("web.asked").split(separator: "\n").count
        try installation.untilAsked("web", times: 8)
        #expect(
            installation.text("web.asked").split(separator: "\n").dropFirst(lines + 1)
                .allSatisfy { $0 == "/helth" })
        #expect(try installation.probe(of: "web")?["name"]?.string?.contains("helth") == true)
        #expect(try installation.probe(1, of: "web") == nil)
        #expect(try installation.records("probe.strike").isEmpty)

        // A probe that has passed before is believed again.
        try installation.configure(yaml(port))
        #expect(try installation.regen("reload").status == 0)
        try installation.until("it passes") {
            try installation.probe(of: "web")?["outcome"]?.string == "passed"
        }
        installation.touch("web.blip")
        try installation.until("probe.clear", of: "web")
        #expect(try installation.whenRunning("web", "clock") == pids)
        #expect(try installation.records("incident.open").isEmpty)
    }

    @Test("paused, a crash is not restarted and nothing is looked at; resumed, it is up again")
    func pause() throws {
        let installation = try installation(try Installation.freePort())
        let pid = try #require(try installation.pid(of: "web"))
        #expect(try installation.regen("pause", "web").status == 0)
        try installation.until("service.pause", of: "web")
        kill(pid, SIGKILL)
        try installation.until("process.exit", of: "web")
        let asked = installation.asked("web")
        try installation.untilAsked("clock", times: 8)
        #expect(try installation.records("process.start", of: "web").count == 1)
        #expect(installation.asked("web") == asked)
        #expect(try installation.regen("status", "web").output.contains("paused"))
        let resume = try installation.regen("resume", "web")
        #expect(resume.status == 0, "\(resume.output)\(resume.errors)")
        try installation.until("incident.resolve", of: "web")
        #expect(try installation.phase("web") == "running")
        #expect(try installation.records("process.start", of: "web").count == 2)
        #expect(try installation.records("service.resume", of: "web").count == 1)
    }

    @Test("paused, a hang is left alone; resumed, it is healed")
    func pausedHang() throws {
        let installation = try installation(try Installation.freePort())
        let pid = try #require(try installation.pid(of: "web"))
        #expect(try installation.regen("pause", "web", "--for", "1h").status == 0)
        kill(pid, SIGSTOP)
        try installation.untilAsked("clock", times: 15)
        try installation.expect("web", ["process.start"])
        #expect(try installation.regen("resume", "web").status == 0)
        try installation.untilHealed("web")
        try installation.expect("web", oneHealing)
    }

    @Test("heal says that a healthy service is healthy, and heals one with a strike at once")
    func heal() throws {
        // Only the first strike comes by itself.
        let installation = try installation(
            try Installation.freePort(),
            other: ", confirm_interval: 30m")
        let pid = try #require(try installation.pid(of: "web"))
        let healthy = try installation.regen("heal", "web")
        #expect(healthy.status == 0)
        #expect(healthy.output.contains("healthy: nothing to heal"), "\(healthy.output)")
        #expect(try installation.pid(of: "web") == pid)
        kill(pid, SIGSTOP)
        try installation.until("probe.strike", of: "web")
        let healed = try installation.regen("heal", "web")
        #expect(healed.status == 0, "\(healed.output)\(healed.errors)")
        #expect(!lives(pid))
        try installation.until("incident.resolve", of: "web")
        #expect(try installation.records("probe.strike", of: "web").count == 1)
        #expect(try installation.records("process.start", of: "web").count == 2)
    }
}
