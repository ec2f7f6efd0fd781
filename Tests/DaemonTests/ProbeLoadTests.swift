import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("many services are looked at") struct ProbeLoadTests {
    @Test(
        "a hundred behind a database that dies are no herd: one cause, told once, then all is well")
    func herd() throws {
        let (db, front) = (try Installation.freePort(), try Installation.freePort())
        let services = (1...100).map { number in
            """
              s\(number):
                command: [/bin/sleep, '1000']
                probes: [ { http: "http://127.0.0.1:\(front)/health/\(number)" } ]
            """
        }
        let installation = try Installation(
            """
            cgroup: off
            defaults: { probe: { interval: 1s, timeout: 5s, confirm_interval: 500ms } }
            services:
            \(services.joined(separator: "\n"))
            """)
        try installation.makeServer()
        let serve = "\(installation.programs)/serve"
        let first = try installation.run([serve, "db", "\(db)"])
        let all = try installation.run([serve, "front", "\(front)", "behind=\(db)"])
        defer { end(all) }
        try installation.start()
        try installation.until("probe.proven", count: 100)
        try installation.until("all run") {
            try installation.status()["daemon"]?["services"]?["running"]?.integer == 100
        }

        end(first)
        try installation.until("commoncause.begin")
        try installation.untilAsked("front", times: 600)
        let second = try installation.run([serve, "db", "\(db)"])
        defer { end(second) }
        try installation.until("commoncause.end")
        #expect(try installation.records("commoncause.begin").count == 1)
        #expect(try installation.records("commoncause.end").count == 1)
        #expect(
            try installation.records("restart.attempt").count <= 2,
            "\(installation.messages.suffix(4000))")
        #expect(try installation.records("process.start").count <= 102)
        let status = try installation.status()["services"]?.array ?? []
        #expect(status.count == 100)
        for service in status {
            let probe = service["probes"]?.array?.first
            #expect(service["phase"]?.string == "running", "\(service)")
            #expect(service["incident"] == nil, "\(service)")
            #expect(probe?["outcome"]?.string == "passed", "\(service)")
            #expect(probe?["strikes"]?.integer == 0, "\(service)")
        }
    }

    @Test("a thousand probes cost regend little memory, no more with time, and no descriptors")
    func memory() throws {
        let port = try Installation.freePort()
        let services = (1...32).map { service in
            let probes = (1...32).map {
                "      - http: http://127.0.0.1:\(port)/health/\(service)/\($0)"
            }
            return """
                  s\(service):
                    command: [/bin/sleep, '1000']
                    probes:
                \(probes.joined(separator: "\n"))
                """
        }
        let installation = try Installation(
            """
            cgroup: off
            defaults: { probe: { timeout: 10s } }
            services:
            \(services.joined(separator: "\n"))
            """)
        try installation.makeServer()
        let server = try installation.run(
            ["\(installation.programs)/serve", "front", "\(port)"])
        defer { end(server) }
        try installation.start()
        try installation.until("probe.proven", count: 1024)
        try installation.untilAsked("front", times: 1024)
        let before = (installation.memory, installation.descriptors)
        try installation.untilAsked("front", times: 2048)
        let after = (installation.memory, installation.descriptors)
        #expect(after.0 <= before.0 + 1024)
        #expect(after.0 <= 48 << 10)
        #expect(after.1 <= before.1 + 2)
        #expect(try installation.records("probe.strike").isEmpty)
        #expect(try installation.records("worker.fail").isEmpty)
    }
}

/// Ends a program. It may have inherited that SIGTERM is blocked.
private func end(_ process: Process) {
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
}

extension Installation {
    /// What the daemon keeps in memory, in KiB.
    fileprivate var memory: Int {
        let line = ProcessTable.text("/proc/\(pid)/status")?.split(separator: "\n")
            .first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? .max
    }

    /// How many descriptors the daemon has.
    fileprivate var descriptors: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? .max
    }
}
