import Foundation
import JSON
import Ledger
import Records
import SafeSwitch
import Supervision
import Testing

@Suite("what was done, explained") struct ExplainTests {
    private static let id = InstanceID(0)
    private static let process = ProcessIdentity(pid: 4711, startTicks: 99)
    private static let good = "/nix/store/good-nixos-system"
    private static let bad = "/nix/store/bad-nixos-system"

    /// A real ledger, written record by record, a second apart.
    private final class Book {
        let state: Folder
        private let writer: LedgerWriter
        private var encoder = Encoder()
        private var seconds: Int64 = 0

        init() throws {
            state = try Folder()
            writer = try LedgerWriter(
                opening: "\(state.url.path)/ledger", bootID: String(repeating: "0a", count: 16),
                clock: { Stamp(wall: 1_795_231_650_123_000_000, boot: 77) }, carry: { _ in [] })
        }

        func write(_ entries: Entry...) {
            for entry in entries {
                seconds += 1
                let stamp = Stamp(
                    wall: 1_795_231_650_123_000_000 + seconds * 1_000_000_000,
                    boot: 100 + seconds * 1_000_000_000)
                let event = encoder.encode(entry) { _ in
                    InstanceFacts(
                        name: "web", program: "web", launch: 7, probeNames: ["http /health"],
                        probeReasons: ["status 500"])
                }
                let ticket = encoder.fields.withUnsafeBytes {
                    writer.append(event: event, fields: $0, stamp: stamp)
                }
                #expect(ticket != nil)
            }
        }

        /// Runs `regen explain` on it.
        func explain(_ arguments: String...) throws -> Outcome {
            #expect(writer.close(within: 10_000_000_000))
            return try run(["explain"] + arguments + [state.url.path])
        }
    }

    private func crash(uptime: Interval = .milliseconds(300)) -> Entry {
        .mind(
            .processExited(
                Self.id, Self.process, attempt: 1, .code(1), uptime: uptime, asked: false))
    }

    private func restart(_ rule: RestartRule) -> Entry {
        .mind(
            .restartDecided(
                Self.id, attempt: 2, rule: rule, wait: .milliseconds(200), incident: 7))
    }

    private let opened = Entry.mind(
        .incidentOpened(InstanceID(0), incident: 7, .exitCode, probe: nil))

    private func loop(_ count: Int) -> Entry {
        .mind(
            .crashLoopDetected(
                Self.id, rule: .crashes, count: count, within: .seconds(60), incident: 7))
    }

    private var triage: TriageFacts {
        var comparison = Comparison()
        comparison.unit = .differs
        return TriageFacts(
            service: "web", incident: 7, trigger: .crashLoop, rollback: .auto,
            isInProbation: true, wasHealthyBefore: true, failures: 5, failuresBefore: 0,
            wasRestarted: true, comparison: comparison)
    }

    private var plan: PlanFacts {
        var candidate = Candidate(generation: 41, path: Self.good)
        candidate.isPrevious = true
        candidate.isKnownGood = true
        return PlanFacts(
            wish: .incident(7, .auto), mode: .automatic, allowReboot: false, hasLedger: true,
            sinceRollback: nil, incidentHadRollback: false, isSwitching: false, bootSpace: nil,
            candidates: [candidate])
    }

    /// From the first crash to the good generation.
    private func writeRollback(_ book: Book) {
        book.write(
            .mind(.processStarted(Self.id, Self.process, attempt: 1)), crash(), opened,
            restart(.backoff), crash(), restart(.backoff), crash(uptime: .seconds(3)),
            restart(.atOnce), loop(3), .switching(.triaged(triage, triage.judge())),
            .switching(.planned(plan, plan.outcome())),
            .switching(
                .intended(
                    Flight(
                        id: 4, purpose: .rollback(incident: 7), from: Self.bad, to: Self.good,
                        generation: 41, mode: .live, began: Instant(nanoseconds: 0)))),
            .switching(.stepBegan(flight: 4, .activate)),
            .switching(.activationEnded(flight: 4, .code(4))),
            .switching(
                .generationChanged(from: Self.bad, to: Self.good, generation: 41, by: .regen)),
            .switching(.flightEnded(flight: 4, .succeeded)), restart(.switched),
            .mind(.incidentResolved(Self.id, incident: 7, healing: .seconds(12))),
            // Another incident is no part of it.
            .mind(.incidentOpened(Self.id, incident: 8, .hang, probe: 0)))
    }

    @Test("a rollback is told step by step, with its rules and facts, and decided the same")
    func rollback() throws {
        let book = try Book()
        writeRollback(book)
        let told = try book.explain("7")
        #expect(told.error == "")
        #expect(told.code == 0)
        #expect(told.output.hasPrefix("incident 7 of web\n\n"))
        for text in [
            "ended with code 1 after 300ms, not asked for",
            "attempt 2 in 200ms, by the rule short-run", "3 crashes within 1m",
            "the generation is to blame; asked because of crash-loop: within a probation",
            "5 failures since and 0 before", "unit differs",
            "to generation 41, live: it ran before the change and is known good",
            "candidates 41 (ran before, known good)",
            "switch 4, live, from \(Self.bad) to generation 41 (\(Self.good))",
            "code 4: evidence, not a verdict", "done, and the probes pass",
            "healthy again after 12s", "Would be decided the same today.",
        ] {
            #expect(told.output.contains(text), "\(text)")
        }
        #expect(!told.output.contains("begins: hang"))
        #expect(!told.output.contains("\u{1B}"))
    }

    @Test("the same as JSON, a step for each record") func json() throws {
        let book = try Book()
        writeRollback(book)
        let told = try book.explain("7", "--json")
        #expect(told.code == 0)
        let json = try JSONValue.parse(Array(told.output.utf8), limit: 100_000)
        #expect(json["incident"]?.integer == 7)
        #expect(json["services"]?.array?.map(\.string) == ["web"])
        #expect(json["same"]?.bool == true)
        let steps = json["steps"]?.array ?? []
        let decided = steps.filter { $0["today"] != nil }.map { $0["today"]?.string }
        #expect(decided.count == 7)
        #expect(decided.allSatisfy { $0 == "same" })
    }

    @Test("a switch is explained by its number, with the verdict and the plan that led to it")
    func bySwitch() throws {
        let book = try Book()
        writeRollback(book)
        let told = try book.explain("--switch", "4")
        #expect(told.code == 0)
        #expect(told.output.hasPrefix("switch 4 of web\n"))
        #expect(told.output.contains("the generation is to blame; asked because of crash-loop"))
        #expect(told.output.contains("to generation 41, live: it ran before the change"))
        #expect(told.output.contains("Would be decided the same today."))
        #expect(told.output.contains("done, and the probes pass"))
        #expect(!told.output.contains("incident.resolve"))
    }

    @Test("one that an operator wished is, with its plan and no other; a trial has none")
    func byWish() throws {
        let book = try Book()
        var wished = plan
        wished.wish = .anywhere
        writeRollback(book)
        book.write(.switching(.planned(wished, wished.outcome())))
        func intend(_ id: Int, _ purpose: Flight.Purpose) {
            let flight = Flight(
                id: id, purpose: purpose, from: Self.bad, to: Self.good, generation: 41,
                mode: .live, began: Instant(nanoseconds: 0))
            book.write(
                .switching(.intended(flight)),
                .switching(.flightEnded(flight: id, .succeeded)))
        }
        intend(5, .asked(uid: 0))
        intend(6, .trial(uid: 0, confirm: nil))
        let asked = try book.explain("--switch", "5")
        #expect(asked.output.hasPrefix("switch 5\n"))
        #expect(asked.output.components(separatedBy: "rollback.plan").count == 2)
        #expect(!asked.output.contains("triage.verdict"))
        #expect(try !book.explain("--switch", "6").output.contains("rollback.plan"))
    }

    @Test(
        "a verdict, a plan and a count that come out otherwise today are said, and the answer is 1")
    func others() throws {
        for (entry, today) in [
            (
                Entry.switching(.triaged(triage, .human(.unchanged))),
                "differs: the generation is to blame"
            ), (.switching(.planned(plan, .refuse(.off))), "differs: to generation 41, live"),
            (loop(5), "differs: 2 are recorded"),
        ] {
            let book = try Book()
            book.write(crash(), opened, crash(), entry)
            let told = try book.explain("7")
            #expect(told.code == 1)
            #expect(told.output.contains(today), "\(told.output)")
            #expect(told.output.contains("Would be decided differently today: 1 of 1 decisions."))
        }
    }

    @Test("crashes before a change of generation and while a switch ran are not counted again")
    func counted() throws {
        let book = try Book()
        book.write(
            crash(), opened, crash(), crash(),
            .switching(
                .generationChanged(from: Self.good, to: Self.bad, generation: 42, by: .other)),
            .switching(.foreignSwitchBegan(pid: 9)), crash(),
            .switching(.foreignSwitchEnded(after: .seconds(1))), crash(), crash(), loop(2))
        let told = try book.explain("7", "--json")
        #expect(told.code == 0)
        let again = try Book()
        again.write(crash(), opened, crash(), .switching(.foreignSwitchBegan(pid: 9)), crash())
        again.write(loop(3))
        #expect(try again.explain("7").output.contains("differs: 2 are recorded"))
    }

    @Test("where a policy decided that is not recorded, that is said and is no other decision")
    func unsure() throws {
        let book = try Book()
        book.write(crash(uptime: .seconds(3)), opened, restart(.backoff))
        let told = try book.explain("7")
        #expect(told.code == 0)
        #expect(told.output.contains("unsure: with the default quick: 1s"))
    }

    @Test("no such incident is 1, no ledger and wrong usage are 2") func nothing() throws {
        let book = try Book()
        book.write(opened)
        let told = try book.explain("70")
        #expect(told.code == 1)
        #expect(told.error.contains("there is no incident 70 in "))
        let empty = try Folder()
        let none = try run(["explain", "7", empty.url.path])
        #expect(none.code == 2)
        #expect(none.error.contains("find a ledger in "))
    }
}
