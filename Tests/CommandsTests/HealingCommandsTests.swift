import Control
import Foundation
import JSON
import Testing

@Suite("commands that heal, pause and probe") struct HealingCommandsTests {
    @Test("heal tells for each service whether there was anything to heal, and what came of it")
    func heal() throws {
        let fine = try regen("heal", "web", "db", "batch", "cache") { request in
            #expect(request == .heal(["web", "db", "batch", "cache"]))
            return .services(
                .service("web", "running") {
                    $0.pid = 7
                    $0.healing = .nothing
                },
                .service("db", "running") {
                    $0.pid = 8
                    $0.healing = .asked
                },
                .service("batch", "stopped", wanted: false) { $0.healing = .nothing },
                .service("cache", "running") {
                    $0.pid = 9
                    $0.healing = .asked
                    $0.incident = 3
                })
        }
        #expect(
            fine.output == """
                web: running, pid 7, healthy: nothing to heal
                db: running, pid 8, healed
                batch: stopped, not meant to run: nothing to heal
                cache: running, pid 9, being healed: incident 3

                """)
        #expect(fine.code == 0)
    }

    @Test("what was handed over or does not run was not healed: the answer is no")
    func notHealed() throws {
        let told = try regen("heal", "web") { _ in
            .services(
                .service("web", "handed-over") {
                    $0.lastExit = .code(3)
                    $0.healing = .asked
                    $0.note = "crash loop"
                })
        }
        #expect(told.output == "web: handed-over, last exit code 3: crash loop\n")
        #expect(told.code == 1)
        let waiting = try regen("heal", "web") { _ in
            .services(.service("web", "backing-off") { $0.healing = .asked })
        }
        #expect(waiting.code == 1)
    }

    @Test("pause says for how long, until when, and how to end it") func pause() throws {
        let told = try regen("pause", "web", "db", "--for", "90s") { request in
            #expect(request == .pause(["web", "db"], milliseconds: 90_000))
            return .services(
                .service("web", "running") {
                    $0.pause = PauseReport(untilUnixMilliseconds: 1_795_231_650_999)
                },
                .service("db", "running") {
                    $0.pause = PauseReport(untilUnixMilliseconds: 1_000_000_000_000_000)
                })
        }
        #expect(
            told.output == """
                web: paused for 1m 30s, until 2026-11-21 03:27:30 UTC
                db: paused for 1m 30s, until 2262-04-11 23:47:16 UTC
                Until then nothing is healed or restarted. To end it sooner: regen resume web db

                """)
        #expect(told.code == 0)
    }

    @Test(
        "a pause is an hour unless it is said to be from a second to 30 days",
        arguments: [
            ([], 3_600_000), (["--for", "1s"], 1000), (["--for", "1000ms"], 1000),
            (["--for", "6h"], 21_600_000), (["--for", "30d"], 2_592_000_000),
        ] as [([String], Int64)])
    func pauseLength(_ option: [String], _ milliseconds: Int64) throws {
        let daemon = try FakeDaemon { request in
            #expect(request == .pause(["web"], milliseconds: milliseconds))
            return .services(
                .service("web", "running") { $0.pause = PauseReport(untilUnixMilliseconds: 0) })
        }
        defer { daemon.end() }
        let told = try run(
            ["pause", "web", "--runtime-directory", daemon.directory] + option)
        #expect(told.code == 0)
    }

    @Test("a length that is none is told with what would be one") func wrongPause() throws {
        let told = try run(["pause", "web", "--for", "1 hour"])
        #expect(told.code == 2)
        #expect(told.error.contains("say 90s, 10m, 6h or 2d, from 1s to 30d"))
    }

    @Test("what is not paused afterwards makes the answer no") func notPaused() throws {
        let told = try regen("pause", "web") { _ in .services(.service("web", "running")) }
        #expect(told.output == "web: not paused\n")
        #expect(told.code == 1)
    }

    @Test("resume tells how the services are; one that is still paused is a no") func resume()
        throws
    {
        let told = try regen("resume", "web", "db") { request in
            #expect(request == .resume(["web", "db"]))
            return .services(
                .service("web", "running") { $0.pid = 7 },
                .service("db", "backing-off") { $0.nextStartMilliseconds = 3000 })
        }
        #expect(told.output == "web: running, pid 7\ndb: backing-off\n")
        #expect(told.code == 0)
        let paused = try regen("resume", "web") { _ in
            .services(
                .service("web", "running") { $0.pause = PauseReport(untilUnixMilliseconds: 0) })
        }
        #expect(paused.code == 1)
        #expect(paused.output == "web: running: paused until 1970-01-01 00:00:00 UTC\n")
    }

    @Test("probe is a table of what each look found; one failure makes the answer no")
    func probe() throws {
        let told = try regen("probe", "web") { request in
            #expect(request == .probe(service: "web"))
            return .looks(
                .look("web@0", "tcp 127.0.0.1:80", .passed, 83),
                .look("web@0", "memory below 80%", .passed, 4_210),
                .look("web@1", "tcp 127.0.0.1:80", .failed, 1_000_321, "no answer within 1s"),
                .look("web@1", "memory below 80%", .unknown, 12_999, "no \u{1B}worker"))
        }
        #expect(
            told.output == """
                INSTANCE  PROBE             RESULT          TIME     REASON
                web@0     tcp 127.0.0.1:80  passed          0.08 ms
                web@0     memory below 80%  passed          4.2 ms
                web@1     tcp 127.0.0.1:80  failed          1000 ms  no answer within 1s
                web@1     memory below 80%  could not look  12 ms    no \\u{1b}worker

                2 of 4 passed

                """)
        #expect(told.code == 1)
        let fine = try regen("probe", "web") { _ in .looks(.look("web", "tcp :80", .passed, 1)) }
        #expect(fine.code == 0)
        #expect(fine.output.hasSuffix("\n1 of 1 passed\n"))
    }

    @Test("without probes nobody can say that all is well") func noProbes() throws {
        let told = try regen("probe", "web") { _ in .looks() }
        #expect(told.code == 1)
        #expect(told.output == "web has no probes: nobody can say more than whether it runs\n")
    }

    @Test(
        "an unknown service is wrong usage for each of them",
        arguments: ["heal", "pause", "resume", "probe"])
    func unknown(command: String) throws {
        let told = try regen(command, "wbe") { _ in .failure(.noSuchService(name: "wbe")) }
        #expect(told.code == 2)
        #expect(told.error.contains("there is no service \"wbe\""))
        #expect(told.output == "")
    }

    @Test("--json is what the daemon said", arguments: ["heal", "pause", "resume"])
    func json(command: String) throws {
        let report = InstanceReport.service("web", "running") { $0.healing = .asked }
        let told = try regen(command, "--json", "web") { _ in .services(report) }
        let json = try JSONValue.parse(Array(told.output.utf8), limit: 10_000)
        #expect(ServicesReply(json) == ServicesReply(services: [report]))
        #expect(told.output.split(separator: "\n").count == 1)
    }

    @Test("--json of a probe is what the daemon said") func probeJSON() throws {
        let look = ProbeReply.Look.look("web", "tcp :80", .failed, 7, "refused")
        let told = try regen("probe", "--json", "web") { _ in .looks(look) }
        let json = try JSONValue.parse(Array(told.output.utf8), limit: 10_000)
        #expect(ProbeReply(json) == ProbeReply(probes: [look]))
        #expect(told.code == 1)
    }

    @Test(
        "after a second of silence somebody at a terminal is told what is waited for",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")))
    func progress() throws {
        let folder = try Folder()
        let seen = try folder.write("seen")
        // The daemon answers when the line is there, or not at all.
        let daemon = try FakeDaemon { _ in
            for _ in 0..<2000 {
                let text = (try? String(contentsOf: seen, encoding: .utf8)) ?? ""
                if text.contains("probing web ...") { return .looks(.look("web", "x", .passed, 1)) }
                usleep(5000)
            }
            return .failure(.notNow(reason: "nobody was told"))
        }
        defer { daemon.end() }
        let command = "'\(regen.path)' probe web --runtime-directory '\(daemon.directory)'"
        let outcome = try run(
            ["-c", "script -qefc \"\(command)\" '\(seen.path)'"], by: URL(filePath: "/bin/sh"))
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("1 of 1 passed"))
    }
}

extension FakeDaemon.Answer {
    /// These looks.
    static func looks(_ looks: ProbeReply.Look...) -> Self {
        .reply(ProbeReply(probes: looks).write)
    }
}

extension ProbeReply.Look {
    static func look(
        _ instance: String, _ probe: String, _ outcome: ProbeReport.Outcome, _ took: Int64,
        _ reason: String? = nil
    ) -> Self {
        Self(
            instance: instance, probe: probe, outcome: outcome, tookMicroseconds: took,
            reason: reason)
    }
}
