import Ledger
import SafeSwitch
import Supervision

/// What SafeSwitch has done and seen, for whoever asks how it stands.
struct SwitchStory {
    /// The last look at the generations.
    var landscape: Landscape?
    /// When failures are no longer weighed against what runs.
    private(set) var probationEnds: Instant?
    private(set) var knownGood: String?
    private(set) var flight: Flight?
    /// The one before it, where that was not over when it was intended.
    private var earlier: Flight?
    private(set) var isConfirmed = false
    private(set) var foreign: Int32?
    private(set) var lastRollback: Instant?
    /// Switches that are over, the latest last.
    private(set) var ended: [Ended] = []

    /// So many of them are remembered.
    static let mostEnded = 8

    struct Ended {
        let flight: Flight
        let outcome: FlightOutcome
        let at: Int64
    }

    init(_ memory: SwitchMemory) {
        probationEnds = memory.probation?.ends
        knownGood = memory.knownGood.last
        flight = memory.flight
        isConfirmed = memory.isConfirmed
        lastRollback = memory.rollbacks.last
    }

    mutating func take(_ record: SwitchRecord, at now: Stamp) {
        let instant = Instant(nanoseconds: now.boot)
        switch record {
        case .probationBegan(_, _, _, _, let lasts): probationEnds = instant + lasts
        case .probationEnded(let system, _, let outcome, _):
            probationEnds = nil
            if outcome == .knownGood { knownGood = system }
        case .intended(let flight):
            earlier = self.flight
            self.flight = flight
            isConfirmed = false
            if case .rollback = flight.purpose { lastRollback = instant }
        case .stepBegan(let id, let step) where flight?.id == id: flight?.step = step
        case .trialConfirmed: isConfirmed = true
        case .flightEnded(let id, let outcome):
            guard let flight = [flight, earlier].compactMap({ $0 }).first(where: { $0.id == id })
            else { return }
            if self.flight?.id == id { self.flight = nil }
            earlier = nil
            ended.append(Ended(flight: flight, outcome: outcome, at: now.wall))
            if ended.count > Self.mostEnded { ended.removeFirst() }
        case .foreignSwitchBegan(let pid): foreign = pid
        case .foreignSwitchEnded: foreign = nil
        default: break
        }
    }

    /// A switch that is under way or was lately.
    func flight(_ id: Int) -> Flight? {
        ([flight, earlier].compactMap { $0 } + ended.map(\.flight)).first { $0.id == id }
    }

    /// Live under another kernel than its own.
    var isDegraded: Bool {
        guard let landscape, let current = landscape.current.flatMap({ landscape.system($0) }),
            let booted = landscape.booted.flatMap({ landscape.system($0) })
        else { return false }
        return current.kernel != booted.kernel
    }
}
