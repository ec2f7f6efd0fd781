import Foundation
import Linux
import Systemd
import Testing

@Suite("deadlines of sd-bus on the loop's clock") struct MonotonicTimeTests {
    @Test("what is in a second on the one clock is in a second on the other")
    func ahead() {
        let deadline = MonotonicTime(microseconds: 6_000_000)
        #expect(
            deadline.boottime(monotonic: 5_000_000_000, boottime: 9_000_000_000) == 10_000_000_000)
    }

    @Test("what is past is past, and never before the boot")
    func past() {
        let deadline = MonotonicTime(microseconds: 1)
        #expect(
            deadline.boottime(monotonic: 5_000_000_000, boottime: 9_000_000_000) == 4_000_001_000)
        #expect(deadline.boottime(monotonic: 5_000_000_000, boottime: 5_000_000_000) == 1000)
        #expect(deadline.boottime(monotonic: 5_000_000_000, boottime: 0) == 0)
    }

    @Test(
        "never, and what is too far to be counted, is never",
        arguments: [UInt64.max, UInt64.max - 1, 1 << 63] as [UInt64])
    func never(_ microseconds: UInt64) {
        let deadline = MonotonicTime(microseconds: microseconds)
        #expect(deadline.boottime(monotonic: 1, boottime: 2) == nil)
    }

    @Test("the clocks that it is for run alike while the machine is awake")
    func clocks() {
        let ahead = MonotonicTime(microseconds: UInt64(Clock.monotonic() / 1000) + 60_000_000)
        let before = Clock.boottime()
        let instant = ahead.boottime(monotonic: Clock.monotonic(), boottime: Clock.boottime())
        #expect(instant! > before)
        #expect(instant! <= Clock.boottime() + 60_000_000_000)
    }
}

@Suite("a bus that is not there") struct AbsentBusTests {
    @Test("it is told once, and tried again ever more slowly")
    func backOff() {
        let bus = SystemBus(.bus(path: "/nonexistent/bus"))
        var now: Int64 = 1_000_000_000
        bus.turn(at: now)
        guard case .lost(let why) = bus.takeEvents().first else {
            Issue.record("nothing was told")
            return
        }
        #expect(why.reason == "connect to unix:path=/nonexistent/bus: No such file or directory")
        var pauses: [Int64] = []
        for _ in 0..<10 {
            let next = bus.nextDeadline!
            pauses.append(next - now)
            bus.turn(at: next - 1)
            #expect(bus.nextDeadline == next)
            now = next
            bus.turn(at: now)
            #expect(bus.takeEvents() == [])
        }
        #expect(pauses[..<3] == [100_000_000, 200_000_000, 400_000_000])
        #expect(pauses.last == SystemBus.longestPause)
        #expect(!bus.isConnected)
    }

    @Test("a bus that takes the connection and says nothing is given up in time, and let go of")
    func silent() throws {
        let path = "/tmp/regen-silent-\(UUID().uuidString.prefix(8))"
        let listener = try UnixSocket.listen(at: path)
        defer { unlinkSocket(path) }
        let bus = SystemBus(.bus(path: path))
        let now = Clock.boottime()
        bus.turn(at: now)
        var changes: [SystemBus.PollChange] = []
        bus.drainPollChanges { changes.append($0) }
        guard case .add(let descriptor, _) = changes.first else {
            Issue.record("no descriptor")
            return
        }
        #expect(bus.takeEvents() == [])
        #expect(bus.nextDeadline == now + SystemBus.joinPatience)
        bus.turn(at: now + SystemBus.joinPatience)
        guard case .lost(let why) = bus.takeEvents().first else {
            Issue.record("nothing was told")
            return
        }
        #expect(why.reason == "systemd does not answer on unix:path=\(path)")
        changes = []
        bus.drainPollChanges { changes.append($0) }
        #expect(changes == [.remove(descriptor: descriptor)])
        _ = listener.raw
    }

    @Test("nothing is sent, and the caller is told so")
    func unsent() throws {
        let bus = SystemBus(.bus(path: "/nonexistent/bus"))
        bus.turn(at: 0)
        let unit = try #require(UnitName("a.service"))
        #expect(throws: SystemBus.Unsent.notConnected) {
            _ = try bus.request(.start, of: unit, within: 1, at: 0)
        }
        #expect(throws: SystemBus.Unsent.malformed) {
            _ = try bus.start(
                TransientUnit(name: unit, description: "", command: ["true"]), within: 1, at: 0)
        }
    }

    @Test("so many units and patterns may be watched, and each once")
    func bounds() throws {
        let bus = SystemBus(.system)
        for number in 0..<SystemBus.mostUnits {
            #expect(bus.watch(try #require(UnitName("a\(number).service"))))
        }
        #expect(!bus.watch(try #require(UnitName("b.service"))))
        #expect(bus.watch(try #require(UnitName("a0.service"))))
        for number in 0..<SystemBus.mostPatterns {
            #expect(bus.watch(try #require(UnitPattern("a\(number)@*.service"))))
        }
        #expect(!bus.watch(try #require(UnitPattern("b@*.service"))))
        bus.unwatch(try #require(UnitName("a0.service")))
        #expect(bus.watch(try #require(UnitName("b.service"))))
    }
}

private func unlinkSocket(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

@Suite("how many looks begin in a second") struct LookBudgetTests {
    private static let second: Int64 = 1_000_000_000

    @Test("those that can wait leave room for those that cannot, and all of them have a bound")
    func shared() {
        var budget = LookBudget()
        func begun(isRoutine: Bool, at now: Int64) -> Int {
            (1...1000).count { _ in budget.take(isRoutine: isRoutine, at: now) }
        }
        #expect(begun(isRoutine: true, at: 5) == SystemBus.routineLooksPerSecond)
        #expect(budget.room(isRoutine: true) == Self.second + 5)
        #expect(budget.room(isRoutine: false) == .min)
        let left = SystemBus.looksPerSecond - SystemBus.routineLooksPerSecond
        #expect(left > 0)
        #expect(begun(isRoutine: false, at: Self.second + 4) == left)
        #expect(budget.room(isRoutine: false) == Self.second + 5)
        // The next second; the others may have all of it.
        #expect(begun(isRoutine: false, at: Self.second + 5) == SystemBus.looksPerSecond)
        #expect(begun(isRoutine: true, at: Self.second + 5) == 0)
    }
}
