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
