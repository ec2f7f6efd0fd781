import Control
import Supervision

/// A question that waits for a worker's answer.
struct Look {
    /// What the answer is for.
    enum Purpose {
        /// The mind wants to know; by the serial that it gave.
        case probe(place: Int, probe: Int, serial: Int)
        /// An operator does.
        case asked(Inquiry, place: Int, probe: Int)
        /// A remedy is tried.
        case remedy(place: Int, serial: Int)
        /// Evidence for the diagnosis of an incident.
        case survey(Inquest)
        /// People are told, over this route.
        case notice(route: String)
        /// An operator wants to see whether they hear it over this route.
        case trial(Call.ID, route: String)
    }

    let purpose: Purpose
    /// The worker that was asked, by its place in the table.
    let worker: Int
    /// When it was asked.
    let asked: Int64
    /// After this nobody expects an answer any more.
    let deadline: Int64
}
