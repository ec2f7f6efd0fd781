import Daemon

Regend.main(Array(CommandLine.arguments.dropFirst()))
