internal import ArgumentParser
import Control
import Ledger
import Linux

/// `regen ledger`
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Shows and verifies the record of what was done.",
        subcommands: [LedgerShowCommand.self, LedgerVerifyCommand.self])
}

/// Which ledger is meant; it needs no daemon.
struct LedgerPlace: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "A state directory, or the ledger directory in one.",
            discussion: "Default: the running daemon's, else /var/lib/regen."),
        completion: .directory)
    var directory: String?

    @OptionGroup var control: ControlOptions

    /// The directory in which the segments are.
    func ledgerDirectory() -> String {
        let state = directory ?? daemonsDirectory() ?? "/var/lib/regen"
        let below = "\(state)/ledger"
        let isState = (try? ReadableFile.status(of: below)) != nil
        return isState || directory == nil ? below : state
    }

    /// What the daemon says, if one answers.
    private func daemonsDirectory() -> String? {
        guard var client = try? ControlClient(runtimeDirectory: control.directory),
            let answer = try? client.call(.status)
        else { return nil }
        return StatusReply(answer)?.daemon.stateDirectory
    }
}
