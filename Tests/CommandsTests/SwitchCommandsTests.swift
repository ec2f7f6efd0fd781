import Control
import Foundation
import JSON
import Synchronization
import Testing

private let old = SystemReport(path: "/nix/store/old", generation: 41, version: "25.11.1")
private let new = SystemReport(path: "/nix/store/new", generation: 42, version: "25.11.2")
private let refusal = RefusalReport(
    reason: "no-target", text: "there is no generation to go back to: 41 is \u{1B}below the fence",
    rejected: [.init(generation: 41, reason: "fenced", text: "is below the fence")])

private func plan(_ change: (inout PlanReport) -> Void = { _ in }) -> PlanReport {
    var plan = PlanReport(from: new, to: old, mode: "live", choice: "previous-known-good")
    change(&plan)
    return plan
}

private func flight(
    _ step: String, _ purpose: String = "asked", number: Int64 = 3, until: Int64? = nil
) -> FlightReport {
    FlightReport(
        number: number, purpose: purpose, to: old, mode: "live", step: step,
        beganUnixMilliseconds: 0, confirmUntilUnixMilliseconds: until)
}

private func end(
    _ outcome: String, _ purpose: String = "asked", number: Int64 = 3
) -> FlightEndReport {
    FlightEndReport(
        number: number, purpose: purpose, to: old, outcome: outcome, text: "so it is",
        atUnixMilliseconds: 0)
}

/// A daemon that begins switch 3 when asked and tells these states of it, one for each look and the
/// last one forever. `asked` gets everything that it is asked but for its status.
private func daemon(
    _ states: [SwitchReport?], plan: PlanReport = plan(),
    asked: @escaping @Sendable (ControlRequest) -> Void = { _ in }
) throws -> FakeDaemon {
    let looks = Mutex(0)
    return try FakeDaemon { request in
        switch request {
        case .status:
            let look = looks.withLock { count in
                count += 1
                return count
            }
            return .status([]) { $0.safeSwitch = states[min(look, states.count) - 1] }
        case .planRollback:
            asked(request)
            return .reply(plan.write)
        default:
            asked(request)
            return .reply(SwitchReply.flight(3).write)
        }
    }
}

private func report(
    _ flight: FlightReport?, ended: [FlightEndReport] = []
) -> SwitchReport {
    var report = SwitchReport(policy: "automatic")
    report.flight = flight
    report.ended = ended
    return report
}

private func regen(_ daemon: FakeDaemon, _ arguments: String...) throws -> Outcome {
    defer { daemon.end() }
    return try run(arguments, environment: ["REGEN_RUNTIME_DIRECTORY": daemon.directory])
}

@Suite("commands about generations") struct SwitchCommandsTests {
    private static let generations: GenerationsReply = {
        var first = GenerationReport(
            number: 41, dateUnixMilliseconds: 1_795_231_650_999, path: "/nix/store/a")
        first.rollback = .refused(refusal)
        (first.isFenced, first.isQuarantined) = (true, true)
        var second = GenerationReport(
            number: 42, dateUnixMilliseconds: 1_795_235_250_000, path: "/nix/store/b")
        (second.version, second.kernel) = ("25.11.2", "6.12.1")
        (second.isBooted, second.isKnownGood) = (true, true)
        var third = GenerationReport(
            number: 43, dateUnixMilliseconds: 1_795_238_850_000, path: "/nix/store/c")
        (third.isRunning, third.isDefault) = (true, true)
        third.rollback = .refused(RefusalReport(reason: "no-target", text: "it runs"))
        return GenerationsReply(
            generations: [first, second, third],
            running: SystemReport(path: "/nix/store/tested"), booted: new)
    }()

    @Test("generations are a table with how a rollback to each would go") func generations() throws
    {
        let told = try CommandsTests.regen("generations") { request in
            #expect(request == .generations)
            return .reply(Self.generations.write)
        }
        #expect(
            told.output == """
                GENERATION  DATE (UTC)        VERSION  KERNEL  STATE                ROLLBACK
                41          2026-11-21 03:27  -        -       quarantined, fenced  refused: is \
                below the fence
                42          2026-11-21 04:27  25.11.2  6.12.1  booted, known good   live
                43          2026-11-21 05:27  -        -       running, default     -

                what runs is in no generation: /nix/store/tested

                """)
        #expect(told.code == 0)
    }

    @Test("--json of generations is what the daemon said") func generationsJSON() throws {
        let told = try CommandsTests.regen("generations", "--json") { _ in
            .reply(Self.generations.write)
        }
        let json = try JSONValue.parse(Array(told.output.utf8), limit: 100_000)
        #expect(GenerationsReply(json) == Self.generations)
    }

    @Test(
        "while SafeSwitch is off each of them says how to turn it on",
        arguments: [
            ["generations"], ["rollback", "--yes"], ["switch", "/nix/store/a"], ["confirm"],
        ])
    func off(arguments: [String]) throws {
        let daemon = try FakeDaemon { _ in .failure(.notNow(reason: SwitchReport.isOff)) }
        defer { daemon.end() }
        let told = try run(
            arguments, environment: ["REGEN_RUNTIME_DIRECTORY": daemon.directory])
        #expect(told.code == 1)
        #expect(told.error.contains("SafeSwitch is off: add \"safeswitch: {}\""))
    }

    @Test("a plan says from where to where, how, what stays undone and what may go wrong")
    func dryRun() throws {
        let told = try CommandsTests.regen("rollback", "--to", "41", "--dry-run") { request in
            #expect(request == .planRollback(.generation(41)))
            return .reply(
                plan {
                    $0.isDegraded = true
                    $0.notUndone = ["files", "databases"]
                    $0.risks = ["modules \u{1B}may fail"]
                    $0.rejected = refusal.rejected
                }.write)
        }
        #expect(
            told.output == """
                from         generation 42 (25.11.2), /nix/store/new
                to           generation 41 (25.11.1), /nix/store/old
                because      it ran before the change and is known good
                mode         live, under the kernel that runs: degraded until a reboot
                restarts     what differs between the two systems
                not undone   files
                             databases
                risks        modules \\u{1b}may fail
                not chosen   41 is below the fence

                """)
        #expect(told.code == 0)
    }

    @Test("a refusal says why, and is a no", arguments: [[], ["--dry-run"], ["--yes"]])
    func refused(options: [String]) throws {
        let daemon = try FakeDaemon { request in
            #expect(request == .planRollback(.knownGood))
            return .reply(PlanReport(from: new, refused: refusal).write)
        }
        defer { daemon.end() }
        let told = try run(
            ["rollback", "--to", "known-good"] + options,
            environment: ["REGEN_RUNTIME_DIRECTORY": daemon.directory])
        #expect(told.code == 1)
        #expect(
            told.output == """
                from         generation 42 (25.11.2), /nix/store/new
                rollback     refused: there is no generation to go back to: 41 is \\u{1b}below the \
                fence

                """)
    }

    @Test("nothing is done without --yes where nobody can be asked") func noTerminal() throws {
        let told = try CommandsTests.regen("rollback") { request in
            #expect(request == .planRollback(.anywhere))
            return .reply(plan().write)
        }
        #expect(told.code == 2)
        #expect(told.error.contains("say --yes if it is meant"))
        #expect(told.output.hasPrefix("from "))
    }

    @Test("a rollback is asked for as it was shown, and followed until it is over") func rollback()
        throws
    {
        let asked = Mutex<[ControlRequest]>([])
        let daemon = try daemon(
            [
                report(flight("intent")), report(flight("activate")),
                report(nil, ended: [end("succeeded")]),
            ]
        ) { request in asked.withLock { $0.append(request) } }
        let told = try regen(daemon, "rollback", "--to", "41", "--yes")
        #expect(
            asked.withLock { $0 } == [
                .planRollback(.generation(41)),
                .rollback(.generation(41), expected: "/nix/store/old"),
            ])
        #expect(told.code == 0)
        #expect(
            told.output.hasSuffix(
                "switch 3 (asked) to generation 41 (25.11.1): succeeded: so it is\n"))
        #expect(told.error == "")
    }

    @Test(
        "a rollback that does not help is a no",
        arguments: ["not-helped", "not-activated", "abandoned"])
    func notHelped(outcome: String) throws {
        let told = try regen(daemon([report(nil, ended: [end(outcome)])]), "rollback", "--yes")
        #expect(told.code == 1)
        #expect(told.output.hasSuffix(": \(outcome): so it is\n"))
    }

    @Test(
        "at a terminal somebody is asked, and only a yes is one",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script")),
        arguments: [("y", 0), ("YES", 0), ("n", 1), ("", 1), ("yesterday", 1)])
    func question(answer: String, code: Int32) throws {
        let asked = Mutex<[ControlRequest]>([])
        let daemon = try daemon([report(nil, ended: [end("succeeded")])]) { request in
            asked.withLock { $0.append(request) }
        }
        defer { daemon.end() }
        let command = "'\(CommandsTests.regen.path)' rollback"
        let told = try run(
            ["-c", "script -qec \"\(command)\" /dev/null"], by: URL(filePath: "/bin/sh"),
            input: Data("\(answer)\n".utf8),
            environment: ["REGEN_RUNTIME_DIRECTORY": daemon.directory, "TERM": "dumb"])
        #expect(told.output.contains("Go back to generation 41 (25.11.1)? [y/N]"))
        #expect(told.code == code)
        #expect(asked.withLock { $0.count } == (code == 0 ? 2 : 1))
        #expect(told.output.contains("nothing was done") == (code == 1))
    }

    @Test("degraded is done, too") func degraded() throws {
        let told = try regen(daemon([report(nil, ended: [end("degraded")])]), "rollback", "--yes")
        #expect(told.code == 0)
    }

    @Test("when the machine reboots there is nothing more to wait for") func reboot() throws {
        let told = try regen(daemon([report(flight("reboot"))]), "rollback", "--yes")
        #expect(told.code == 0)
        #expect(told.output.contains("the machine reboots into generation 41"))
    }

    @Test("a daemon that has forgotten the switch is not believed to have done it")
    func forgotten() throws {
        let told = try regen(
            daemon([report(nil, ended: [end("succeeded", number: 2)])]), "rollback", "--yes")
        #expect(told.code == 1)
        #expect(told.error.contains("nobody knows what came of switch 3"))
        let off = try regen(daemon([nil]), "rollback", "--yes")
        #expect(off.code == 1)
        #expect(off.error.contains("SafeSwitch was turned off meanwhile"))
    }

    @Test("an error of the daemon's ends the watching, and says so")
    func refusedLook() throws {
        let daemon = try FakeDaemon { request in
            switch request {
            case .planRollback: .reply(plan().write)
            case .status: .failure(.notNow(reason: "regend is ending"))
            default: .reply(SwitchReply.flight(3).write)
            }
        }
        let told = try regen(daemon, "rollback", "--yes")
        #expect(told.code == 1)
        #expect(told.error.contains("regend is ending"))
    }

    @Test("--json is one object, and nobody is asked") func rollbackJSON() throws {
        let done = try regen(
            daemon([report(nil, ended: [end("succeeded")])]), "rollback", "--yes", "--json")
        let json = try JSONValue.parse(Array(done.output.utf8), limit: 10_000)
        #expect(json["ended"]?.array?.first?["outcome"]?.string == "succeeded")
        #expect(done.output.split(separator: "\n").count == 1)
        let shown = try regen(daemon([nil]), "rollback", "--dry-run", "--json")
        #expect(PlanReport(try JSONValue.parse(Array(shown.output.utf8), limit: 10_000)) == plan())
        let refused = try regen(
            daemon([nil], plan: PlanReport(from: nil, refused: refusal)), "rollback", "--yes",
            "--json")
        #expect(refused.code == 1)
        #expect(
            SwitchReply(try JSONValue.parse(Array(refused.output.utf8), limit: 10_000))
                == .refused(refusal))
    }

    @Test("a trial is followed until the system is the boot default") func trial() throws {
        let states = [
            // Not yet: what a human could confirm does not run.
            report(flight("activate", "trial", until: 1_795_231_650_000)),
            report(flight("confirm", "trial", until: 1_795_231_650_000)),
            report(flight("activate", "settle", number: 4), ended: [end("succeeded", "trial")]),
            report(nil, ended: [end("succeeded", "trial"), end("succeeded", "settle", number: 4)]),
        ]
        let asked = Mutex<[ControlRequest]>([])
        let told = try regen(
            daemon(states) { request in asked.withLock { $0.append(request) } }, "switch",
            "/nix/store/x", "--confirm-within", "5m")
        #expect(
            asked.withLock { $0 } == [.switch(.path("/nix/store/x"), confirmWithin: 300_000)])
        #expect(told.code == 0)
        #expect(
            told.error == """
                switch 3, trying generation 41 (25.11.1): the probes have the last word; say regen \
                confirm before 2026-11-21 03:27:30 UTC, or it is taken back

                """)
        #expect(
            told.output == """
                switch 3 (trial) to generation 41 (25.11.1): succeeded: so it is
                switch 4 (settle) to generation 41 (25.11.1): succeeded: so it is

                """)
    }

    @Test("a trial that failed is a no, however well the way back went") func retreat() throws {
        let ended = [end("not-helped", "trial"), end("succeeded", "retreat", number: 4)]
        let told = try regen(
            daemon([report(nil, ended: ended)]), "switch", "--profile-generation", "42")
        #expect(told.code == 1)
        #expect(told.output.contains("switch 4 (retreat)"))
    }

    @Test("what comes after a switch and is not its own is not waited for") func other() throws {
        let rollback = flight("activate", "rollback", number: 4)
        let told = try regen(
            daemon([report(rollback, ended: [end("succeeded")])]), "rollback", "--yes")
        #expect(told.code == 0)
        #expect(told.output.hasSuffix(": succeeded: so it is\n"))
    }

    @Test("a result of nixos-rebuild is followed to the store, and a path that is none is told")
    func result() throws {
        let folder = try Folder()
        let asked = Mutex<[ControlRequest]>([])
        try FileManager.default.createSymbolicLink(
            at: folder.url.appending(path: "result"), withDestinationURL: URL(filePath: "/usr"))
        let link = folder.url.appending(path: "result").path
        _ = try regen(
            daemon([report(nil, ended: [end("succeeded", "trial")])]) { request in
                asked.withLock { $0.append(request) }
            }, "switch", link)
        #expect(asked.withLock { $0 } == [.switch(.path("/usr"), confirmWithin: nil)])
        let told = try regen(daemon([nil]), "switch", link + "s")
        #expect(told.code == 2)
        #expect(told.error.contains("No such file or directory: name a system"))
    }

    @Test(
        "what is refused is not done and says why",
        arguments: [["switch", "/nix/store/a"], ["confirm"]])
    func refusedSwitch(arguments: [String]) throws {
        let daemon = try FakeDaemon { _ in .reply(SwitchReply.refused(refusal).write) }
        defer { daemon.end() }
        let told = try run(
            arguments, environment: ["REGEN_RUNTIME_DIRECTORY": daemon.directory])
        #expect(told.code == 1)
        #expect(told.error.hasPrefix("regen: refused: there is no generation"))
        #expect(!told.error.contains("\u{1B}"))
    }

    @Test("confirm tells what it confirmed") func confirm() throws {
        let told = try regen(daemon([nil]), "confirm")
        #expect(told.code == 0)
        #expect(
            told.output
                == "switch 3 is confirmed; it becomes the boot default when the probes pass\n")
    }

    @Test("status tells of the system") func status() throws {
        var report = report(flight("activate"), ended: [end("not-helped")])
        (report.running, report.knownGood) = (new, old)
        report.probationUntilUnixMilliseconds = 1_795_231_650_000
        (report.foreignSwitch, report.isDegraded) = (77, true)
        report.lastRollbackUnixMilliseconds = 0
        let told = try CommandsTests.regen("status") { [report] _ in
            .status([]) { $0.safeSwitch = report }
        }
        #expect(
            told.output.contains(
                """
                system generation 42 (25.11.2), /nix/store/new, on probation until 2026-11-21 \
                03:27:30 UTC; SafeSwitch automatic, known good is generation 41 (25.11.1)
                switch 3, back to generation 41 (25.11.1): switch-to-configuration runs ...
                another switch runs, process 77: nothing is switched until it ends
                degraded: another kernel runs than that of the running system, until a reboot
                1970-01-01 00:00:00 UTC: switch 3 (asked) to generation 41 (25.11.1): not-helped: \
                so it is
                the last automatic rollback was at 1970-01-01 00:00:00 UTC

                """))
    }
}
