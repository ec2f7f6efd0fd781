import Supervision
import Testing

@Suite("what feeding a watchdog depends on") struct FeedingTests {
    private static let start = Instant(nanoseconds: 0) + .hours(1)
    private let well = Feeding.Facts()

    private func before(_ instant: Instant, _ interval: Interval) -> Instant {
        instant + Interval(nanoseconds: -interval.nanoseconds)
    }

    private func feeding() -> Feeding {
        Feeding(timeout: .seconds(30), ledgerStall: .minutes(5), at: Self.start)
    }

    @Test("it is fed at half of its time-out, and in between nothing is looked at") func half() {
        var feeding = feeding()
        var now = Self.start
        #expect(feeding.turn(at: now) { well } == .feed)
        #expect(feeding.due == now + .seconds(15))
        now = now + Interval(nanoseconds: 14_999_999_999)
        let early = feeding.turn(at: now) {
            Issue.record("it was not due")
            return well
        }
        #expect(early == nil)
        now = now + Interval(nanoseconds: 1)
        #expect(feeding.turn(at: now) { well } == .feed)
        #expect(feeding.due == now + .seconds(15))
    }

    @Test("a loop that stands still for long feeds at once when it turns again") func late() {
        var feeding = feeding()
        _ = feeding.turn(at: Self.start) { well }
        #expect(feeding.turn(at: Self.start + .hours(1)) { well } == .feed)
        #expect(feeding.due == Self.start + .hours(1) + .seconds(15))
    }

    @Test("a service that nothing moves starves it at once, and the reason comes first")
    func abandoned() {
        var feeding = feeding()
        let facts = Feeding.Facts(abandoned: InstanceID(3))
        #expect(
            feeding.turn(at: Self.start) { facts } == .beginStarving(.criticalSupervised))
        #expect(feeding.due == Self.start + Feeding.recheck)
        #expect(feeding.turn(at: Self.start) { facts } == nil)
        let later = Self.start + Feeding.recheck
        #expect(feeding.turn(at: later) { facts } == .starve(.criticalSupervised))
        #expect(feeding.starvation?.since == Self.start)
        let end = later + Feeding.recheck
        #expect(feeding.turn(at: end) { well } == .feedAgain(after: .seconds(2)))
        #expect(feeding.starvation == nil)
        #expect(feeding.due == end + .seconds(15))
    }

    @Test("an exec may keep the loop for the bound, whatever comes due meanwhile, and no longer")
    func exec() {
        var feeding = feeding()
        let facts = Feeding.Facts(isOverdue: true, execSince: Self.start)
        var now = Self.start
        while now <= Self.start + Feeding.longestExec {
            #expect(feeding.turn(at: now) { facts } == .feed)
            now = now + .seconds(15)
        }
        #expect(feeding.turn(at: now) { facts } == .beginStarving(.loopTurned))
        let end = now + Feeding.recheck
        #expect(feeding.turn(at: end) { well } == .feedAgain(after: Feeding.recheck))
    }

    @Test("a disk that owes an answer for the bound is waited for, and no longer")
    func ledger() {
        var feeding = feeding()
        let since = before(Self.start, .minutes(5))
        #expect(feeding.turn(at: Self.start) { .init(atDiskSince: since) } == .feed)
        let due = feeding.due
        #expect(
            feeding.turn(at: due) { .init(atDiskSince: since) }
                == .beginStarving(.ledgerAnswered))
        // It answers, be it with an error, and is asked something else.
        let next = feeding.due
        #expect(
            feeding.turn(at: next) { .init(atDiskSince: before(next, .seconds(1))) }
                == .feedAgain(after: .seconds(1)))
    }

    @Test("what a turn itself leaves due is no fault; what every turn leaves is one")
    func overdue() {
        var feeding = feeding()
        var now = Self.start
        let facts = Feeding.Facts(isOverdue: true)
        #expect(feeding.turn(at: now) { facts } == nil)
        #expect(feeding.turn(at: now) { well } == .feed)
        now = feeding.due
        #expect(feeding.turn(at: now) { facts } == nil)
        now = now + Feeding.longestOverdue
        #expect(feeding.turn(at: now) { facts } == nil)
        now = now + .milliseconds(1)
        #expect(feeding.turn(at: now) { facts } == .beginStarving(.loopTurned))
        now = feeding.due
        #expect(feeding.turn(at: now) { facts } == .starve(.loopTurned))
        now = feeding.due
        #expect(feeding.turn(at: now) { well } == .feedAgain(after: .seconds(2)))
    }

    @Test("another reason is told, too, and the time counts from the first") func another() {
        var feeding = feeding()
        _ = feeding.turn(at: Self.start) { .init(abandoned: InstanceID(0)) }
        let stall = Feeding.Facts(atDiskSince: before(Self.start, .hours(1)))
        #expect(feeding.turn(at: feeding.due) { stall } == .beginStarving(.ledgerAnswered))
        #expect(feeding.starvation?.since == Self.start)
    }

    @Test("a device with another time-out is due at once, and then by that") func device() {
        var feeding = feeding()
        _ = feeding.turn(at: Self.start) { well }
        let now = Self.start + .seconds(1)
        feeding.set(timeout: .seconds(10), at: now)
        #expect(feeding.turn(at: now) { well } == .feed)
        #expect(feeding.due == now + .seconds(5))
    }
}
