import Supervision

/// What was quarantined as the part of a system that failed may come back in another system.
extension SwitchMind {
    /// Another system runs. Whether it has such a part is asked once the configuration was read again.
    mutating func planInspection(of system: String) {
        inspection = memory.quarantined.isEmpty ? nil : Inspection(system: system)
    }

    /// Asks what the next service's paths lead to by now. One look at a time: others go before.
    mutating func inspect(_ turn: inout Turn) {
        guard let inspection, inspection.serial == nil else { return }
        let place = subjects.indices.first {
            $0 >= inspection.next && subjects[$0]?.paths.isEmpty == false
        }
        guard inspection.system == memory.current, policy.mode != .off, let place,
            let subject = subjects[place]
        else {
            self.inspection = nil
            return
        }
        let system = inspection.system
        look(.inspect, Question(subject: subject, before: system, after: system), &turn)
        self.inspection?.next = place + 1
        self.inspection?.serial = lastSerial
    }

    mutating func inspected(_ serial: Int, _ comparison: Comparison?, _ turn: inout Turn) {
        guard let inspection, inspection.serial == serial else { return }
        self.inspection?.serial = nil
        let found = comparison?.paths.compactMap(\.after).first(where: memory.quarantined.contains)
        guard let found, inspection.system == memory.current else { return inspect(&turn) }
        self.inspection = nil
        let system = inspection.system
        turn.record(
            .quarantineEntered(system: system, generation: generation(of: system), culprit: found))
    }

    /// The same service is asked about after the next look.
    mutating func inspectedInVain(_ serial: Int) {
        guard let inspection, inspection.serial == serial else { return }
        self.inspection?.serial = nil
        self.inspection?.next -= 1
    }
}

/// A system that is being looked through for what is quarantined.
struct Inspection: Sendable {
    var system: String
    /// The place of the service to ask about next.
    var next = 0
    /// The look under way.
    var serial: Int?
}
