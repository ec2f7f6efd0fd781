import Configuration
import Probing
import Supervision
import Testing
import Worker

/// Looks at one probe at times of the test's own.
private struct Watch {
    let probe: Probe
    var trend = Trend()
    var now = Instant(nanoseconds: 1_000_000_000_000)
    var attempt = 1

    init(_ kind: Probe.Kind) { probe = Probe(kind) }

    /// A look that measured this, so long after the last one.
    mutating func look(_ value: Int64?, after gap: Interval = .seconds(2)) -> ProbeOutcome {
        now = now + gap
        let answer = Answer(serial: 1, outcome: .passed, value: value)
        return judge(probe, answer, attempt: attempt, at: now, trend: &trend).outcome
    }
}

@Suite("looks that are weighed against each other") struct TrendTests {
    /// Two seconds of a whole core.
    private let whole: Int64 = 2_000_000_000

    private func busyWatch() -> Watch { Watch(.cpu(CPUProbe(below: 95, window: .seconds(6)))) }

    private func stillWatch() -> Watch {
        Watch(.progress(ProgressProbe(.modification(path: "/beat"), within: .seconds(6))))
    }

    @Test("a busy loop fails only when it has gone on for the whole window") func busy() {
        var watch = busyWatch()
        #expect(watch.look(0) == .unknown)
        #expect(watch.look(1000) == .passed)
        var time: Int64 = 1000
        var outcomes: [ProbeOutcome] = []
        for _ in 0..<4 {
            time += whole
            outcomes.append(watch.look(time))
        }
        #expect(outcomes == [.passed, .passed, .failed, .failed])
        #expect(watch.look(time + whole / 2) == .passed)
    }

    @Test("a calm moment begins the window anew") func calm() {
        var watch = busyWatch()
        var time: Int64 = 0
        var outcomes: [ProbeOutcome] = []
        for share in [0, 100, 100, 94, 100, 100, 100] as [Int64] {
            time += whole * share / 100
            outcomes.append(watch.look(time))
        }
        #expect(
            outcomes == [.unknown, .unknown, .unknown, .passed, .passed, .passed, .failed])
    }

    @Test("several cores are several hundred percent") func cores() {
        var watch = Watch(.cpu(CPUProbe(below: 250, window: .seconds(2))))
        #expect(watch.look(0) == .unknown)
        #expect(watch.look(whole * 2) == .passed)
        #expect(watch.look(whole * 2 + whole * 5 / 2) == .failed)
    }

    @Test("what has been busy since its start confirms nothing") func neverCalm() {
        var watch = busyWatch()
        #expect(watch.look(0) == .unknown)
        #expect(watch.look(whole) == .unknown)
        #expect(watch.look(2 * whole) == .unknown)
        #expect(watch.look(3 * whole) == .failed)
    }

    @Test("a processor time that went back, or a look much later, says nothing") func gaps() {
        var watch = busyWatch()
        #expect(watch.look(whole) == .unknown)
        #expect(watch.look(whole) == .passed)
        #expect(watch.look(0) == .passed)
        #expect(watch.look(3600 * whole, after: .hours(1)) == .passed)
        #expect(watch.look(3601 * whole) == .passed)
    }

    @Test("what has not moved for long enough fails, and what moves passes") func still() {
        var watch = stillWatch()
        #expect(watch.look(7) == .unknown)
        #expect(watch.look(8) == .passed)
        #expect(watch.look(8) == .passed)
        #expect(watch.look(8) == .passed)
        #expect(watch.look(8) == .failed)
        #expect(watch.look(8) == .failed)
        #expect(watch.look(3) == .passed)
    }

    @Test("what never moves never passes: a file of the wrong name restarts nothing")
    func neverMoved() {
        var watch = stillWatch()
        for _ in 0..<3 { #expect(watch.look(7) == .unknown) }
        #expect(watch.look(7) == .failed)
    }

    @Test("a suspended machine is no hang") func suspended() {
        var watch = stillWatch()
        #expect(watch.look(7) == .unknown)
        #expect(watch.look(8) == .passed)
        // Nobody looked for a day: that day counts as little as two intervals and a time-out.
        #expect(watch.look(8, after: .hours(24)) == .passed)
        #expect(watch.look(9) == .passed)
    }

    @Test("another attempt begins anew") func attempt() {
        var watch = stillWatch()
        #expect(watch.look(7) == .unknown)
        #expect(watch.look(8) == .passed)
        watch.attempt = 2
        #expect(watch.look(9) == .unknown)
        #expect(watch.look(9) == .unknown)
        #expect(watch.look(10) == .passed)
    }

    @Test("two looks at one moment do not divide by it") func sameMoment() {
        var watch = busyWatch()
        #expect(watch.look(0) == .unknown)
        #expect(watch.look(whole, after: .zero) == .unknown)
        #expect(watch.look(whole + 5) == .passed)
    }

    @Test("the extremes of a number trap nothing") func extremes() {
        for probe in [busyWatch(), stillWatch()] {
            var watch = probe
            for value in [Int64.min, .max, .min, 0, .max, .min] {
                _ = watch.look(value, after: Interval(nanoseconds: .max))
            }
            #expect(watch.look(nil) == .unknown)
        }
    }

    @Test("the other kinds are what the answer says") func others() {
        let probe = Probe(.unix(path: "/s"))
        for (said, meant) in [
            (Answer.Outcome.passed, ProbeOutcome.passed), (.failed, .failed), (.unknown, .unknown),
        ] {
            var trend = Trend()
            let answer = Answer(serial: 1, outcome: said, reason: "so")
            let verdict = judge(
                probe, answer, attempt: 1, at: Instant(nanoseconds: 5), trend: &trend)
            #expect(verdict == Verdict(meant, "so"))
            #expect(trend == Trend())
        }
    }
}
