import SafeSwitch
import Supervision

/// What the world knows of SafeSwitch's doings: not what the mind remembers, but what came to pass.
struct SimOversight {
    /// A switch that was intended.
    struct Journey {
        var flight: Flight
        var isDurable = false
        /// Somebody else has changed the profile or the running system since.
        var isDisturbed = false
        /// switch-to-configuration came to its end with 0, so often, and what it did still stands.
        var wholeRuns = 0
        /// The boot loader has the entry of its target.
        var hasBootEntry = false
        var hasBegun = false
        /// The profile is to be set back, and that did not fail.
        var isSetBack = false
    }

    /// What was said and a power cut may take back.
    struct Words {
        /// The switches under way.
        var journeys: [Journey] = []
        var probation: (system: String, previous: String?)?
        var quarantined: Set<String> = []
        var knownGood: Set<String> = []
    }

    var words = Words()
    /// What the disk has for certain.
    var certain = Words()
    /// Known good at some time, whether the ledger still has it or only the profile.
    var wasKnownGood: Set<String> = []
    /// Switches that are over, by number: none begins twice.
    var landed: Set<Int> = []
    /// When the last automatic rollback was, by the true clock.
    var lastRollback: Int64?
    var rolledBack: Set<Int> = []
    var lastReboot: Int64?
    /// In which boot, and by which switch.
    var askedReboot: (boot: Int, flight: Int?)?
    /// By system: who was healthy while it ran.
    var healthy: [Set<Int>] = []
    /// By service: which versions of it were healthy. Looked up, never iterated.
    var healthyVersions: [Int: Set<Int>] = [:]
    /// By service: when it failed, by the true clock.
    var failures: [[Int64]]
    /// Whose crash loop is certain, by incident.
    var loops: Set<Int> = []
    /// By incident: whose it is.
    var owners: [Int: Int] = [:]
    /// When the last change began.
    var changeBegan: Int64 = 0
    /// When the one before it did.
    private(set) var previousChange: Int64 = 0
    /// The first sign of a change since the last look.
    var signSince: Int64?
    /// The last boot that no switch of Regen's was waiting for.
    var unplanned: Int64 = 0
    var isSwitchTold = false
    /// What was done in all.
    var rollbacks = 0
    var rescues = 0

    init(services: Int) {
        failures = [[Int64]](repeating: [], count: services)
        words.knownGood = []
    }

    mutating func beginChange(at truth: Int64) {
        previousChange = changeBegan
        changeBegan = min(signSince ?? truth, truth)
    }

    /// It never came in force.
    mutating func takeBackChange() { changeBegan = previousChange }

    mutating func interfere() {
        for i in words.journeys.indices { words.journeys[i].isDisturbed = true }
        for i in words.journeys.indices { words.journeys[i].wholeRuns = 0 }
    }

    /// A new daemon goes on with this one.
    mutating func resume(_ flight: Flight?) {
        isSwitchTold = false
        for i in words.journeys.indices where words.journeys[i].flight.id == flight?.id {
            words.journeys[i].isDurable = true
        }
        // One that follows another is intended before that one is over.
        if let flight, words.journeys.last?.flight.id == flight.id {
            for journey in words.journeys.dropLast() { landed.insert(journey.flight.id) }
            words.journeys = words.journeys.suffix(1)
        }
        certain = words
    }

    mutating func confirmIntents() {
        for i in words.journeys.indices { words.journeys[i].isDurable = true }
        certain = words
    }

    mutating func noteRun(_ flight: Int, _ run: SimActivation, isWhole: Bool) {
        for i in words.journeys.indices where words.journeys[i].flight.id == flight {
            if isWhole { words.journeys[i].wholeRuns += 1 }
            if run.hasBootEntry { words.journeys[i].hasBootEntry = true }
        }
    }

    mutating func noteFailure(_ number: Int, at truth: Int64) {
        failures[number].append(truth)
        if failures[number].count > 64 { failures[number].removeFirst() }
    }

    mutating func note(_ record: SwitchRecord) {
        switch record {
        case .probationBegan(let system, _, let previous, _, _):
            words.probation = (system, previous)
        case .probationEnded(let system, _, let outcome, _):
            words.probation = nil
            if outcome == .knownGood {
                words.knownGood.insert(system)
                wasKnownGood.insert(system)
            }
        case .quarantined(let system, _, _, _): words.quarantined.insert(system)
        case .intended(let flight): words.journeys.append(Journey(flight: flight))
        case .stepBegan(let id, .restore): setBack(id, true)
        case .stepFailed(let id, .restore, _): setBack(id, false)
        case .flightEnded(let id, let outcome):
            if case .abandoned = outcome {
                unplan(id)
            }
            words.journeys.removeAll { $0.flight.id == id }
            landed.insert(id)
        default: break
        }
    }

    private mutating func setBack(_ id: Int, _ isSetBack: Bool) {
        for i in words.journeys.indices where words.journeys[i].flight.id == id {
            words.journeys[i].isSetBack = isSetBack
        }
    }

    /// Nothing was done: it does not count.
    private mutating func unplan(_ id: Int) {
        guard let journey = words.journeys.first(where: { $0.flight.id == id }),
            !journey.hasBegun, case .rollback(let incident) = journey.flight.purpose
        else { return }
        rolledBack.remove(incident)
        lastRollback = previousRollback
        rollbacks -= 1
    }

    /// The one before the last.
    var previousRollback: Int64?
}
