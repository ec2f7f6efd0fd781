import Control
import Foundation
import Glibc
import Testing

/// Numbers in Prometheus' text format, read as strictly as node_exporter does.
private struct Metrics {
    struct Wrong: Error {
        let line: String
    }

    /// By name and labels.
    var samples: [String: Double] = [:]
    var kinds: [String: String] = [:]

    init(_ text: String) throws {
        guard text.last == "\n" else { throw Wrong(line: "no line end") }
        var hasWords: Set<String> = []
        var family = ""
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if let words = line.wholeMatch(of: /# HELP ([a-z_]+) .+/) {
                guard hasWords.insert(String(words.1)).inserted else {
                    throw Wrong(line: "\(line)")
                }
            } else if let kind = line.wholeMatch(of: /# TYPE ([a-z_]+) (gauge|counter)/) {
                family = String(kind.1)
                guard hasWords.contains(family), kinds[family] == nil else {
                    throw Wrong(line: "\(line)")
                }
                kinds[family] = String(kind.2)
            } else if let sample = line.wholeMatch(
                of:
                    /(([a-z_]+)(\{[a-z]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z]+="(?:[^"\\\n]|\\[\\"n])*")*\})?) (\S+)/
            ) {
                guard sample.2 == family, samples[String(sample.1)] == nil,
                    let value = Double(sample.4)
                else { throw Wrong(line: "\(line)") }
                samples[String(sample.1)] = value
            } else {
                throw Wrong(line: "\(line)")
            }
        }
    }

    subscript(_ sample: String) -> Double? { samples[sample] }
}

/// A `regen` that goes on until the test has seen enough.
private final class Follower {
    private let process = Process()
    private let told: URL
    private let folder: Folder

    init(_ arguments: [String], at directory: String) throws {
        folder = try Folder()
        told = try folder.write("error")
        process.executableURL = regen
        process.arguments = arguments
        process.environment = ["REGEN_RUNTIME_DIRECTORY": directory]
        process.standardError = try FileHandle(forWritingTo: told)
        try process.run()
    }

    deinit {
        // Other signals are blocked in what a test starts.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// What it has said on standard error.
    var error: String { (try? String(contentsOf: told, encoding: .utf8)) ?? "" }

    /// Waits until it is so.
    func until(_ what: String, _ isSo: () throws -> Bool) throws {
        for _ in 0..<1000 {
            if try isSo() { return }
            usleep(20_000)
        }
        Issue.record("never: \(what); it said: \(error)")
    }
}

@Suite("regen metrics") struct MetricsTests {
    private static let services: [InstanceReport] = [
        StatusTests.web,
        .service("q\"u\\o\nte", "handed-over") {
            $0.restarts = 7
            $0.probes = [
                ProbeReport(name: "tcp :1", outcome: .passed, of: 3, tookMicroseconds: 88),
                ProbeReport(name: "tcp :1", outcome: .failed, of: 3),
            ]
        },
        .service("off", "stopped", wanted: false),
    ]

    @Test("tell what status tells, as Prometheus can read it") func numbers() throws {
        let told = try regen("metrics") { request in
            guard case .status(nil) = request else { return .failure(.permissionDenied) }
            return .status(Self.services) {
                $0.startedUnixMilliseconds = 1_795_231_650_500
                $0.workers = [WorkerReport(role: "probe", state: "down", restarts: 2)]
                $0.routes = [RouteReport(name: "ops", state: "failing", waiting: 4)]
                $0.watchdog = WatchdogReport(state: WatchdogReport.starving)
                $0.boot = BootCauseReport(cause: "watchdog", evidence: "it says so")
                var system = SwitchReport(policy: "automatic")
                system.running = SystemReport(path: "/nix/store/a", generation: 42)
                system.probationUntilUnixMilliseconds = 1
                $0.safeSwitch = system
            }
        }
        #expect(told.code == 0)
        #expect(told.error == "")
        let metrics = try Metrics(told.output)
        let web = #"service="web",name="web""#
        let quoted = #"service="q\"u\\o\nte",name="q\"u\\o\nte""#
        let wanted: [String: Double] = [
            "regen_up": 1, #"regen_build_info{version="7"}"#: 1,
            "regen_start_time_seconds": 1_795_231_650.5, "regen_ledger_sound": 1,
            "regen_machine_stalled": 0, "regen_workers_down": 1,
            "regen_worker_replacements_total": 2, #"regen_route_ready{route="ops"}"#: 0,
            #"regen_route_waiting{route="ops"}"#: 4, "regen_watchdog_fed": 0,
            #"regen_boot_info{cause="watchdog"}"#: 1, "regen_generation": 42, "regen_probation": 1,
            "regen_switching": 0, "regen_degraded": 0, "regen_service_running{\(web)}": 1,
            "regen_service_wanted{\(web)}": 1, "regen_service_incident{\(web)}": 1,
            "regen_service_paused{\(web)}": 1, "regen_service_handed_over{\(quoted)}": 1,
            "regen_service_running{\(quoted)}": 0, "regen_service_restarts_total{\(quoted)}": 7,
            #"regen_service_wanted{service="off",name="off"}"#: 0,
            #"regen_probe_passing{\#(web),probe="http http://127.0.0.1/",place="0"}"#: 0,
            #"regen_probe_strikes{\#(web),probe="http http://127.0.0.1/",place="0"}"#: 2,
            #"regen_probe_suspect{\#(web),probe="tcp 127.0.0.1:81",place="1"}"#: 1,
            #"regen_probe_passing{\#(quoted),probe="tcp :1",place="0"}"#: 1,
            #"regen_probe_passing{\#(quoted),probe="tcp :1",place="1"}"#: 0,
            #"regen_probe_duration_seconds{\#(quoted),probe="tcp :1",place="0"}"#: 8.8e-05,
        ]
        for (sample, value) in wanted { #expect(metrics[sample] == value, "\(sample)") }
        // Nobody has looked with it yet.
        #expect(metrics[#"regen_probe_passing{\#(web),probe="notify",place="2"}"#] == nil)
        #expect(metrics.kinds["regen_service_restarts_total"] == "counter")
        #expect(metrics.kinds["regen_known_good_generation"] == nil)
    }

    @Test("a daemon that is not there is a number, too, and a no") func nobody() throws {
        let folder = try Folder()
        let told = try run(["metrics", "--runtime-directory", folder.url.path])
        #expect(told.code == 1)
        #expect(try Metrics(told.output).samples == ["regen_up": 0])
        #expect(told.error.contains("no regend answers"))
    }

    @Test("a file is replaced at once and whole, whatever somebody killed has left behind")
    func file() throws {
        let folder = try Folder()
        let file = try folder.write("regen.prom", "old\n")
        try folder.write("regen.prom.new", "half")
        let reader = try FileHandle(forReadingFrom: file)
        let told = try regen("metrics", "--textfile", file.path) { _ in .status(Self.services) }
        #expect(told == Outcome(code: 0, output: "", error: ""))
        #expect(try reader.readToEnd() == Data("old\n".utf8))
        #expect(try Metrics(String(contentsOf: file, encoding: .utf8))["regen_up"] == 1)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["regen.prom"])
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
        #expect(mode as? Int == 0o644)
    }

    @Test("nothing is written through a link that somebody has put in the way") func link() throws {
        let folder = try Folder()
        let victim = try folder.write("victim", "mine")
        let file = folder.url.appending(path: "regen.prom")
        for name in ["regen.prom", "regen.prom.new"] {
            try FileManager.default.createSymbolicLink(
                at: folder.url.appending(path: name), withDestinationURL: victim)
        }
        let told = try regen("metrics", "--textfile", file.path) { _ in .status([]) }
        #expect(told.code == 0)
        #expect(try String(contentsOf: victim, encoding: .utf8) == "mine")
        #expect(try Metrics(String(contentsOf: file, encoding: .utf8))["regen_up"] == 1)
    }

    @Test("a file that cannot be written is told with its path") func refused() throws {
        let folder = try Folder()
        let file = folder.url.appending(path: "missing/regen.prom").path
        let told = try regen("metrics", "--textfile", file) { _ in .status([]) }
        #expect(told.code == 2)
        #expect(told.error == "regen: open \(file).new: No such file or directory\n")
    }

    @Test(
        "a full disk keeps the old file, and leaves nothing else behind",
        .enabled(if: geteuid() == 0, "mounting a tmpfs takes root"))
    func full() throws {
        let folder = try Folder()
        let disk = folder.url.appending(path: "disk")
        try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: false)
        try #require(mount("tmpfs", disk.path, "tmpfs", 0, "size=8k") == 0)
        defer { umount2(disk.path, Int32(MNT_DETACH)) }
        let file = disk.appending(path: "regen.prom")
        try Data("old\n".utf8).write(to: file)
        let many = (0..<500).map { InstanceReport.service("web\($0)", "running") }
        let told = try regen("metrics", "--textfile", file.path) { _ in .status(many) }
        #expect(told.code == 2)
        #expect(told.error.contains("No space left on device"))
        #expect(try String(contentsOf: file, encoding: .utf8) == "old\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["regen.prom"])
    }

    @Test("with --every it goes on, and says each trouble once, and its end") func follow() throws {
        let folder = try Folder()
        let directory = folder.url.appending(path: "later")
        let file = directory.appending(path: "regen.prom")
        func up() throws -> Double? {
            guard FileManager.default.fileExists(atPath: file.path) else { return nil }
            return try Metrics(String(contentsOf: file, encoding: .utf8))["regen_up"]
        }
        let daemon = try FakeDaemon { _ in .status(Self.services) }
        let follower = try Follower(
            ["metrics", "--textfile", file.path, "--every", "1s"], at: daemon.directory)
        try follower.until("it says what is missing") { follower.error.contains("No such file") }
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        try follower.until("it writes") { try up() == 1 }
        daemon.end()
        try follower.until("it tells of a daemon that is gone") { try up() == 0 }
        try follower.until("it says so") { follower.error.contains("no regend answers") }
        let lines = follower.error.split(separator: "\n")
        #expect(lines.count == 3, "\(follower.error)")
        #expect(lines.count > 1 && lines[1] == "regen: all is well again")
    }
}
