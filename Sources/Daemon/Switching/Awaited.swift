import Configuration
import Linux
import NixOS
import Records
import SafeSwitch

// Stand-ins for what is written elsewhere at the same time.
extension Configuration { var safeSwitch: SafeSwitchPolicy? { nil } }
enum SystemOrder {
    case survey(Question?)
    case deed(Deed)
    var line: [UInt8] { [] }
}
enum SystemReport {
    case landscape(Landscape, Comparison?)
    case outcome(DeedOutcome)
    struct Malformed: Error {}
    init(line: [UInt8]) throws(Malformed) { throw Malformed() }
}
struct ActivationCommand {
    var system: String
    var activation: Activation
    var flight: Int
    var root: SystemRoot
    var words: [String] { ["/bin/false"] }
    var environment: [String] { [] }
}
extension Recollection {
    func switchMemory(wall: Int64, boottime: Int64, boot: String) -> SwitchMemory { SwitchMemory() }
}
extension Entry { static func switching(_ record: SwitchRecord) -> Entry { .booted } }
extension Daemon { func answer(_ request: Int, _ answer: SwitchAnswer) {} }
