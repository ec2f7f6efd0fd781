import Configuration
import Foundation
import Glibc
import Linux
import Probing
import Supervision
import Testing
import Worker

@Suite("a diagnosis") struct DiagnosisTests {
    private func classify(
        _ event: Diagnosis.Event, _ change: (inout Diagnosis.Circumstances) -> Void = { _ in }
    ) -> Diagnosis {
        var now = Diagnosis.Circumstances(event, survey: Survey(serial: 1))
        change(&now)
        return Diagnosis.classify(now)
    }

    private let stranger = PortHolder(
        port: 80, process: ProcessIdentity(pid: 812, startTicks: 5), name: "nginx",
        unit: "nginx.service", user: 0, isOwn: false)

    @Test(
        "what happened decides, where no cause is found",
        arguments: [
            (.exited(.code(3)), .exitCode), (.exited(.code(0)), .exitCode),
            (.exited(.signal(11, outOfMemory: false)), .signal),
            (.exited(.signal(6, outOfMemory: false)), .signal),
            (.exited(.signal(9, outOfMemory: true)), .outOfMemory),
            (.exited(.signal(9, outOfMemory: false)), .killedFromOutside),
            (.exited(.signal(15, outOfMemory: false)), .killedFromOutside),
            (.exited(.unknown), .unknown), (.startTimedOut(reason: "no answer"), .startTimeout),
            (.probesFailed(reason: "no answer"), .hang),
            (.couldNotStart(SpawnFailure(step: .execute, code: 2)), .couldNotStart),
        ] as [(Diagnosis.Event, Diagnosis.Kind)])
    func plain(event: Diagnosis.Event, kind: Diagnosis.Kind) {
        let diagnosis = classify(event)
        #expect(diagnosis.kind == kind)
        #expect(!diagnosis.evidence.isEmpty)
    }

    private typealias Exit = Supervision.ExitStatus
    private static let killed = Exit.signal(9, outOfMemory: false)
    private static let crashed = Exit.signal(11, outOfMemory: false)

    /// Result, how the main process ended, whether the unit had been up; and the class.
    private static let ends: [(String, Exit?, Bool, Diagnosis.Kind)] = [
        ("oom-kill", killed, true, .outOfMemory), ("watchdog", killed, true, .hang),
        ("core-dump", crashed, true, .signal), ("core-dump", nil, true, .signal),
        ("signal", crashed, true, .signal), ("signal", killed, true, .killedFromOutside),
        ("signal", .signal(9, outOfMemory: true), true, .outOfMemory),
        ("exit-code", .code(3), true, .exitCode), ("success", .code(0), true, .exitCode),
        ("exit-code", .code(203), true, .couldNotStart),
        ("exit-code", .code(217), false, .couldNotStart),
        ("exit-code", .code(223), false, .exitCode),
        ("exit-code", .code(250), false, .exitCode), ("exit-code", nil, false, .unknown),
        ("timeout", killed, false, .startTimeout), ("timeout", killed, true, .timeLimit),
        ("start-limit-hit", nil, false, .couldNotStart),
        ("resources", nil, false, .couldNotStart),
        ("protocol", .code(0), false, .couldNotStart), ("", nil, true, .unknown),
        ("a word of a later systemd", .code(4), true, .exitCode),
    ]

    @Test(
        "of a unit, systemd's own complaint decides, and else how its main process ended",
        arguments: 0..<ends.count)
    func unit(number: Int) {
        let (result, exit, wasUp, kind) = Self.ends[number]
        let diagnosis = classify(.unitEnded(UnitEnd(result: result, exit: exit, wasUp: wasUp)))
        #expect(diagnosis.kind == kind)
        #expect(!diagnosis.evidence.isEmpty)
    }

    @Test("of a unit, too, a cause that is found goes before what happened") func unitCauses() {
        let end = UnitEnd(result: "exit-code", exit: .code(1), wasUp: true)
        #expect(classify(.unitEnded(end)) { $0.survey.ports = [stranger] }.kind == .portTaken)
        let hang = classify(.unitEnded(UnitEnd(result: "watchdog", wasUp: true))) {
            $0.unhealthyDependencies = ["db"]
        }
        #expect(hang.kind == .dependencyDown)
        let step = classify(
            .unitEnded(UnitEnd(result: "exit-code", exit: .code(203), wasUp: false)))
        #expect(step.evidence == ["systemd failed at EXEC, exit code 203: systemd.exec(5)"])
    }

    @Test("a cause that is found goes before what happened, and is the first evidence")
    func causes() {
        let ports = classify(.exited(.code(1))) { $0.survey.ports = [stranger] }
        #expect(ports.kind == .portTaken)
        #expect(
            ports.evidence == [
                "port 80 is held by nginx (pid 812, unit nginx.service)", "exit code 1",
            ])
        let environment = classify(.exited(.code(1))) {
            $0.survey.ports = [stranger]
            $0.survey.missing = [MissingEnvironment(path: "/e", keys: ["A"])]
        }
        #expect(environment.kind == .environmentMissing)
        #expect(environment.evidence.count == 3)
        let dependency = classify(.startTimedOut(reason: "no answer")) {
            $0.survey.missing = [MissingEnvironment(path: "/e", keys: ["A"])]
            $0.unhealthyDependencies = ["database"]
        }
        #expect(dependency.kind == .dependencyDown)
        let hang = classify(.probesFailed(reason: "500")) { $0.unhealthyDependencies = ["db"] }
        #expect(hang.kind == .dependencyDown)
    }

    @Test("its own port is no stranger's, and a crash stays a crash") func noCause() {
        var own = stranger
        own.isOwn = true
        #expect(classify(.exited(.code(1))) { $0.survey.ports = [own] }.kind == .exitCode)
        let crash = classify(.exited(.signal(11, outOfMemory: false))) {
            $0.survey.missing = [MissingEnvironment(path: "/e", keys: ["A"])]
        }
        #expect(crash.kind == .signal)
        #expect(crash.evidence.contains("/e: no A"))
    }

    @Test("evidence has a bound") func bound() {
        let much = classify(.exited(.code(1))) {
            $0.unhealthyDependencies = (0..<100).map { "service \($0)" }
        }
        #expect(much.evidence.count == Diagnosis.mostEvidence)
    }
}

@Suite("a survey", .serialized) struct SurveyTests {
    let looker: LookerProcess
    let scratch: Scratch

    init() throws {
        looker = try LookerProcess()
        scratch = try Scratch()
    }

    @Test("the end of the log before an offset, as it stands there") func log() throws {
        let path = scratch("log")
        var bytes = Data(repeating: 65, count: 10_000)
        bytes += Data([0, 255, 10])
        bytes += Data("later".utf8)
        try bytes.write(to: URL(fileURLWithPath: path))
        let log = try #require(try looker.survey(.log(path: path, before: 10_003)).log)
        #expect(log.offset == 10_003 - 4096)
        #expect(log.bytes == [UInt8](repeating: 65, count: 4093) + [0, 255, 10])
        let all = try #require(try looker.survey(.log(path: path, before: .max)).log)
        #expect(all.bytes.suffix(5) == Array("later".utf8))
        #expect(try looker.survey(.log(path: path, before: 0)).log?.bytes == [])
        #expect(try looker.survey(.log(path: scratch("none"), before: 5)).log == nil)
        mkfifo(scratch("fifo"), 0o600)
        #expect(try looker.survey(.log(path: scratch("fifo"), before: 5)).log?.bytes == [])
    }

    @Test("who holds a port, with pid, name, unit and user") func ports() throws {
        let listener = try Listener()
        let service = try Started(["sleep", "1000"])
        let survey = try looker.survey(
            .ports([listener.port]), of: Subject(main: service.identity))
        let holder = try #require(survey.ports.first)
        #expect(holder.process?.pid == ProcessTable.own)
        #expect(holder.name == ProcessTable.name(of: ProcessTable.own))
        #expect(holder.user == geteuid())
        #expect(!holder.isOwn)
    }

    @Test("when the system was changed last") func changes() throws {
        try FileManager.default.createDirectory(
            atPath: scratch("nix/var/nix/profiles"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(
            atPath: scratch("etc"), withIntermediateDirectories: true)
        let link = scratch("nix/var/nix/profiles/system")
        symlink("system-42-link", link)
        var times = [timespec(tv_sec: 4_000_000_000, tv_nsec: 7), timespec()]
        times[1] = times[0]
        utimensat(AT_FDCWD, link, &times, AT_SYMLINK_NOFOLLOW)
        let changes = try #require(try looker.survey(.changes(root: scratch.path)).changes)
        #expect(changes.profile == 4_000_000_000_000_000_007)
        #expect(changes.current == nil)
        #expect(changes.etc != nil)
        #expect(abs(changes.boot - (Clock.realtime() - Clock.boottime())) < 1_000_000_000)
        #expect(changes.latest == changes.profile)
    }

    @Test("several questions are answered at once, and what is not asked stays open") func several()
        throws
    {
        let file = EnvironmentFile(path: scratch("none"), keys: ["A"])
        let survey = try looker.survey(.environment([file]), .changes(root: ""))
        #expect(survey.missing.map(\.path) == [scratch("none")])
        #expect(survey.changes?.etc != nil)
        #expect(survey.memory == nil)
        #expect(survey.log == nil)
    }

    @Test("a survey that would be too long is empty, and the next one is as ever") func tooLong()
        throws
    {
        let path = "/" + String(repeating: "é", count: 2000)
        let file = EnvironmentFile(path: path, keys: ["A"])
        let files = [EnvironmentFile](repeating: file, count: Remedy.mostItems)
        #expect(try looker.survey(.environment(files)) == Survey(serial: 1))
        #expect(try looker.survey(.environment([file])).missing.count == 1)
    }

    @Test(
        "the unit is the innermost service or scope",
        arguments: [
            ("0::/system.slice/nginx.service\n", "nginx.service"),
            ("0::/user.slice/user-0.slice/session-3.scope/x", "session-3.scope"),
            ("12:cpu:/\n1:name=systemd:/system.slice/ssh.service\n0::/\n", "ssh.service"),
            ("0::/regen-web/a", "a"), ("0::/\n", ""), ("", ""),
        ])
    func unit(text: String, unit: String) { #expect(Probing.unit(ofCgroup: text) == unit) }
}
