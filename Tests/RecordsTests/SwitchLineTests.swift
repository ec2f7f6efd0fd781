import JSON
import Records
import SafeSwitch
import Supervision
import Testing

@Suite("SafeSwitch's records as lines") struct SwitchLineTests {
    /// The record that the line of this one holds.
    private func readBack(_ record: SwitchRecord) throws -> SwitchRecord {
        var diary = Diary()
        let event = diary.write(.switching(record))
        #expect(diary.lines[0].count <= 4096)
        let json = try JSONValue.parse(diary.lines[0], limit: 4096)
        #expect(json["ev"]?.string == event)
        return try #require(SwitchRecord(event: event, json), "\(record)")
    }

    private func expectSame(_ record: SwitchRecord) throws {
        #expect(try readBack(record) == record)
    }

    @Test("each reads back as it was written")
    func whole() throws {
        for (record, event) in SwitchExamples.records where event != "triage.verdict" {
            try expectSame(record)
        }
    }

    @Test("so does every word that a record may hold")
    func words() throws {
        for origin in ChangeOrigin.allCases {
            try expectSame(.generationChanged(from: nil, to: "/a", generation: nil, by: origin))
        }
        for outcome in ProbationOutcome.allCases {
            try expectSame(
                .probationEnded(system: "/a", generation: nil, outcome, culprit: nil))
        }
        for step in Flight.Step.allCases { try expectSame(.stepBegan(flight: 1, step)) }
        for action in Activation.allCases {
            let process = ProcessIdentity(pid: 1, startTicks: 1)
            try expectSame(.activationBegan(flight: 1, process, action, run: 1))
        }
        for status: Supervision.ExitStatus in [
            .code(100), .signal(9, outOfMemory: false), .unknown,
        ] {
            try expectSame(.activationEnded(flight: 1, status))
        }
        for purpose: Flight.Purpose in [
            .asked(uid: .max), .trial(uid: 0, confirm: nil), .trial(uid: 0, confirm: .minutes(5)),
            .retreat, .settle,
        ] {
            for mode in SwitchMode.allCases {
                try expectSame(
                    .intended(
                        Flight(
                            id: 1, purpose: purpose, from: "/a", to: "/b", generation: nil,
                            mode: mode, began: Instant(nanoseconds: 0))))
            }
        }
        for outcome: FlightOutcome in [
            .succeeded, .degraded, .notHelped, .notActivated(current: nil), .notConfirmed,
        ] {
            try expectSame(.flightEnded(flight: 1, outcome))
        }
        for acquittal in Acquittal.allCases {
            var facts = SwitchExamples.triage
            facts.comparison = nil
            try expectSame(.triaged(facts, .human(acquittal)))
        }
    }

    static let refusals: [Refusal] =
        [
            .off, .never, .noLedger, .limit(since: .hours(2)), .already, .switching,
            .noTarget([]), .needsReboot(generation: 3, inhibitors: ["dbus-implementation"]),
            .neverBooted(generation: 3), .bootFull(free: 1 << 60), .unseen("no answer"),
            .notDurable, .gone(generation: 3),
        ]
        + NixSystem.Defect.allCases.map {
            .noTarget([Rejection(generation: 3, reason: .incomplete($0))])
        }

    @Test("so does every refusal, of a plan and of a switch", arguments: refusals)
    func refusal(_ refusal: Refusal) throws {
        try expectSame(.flightEnded(flight: 1, .abandoned(refusal)))
        let facts = SwitchExamples.facts([Candidate(generation: 3, path: "/nix/store/a")])
        try expectSame(.planned(facts, .refuse(refusal)))
    }

    @Test("every fact about a candidate is there, and every wish")
    func candidate() throws {
        func expect(_ change: (inout Candidate) -> Void) throws {
            var candidate = Candidate(generation: 3, path: "/nix/store/a")
            change(&candidate)
            try expectSame(.planned(SwitchExamples.facts([candidate]), .refuse(.off)))
        }
        try expect { $0.isPrevious = true }
        try expect { $0.isKnownGood = true }
        try expect { $0.wasHealthy = true }
        try expect { $0.isQuarantined = true }
        try expect { $0.isFenced = true }
        try expect { $0.isRunning = true }
        try expect { $0.initDiffers = true }
        try expect { $0.kernelDiffers = true }
        try expect { $0.wasBooted = true }
        try expect { $0.specialisation = .init(name: "graphical", path: "/nix/store/graphical") }
        try expect { $0.inhibitors = ["dbus-implementation", "init"] }
        try expect { $0.defects = NixSystem.Defect.allCases }
        for wish: PlanFacts.Wish in [.incident(9, .propose), .anywhere, .generation(3), .knownGood]
        {
            var facts = SwitchExamples.facts([])
            facts.wish = wish
            facts.sinceRollback = nil
            facts.bootSpace = nil
            try expectSame(.planned(facts, .refuse(.off)))
        }
    }

    @Test("of compared paths that do not fit, what differs is kept, and the verdict is the same")
    func manyPaths() throws {
        guard case .triaged(let facts, _) = try readBack(SwitchExamples.records[4].0) else {
            return #expect(Bool(false))
        }
        let comparison = try #require(facts.comparison)
        #expect(comparison.paths.count < SwitchExamples.comparison.paths.count)
        #expect(comparison.paths.contains { $0.difference == .differs })
        #expect(facts.judge() == SwitchExamples.triage.judge())
    }

    @Test("of candidates that do not fit, the target is kept, and what was left out is counted")
    func manyCandidates() throws {
        let candidates = (0..<128).map { number in
            var candidate = Candidate(generation: 200 - number, path: SwitchExamples.system(number))
            candidate.isKnownGood = number % 2 == 0
            candidate.isPrevious = number == 100
            candidate.defects = NixSystem.Defect.allCases
            candidate.inhibitors = Array(
                repeating: String(repeating: "\u{1F600}", count: 999), count: 99)
            return candidate
        }
        let plan = Plan(
            target: candidates[127], choice: .asked, mode: .live, isDegraded: false)
        let record = SwitchRecord.planned(SwitchExamples.facts(candidates), .go(plan))
        guard case .planned(let facts, .go(let read)) = try readBack(record) else {
            return #expect(Bool(false))
        }
        #expect(read.target.generation == plan.target.generation)
        #expect(facts.candidates.contains { $0.isPrevious })
        var diary = Diary()
        diary.write(.switching(record))
        let json = try JSONValue.parse(diary.lines[0], limit: 4096)
        let count = Int64(facts.candidates.count)
        #expect(json["candidates_left_out"]?.integer == 128 - count)
        #expect(count <= Int64(Candidate.mostRecorded))
    }

    @Test("texts of any length and kind leave a line within its bound")
    func nasty() throws {
        let nasty = String(repeating: "\u{1}\"\u{1F600}", count: 9999)
        let rejections = (0..<999).map { Rejection(generation: $0, reason: .notHealthyThere) }
        for record: SwitchRecord in [
            .generationChanged(from: nasty, to: nasty, generation: .max, by: .regen),
            .probationBegan(
                system: nasty, generation: 1, previous: nasty, previousGeneration: 2,
                lasts: .zero),
            .knownGoodMarked(system: nasty, trouble: nasty),
            .stepFailed(flight: 1, .profile, nasty),
            .flightEnded(flight: 1, .abandoned(.unseen(nasty))),
            .flightEnded(flight: 1, .abandoned(.noTarget(rejections))),
            .planned(
                SwitchExamples.facts(
                    (0..<999).map { Candidate(generation: $0, path: nasty) }),
                .refuse(.noTarget(rejections))),
            .planned(
                SwitchExamples.facts([]),
                .refuse(
                    .needsReboot(
                        generation: 1, inhibitors: Array(repeating: nasty, count: 99)))),
            .quarantined(system: nasty, generation: 1, culprit: nasty, incident: 1),
            .bootedElsewhere(
                expected: nasty, expectedGeneration: 1, booted: nasty, generation: 2),
        ] {
            _ = try readBack(record)
        }
    }
}
