import Configuration
import Linux
import NixOS
import Records
import SafeSwitch

// Stand-ins for what is written elsewhere at the same time.
struct ActivationCommand {
    var system: String
    var activation: Activation
    var flight: Int
    var root: SystemRoot
    var words: [String] {
        ["\(root.directory)\(system)/bin/switch-to-configuration", activation.rawValue]
    }
    var environment: [String] {
        [
            "PATH=\(Forge.path)", "NIXOS_INSTALL_BOOTLOADER=0", "REGEN_SWITCH=\(flight)",
            "REGEN_ROOT=\(root.directory)",
        ]
    }
}
extension Recollection {
    func switchMemory(wall: Int64, boottime: Int64, boot: String) -> SwitchMemory { SwitchMemory() }
}
extension Daemon { func answer(_ request: Int, _ answer: SwitchAnswer) {} }
