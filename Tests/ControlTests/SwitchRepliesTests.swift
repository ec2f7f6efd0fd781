import Control
import JSON
import Testing

/// What `write` writes, read again.
private func passed(_ write: (inout JSONWriter) -> Void) throws -> JSONValue {
    var json = JSONWriter()
    write(&json)
    return try JSONValue.parse(json.bytes, limit: 1 << 20)
}

@Suite("what is told of generations and switches") struct SwitchRepliesTests {
    static let system = SystemReport(
        path: "/nix/store/a", generation: 41, version: "25.11", specialisation: "quiet")
    static let refusal = RefusalReport(
        reason: "no-target", text: "there is nothing to go back to",
        rejected: [.init(generation: 40, reason: "fenced", text: "it is below the fence")])

    @Test("a plan arrives as it was, whether it leads somewhere or not") func plan() throws {
        var plan = PlanReport(
            from: SystemReport(path: "/nix/store/b"), to: Self.system, mode: "live",
            choice: "previous-known-good")
        #expect(PlanReport(try passed(plan.write)) == plan)
        plan.isDegraded = true
        plan.rejected = Self.refusal.rejected
        plan.restarts = ["web"]
        plan.risks = ["a", "b"]
        #expect(PlanReport(try passed(plan.write)) == plan)
        let refused = PlanReport(from: nil, refused: Self.refusal)
        #expect(PlanReport(try passed(refused.write)) == refused)
        #expect(!refused.notUndone.isEmpty)
    }

    @Test("a plan without a target and without a reason is not understood, nor one with both")
    func contradiction() throws {
        #expect(PlanReport(.object([])) == nil)
        var both = PlanReport(from: nil, refused: Self.refusal)
        both.to = Self.system
        #expect(PlanReport(try passed(both.write)) == nil)
    }

    @Test("generations arrive as they were") func generations() throws {
        var first = GenerationReport(number: 1, dateUnixMilliseconds: 5, path: "/nix/store/a")
        first.rollback = .refused(Self.refusal)
        first.isQuarantined = true
        first.isFenced = true
        var second = GenerationReport(number: 2, dateUnixMilliseconds: 6, path: "/nix/store/b")
        (second.version, second.kernel, second.revision) = ("25.11", "6.12.1", "0f")
        second.specialisations = ["quiet"]
        (second.isRunning, second.isBooted) = (true, true)
        (second.isDefault, second.isKnownGood) = (true, true)
        var third = GenerationReport(number: 3, dateUnixMilliseconds: 7, path: "/nix/store/c")
        third.rollback = .reboot
        let reply = GenerationsReply(
            generations: [first, second, third], running: Self.system,
            booted: SystemReport(path: "/nix/store/x"))
        #expect(GenerationsReply(try passed(reply.write)) == reply)
        #expect(GenerationsReply(.object([])) == nil)
        #expect(
            GenerationsReply(try passed { $0.object { $0.names("generations", ["a"]) } }) == nil)
    }

    @Test("status tells SafeSwitch's part only where there is one") func status() throws {
        var daemon = DaemonReport(
            pid: 1, version: "7", stateDirectory: "/s", runtimeDirectory: "/r", configFile: nil,
            startedUnixMilliseconds: 0, state: "ready", ledger: LedgerCondition(state: "sound"),
            cgroup: nil, services: ServiceCounts(total: 0, running: 0, handedOver: 0))
        #expect(try passed(daemon.write)["switch"] == nil)
        #expect(DaemonReport(try passed(daemon.write)) == daemon)
        daemon.safeSwitch = SwitchReport(policy: "propose")
        #expect(DaemonReport(try passed(daemon.write)) == daemon)
        daemon.safeSwitch?.running = Self.system
        daemon.safeSwitch?.probationUntilUnixMilliseconds = 9
        daemon.safeSwitch?.knownGood = Self.system
        daemon.safeSwitch?.flight = FlightReport(
            number: 3, purpose: "trial", to: Self.system, mode: "trial", step: "confirm",
            beganUnixMilliseconds: 5, confirmUntilUnixMilliseconds: 8)
        daemon.safeSwitch?.foreignSwitch = 77
        daemon.safeSwitch?.isDegraded = true
        daemon.safeSwitch?.lastRollbackUnixMilliseconds = 4
        daemon.safeSwitch?.ended = (1...8).map {
            FlightEndReport(
                number: $0, purpose: "rollback", to: Self.system, outcome: "not-helped", text: "no",
                atUnixMilliseconds: 7)
        }
        #expect(DaemonReport(try passed(daemon.write)) == daemon)
    }

    @Test("of more switches than are told the latest are") func ended() throws {
        var report = SwitchReport(policy: "automatic")
        report.ended = (1...20).map {
            FlightEndReport(
                number: $0, purpose: "asked", to: Self.system, outcome: "succeeded", text: "",
                atUnixMilliseconds: 0)
        }
        var daemon = DaemonReport(
            pid: 1, version: "7", stateDirectory: "/s", runtimeDirectory: "/r", configFile: nil,
            startedUnixMilliseconds: 0, state: "ready", ledger: LedgerCondition(state: "sound"),
            cgroup: nil, services: ServiceCounts(total: 0, running: 0, handedOver: 0))
        daemon.safeSwitch = report
        let read = DaemonReport(try passed(daemon.write))
        #expect(read?.safeSwitch?.ended.map(\.number) == Array(13...20))
    }

    @Test("a switch begins, or there is a reason why not") func reply() throws {
        for reply in [SwitchReply.flight(7), .refused(Self.refusal)] {
            #expect(SwitchReply(try passed(reply.write)) == reply)
        }
        #expect(SwitchReply(.object([])) == nil)
    }
}
