import Probing
import Supervision
import Systemd
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
    /// The run of the unit that failed; `nil`: it is no unit, or had none.
    let run: JournalTail.Run?
    /// The evidence as it comes in.
    var survey = Survey(serial: 0)
    /// So many surveys have not come back.
    var open = 0

    init(
        place: Int, name: String, incident: Int, event: Probing.Diagnosis.Event,
        dependencies: [String], logSize: Int64, run: JournalTail.Run?
    ) {
        self.place = place
        self.name = name
        self.incident = incident
        self.event = event
        self.dependencies = dependencies
        self.logSize = logSize
        self.run = run
    }

    /// Takes in what one looker has seen. When the system was changed is not asked of any: one that
    /// runs as a service's user could say what he likes.
    func add(_ other: Survey) {
        survey.log = other.log ?? survey.log
        survey.journal = other.journal ?? survey.journal
        survey.memory = other.memory ?? survey.memory
        survey.ports += other.ports
        survey.missing += other.missing
    }
}
