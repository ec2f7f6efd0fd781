import Ledger
import Records
import Supervision

/// The search for the cause of an incident.
extension Daemon {
    func surveyed(_ inquest: Inquest, _ finding: Finding) {
        inquest.surveys.append(finding)
        inquest.open -= 1
    }
}
