// Deeds as a process of its own, to be killed: the tests of NixOS start it.
//
//     deed ROOT set NUMBER PATH [NUMBER PATH]...    once each
//     deed ROOT swing NUMBER PATH NUMBER PATH       from the one to the other, until it is killed
import Linux
import NixOS
import SafeSwitch

let arguments = CommandLine.arguments
let deeds = Deeds(root: SystemRoot(arguments[1]))
let wanted = stride(from: 3, to: arguments.count - 1, by: 2).map {
    Deed.setProfile(generation: Int(arguments[$0])!, path: arguments[$0 + 1])
}
repeat {
    for deed in wanted {
        let outcome = deeds.perform(deed)
        guard outcome == .done else {
            try? StandardStream.error.write("deed: \(outcome)\n")
            terminate(1)
        }
    }
    if arguments[2] == "swing" { try? StandardStream.output.write("swung\n") }
} while arguments[2] == "swing"
