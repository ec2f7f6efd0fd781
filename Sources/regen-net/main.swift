import Network

RegenNet.main(Array(CommandLine.arguments.dropFirst()))
