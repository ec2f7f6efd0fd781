import Configuration
import Linux

/// A configuration file, read and checked, with all that is to be said about it.
struct ConfigurationFile {
    /// The file as the person called it.
    let name: String
    /// The configuration, if it is fine.
    let configuration: Configuration?
    /// Why it is not.
    let errors: ConfigurationErrors?
    /// What is worth a second look.
    let warnings: [ConfigurationError]

    /// Reads a file; `-` is standard input.
    static func read(_ path: String) -> ConfigurationFile {
        let name = path == "-" ? "standard input" : path.printable
        var warnings: [ConfigurationError] = []
        CPULimit.begin(
            seconds: YAMLTree.mostSeconds, "regen: reading the configuration takes too long\n")
        defer { CPULimit.end() }
        do {
            let tree = try YAMLTree.read(try bytes(path))
            let configuration = try Configuration(tree, warnings: &warnings)
            return ConfigurationFile(
                name: name, configuration: configuration, errors: nil, warnings: warnings)
        } catch {
            return ConfigurationFile(
                name: name, configuration: nil, errors: error, warnings: warnings)
        }
    }

    private static func bytes(_ path: String) throws(ConfigurationErrors) -> [UInt8] {
        do { return try readInput(path, limit: YAMLTree.mostBytes) } catch {
            let hint =
                error.code == SystemError.fileTooLarge
                ? "a configuration has at most \(YAMLTree.mostBytes) bytes" : nil
            throw ConfigurationErrors([
                ConfigurationError(at: nil, path: "", message: error.reason, hint: hint)
            ])
        }
    }

    /// Says errors and warnings on standard error: `FILE:LINE:COLUMN: error: …`.
    func complain() {
        let terminal = Terminal.error
        var text = ""
        for warning in warnings { text += line(warning, terminal.styled("warning", .yellow)) }
        for error in errors?.errors ?? [] { text += line(error, terminal.styled("error", .red)) }
        if let omitted = errors?.omitted, omitted > 0 { text += "… and \(omitted) more\n" }
        terminal.complain(text)
    }

    private func line(_ finding: ConfigurationError, _ kind: String) -> String {
        let place = finding.position.map { "\(name):\($0)" } ?? name
        return "\(place): \(kind): \(finding)\n"
    }
}
