import Control
import Supervision

/// An operator's `regen probe`: every probe of a service is looked at now, and the call is answered
/// when all have come back.
final class Inquiry {
    let call: Call.ID
    /// What was looked at, in order.
    var looks: [(place: Int, name: String, probe: Int)] = []
    /// So many have not come back.
    var open = 0

    init(_ call: Call.ID) { self.call = call }
}

/// The search for the cause of an incident.
final class Inquest {
    let place: Int
    /// The instance's name: the place may be another's when the evidence arrives.
    let name: String
    let incident: Int
    let kind: FailureKind
    /// How the process ended, if it did.
    let exit: ExitStatus?
    /// What its probes said.
    let complaints: [String]
    /// The evidence as it comes in.
    var surveys: [Finding] = []
    /// So many surveys have not come back.
    var open = 0

    init(
        place: Int, name: String, incident: Int, kind: FailureKind, exit: ExitStatus?,
        complaints: [String]
    ) {
        self.place = place
        self.name = name
        self.incident = incident
        self.kind = kind
        self.exit = exit
        self.complaints = complaints
    }
}
