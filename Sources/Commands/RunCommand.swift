internal import ArgumentParser
import Configuration
import JSON
import Linux

/// `regen run`
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Checks a configuration and becomes the daemon.",
        discussion: """
            The process stays the same: regend takes the place of regen and runs in the foreground. \
            SIGHUP makes it read the configuration again, SIGTERM ends it.
            """)

    @Option(help: "The configuration, YAML or JSON.", completion: .file())
    var config: String

    @Option(
        help: ArgumentHelp(
            "Prefix Regen's own directories, /nix, /etc and /run/*-system.",
            discussion: "Never a service's command, /proc, /sys, /dev or the bus. For tests.",
            valueName: "dir"),
        completion: .directory)
    var root: String?

    func validate() throws {
        if config == "-" {
            throw ValidationError("--config needs a file: a reload reads it again.")
        }
    }

    func run() throws {
        let file = ConfigurationFile.read(config)
        file.complain()
        guard let configuration = file.configuration else { throw Exit.wrong(nil) }
        do { try becomeDaemon(configuration) } catch let error as SystemError {
            throw Exit.wrong("\(error)")
        }
    }

    private func becomeDaemon(_ configuration: Configuration) throws -> Never {
        let daemon = try RunCommand.daemon(besides: try executablePath())
        var json = JSONWriter()
        configuration.canonicalJSON(into: &json)
        let handover = try AnonymousFile.sealed(named: "regen-configuration", json.bytes)
        var arguments = [daemon, "--config-fd", String(handover.raw)]
        arguments += ["--config-file", try RunCommand.absolute(config)]
        if let root { arguments += ["--root", try RunCommand.absolute(root)] }
        try execute(daemon, arguments)
    }

    /// The daemon of the same installation: beside this program, or in its libexec.
    private static func daemon(besides program: String) throws(Exit) -> String {
        let directory = program[..<(program.lastIndex(of: "/") ?? program.startIndex)]
        let candidates = ["\(directory)/regend", "\(directory)/../libexec/regend"]
        if let found = candidates.first(where: isExecutable) { return found }
        throw .wrong(
            "no regend at \(candidates.joined(separator: " or ")); is Regen installed whole?")
    }

    /// The path from the root, links left alone: a reload follows them anew.
    private static func absolute(_ path: String) throws(SystemError) -> String {
        path.hasPrefix("/") ? path : try workingDirectory() + "/" + path
    }
}
