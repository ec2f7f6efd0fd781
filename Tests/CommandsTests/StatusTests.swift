import Control
import Foundation
import Testing

@Suite("status of probes and healing") struct StatusTests {
    /// A service with everything that can be told.
    static let web = InstanceReport.service("web", "running") {
        $0.pid = 12
        $0.incident = 3
        $0.probes = [
            ProbeReport(
                name: "http http://127.0.0.1/", outcome: .failed, strikes: 2, of: 3,
                reason: "status 503", agoMilliseconds: 300, tookMicroseconds: 4210),
            ProbeReport(
                name: "tcp 127.0.0.1:81", outcome: .failed, of: 3, suspect: true,
                reason: "connection refused", agoMilliseconds: 1200, tookMicroseconds: 83),
            ProbeReport(name: "notify", of: 3),
        ]
        $0.pause = PauseReport(untilUnixMilliseconds: 1_795_231_650_999)
        $0.heldBy = "db"
        $0.remedy = "port_conflict"
        $0.remedyAttempts = 2
        $0.diagnosis = DiagnosisReport(
            kind: "port-taken", text: "port 81 is held by somebody else",
            evidence: ["pid 77 (nginx)"], atUnixMilliseconds: 1_795_231_650_123)
        $0.lastOutput = OutputReport(bytes: 5, sha256: "0f")
    }

    private static func probed(_ outcome: ProbeReport.Outcome) -> InstanceReport {
        .service("db", "running") {
            $0.probes = [ProbeReport(name: "tcp :1", outcome: outcome, of: 3)]
        }
    }

    @Test("probes have a column, in which strikes and suspicion are told") func column() throws {
        let told = try regen("status") { _ in
            .status([Self.web, Self.probed(.passed), .service("cron", "running")])
        }
        let rows = told.output.split(separator: "\n").map {
            $0.split(separator: " ").joined(separator: " ")
        }
        #expect(rows.contains("SERVICE PHASE PROBES PID UPTIME RESTARTS LAST EXIT NOTE"))
        #expect(
            rows.contains(
                """
                web running 0/3 strike 2 suspicious 12 - 0 - incident 3; paused until \
                2026-11-21 03:27:30 UTC; held back: db is unhealthy; remedy port_conflict
                """))
        #expect(rows.contains("db running 1/1 - - 0 -"))
        #expect(rows.contains("cron running - - - 0 -"))
        #expect(
            rows.contains(
                "suspicious probes, which cause nothing, at web: regen status web tells why"))
    }

    @Test("the watchdog has a line") func watchdog() throws {
        func told(_ state: String, _ change: (inout WatchdogReport) -> Void) throws -> String {
            var report = WatchdogReport(state: state)
            change(&report)
            let told = try regen("status") { [report] _ in .status([]) { $0.watchdog = report } }
            let line = told.output.split(separator: "\n").first { $0.hasPrefix("watchdog") }
            return String(line ?? "")
        }
        #expect(
            try told(WatchdogReport.feeding) {
                var device = WatchdogReport.Device(path: "/dev/watchdog0", state: "armed")
                device.identity = "i6300ESB timer"
                device.timeoutMilliseconds = 30_000
                device.isNoWayOut = true
                $0.devices = [device]
            } == """
                watchdog fed; /dev/watchdog0 (i6300ESB timer, time-out 30s, nowayout: stopping \
                regend resets the machine)
                """)
        #expect(
            try told(WatchdogReport.starving) { $0.condition = "ledger-answered" }
                == "watchdog not fed: the machine will be reset: ledger-answered does not hold")
        #expect(
            try told(WatchdogReport.waiting) {
                var device = WatchdogReport.Device(path: "/dev/watchdog0", state: "busy")
                device.detail = "systemd (pid 1)"
                $0.devices = [device]
                $0.watchedMilliseconds = 15_000
            } == """
                watchdog not used; systemd watches regend, told each 15s; \
                /dev/watchdog0 (fed by systemd (pid 1))
                """)
        #expect(
            try told(WatchdogReport.test) {
                $0.devices = [.init(path: "/dev/watchdog0", state: "test")]
            } == "watchdog test, no device is opened; /dev/watchdog0 (test)")
    }

    @Test("where nothing has probes there is no column for them") func noColumn() throws {
        let told = try regen("status") { _ in .status([.service("cron", "running")]) }
        #expect(!told.output.contains("PROBES"))
    }

    @Test("status of one service tells each probe, what holds healing back, and the diagnosis")
    func details() throws {
        let told = try regen("status", "web") { _ in .status([Self.web]) }
        let details = told.output.components(separatedBy: "\n\n")[2]
        #expect(
            details == """
                web
                  http http://127.0.0.1/: failed, strike 2 of 3: status 503 (300ms ago, took 4.2 ms)
                  tcp 127.0.0.1:81: failed: connection refused (1s ago, took 0.08 ms)
                    suspicious: it has never passed under this configuration, so it causes \
                nothing; it is probably mistyped
                  notify: not looked yet
                  paused until 2026-11-21 03:27:30 UTC: nothing is healed or restarted; regen \
                resume web ends it sooner
                  held back: db, which it depends on, is unhealthy; its own strikes restart \
                nothing until then
                  remedy in hand: port_conflict, attempt 2
                  diagnosis of 2026-11-21 03:27:30 UTC: port-taken: port 81 is held by somebody else
                    pid 77 (nginx)
                  last output: 5 bytes, SHA-256 0f; regen log web shows it
                """)
        #expect(told.code == 0)
    }

    @Test("who is not told the reason is told who would be") func withheld() throws {
        let told = try regen("status", "web") { _ in .status([Self.probed(.failed)]) }
        #expect(told.output.contains("\n  tcp :1: failed: why is for those who may act\n"))
    }

    @Test("what makes healing itself harder is told above the services") func troubles() throws {
        let told = try regen("status") { _ in
            .status([Self.probed(.unknown)]) { daemon in
                daemon.workers = [
                    WorkerReport(
                        role: "probe", state: "down", account: "regen-probe", restarts: 1,
                        reason: "it said nothing for 10 s"),
                    WorkerReport(role: "notify", state: WorkerReport.ready),
                ]
                daemon.routes = [
                    RouteReport(name: "ops", state: RouteReport.ready),
                    RouteReport(name: "pager", state: "failing", waiting: 2, reason: "HTTP 503"),
                ]
                daemon.commonCause = CommonCauseReport(
                    incident: 9, sinceUnixMilliseconds: .min, count: 40, of: 100)
                daemon.stalled = true
            }
        }
        #expect(told.output.contains("\nthe machine is stalled: what is late now is no service's"))
        #expect(told.output.contains("\na common cause, incident 9 for "))
        #expect(told.output.contains(": 40 of 100 probed services have strikes; restarts for"))
        #expect(
            told.output.contains(
                """

                worker probe (regen-probe) is down, replaced 1 time: it said nothing for 10 s; \
                what it cannot look at gets no strikes
                route pager is failing, 2 notices wait: HTTP 503

                """))
        #expect(!told.output.contains("route ops"))
        #expect(!told.output.contains("notify"))
    }

    /// What a terminal of so many columns shows.
    private func shown(_ columns: Int, _ environment: [String: String]) throws -> [String] {
        let daemon = try FakeDaemon { _ in .status([Self.web, .service("cron", "running")]) }
        defer { daemon.end() }
        let status = "'\(regen.path)' status --runtime-directory '\(daemon.directory)'"
        let outcome = try run(
            ["-c", "script -qec \"stty cols \(columns); \(status)\" /dev/null"],
            by: URL(filePath: "/bin/sh"), environment: environment)
        return outcome.output.split(separator: "\r\n").map(String.init)
    }

    private static let hasScript = FileManager.default.isExecutableFile(atPath: "/usr/bin/script")

    @Test("a narrow terminal gets the last column in lines", .enabled(if: hasScript))
    func narrow() throws {
        let lines = try shown(110, ["TERM": "dumb"])
        let first = try #require(lines.firstIndex { $0.hasPrefix("web ") })
        let column = try #require(lines[first].range(of: "incident")).lowerBound
        let indent = lines[first].distance(from: lines[first].startIndex, to: column)
        #expect(lines[first + 1].prefix { $0 == " " }.count == indent)
        #expect(lines[first + 1].count <= 110)
    }

    @Test("a terminal too narrow for a table gets lists", .enabled(if: hasScript))
    func veryNarrow() throws {
        let lines = try shown(40, ["TERM": "dumb"])
        let first = try #require(lines.firstIndex(of: "web"))
        #expect(
            lines[(first + 1)...].prefix(4) == [
                "  phase: running", "  probes: 0/3 strike 2 suspicious", "  pid: 12",
                "  restarts: 0",
            ])
    }

    @Test("colour is for terminals, and not with NO_COLOR", .enabled(if: hasScript))
    func colour() throws {
        let coloured = try shown(200, ["TERM": "xterm"]).joined()
        #expect(coloured.contains("\u{1B}[31m0/3 strike 2 suspicious\u{1B}[0m"))
        let plain = try shown(200, ["TERM": "xterm", "NO_COLOR": "1"]).joined()
        #expect(!plain.contains("\u{1B}"))
    }
}
