internal import ArgumentParser
import Control

/// The command line's root.
struct RegenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "regen",
        abstract: "Keeps services alive and proves what it did.",
        discussion: """
            Exit codes: 0 fine, 1 the answer is no, 2 wrong usage or configuration.
            Colour is used only on a terminal, and not when NO_COLOR is set.
            """,
        version: "regen \(version)",
        groupedSubcommands: [
            CommandGroup(
                name: "Daemon",
                subcommands: [RunCommand.self, CheckCommand.self, ReloadCommand.self]),
            CommandGroup(
                name: "Looking",
                subcommands: [
                    StatusCommand.self, MetricsCommand.self, ProbeCommand.self, LogCommand.self,
                    LedgerCommand.self,
                    ExplainCommand.self, VetCommand.self,
                    GenerationsCommand.self, DoctorCommand.self, LookCommand.self,
                ]),
            CommandGroup(
                name: "Acting",
                subcommands: [
                    WishCommand<Start>.self, StopCommand.self, WishCommand<Restart>.self,
                    WishCommand<Heal>.self, PauseCommand.self, WishCommand<Resume>.self,
                    NotifyCommand.self,
                ]),
            CommandGroup(
                name: "System",
                subcommands: [
                    RollbackCommand.self, SwitchCommand.self, ConfirmCommand.self,
                    BootCheckCommand.self,
                ]),
        ])

    /// The version of this build.
    static let version = Version.text
}

/// Parses the process's arguments, performs the command and ends the process.
public func runCommandLine() -> Never {
    do {
        var command = try RegenCommand.parseAsRoot()
        try command.run()
    } catch { Exit.leave(with: error) }
    RegenCommand.exit(withError: nil)
}
