import Control
import Foundation
import JSON
import Linux
import Synchronization
import Testing

@Suite("the control client") struct ControlClientTests {
    @Test("a daemon that is not there is told with what to do") func notRunning() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = "\(directory)/io.regen.Control"
        #expect(throws: ControlFailure.notRunning(path: path)) {
            _ = try ControlClient(runtimeDirectory: directory)
        }
        // The same when an ended daemon's socket is still there.
        _ = try UnixSocket.listen(at: path)
        let failure = #expect(throws: ControlFailure.self) {
            _ = try ControlClient(runtimeDirectory: directory)
        }
        #expect(failure?.description.contains("Start it with regen run") == true)
    }

    @Test("what the daemon tells arrives as it was told") func status() throws {
        let told = StatusReply(daemon: .example, services: [.web, .example])
        let heard = try withServer { _ in
            { told.write(into: &$0) }
        } body: { client in
            StatusReply(try client.call(.status))
        }
        #expect(heard == told)
    }

    @Test("an answer of many megabytes arrives whole") func large() throws {
        let services = (0..<20_000).map { number in
            InstanceReport(name: "s\(number)", service: "s", phase: "running", wanted: true)
        }
        let told = StatusReply(daemon: .example, services: services)
        let heard = try withServer { _ in
            { told.write(into: &$0) }
        } body: { client in
            StatusReply(try client.call(.status))
        }
        #expect(heard == told)
    }

    @Test("a refusal is a typed error") func refusal() throws {
        try withServer { _ in
            nil
        } body: { client in
            #expect(throws: ControlFailure.refused(.notNow(reason: "no"))) {
                _ = try client.call(.reload)
            }
        }
    }

    @Test("silence is a time-out after which one may wait on") func silence() throws {
        let mayAnswer = Atomic(false)
        try withServer(when: { mayAnswer.load(ordering: .relaxed) }) { _ in
            writeNothing
        } body: { client in
            try client.begin(.reload)
            #expect(try client.answer(milliseconds: 1) == nil)
            mayAnswer.store(true, ordering: .relaxed)
            #expect(try client.answer(milliseconds: 10_000) == .object([]))
        }
    }

    @Test("a daemon that takes no connection is told with what to do, after a bound")
    func silent() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = "\(directory)/\(ControlClient.socketName)"
        // The kernel connects; nobody accepts.
        let listener = try UnixSocket.listen(at: path)
        try withExtendedLifetime(listener) {
            var client = try ControlClient(runtimeDirectory: directory)
            let failure = #expect(throws: ControlFailure.silent(path: path, milliseconds: 20)) {
                try client.greet(milliseconds: 20)
            }
            #expect(failure?.description.contains("no file descriptors left") == true)
        }
    }

    @Test("a daemon that answers is greeted, and then asked") func greeted() throws {
        try withServer { _ in
            writeNothing
        } body: { client in
            try client.greet()
            #expect(try client.call(.reload) == .object([]))
        }
    }

    @Test("who may not act is not told what probes and commands said") func readers() {
        var probed = InstanceReport.example
        probed.diagnosis?.text = "it lives and does not work: command check: exit code 1: secret"
        let reply = StatusReply(daemon: .example, services: [probed]).forReaders
        probed.probes[0].reason = nil
        probed.diagnosis?.evidence = []
        probed.diagnosis?.text = "it lives and does not work"
        #expect(reply.services == [probed])
        #expect(InstanceReport.example.probes[0].reason != nil)
    }

    @Test("what a look found survives the way") func looks() throws {
        let told = ProbeReply(probes: [
            .init(instance: "web@0", probe: "tcp 80", outcome: .passed, tookMicroseconds: 70),
            .init(
                instance: "web@1", probe: "tcp 80", outcome: .failed, tookMicroseconds: 1_000_000,
                reason: "no answer"),
        ])
        var json = JSONWriter()
        told.write(into: &json)
        #expect(ProbeReply(try JSONValue.parse(json.bytes, limit: 10_000)) == told)
        #expect(ProbeReply(.object([])) == nil)
    }

    @Test("no more evidence is sent than the bound") func evidence() throws {
        var report = InstanceReport.web
        report.diagnosis = DiagnosisReport(
            kind: "hang", text: "it hangs",
            evidence: (0...DiagnosisReport.mostEvidence).map { "line \($0)" },
            atUnixMilliseconds: 1)
        var json = JSONWriter()
        report.write(into: &json)
        let heard = InstanceReport(try JSONValue.parse(json.bytes, limit: 10_000))
        #expect(heard?.diagnosis?.evidence.count == DiagnosisReport.mostEvidence)
    }

    @Test("what there is nothing to tell of is left out") func omitted() {
        var json = JSONWriter()
        InstanceReport.web.write(into: &json)
        var plain = DaemonReport.example
        plain.workers = []
        plain.routes = []
        plain.commonCause = nil
        plain.stalled = false
        plain.write(into: &json)
        let text = String(decoding: json.bytes, as: UTF8.self)
        for key in [
            "probes", "pause", "held_by", "remedy", "diagnosis", "last_output", "healing",
            "workers", "routes", "common_cause", "stalled",
        ] { #expect(!text.contains(key)) }
    }

    @Test("a daemon that ends before it answers is told") func lost() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let listener = try UnixSocket.listen(at: "\(directory)/\(ControlClient.socketName)")
        var client = try ControlClient(runtimeDirectory: directory)
        try client.begin(.reload)
        _ = try listener.accept()
        #expect(throws: ControlFailure.connectionLost) { try client.answer(milliseconds: 10_000) }
    }

    @Test("an answer that is no Varlink is told") func nonsense() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let listener = try UnixSocket.listen(at: "\(directory)/\(ControlClient.socketName)")
        var client = try ControlClient(runtimeDirectory: directory)
        guard let peer = try listener.accept() else { throw Disappointment(what: "nobody came") }
        _ = [UInt8]("nonsense\0".utf8).withUnsafeBytes { peer.send($0) }
        #expect(throws: ControlFailure.misunderstood) { try client.answer(milliseconds: 10_000) }
    }

    @Test("a report of a newer daemon is read without what is new in it") func newer() throws {
        let text = #"{"name":"web","phase":"levitating","altitude":7,"pid":99999999999}"#
        let report = InstanceReport(try JSONValue.parse(Array(text.utf8), limit: 1000))
        var expected = InstanceReport(
            name: "web", service: "web", phase: "levitating", wanted: true)
        expected.pid = nil
        #expect(report == expected)
        #expect(InstanceReport(.object([])) == nil)
    }

    @Test(
        "how a process ended survives the way",
        arguments: [
            LastExit.code(3), .signal(9, oom: true), .signal(15, oom: false), .unknown,
        ])
    func exits(_ exit: LastExit) throws {
        var report = InstanceReport.web
        report.lastExit = exit
        var json = JSONWriter()
        report.write(into: &json)
        #expect(InstanceReport(try JSONValue.parse(json.bytes, limit: 10_000)) == report)
    }

    /// Runs `body` while a thread answers every call with what `answer` writes; `nil` refuses.
    @discardableResult private func withServer<Result>(
        when mayAnswer: @escaping @Sendable () -> Bool = { true },
        _ answer: @escaping @Sendable (Call) -> ((inout JSONWriter) -> Void)?,
        body: (inout ControlClient) throws -> Result
    ) throws -> Result {
        let loop = try ControlLoop()
        let ended = DispatchSemaphore(value: 0)
        nonisolated(unsafe) let server = loop
        Thread.detachNewThread {
            defer { ended.signal() }
            var isConnected = false
            var waiting: [Call] = []
            while !isConnected || server.watched > 0 {
                guard let calls = try? server.turn(waiting: 5) else { return }
                waiting += calls
                isConnected = isConnected || server.watched > 0
                guard mayAnswer() else { continue }
                for call in waiting {
                    if let write = answer(call) {
                        server.server.reply(to: call.id, at: 0, write)
                    } else {
                        server.server.fail(call.id, with: .notNow(reason: "no"), at: 0)
                    }
                }
                waiting = []
                try? server.applyPollChanges()
            }
        }
        defer { ended.wait() }
        var client = try ControlClient(runtimeDirectory: loop.directory)
        return try body(&client)
    }
}

extension DaemonReport {
    static var example: DaemonReport {
        var report = DaemonReport(
            pid: 4711, version: "1.2.3", stateDirectory: "/var/lib/regen",
            runtimeDirectory: "/run/regen", configFile: "/etc/regen.yaml",
            startedUnixMilliseconds: 1_795_231_650_123, state: "ready",
            ledger: LedgerCondition(
                state: "sound", records: 7, head: String(repeating: "0f", count: 32)),
            cgroup: nil, services: ServiceCounts(total: 2, running: 1, handedOver: 1))
        report.workers = [
            WorkerReport(role: "probe", state: WorkerReport.ready, account: "regen-probe", pid: 8),
            WorkerReport(role: "notify", state: "down", restarts: 3, reason: "it was silent"),
        ]
        report.routes = [
            RouteReport(name: "ops", state: RouteReport.ready, deliveredUnixMilliseconds: 5),
            RouteReport(
                name: "pager", state: "failing", waiting: 2, failingSinceUnixMilliseconds: 6,
                reason: "HTTP 503"),
        ]
        report.commonCause = CommonCauseReport(
            incident: 9, sinceUnixMilliseconds: 10, count: 40, of: 100)
        report.stalled = true
        var device = WatchdogReport.Device(path: "/dev/watchdog0", state: "armed")
        device.identity = "i6300ESB timer"
        device.timeoutMilliseconds = 30_000
        device.isNoWayOut = true
        device.disarmsAtDeath = true
        device.detail = "none"
        var watchdog = WatchdogReport(state: WatchdogReport.starving)
        watchdog.condition = "ledger-answered"
        watchdog.reason = "none"
        watchdog.watchedMilliseconds = 15_000
        watchdog.devices = [device, .init(path: "/dev/watchdog1", state: "absent")]
        report.watchdog = watchdog
        return report
    }
}

extension InstanceReport {
    static let web = InstanceReport(name: "web", service: "web", phase: "running", wanted: true)

    /// One in which everything is set.
    static var example: InstanceReport {
        var report = InstanceReport(
            name: "db@1", service: "db", phase: InstanceReport.handedOver, wanted: true)
        report.critical = true
        report.user = "postgres"
        report.pid = 12
        report.sinceMilliseconds = 1
        report.uptimeMilliseconds = 2
        report.attempt = 3
        report.restarts = 4
        report.crashesInWindow = 5
        report.incident = 6
        report.lastExit = .signal(11, oom: false)
        report.waitingFor = "disk"
        report.nextStartMilliseconds = 7
        report.note = "snowman \u{2603}"
        report.log = "/var/log/db"
        report.probes = [
            ProbeReport(
                name: "tcp 127.0.0.1:5432", outcome: .failed, strikes: 2, of: 3, suspect: true,
                reason: "connection refused", agoMilliseconds: 8, tookMicroseconds: 9),
            ProbeReport(name: "memory", of: 3),
        ]
        report.pause = PauseReport(untilUnixMilliseconds: 11)
        report.heldBy = "disk"
        report.remedy = "port_conflict"
        report.remedyAttempts = 2
        report.diagnosis = DiagnosisReport(
            kind: "hang", text: "it hangs", evidence: ["a", "b"], atUnixMilliseconds: 12)
        report.lastOutput = OutputReport(bytes: 13, sha256: String(repeating: "a1", count: 32))
        report.healing = .asked
        return report
    }
}
