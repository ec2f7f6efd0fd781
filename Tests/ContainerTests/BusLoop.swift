import Foundation
import Linux
import Systemd
import Testing

/// A loop of the kind that the daemon has, with nothing in it but a `SystemBus`.
final class BusLoop {
    let bus: SystemBus
    /// All that was told and not yet asked for by a test.
    private(set) var events: [SystemBus.Event] = []
    private var poller: Poller
    private var timer: TimerFD
    private var token: Poller.Token?

    static let patience: Int64 = 30_000_000_000
    private static let busName: UInt64 = 1

    init(_ address: BusAddress) throws {
        bus = SystemBus(address)
        poller = try Poller()
        timer = try TimerFD()
        _ = try poller.add(timer.raw, for: .readable, as: 0)
    }

    /// Waits for something and does one turn.
    func turn(atMost milliseconds: Int32) throws {
        timer.arm(at: bus.nextDeadline)
        if try poller.wait(milliseconds: milliseconds) > 0 { timer.acknowledge() }
        bus.turn(at: Clock.boottime())
        events += bus.takeEvents()
        try bus.drainPollChanges { change in
            switch change {
            case .add(let descriptor, let readiness):
                #expect(token == nil)
                token = try poller.add(descriptor, for: readiness, as: Self.busName)
            case .modify(let descriptor, let readiness):
                try poller.change(token!, descriptor, for: readiness)
            case .remove(let descriptor):
                poller.remove(token!, descriptor)
                token = nil
            }
        }
    }

    /// Turns until an event is one that is sought, and forgets it and all before it.
    @discardableResult
    func next<Found>(
        _ what: String, _ sought: (SystemBus.Event) throws -> Found?
    ) throws -> Found {
        let deadline = Clock.boottime() + Self.patience
        var seen = 0
        while true {
            while seen < events.count {
                seen += 1
                if let found = try sought(events[seen - 1]) {
                    events.removeFirst(seen)
                    return found
                }
            }
            guard Clock.boottime() < deadline else {
                throw Missing(what: what, events: events)
            }
            try turn(atMost: 1000)
        }
    }

    /// Turns until nothing has woken it for so long, which fails the test when it does not come.
    func settle(milliseconds: Int32 = 500) throws {
        let deadline = Clock.boottime() + Self.patience
        while true {
            timer.arm(at: bus.nextDeadline)
            guard try poller.wait(milliseconds: milliseconds) > 0 else { return }
            guard Clock.boottime() < deadline else { throw Missing(what: "rest", events: events) }
            try turn(atMost: 0)
        }
    }

    /// Forgets what was told.
    func forget() { events = [] }

    struct Missing: Error, CustomStringConvertible {
        let what: String
        let events: [SystemBus.Event]
        var description: String {
            "did not come: \(what); but \(events.map { String(describing: $0).prefix(600) })"
        }
    }
}

extension BusLoop {
    func connected() throws {
        try next("connected") { $0 == .connected ? true : nil }
    }

    /// The next state of that unit that is as sought.
    @discardableResult
    func state(
        _ unit: UnitName, _ what: String, _ sought: (UnitState) -> Bool
    ) throws -> UnitState {
        try next("\(unit) \(what)") { event in
            guard case .unit(unit, let state) = event, sought(state) else { return nil }
            return state
        }
    }

    func outcome(_ call: SystemBus.Call) throws -> SystemBus.Outcome {
        try next("the end of a call") { event in
            guard case .finished(call, let outcome) = event else { return nil }
            return outcome
        }
    }

    func request(_ job: SystemBus.Job, _ unit: UnitName) throws -> SystemBus.Outcome {
        try outcome(
            try bus.request(job, of: unit, within: Self.patience, at: Clock.boottime()))
    }
}
