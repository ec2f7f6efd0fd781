import Commands
import Control
import Foundation
import SafeSwitch
import Systemd
import Testing

/// The finding of that name; fails the test when there is none or more than one.
private func only(
    _ check: String, _ findings: [Finding], at: SourceLocation = #_sourceLocation
) throws -> Finding {
    let own = findings.filter { $0.check == check }
    return try #require(own.count == 1 ? own[0] : nil, "\(findings)", sourceLocation: at)
}

extension Finding {
    /// `✗ no regend answers`
    fileprivate var line: String {
        let mark = isFault ? "✗" : isWarning ? "!" : "✓"
        return "\(mark) \(found)"
    }

    /// What is to be done, where there is something.
    fileprivate var fix: String? {
        switch verdict {
        case .fine: nil
        case .warning(let fix), .fault(let fix): fix
        }
    }
}

@Suite("regen doctor judges: the machine") struct MachineJudgementTests {
    private static var sound: MachineFacts {
        var facts = MachineFacts()
        facts.kernel = "6.18.5"
        facts.initName = "systemd"
        facts.isSystemd = true
        facts.needsSystemd = true
        facts.bus = .answers(version: "257.8-1")
        facts.cgroup = "/sys/fs/cgroup"
        facts.controllers = ["cpu", "memory"]
        facts.hasLeaves = true
        facts.hasJournal = true
        facts.keepsJournal = true
        facts.tellsPressure = true
        facts.time = MachineFacts.builtAfter + 1
        facts.isSynchronized = true
        facts.bootID = "214d0ee4-3a07-4d4e-aa3e-94f9b87b08b4"
        return facts
    }

    private func look(
        _ check: String, at: SourceLocation = #_sourceLocation,
        _ change: (inout MachineFacts) -> Void
    ) throws -> String {
        var facts = Self.sound
        change(&facts)
        return try only(check, facts.judge(), at: at).line
    }

    @Test("a sound one has nothing but ticks") func sound() {
        let findings = Self.sound.judge()
        #expect(findings.count == 8)
        #expect(findings.allSatisfy { $0.verdict == .fine })
    }

    @Test(
        "the kernel",
        arguments: [
            ("5.8.0", "✗"), ("5.9.0", "!"), ("5.13.9", "!"), ("5.14.0", "✓"), ("6.14.0", "✓"),
            ("6.15.0-rc1", "✓"), ("10.0", "✓"), ("4.19.0", "✗"), ("", "!"), ("x", "!"), ("6", "!"),
        ])
    func kernel(release: String, mark: String) throws {
        let line = try look("kernel") { $0.kernel = release }
        #expect(line.hasPrefix(mark))
        let isOlder = release.hasPrefix("5.14") || release.hasPrefix("6.14")
        #expect(line.contains("exit status of adopted") == isOlder)
    }

    @Test("without systemd units stop, and nothing else") func noSystemd() throws {
        #expect(
            try look("systemd") {
                $0.isSystemd = false
                $0.initName = "runit"
            } == "✗ PID 1 is runit, not systemd: units can neither be watched nor started")
        #expect(
            try look("systemd") {
                $0.isSystemd = false
                $0.needsSystemd = false
            }.hasPrefix("! "))
    }

    @Test(
        "systemd's version",
        arguments: [
            ("249", "!"), ("252.39-1~deb12u1", "✓"), ("253", "✓"), ("254", "✓"), ("v257", "✓"),
            ("", "✓"), ("next", "✓"),
        ])
    func version(version: String, mark: String) throws {
        let line = try look("systemd") { $0.bus = .answers(version: version) }
        #expect(line.hasPrefix(mark))
        #expect(
            line.contains("DelegateSubgroup") == ["252.39-1~deb12u1", "253"].contains(version))
    }

    @Test("a bus that is away stops units only") func bus() throws {
        #expect(try look("bus") { $0.bus = .silent("no") }.hasPrefix("✗ no: units are neither"))
        let without = try look("bus") {
            $0.bus = .silent("no")
            $0.needsSystemd = false
        }
        #expect(without.hasPrefix("! no"))
        var facts = Self.sound
        facts.bus = .notAsked
        #expect(!facts.judge().contains { $0.check == "bus" })
    }

    @Test("control groups") func cgroup() throws {
        #expect(try look("cgroup") { $0.cgroup = nil }.hasPrefix("! no cgroup v2"))
        #expect(
            try look("cgroup") { $0.cgroup = "/sys/fs/cgroup/unified" }.contains("beside v1"))
        #expect(try look("cgroup") { $0.hasLeaves = false }.contains("not delegated"))
        #expect(
            try look("cgroup") {
                $0.hasLeaves = false
                $0.wantsNoLeaves = true
            }.hasPrefix("✓"))
        #expect(try look("cgroup") { $0.hasLeaves = nil }.hasPrefix("✓"))
    }

    @Test("the journal, stalls and the boot are worth a warning") func warnings() throws {
        #expect(try look("journal") { $0.hasJournal = false }.hasPrefix("! journald"))
        #expect(try look("journal") { $0.keepsJournal = false }.hasPrefix("! in memory"))
        #expect(try look("pressure") { $0.tellsPressure = false }.hasPrefix("! "))
        #expect(try look("boot") { $0.bootID = nil }.hasPrefix("! "))
        #expect(try look("boot") { $0.bootID = "1" }.hasPrefix("! "))
        #expect(try look("rights") { $0.user = 1000 }.hasPrefix("! not root (uid 1000)"))
    }

    @Test("a wrong year is a fault, a clock that nobody keeps a warning") func clock() throws {
        #expect(try look("clock") { $0.time = MachineFacts.builtAfter - 1 }.hasPrefix("✗"))
        #expect(try look("clock") { $0.time = MachineFacts.builtAfter }.hasPrefix("✓"))
        #expect(try look("clock") { $0.isSynchronized = false }.hasPrefix("!"))
        #expect(try look("clock") { $0.isSynchronized = nil }.hasPrefix("✓"))
    }
}

@Suite("regen doctor judges: Regen") struct RegenJudgementTests {
    private static let report: DaemonReport = {
        var report = DaemonReport(
            pid: 812, version: "0.1.0", stateDirectory: "/var/lib/regen",
            runtimeDirectory: "/run/regen", configFile: "/etc/regen/regen.yaml",
            startedUnixMilliseconds: 0, state: "ready",
            ledger: LedgerCondition(state: "sound", records: 12), cgroup: nil,
            services: ServiceCounts(total: 3, running: 3, handedOver: 0))
        report.workers = [WorkerReport(role: "probe", state: "ready")]
        return report
    }()

    private static var sound: RegenFacts {
        var facts = RegenFacts()
        facts.daemon = .answers(report)
        facts.version = "0.1.0"
        facts.hasUnit = true
        facts.configuration = .fine(warnings: 0)
        facts.configurationPath = "/etc/regen/regen.yaml"
        facts.users = [.init(name: "regen-probe", exists: true, purpose: "servers are probed")]
        let space = PathFacts.Space(free: 1 << 40)
        facts.state = .init(
            path: "/var/lib/regen", sight: .found(PathFacts(.directory, space: space)))
        facts.runtime = .init(path: "/run/regen", sight: .found(PathFacts(.directory)))
        facts.secrets = [
            .init(route: "ops", path: "/run/url", sight: .found(PathFacts(.file, mode: 0o640)))
        ]
        return facts
    }

    private func look(
        _ check: String, at: SourceLocation = #_sourceLocation,
        _ change: (inout RegenFacts) -> Void
    ) throws -> Finding {
        var facts = Self.sound
        change(&facts)
        return try only(check, facts.judge(), at: at)
    }

    private func reported(
        _ check: String, at: SourceLocation = #_sourceLocation,
        _ change: (inout DaemonReport) -> Void
    ) throws -> String {
        try look(check, at: at) {
            var report = Self.report
            change(&report)
            $0.daemon = .answers(report)
        }.line
    }

    @Test("a sound one has nothing but ticks") func sound() {
        #expect(Self.sound.judge().allSatisfy { $0.verdict == .fine }, "\(Self.sound.judge())")
        #expect(Self.sound.judge().count == 9)
    }

    @Test("who answers") func daemon() throws {
        let absent = try look("daemon") { $0.daemon = .absent(path: "/run/regen/x") }
        #expect(absent.isFault && absent.verdict.fix == "systemctl start regen")
        let byHand = try look("daemon") {
            $0.daemon = .absent(path: "/run/regen/x")
            $0.hasUnit = false
        }
        #expect(byHand.verdict.fix == "regen run --config /etc/regen/regen.yaml")
        #expect(try look("daemon") { $0.daemon = .silent("it hangs") }.isFault)
        let shut = try look("daemon") { $0.daemon = .shut(path: "/run/regen/x") }
        #expect(shut.isWarning, "not to be allowed to ask is no fault of the machine")
        #expect(try reported("daemon") { $0.state = "stopping" }.hasPrefix("! "))
    }

    @Test("what it says of itself") func reports() throws {
        #expect(try reported("version") { $0.version = "0.0.9" }.hasPrefix("! regend is 0.0.9"))
        #expect(
            try reported("ledger") { $0.ledger = LedgerCondition(state: "degraded", detail: "x") }
                == "✗ degraded: x; without a sound ledger nothing is rolled back")
        #expect(try reported("ledger") { $0.ledger = LedgerCondition(state: "off") }.first == "✗")
        #expect(try reported("hand-over") { $0.services.handedOver = 1 }.hasPrefix("! 1 of 3"))
        #expect(
            try reported("workers") { $0.workers = [WorkerReport(role: "probe", state: "down")] }
                .hasPrefix("✗"))
        #expect(
            try reported("workers") { $0.workers = [WorkerReport(role: "notify", state: "down")] }
                .hasPrefix("!"))
        #expect(
            try reported("in force") { $0.configFile = "/srv/other.yaml" }
                == "! regend was started with /srv/other.yaml")
    }

    @Test(
        "the configuration",
        arguments: [
            (RegenFacts.Configuration.none, "!"), (.fine(warnings: 0), "✓"),
            (.fine(warnings: 1), "!"), (.wrong(errors: 2, first: "x"), "✗"),
            (.unreadable(.missing), "✗"), (.unreadable(.forbidden), "!"),
            (.unreadable(.unseen("x")), "!"), (.unreadable(.silent), "✗"),
            (.unreadable(.found(PathFacts(.directory))), "✗"),
        ])
    func configuration(configuration: RegenFacts.Configuration, mark: String) throws {
        #expect(
            try look("configuration") { $0.configuration = configuration }.line.hasPrefix(mark))
    }

    @Test("programs, users and names") func needs() throws {
        #expect(try look("programs") { $0.missingPrograms = ["regend"] }.isFault)
        #expect(try look("programs") { $0.missingPrograms = ["regen-net"] }.isWarning)
        let missing = try look("regen-probe") { $0.users[0].exists = false }
        #expect(missing.verdict.fix == "useradd --system regen-probe" && missing.isWarning)
        #expect(try look("regen-probe") { $0.users[0].exists = nil }.isWarning)
        var facts = Self.sound
        facts.users[0].exists = false
        facts.users[0].purpose = nil
        #expect(!facts.judge().contains { $0.check == "regen-probe" }, "nobody needs it")
        #expect(try look("control.allow") { $0.unknownActors = ["eve"] }.isWarning)
    }

    @Test(
        "the state directory",
        arguments: [
            (PathSight.missing, "✓"), (.forbidden, "!"), (.unseen("x"), "!"), (.silent, "✗"),
            (.failed("x"), "✗"), (.found(PathFacts(.file)), "✗"),
        ])
    func state(sight: PathSight, mark: String) throws {
        #expect(try look("state") { $0.state?.sight = sight }.line.hasPrefix(mark))
    }

    @Test("a directory that others can exchange is none for root") func trust() throws {
        var facts = PathFacts(.directory)
        facts.defect = "/srv belongs to user 1000"
        #expect(try look("state") { $0.state?.sight = .found(facts) }.isFault)
    }

    private static let rooms: [(PathFacts.Space, String)] = {
        let (least, much): (Int64, Int64) = (1 << 20, 1 << 40)
        return [
            (.init(free: much), "✓"), (.init(free: 255 * least), "!"),
            (.init(free: least - 1), "✗"), (.init(free: much, isReadOnly: true), "✗"),
            (.init(free: much, freeInodes: 0, inodes: 10_000), "✗"),
            (.init(free: much, freeInodes: 99, inodes: 10_000), "!"),
            (.init(free: much, freeInodes: 100, inodes: 10_000), "✓"),
            (.init(free: .max, freeInodes: 0, inodes: 0), "✓"), (.init(free: -1), "✗"),
        ]
    }()

    @Test("room for the ledger", arguments: rooms)
    func room(space: PathFacts.Space, mark: String) throws {
        let sight = PathSight.found(PathFacts(.directory, space: space))
        #expect(try look("state's room") { $0.state?.sight = sight }.line.hasPrefix(mark))
    }

    @Test(
        "secrets are nobody's business",
        arguments: [
            (PathSight.found(PathFacts(.file, mode: 0o600)), "✓"),
            (.found(PathFacts(.file, mode: 0o604)), "!"),
            (.found(PathFacts(.file, mode: 0o602)), "!"),
            (.found(PathFacts(.special, mode: 0o600)), "!"), (.missing, "!"), (.forbidden, "!"),
            (.silent, "!"),
        ])
    func secrets(sight: PathSight, mark: String) throws {
        #expect(try look("notices.ops") { $0.secrets[0].sight = sight }.line.hasPrefix(mark))
    }
}

@Suite("regen doctor judges: services") struct ServiceJudgementTests {
    private func judge(_ needs: ServiceFacts.Need...) -> [String] {
        var facts = ServiceFacts(name: "web")
        facts.user = "www"
        facts.paths = needs
        return facts.judge().map(\.line)
    }

    private static let program = ServiceFacts.Need(.program, "/bin/web", .found(PathFacts(.file)))

    @Test("a sound one is one line") func sound() {
        #expect(judge(Self.program) == ["✓ /bin/web as www"])
    }

    @Test(
        "what each path must be",
        arguments: [
            (ServiceFacts.Role.program, PathSight.missing, "✗"), (.program, .silent, "✗"),
            (.program, .forbidden, "✗"), (.program, .failed("x"), "✗"),
            (.program, .unseen("x"), "!"), (.program, .found(PathFacts(.directory)), "✗"),
            (.program, .found(PathFacts(.file, isExecutable: false)), "✗"),
            (.directory, .found(PathFacts(.file)), "✗"), (.directory, .missing, "✗"),
            (.directory, .found(PathFacts(.directory, isExecutable: false)), "✗"),
            (.directory, .found(PathFacts(.directory)), "✓"),
            (.log, .found(PathFacts(.file, isWritable: false)), "!"), (.log, .missing, "✓"),
            (.log, .found(PathFacts(.directory)), "!"), (.log, .forbidden, "!"),
            (.probeProgram, .missing, "!"), (.checkProgram, .missing, "!"),
            (.certificates, .missing, "!"), (.environmentFile, .missing, "✗"),
            (.dependencyBase, .found(PathFacts(.file)), "✗"), (.blamePath, .missing, "!"),
            (.blamePath, .found(PathFacts(.special)), "✓"),
        ])
    func paths(role: ServiceFacts.Role, sight: PathSight, mark: String) {
        let lines = judge(ServiceFacts.Need(role, "/x/y", sight))
        #expect(lines.count == 1 && lines[0].hasPrefix(mark), "\(lines)")
    }

    @Test("a log that is not there yet needs its directory") func log() {
        let closed = PathSight.found(PathFacts(.directory, isWritable: false))
        let log = ServiceFacts.Need(.log, "/x/log", .missing)
        #expect(
            judge(Self.program, log, ServiceFacts.Need(.logDirectory, "/x", closed)) == [
                "! log: /x takes no file of user www: what it prints is lost"
            ])
        let there = ServiceFacts.Need(.log, "/x/log", .found(PathFacts(.file)))
        #expect(
            judge(Self.program, there, ServiceFacts.Need(.logDirectory, "/x", closed)) == [
                "✓ /bin/web as www"
            ])
    }

    @Test("who looks as somebody else says nothing of rights") func stranger() {
        var facts = ServiceFacts(name: "web")
        facts.user = "www"
        facts.isSeenAsUser = false
        let closed = PathFacts(.directory, isExecutable: false, isWritable: false)
        facts.paths = [
            .init(.program, "/bin/web", .found(PathFacts(.file, isExecutable: false))),
            .init(.directory, "/srv", .found(closed)),
        ]
        #expect(facts.judge().map(\.line) == ["✓ /bin/web as www"])
        facts.paths = [.init(.program, "/bin/web", .forbidden)]
        #expect(facts.judge().allSatisfy { $0.isWarning })
        facts.paths = [.init(.program, "/bin/web", .found(PathFacts(.file, mode: 0o644)))]
        facts.paths[0].sight = .found(PathFacts(.file, mode: 0o644, isExecutable: false))
        #expect(facts.judge().allSatisfy { $0.isFault }, "nobody at all may execute it")
    }

    @Test("a user that nobody knows") func user() throws {
        var facts = ServiceFacts(name: "web")
        facts.unknown = "user 'www'"
        let finding = try #require(facts.judge().first)
        #expect(finding.isFault && finding.verdict.fix == "useradd --system www")
        facts.unknown = "group 'www'"
        #expect(facts.judge().first?.verdict.fix == "groupadd --system www")
        facts.unknown = nil
        facts.isUserSilent = true
        #expect(facts.judge().first?.isWarning == true)
    }
}

@Suite("regen doctor judges: units") struct UnitJudgementTests {
    private func judge(
        _ restarts: UnitFacts.Restarts = .unsaid, _ change: (inout UnitState) -> Void = { _ in }
    ) -> [Finding] {
        var state = UnitState()
        state.id = "nginx.service"
        state.loadState = "loaded"
        state.activeState = "active"
        state.subState = "running"
        state.unitFileState = "enabled"
        state.restart = "on-failure"
        state.startLimitAction = "none"
        state.failureAction = "none"
        change(&state)
        var facts = UnitFacts(name: "web", unit: "nginx.service")
        facts.restarts = restarts
        facts.sight = .state(state)
        return facts.judge()
    }

    @Test("a sound one is one line") func sound() {
        #expect(
            judge().map(\.line) == ["✓ nginx.service is active (running), restarted by systemd"])
        #expect(
            judge { $0.restart = "no" }.map(\.line) == [
                "✓ nginx.service is active (running), started again by regend"
            ])
    }

    @Test(
        "one that cannot be started",
        arguments: [
            ("not-found", "systemctl list-unit-files '*nginx*'"),
            ("masked", "systemctl unmask nginx.service"),
            ("bad-setting", "systemd-analyze verify nginx.service"),
            ("error", "systemd-analyze verify nginx.service"),
        ])
    func unloaded(load: String, fix: String) {
        let findings = judge { $0.loadState = load }
        #expect(findings.count == 1 && findings[0].isFault)
        #expect(findings[0].verdict.fix?.hasPrefix(fix) == true)
    }

    @Test("who restarts") func restarts() {
        #expect(judge(.systemd) { $0.restart = "no" }.map(\.isFault) == [true])
        #expect(judge(.systemd) { $0.restart = "" }.map(\.isFault) == [true])
        #expect(judge(.systemd).allSatisfy { $0.verdict == .fine })
        #expect(judge(.regen).map(\.isWarning) == [true])
        #expect(judge(.regen) { $0.restart = "no" }.allSatisfy { $0.verdict == .fine })
    }

    @Test("what regend never starts is worth a warning") func handedOver() {
        #expect(judge { $0.startLimitAction = "reboot" }.map(\.isWarning) == [true])
        #expect(judge { $0.failureAction = "poweroff" }.map(\.isWarning) == [true])
        #expect(judge { $0.type = "oneshot" }.map(\.isWarning) == [true])
        #expect(judge { $0.triggeredBy = ["nginx.socket"] }.map(\.isWarning) == [true])
    }

    @Test("one that has failed, or will be gone after a reboot") func condition() {
        #expect(
            judge {
                $0.activeState = "failed"
                $0.result = "exit-code"
            }.map(\.line) == ["! nginx.service has failed (exit-code)"])
        #expect(judge { $0.unitFileState = "disabled" }.map(\.isWarning) == [true])
        #expect(judge { $0.activeState = "inactive" }.allSatisfy { $0.verdict == .fine })
    }

    @Test("templates, and units that nothing was said of") func others() {
        var facts = UnitFacts(name: "worker", unit: "worker@*.service")
        #expect(facts.judge() == [])
        facts.sight = .instances([])
        #expect(facts.judge().first?.verdict.fix == "systemctl start worker@1.service")
        facts.sight = .instances(["worker@1.service", "worker@2.service"])
        #expect(facts.judge().map(\.line) == ["✓ worker@*.service: 2 instances"])
        facts.sight = .refused("no")
        #expect(facts.judge().map(\.isWarning) == [true])
    }
}

@Suite("regen doctor judges: watchdogs") struct WatchdogJudgementTests {
    private static var fed: WatchdogFacts {
        var facts = WatchdogFacts()
        var device = WatchdogFacts.Device(name: "watchdog0")
        device.identity = "i6300ESB timer"
        device.timeout = 30
        device.isActive = true
        facts.devices = [device]
        facts.runtime = 30_000_000
        facts.runtimeDevice = "/dev/watchdog0"
        return facts
    }

    private func look(_ check: String, _ change: (inout WatchdogFacts) -> Void) throws -> String {
        var facts = Self.fed
        change(&facts)
        return try only(check, facts.judge()).line
    }

    @Test("who feeds it") func holder() throws {
        #expect(
            try look("fed by") { _ in }
                == "✓ systemd, RuntimeWatchdogSec=30s (/dev/watchdog0)")
        #expect(
            try look("fed by") {
                $0.runtime = 0
                $0.holders = [.init(pid: 812, program: "regend")]
            } == "✓ regend, pid 812")
        #expect(try look("fed by") { $0.runtime = 0 }.hasPrefix("! somebody"))
        #expect(
            try look("fed by") {
                $0.runtime = 0
                $0.sawHolders = true
                $0.devices[0].isActive = false
            }.hasPrefix("! nobody: "))
        #expect(
            try look("fed by") {
                $0.runtime = nil
                $0.devices[0].isActive = nil
            }.hasPrefix("! nobody that is seen"))
    }

    @Test("what regend says of those that it is to feed") func own() throws {
        typealias Device = WatchdogReport.Device
        func told(_ state: String, _ change: (inout Device) -> Void = { _ in }) throws -> String {
            try look("/dev/w") {
                var device = Device(path: "/dev/w", state: state)
                change(&device)
                $0.own = WatchdogReport(state: WatchdogReport.feeding)
                $0.own?.devices = [device]
            }
        }
        #expect(try told(Device.armed) == "✓ armed by regend")
        #expect(try told(Device.armed) { $0.isNoWayOut = true }.hasPrefix("! nowayout"))
        #expect(try told(Device.armed) { $0.disarmsAtDeath = true }.hasPrefix("! its driver"))
        #expect(
            try told(Device.busy) { $0.detail = "systemd (pid 1)" }
                == "! regend is to feed it, and systemd (pid 1) does")
        #expect(try told(Device.absent).contains("not there; it is taken when it comes"))
        #expect(try told(Device.unusable) { $0.detail = "it is a directory" }.contains("directory"))
        #expect(try told(Device.test).hasPrefix("! a test"))
        #expect(
            try look("feeding") {
                $0.own = WatchdogReport(state: WatchdogReport.starving)
                $0.own?.condition = "ledger-answered"
            } == "! not fed, the machine will be reset: ledger-answered does not hold")
    }

    @Test("one that has reset the machine too often is off, and nothing else is told of it")
    func resets() throws {
        var facts = Self.fed
        facts.runtime = 0
        facts.sawHolders = true
        facts.devices[0].isActive = false
        facts.own = WatchdogReport(state: WatchdogReport.waiting)
        facts.own?.reason = "it has reset this machine 3 times within an hour"
        facts.own?.devices = [.init(path: "/dev/watchdog0", state: WatchdogReport.Device.off)]
        let found = facts.judge().filter(\.isWarning)
        #expect(found.map(\.check) == ["resets"])
        #expect(
            found.first?.line == "! the watchdog stays off, and a hang is not mended: "
                + "it has reset this machine 3 times within an hour")
        #expect(found.first?.fix?.contains("nothing has to be switched on again") == true)
    }

    @Test("systemd comes before the device, where the time-outs leave it the time")
    func order() throws {
        func facts(_ milliseconds: Int64) -> WatchdogFacts {
            var facts = Self.fed
            var device = WatchdogReport.Device(path: "/dev/w", state: "armed")
            device.timeoutMilliseconds = milliseconds
            facts.own = WatchdogReport(state: WatchdogReport.feeding)
            facts.own?.devices = [device]
            facts.regend = 30_000_000
            return facts
        }
        let short = facts(69_999).judge().first { $0.check == "time-out" }
        #expect(short?.fix == "watchdog: { timeout: 70s }  # then: regen reload")
        #expect(!facts(70_000).judge().contains { $0.check == "time-out" })
    }

    @Test("nobody feeds it: the fix names Regen's own key") func key() throws {
        var facts = Self.fed
        facts.runtime = 0
        facts.sawHolders = true
        facts.devices[0].isActive = false
        let fix = facts.judge().first { $0.check == "fed by" }?.fix
        #expect(fix?.hasPrefix("watchdog: { timeout: ") == true)
    }

    @Test("the device, and who watches regend") func others() throws {
        #expect(try look("watchdog0") { _ in } == "✓ i6300ESB timer, time-out 30 s")
        #expect(try look("device") { $0.devices = [] }.hasPrefix("! no watchdog"))
        #expect(
            try look("device") {
                $0.devices = []
                $0.isContainer = true
            }.hasPrefix("✓"))
        #expect(try look("regend") { $0.regend = 0 }.hasPrefix("! "))
        #expect(
            try look("regend") { $0.regend = 30_000_000 }
                == "✓ watched by systemd, WatchdogSec=30s")
        #expect(!Self.fed.judge().contains { $0.isFault })
    }
}

@Suite("regen doctor judges: NixOS") struct NixOSJudgementTests {
    private static func path(_ name: String) -> String { "/nix/store/x-\(name)" }

    private static func system(_ name: String, _ defects: [NixSystem.Defect] = []) -> NixSystem {
        var system = NixSystem(path: path(name))
        system.version = "26.05.\(name)"
        system.defects = defects
        return system
    }

    /// Generation 2 runs, 1 is known good.
    private static var sound: Landscape {
        var landscape = Landscape()
        landscape.generations = [
            Generation(number: 1, path: path("a"), date: 1),
            Generation(number: 2, path: path("b"), date: 2),
        ]
        landscape.systems = [system("a"), system("b")]
        landscape.defaultGeneration = 2
        landscape.current = path("b")
        landscape.booted = path("b")
        landscape.knownGoodProfile = path("a")
        landscape.bootSpace = 1 << 30
        return landscape
    }

    private func judge(
        policy: SafeSwitchPolicy? = SafeSwitchPolicy(),
        _ change: (inout Landscape) -> Void = { _ in },
        facts more: (inout NixOSFacts) -> Void = { _ in }
    ) -> [Finding] {
        var landscape = Self.sound
        change(&landscape)
        var facts = NixOSFacts()
        facts.isConfigured = true
        facts.policy = policy
        facts.landscape = .seen(landscape)
        facts.hasNix = true
        let space = PathFacts.Space(free: 1 << 40)
        facts.store = .init(
            path: "/nix/var/nix/profiles", sight: .found(PathFacts(.directory, space: space)))
        more(&facts)
        return facts.judge()
    }

    @Test("a machine that could be rolled back has nothing but ticks") func sound() throws {
        let findings = judge()
        #expect(findings.allSatisfy { $0.verdict == .fine }, "\(findings)")
        #expect(
            try only("rollback", findings).line
                == "✓ would go to generation 1 (live): it is the newest known good generation")
        #expect(
            try only("generations", findings).line == "✓ 1 of 1 others could be gone back to")
        #expect(try only("known good", findings).line == "✓ 1")
    }

    @Test("what stops a rollback") func faults() throws {
        func line(_ check: String, _ change: (inout Landscape) -> Void) throws -> Finding {
            try only(check, judge(change))
        }
        #expect(try line("profile") { $0.defaultGeneration = nil }.isFault)
        #expect(try line("running") { $0.current = nil }.isFault)
        #expect(try line("rollback") { $0.knownGoodProfile = nil }.isFault)
        #expect(try line("rollback") { $0.systems[0].defects = [.noKernel] }.isFault)
        #expect(try line("boot's room") { $0.bootSpace = 1000 }.isFault)
        #expect(
            try line("rollback") { $0.bootSpace = 1000 }.verdict.fix?.contains("garbage") == true)
        let reboot = try line("rollback") {
            $0.systems[0].initInterface = "1"
            $0.systems[1].initInterface = "2"
        }
        #expect(reboot.verdict == .fault(fix: "safeswitch: { allow_reboot: true }"))
        let alone = try line("generations") { $0.generations.removeFirst() }
        #expect(alone.isFault)
    }

    @Test("why the others will not do is told") func rejected() throws {
        let findings = judge {
            $0.generations.insert(Generation(number: 3, path: Self.path("c"), date: 3), at: 2)
            $0.systems.append(Self.system("c", [.cannotSwitch]))
        }
        #expect(
            try only("generations", findings).found
                == "1 of 2 others could be gone back to: 3 is incomplete: it has no "
                + "bin/switch-to-configuration")
        let fenced = judge(policy: SafeSwitchPolicy(fence: 2))
        #expect(try only("generations", fenced).found.contains("1 is below the fence"))
        #expect(try only("rollback", fenced).isFault)
    }

    @Test("what is worth a second look") func warnings() throws {
        func finding(_ check: String, _ change: (inout Landscape) -> Void) throws -> Finding {
            try only(check, judge(change))
        }
        #expect(try finding("running") { $0.current = "/nix/store/x-test" }.isWarning)
        #expect(try finding("running") { $0.defaultGeneration = 1 }.isWarning)
        #expect(try finding("switch") { $0.switchHolder = 12 }.found.contains("pid 12"))
        #expect(try finding("known good") { $0.knownGoodProfile = nil }.isWarning)
        #expect(
            try finding("booted") {
                $0.booted = $0.generations[0].path
                $0.systems[0].kernel.kernel = "/nix/store/x-linux"
            }.isWarning)
        #expect(try finding("boot's room") { $0.bootSpace = 2 << 20 }.isWarning)
        #expect(try only("nix", judge(facts: { $0.hasNix = false })).isWarning)
        #expect(try only("store's room", judge(facts: { $0.store?.sight = .silent })).isFault)
    }

    @Test("regend's word counts for more than a look") func reported() throws {
        var report = GenerationReport(
            number: 1, dateUnixMilliseconds: 0, path: Self.path("a"))
        report.isQuarantined = true
        report.rollback = .refused(
            RefusalReport(
                reason: "no-target", text: "no",
                rejected: [.init(generation: 1, reason: "quarantined", text: "is quarantined")]))
        let findings = judge(facts: {
            $0.reports = [report]
            $0.plan = PlanReport(from: nil, refused: RefusalReport(reason: "limit", text: "soon"))
        })
        #expect(try only("quarantined", findings).line == "! 1")
        #expect(try only("rollback", findings).line == "✗ soon")
        #expect(
            try only("generations", findings).line
                == "✗ 0 of 1 others could be gone back to: 1 is quarantined")
    }

    @Test("where nobody counts on a rollback nothing of it is a fault") func off() throws {
        for policy in [nil, SafeSwitchPolicy(mode: .off)] {
            let findings = judge(policy: policy) { $0.defaultGeneration = nil }
            #expect(!findings.contains { $0.isFault })
            #expect(try only("safeswitch", findings).isWarning)
            #expect(try only("profile", findings).isWarning)
        }
    }

    @Test("no NixOS at all") func absent() {
        var facts = NixOSFacts()
        #expect(facts.judge().map { $0.verdict } == [.fine])
        facts.isConfigured = true
        #expect(facts.judge().map { $0.verdict } == [.fine])
        facts.policy = SafeSwitchPolicy()
        #expect(facts.judge().map(\.isFault) == [true])
        facts.landscape = .unseen("no")
        #expect(facts.judge().contains { $0.isFault })
    }
}

@Suite("regen doctor's fixes") struct FixTests {
    @Test("a path with white space or quotes is one word of a command") func quoting() {
        var facts = ServiceFacts(name: "web")
        facts.paths = [.init(.directory, "/srv/it's here", .missing)]
        #expect(facts.judge().first?.verdict.fix == #"install -d '/srv/it'\''s here'"#)
    }
}
