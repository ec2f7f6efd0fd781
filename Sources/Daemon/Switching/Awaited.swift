import Configuration
import Linux
import NixOS
import Records
import SafeSwitch

// Stand-ins for what is written elsewhere at the same time.
struct ActivationCommand {
    var command: [String]
    var environment: [String]
    init(
        root: SystemRoot, system: String, activation: Activation, flight: Int,
        localeArchive: String?
    ) {
        command = []
        environment = []
    }
    static func flight(in environment: [String], root: SystemRoot) -> Int? { nil }
    static func log(state: String, flight: Int) -> String { "\(state)/switch/\(flight).log" }
}
extension Recollection {
    func switchMemory(wall: Int64, boottime: Int64, boot: String) -> SwitchMemory { SwitchMemory() }
}
extension Daemon { func answer(_ request: Int, _ answer: SwitchAnswer) {} }
