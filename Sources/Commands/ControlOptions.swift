internal import ArgumentParser
import Control
import Linux

/// Which daemon is meant.
struct ControlOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the daemon's control socket is.",
            discussion: "Default: $REGEN_RUNTIME_DIRECTORY, else /run/regen.", valueName: "dir"),
        completion: .directory)
    var runtimeDirectory: String?

    /// The directory that was named, in this order: the option, the environment, the usual place.
    var directory: String {
        let variable = environmentVariable("REGEN_RUNTIME_DIRECTORY") ?? ""
        return runtimeDirectory ?? (variable.isEmpty ? "/run/regen" : variable)
    }

    /// A client of that daemon, which has given a sign of life.
    func connect() throws(Exit) -> ControlClient {
        do {
            var client = try ControlClient(runtimeDirectory: directory)
            try client.greet()
            return client
        } catch { throw Exit(error) }
    }
}

extension Exit {
    /// A refusal because of the moment is a no; everything else kept the command from its work.
    init(_ failure: ControlFailure) {
        switch failure {
        case .refused(.notNow(let reason)): self = .no(reason.printable)
        case .refused(.invalidConfiguration(let errors)):
            self = .wrong("the configuration stays as it was:\n\(errors.printableLines)")
        default: self = .wrong(failure.description.printable)
        }
    }
}

extension String {
    /// `printable`, but for the line ends.
    var printableLines: String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0).printable }.joined(separator: "\n")
    }
}
