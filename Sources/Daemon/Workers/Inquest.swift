import Probing
import Supervision
import Worker

/// The search for the cause of an incident. What passes away is noted when it happens; the rest is
/// asked of lookers after the restart.
final class Inquest {
    let place: Int
    /// The instance's name: the place may be another's when the evidence arrives.
    let name: String
    let incident: Int
    let event: Probing.Diagnosis.Event
    /// Dependencies that were not healthy.
    let dependencies: [String]
    /// How long the log was.
    let logSize: Int64
    /// The evidence as it comes in.
    var survey = Survey(serial: 0)
    /// So many surveys have not come back.
    var open = 0

    init(
        place: Int, name: String, incident: Int, event: Probing.Diagnosis.Event,
        dependencies: [String], logSize: Int64
    ) {
        self.place = place
        self.name = name
        self.incident = incident
        self.event = event
        self.dependencies = dependencies
        self.logSize = logSize
    }

    /// Takes in what one looker has seen.
    func add(_ other: Survey) {
        survey.log = other.log ?? survey.log
        survey.memory = other.memory ?? survey.memory
        survey.changes = other.changes ?? survey.changes
        survey.ports += other.ports
        survey.missing += other.missing
    }
}
