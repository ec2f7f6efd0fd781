import SafeSwitch
import Supervision
import Testing

/// Facts that speak against the generation as plainly as can be; each test changes what it is about.
private func guilty(_ change: (inout TriageFacts) -> Void = { _ in }) -> TriageFacts {
    var comparison = Comparison()
    comparison.unit = .differs
    var facts = TriageFacts(
        service: "web", incident: 7, trigger: .probation, rollback: .auto, isInProbation: true,
        wasHealthyBefore: true, failures: 3, failuresBefore: 0, wasRestarted: true,
        comparison: comparison)
    change(&facts)
    return facts
}

struct TriageTests {
    @Test("healthy before, three failures in the probation, another unit: the generation")
    func blames() {
        #expect(guilty().judge() == .generation)
    }

    @Test("`rollback: never` goes before everything")
    func never() {
        #expect(guilty { $0.rollback = .never }.judge() == .human(.never))
    }

    @Test("a crash loop without a change lately is no generation's fault")
    func noChange() {
        let facts = guilty {
            $0.isInProbation = false
            $0.trigger = .crashLoop
        }
        #expect(facts.judge() == .human(.noChange))
    }

    @Test("who was not healthy before, or is new, causes no rollback, unless `rollback: always`")
    func newcomer() {
        #expect(guilty { $0.wasHealthyBefore = false }.judge() == .human(.notHealthyBefore))
        let always = guilty {
            $0.wasHealthyBefore = false
            $0.rollback = .always
        }
        #expect(always.judge() == .generation)
    }

    @Test("a restart goes first")
    func restart() {
        #expect(guilty { $0.wasRestarted = false }.judge() == .human(.notRestarted))
    }

    @Test("two failures are too few, and as many as before are nothing new")
    func counts() {
        #expect(guilty { $0.failures = 2 }.judge() == .human(.tooFew))
        #expect(guilty { $0.failuresBefore = 3 }.judge() == .human(.asOftenBefore))
        #expect(guilty { $0.failuresBefore = 2 }.judge() == .generation)
    }

    @Test("a crash loop needs no three failures, but one of them since the change")
    func crashLoop() {
        func loop(_ failures: Int) -> Verdict {
            guilty {
                $0.trigger = .crashLoop
                $0.failures = failures
            }.judge()
        }
        #expect(loop(1) == .generation)
        #expect(loop(0) == .human(.tooFew))
    }

    @Test("the same unit and the same closure acquit")
    func unchanged() {
        let facts = guilty {
            $0.comparison?.unit = .same
            $0.comparison?.closure = .same
        }
        #expect(facts.judge() == .human(.unchanged))
    }

    @Test("the same text and another closure blame: so does a path that resolves elsewhere")
    func closure() {
        let closure = guilty {
            $0.comparison?.unit = .same
            $0.comparison?.closure = .differs
        }
        #expect(closure.judge() == .generation)
        let path = guilty {
            $0.comparison?.unit = .unknown
            $0.comparison?.paths = [
                .init(
                    path: "/run/current-system/sw/bin/web", difference: .differs, before: "/a",
                    after: "/b")
            ]
        }
        #expect(path.judge() == .generation)
    }

    @Test("another kernel or systemd alone is evidence and no blame")
    func kernel() {
        let facts = guilty {
            $0.comparison?.unit = .same
            $0.comparison?.kernel = .differs
            $0.comparison?.systemd = .differs
        }
        #expect(facts.judge() == .human(.unchanged))
    }

    @Test("what could not be compared blames nobody")
    func blind() {
        #expect(guilty { $0.comparison = nil }.judge() == .human(.blind))
        #expect(guilty { $0.comparison = Comparison() }.judge() == .human(.blind))
    }
}
