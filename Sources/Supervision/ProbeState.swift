/// What the mind knows of one probe of one instance.
struct ProbeState: Sendable {
    var definition: ProbeDefinition
    /// It has passed at some time with this fingerprint: its word counts.
    var hasPassed: Bool
    /// It has not passed within a whole start time-out, and is ignored until it does.
    var isSuspect: Bool
    /// It has passed since the process began.
    var hasPassedNow = false
    var strikes = 0
    /// What the last look since the process began found.
    var lastOutcome: ProbeOutcome?
    /// When the last look began.
    var lastLook: Instant?
    /// When the last look that was answered began.
    var answeredLook: Instant?
    /// The look that is under way.
    var serial: Int?
    /// The machine stalled while that look was under way: its failure means nothing.
    var isVoid = false
    /// When to look next; while a look is under way, when to give it up.
    var next = Instant(nanoseconds: 0)
    /// It has its own place within the interval, so that not all look at one instant.
    var isSpread = false

    /// A start is confirmed only once it has passed.
    var delaysConfirmation: Bool { hasPassed || !isSuspect }
    var isComplete: Bool { strikes > 0 && strikes >= definition.policy.strikes }

    /// Another process: what was seen of the one before says nothing of it.
    mutating func begin(at now: Instant) {
        hasPassedNow = false
        lastOutcome = nil
        lastLook = nil
        answeredLook = nil
        isSpread = false
        end()
        next = now
    }

    /// No more looks; the answer of one under way comes too late.
    mutating func end() {
        serial = nil
        isVoid = false
        strikes = 0
    }
}

/// Why an instance whose strikes are complete is not restarted yet.
enum Patience: Equatable, Sendable {
    case none
    /// The dependency at that place is unhealthy.
    case held(by: Int)
    /// Another service struck too: is it a common cause?
    case lookingAround(until: Instant)
    /// Others come first, because of a common cause.
    case queued
}

extension Instance {
    /// Its probes as they are defined now. What is known of those that have not changed is kept.
    mutating func renewProbes(at now: Instant) {
        let old = probes
        probes = definition.probes.map { definition in
            var state =
                old.first { $0.definition.fingerprint == definition.fingerprint }
                ?? ProbeState(
                    definition: definition, hasPassed: proven.contains(definition.fingerprint),
                    isSuspect: suspected.contains(definition.fingerprint))
            state.definition = definition
            state.serial = nil
            state.isVoid = false
            state.next = now
            return state
        }
    }

    /// A start is a success only when its probes say so: there is one that counts, or may yet.
    var needsConfirmation: Bool { probes.contains(where: \.delaysConfirmation) }

    /// Every probe that counts, or may yet, has passed since the process began.
    var isConfirmed: Bool {
        needsConfirmation && probes.allSatisfy { !$0.delaysConfirmation || $0.hasPassedNow }
    }

    var hasStrikes: Bool { probes.contains { $0.strikes > 0 } }

    /// The probe that says that it is unhealthy.
    var completeProbe: Int? { probes.firstIndex(where: \.isComplete) }
}
