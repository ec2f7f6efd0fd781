import SafeSwitch
import Supervision
import Testing

private func candidate(
    _ number: Int, _ change: (inout Candidate) -> Void = { _ in }
) -> Candidate {
    var candidate = Candidate(generation: number, path: "/nix/store/\(number)-nixos-system")
    change(&candidate)
    return candidate
}

/// 42 runs and fails; 41 ran before it; 40 and 39 are older. Nothing else speaks for or against any.
private func facts(
    _ candidates: [Candidate], _ change: (inout PlanFacts) -> Void = { _ in }
) -> PlanFacts {
    var facts = PlanFacts(
        wish: .incident(7, .auto), mode: .automatic, allowReboot: false, hasLedger: true,
        sinceRollback: nil, incidentHadRollback: false, isSwitching: false, bootSpace: nil,
        candidates: candidates)
    change(&facts)
    return facts
}

private let running = candidate(42) { $0.isRunning = true }
private let knownGood = candidate(41) {
    $0.isPrevious = true
    $0.isKnownGood = true
    $0.wasHealthy = true
}

/// The target's number and the rule that chose it.
private struct Way: Equatable {
    let generation: Int
    let choice: Plan.Choice

    init(_ generation: Int, _ choice: Plan.Choice) {
        self.generation = generation
        self.choice = choice
    }

    /// Of a plan that is gone through with.
    init?(_ outcome: PlanOutcome) {
        guard case .go(let plan) = outcome else { return nil }
        self.init(plan.target.generation, plan.choice)
    }
}

struct PlanTests {
    @Test("back to what ran before the change, if it is known good")
    func previous() {
        let newer = candidate(43) { $0.isKnownGood = true }
        #expect(Way(facts([newer, running, knownGood]).outcome()) == Way(41, .previousKnownGood))
    }

    @Test("else to the newest known good one")
    func newest() {
        let unproven = candidate(41) {
            $0.isPrevious = true; $0.wasHealthy = true
        }
        let older = candidate(39) { $0.isKnownGood = true }
        let newer = candidate(40) { $0.isKnownGood = true }
        #expect(
            Way(facts([running, unproven, newer, older]).outcome()) == Way(40, .newestKnownGood))
    }

    @Test("else to what ran before, if the service was healthy on it; never to an unknown one")
    func unproven() {
        let healthy = candidate(41) {
            $0.isPrevious = true; $0.wasHealthy = true
        }
        #expect(
            Way(facts([running, healthy, candidate(40)]).outcome()) == Way(41, .previousUnproven))
        let ill = candidate(41) { $0.isPrevious = true }
        var wished = facts([running, ill, candidate(40)])
        wished.wish = .anywhere
        #expect(Way(wished.outcome()) == Way(41, .before))
        #expect(
            facts([running, ill, candidate(40)]).outcome()
                == .refuse(
                    .noTarget([
                        Rejection(generation: 42, reason: .running),
                        Rejection(generation: 41, reason: .notHealthyThere),
                        Rejection(generation: 40, reason: .unproven),
                    ])))
    }

    @Test(
        "never one that is quarantined, fenced, incomplete or running, whoever asks",
        arguments: [
            (Rejection.Reason.quarantined), .fenced, .incomplete(.cannotSwitch), .running,
        ])
    func unfit(_ reason: Rejection.Reason) {
        let unfit = candidate(41) {
            $0.isPrevious = true
            $0.isKnownGood = true
            $0.wasHealthy = true
            switch reason {
            case .quarantined: $0.isQuarantined = true
            case .fenced: $0.isFenced = true
            case .incomplete(let defect): $0.defects = [defect]
            case .running: $0.isRunning = true
            case .unproven, .notHealthyThere: break
            }
        }
        let refusal = PlanOutcome.refuse(.noTarget([Rejection(generation: 41, reason: reason)]))
        for wish in [
            PlanFacts.Wish.incident(7, .auto), .anywhere, .generation(41), .knownGood,
        ] {
            #expect(facts([unfit]) { $0.wish = wish }.outcome() == refusal)
        }
    }

    @Test("one rollback an incident, and one within the limit; an operator has neither")
    func limits() {
        let often = facts([running, knownGood]) { $0.sinceRollback = .hours(5) }
        #expect(often.outcome() == .refuse(.limit(since: .hours(5))))
        let again = facts([running, knownGood]) { $0.incidentHadRollback = true }
        #expect(again.outcome() == .refuse(.already))
        let asked = facts([running, knownGood]) {
            $0.sinceRollback = .hours(5)
            $0.incidentHadRollback = true
            $0.mode = .off
            $0.wish = .anywhere
        }
        #expect(Way(asked.outcome()) == Way(41, .previousKnownGood))
    }

    @Test("nothing without a sound ledger or beside another switch, whoever asks")
    func guards() {
        for wish in [PlanFacts.Wish.incident(7, .always), .anywhere, .generation(41), .knownGood] {
            let blind = facts([running, knownGood]) {
                $0.hasLedger = false; $0.wish = wish
            }
            #expect(blind.outcome() == .refuse(.noLedger))
            let busy = facts([running, knownGood]) {
                $0.isSwitching = true; $0.wish = wish
            }
            #expect(busy.outcome() == .refuse(.switching))
        }
    }

    @Test(
        "`policy: off` and `rollback: never` refuse; `propose` proposes, always does not outdo it")
    func modes() {
        let off = facts([running, knownGood]) { $0.mode = .off }
        #expect(off.outcome() == .refuse(.off))
        let never = facts([running, knownGood]) { $0.wish = .incident(7, .never) }
        #expect(never.outcome() == .refuse(.never))
        let plan = Plan(
            target: knownGood, choice: .previousKnownGood, mode: .live, isDegraded: false)
        let proposed = facts([running, knownGood]) {
            $0.mode = .propose
            $0.wish = .incident(7, .always)
        }
        #expect(proposed.outcome() == .propose(plan))
        let service = facts([running, knownGood]) { $0.wish = .incident(7, .propose) }
        #expect(service.outcome() == .propose(plan))
    }

    @Test("another kernel is no obstacle: live, and degraded until a reboot")
    func kernel() {
        let target = candidate(41) {
            $0.isPrevious = true; $0.isKnownGood = true; $0.kernelDiffers = true
        }
        let plan = Plan(target: target, choice: .previousKnownGood, mode: .live, isDegraded: true)
        #expect(facts([running, target]).outcome() == .go(plan))
    }

    @Test(
        "inhibitors and the init interface demand a reboot, which needs leave and an earlier boot")
    func reboot() {
        for demand in [
            { (c: inout Candidate) in c.inhibitors = ["dbus-implementation"] },
            { (c: inout Candidate) in c.initDiffers = true },
        ] {
            var target = knownGood
            demand(&target)
            #expect(
                facts([running, target]).outcome()
                    == .refuse(.needsReboot(generation: 41, inhibitors: target.inhibitors)))
            let unknown = facts([running, target]) { $0.allowReboot = true }
            #expect(unknown.outcome() == .refuse(.neverBooted(generation: 41)))
            target.wasBooted = true
            let plan = Plan(
                target: target, choice: .previousKnownGood, mode: .reboot, isDegraded: false)
            #expect(facts([running, target]) { $0.allowReboot = true }.outcome() == .go(plan))
        }
    }

    @Test("a full boot file system refuses: the entry might be cut short")
    func bootSpace() {
        let full = facts([running, knownGood]) { $0.bootSpace = 4096 }
        #expect(full.outcome() == .refuse(.bootFull(free: 4096)))
    }

    @Test(
        "an operator may name one that never passed a probation, and hears of one that is not there"
    )
    func asked() {
        let asked = facts([running, candidate(40)]) { $0.wish = .generation(40) }
        #expect(Way(asked.outcome()) == Way(40, .asked))
        let gone = facts([running]) { $0.wish = .generation(12) }
        #expect(gone.outcome() == .refuse(.noTarget([])))
        #expect(Refusal.noTarget([]).sentence == "there is no such generation")
    }
}
