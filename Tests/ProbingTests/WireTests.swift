import Configuration
import JSON
import Supervision
import Testing
import Worker

@Suite("the messages of a looker") struct WireTests {
    private let subject = Subject(
        main: ProcessIdentity(pid: 812, startTicks: 99_999), cgroup: "/sys/fs/cgroup/regen-web",
        directory: "/srv/web", environment: ["PORT=3001", "NAME=Zoë"])

    private static let files = [EnvironmentFile(path: "/etc/web.env", keys: ["A", "B"])]

    private static let dependencies: [Dependency] = {
        var directory = Dependency(base: "/srv/web", path: "tmp/cache", kind: .directory)
        directory.create = true
        directory.owner = "web"
        directory.group = "www"
        directory.mode = 0o750
        return [directory, Dependency(base: "/srv", path: "now", kind: .link(to: "web/7"))]
    }()

    @Test(
        "a request is read as it was written",
        arguments: [
            .freePorts([80, 443], earlier: [ProcessIdentity(pid: 7, startTicks: 1 << 60)]),
            .freePorts([80], earlier: [], leftIn: "/sys/fs/cgroup/web.service"),
            .validate(command: ["nginx", "-t"]), .restore(dependencies), .environment(files),
            .survey([
                .log(path: "/var/log/web.log", before: 1 << 60), .memory, .ports([3001]),
                .environment(files), .changes(root: ""),
            ]),
            .survey([
                .journal(
                    unit: "a\\x2db@1.service", invocation: String(repeating: "0f", count: 16),
                    began: 1 << 55)
            ]),
        ] as [LookRequest.Errand])
    func request(errand: LookRequest.Errand) throws {
        let request = LookRequest(
            serial: 41, errand, of: subject, timeout: .milliseconds(1500))
        var json = JSONWriter()
        request.write(into: &json)
        #expect(LookRequest(line: json.bytes) == request)
        var unit = request
        unit.subject.members = .cgroup
        json.removeAll()
        unit.write(into: &json)
        #expect(LookRequest(line: json.bytes) == unit)
    }

    @Test("answers are read as they were written") func answers() throws {
        var survey = Survey(serial: 3)
        survey.log = LogEnd(offset: 12, bytes: Array(0...255))
        survey.journal = JournalEnd(cursor: "s=0f;i=1a", bytes: [0, 10, 255])
        survey.memory = MemoryUse(bytes: 1 << 55, source: .cgroup)
        survey.memory?.limit = 1 << 56
        survey.memory?.bytesWithinLimit = 1 << 54
        survey.memory?.outOfMemoryKills = 2
        survey.ports = [
            PortHolder(
                port: 80, process: ProcessIdentity(pid: 8, startTicks: 9), name: "nginx",
                unit: "nginx.service", user: 33, isOwn: true),
            PortHolder(port: 81, process: nil, name: "", unit: "", user: 0, isOwn: false),
        ]
        survey.missing = [
            MissingEnvironment(path: "/a", reason: "no such file"),
            MissingEnvironment(path: "/b", keys: ["K"]),
        ]
        survey.changes = SystemChanges(boot: 1_790_000_000_000_000_000)
        survey.changes?.etc = 5
        let answers: [LookAnswer] = [
            .survey(survey), .probe(Answer(serial: 1, outcome: .failed, reason: "no", value: -4)),
            .remedy(RemedyAnswer(serial: 2, outcome: .refused, reason: "why", output: "a\nb")),
        ]
        for answer in answers {
            var json = JSONWriter()
            answer.write(into: &json)
            #expect(LookAnswer(line: json.bytes) == answer)
        }
    }

    @Test(
        "what is no answer is none",
        arguments: [
            "", "{", "[]", "null", "{\"serial\":1}", "{\"serial\":\"1\",\"remedy\":\"applied\"}",
            "{\"serial\":1,\"remedy\":\"rm -rf\",\"us\":1}",
            "{\"serial\":1,\"survey\":true,\"us\":1,\"ports\":[],\"missing\":[],"
                + "\"log_offset\":0,\"log\":\"abc\"}",
            "{\"serial\":1,\"survey\":true,\"us\":1,\"ports\":[{}],\"missing\":[]}",
            "{\"serial\":1,\"survey\":true,\"us\":1,\"ports\":[],\"missing\":[],"
                + "\"cursor\":\"s=1'; reboot; '\",\"journal\":\"\"}",
            "{\"serial\":1,\"survey\":true,\"us\":1,\"ports\":[],\"missing\":[],"
                + "\"cursor\":\"\",\"journal\":\"00\"}",
        ])
    func garbage(line: String) { #expect(LookAnswer(line: Array(line.utf8)) == nil) }

    @Test("an answer with more than it may hold is none") func tooMuch() {
        let reason = String(repeating: "x", count: RemedyAnswer.longestReason + 1)
        let line = "{\"serial\":1,\"remedy\":\"applied\",\"us\":1,\"reason\":\"\(reason)\"}"
        #expect(LookAnswer(line: Array(line.utf8)) == nil)
        let log = String(repeating: "00", count: Survey.mostLog + 1)
        let survey =
            "{\"serial\":1,\"survey\":true,\"us\":1,\"ports\":[],\"missing\":[],"
            + "\"log_offset\":0,\"log\":\"\(log)\"}"
        #expect(LookAnswer(line: Array(survey.utf8)) == nil)
    }
}
