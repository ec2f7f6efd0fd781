internal import ArgumentParser
import Configuration
import JSON
import Linux

/// `regen check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Checks a configuration and tells everything that is wrong with it.",
        discussion: """
            Ends with 0 when the configuration is fine and with 2 when it is not. Warnings change \
            nothing about that.
            """)

    @Argument(help: "The configuration, YAML or JSON; - is standard input.", completion: .file())
    var file: String

    @Flag(help: "Tell the outcome as one JSON object on standard output.")
    var json = false

    @Flag(
        help: ArgumentHelp(
            "Print the configuration as JSON with every default filled in.",
            discussion: "The values of environment variables are in it, secrets included."))
    var canonical = false

    func validate() throws {
        if json && canonical { throw ValidationError("--json and --canonical exclude each other.") }
    }

    func run() throws {
        let outcome = ConfigurationFile.read(file)
        if json { return try outcome.reportJSON() }
        // The daemon reads the canonical form and what is wrong from one stream:
        // warnings are for people.
        if !canonical || outcome.configuration == nil { outcome.complain() }
        guard let configuration = outcome.configuration else { throw Exit.wrong(nil) }
        if canonical {
            var writer = JSONWriter()
            configuration.canonicalJSON(into: &writer)
            return try Terminal.output.write(String(decoding: writer.bytes, as: UTF8.self) + "\n")
        }
        try Terminal.output.write(outcome.summary(of: configuration))
    }
}

extension ConfigurationFile {
    /// `web.yaml: fine: 2 services (5 instances), 1 warning`
    fileprivate func summary(of configuration: Configuration) -> String {
        let services = count(configuration.services.count, "service")
        let instances = count(configuration.instanceCount, "instance")
        let fine = Terminal.output.styled("fine", .green)
        let counts = "\(services) (\(instances)), \(count(warnings.count, "warning"))"
        return "\(name): \(fine): \(counts)\n"
    }

    private func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// One object: `{"file":…,"fine":…,"services":…,"instances":…,"errors":[…],"warnings":[…]}`.
    fileprivate func reportJSON() throws {
        var json = JSONWriter()
        json.beginObject()
        json.string("file", name)
        json.bool("fine", configuration != nil)
        if let configuration {
            json.integer("services", Int64(configuration.services.count))
            json.integer("instances", Int64(configuration.instanceCount))
        }
        json.key("errors")
        json.findings(errors?.errors ?? [])
        json.integer("errors_omitted", Int64(errors?.omitted ?? 0))
        json.key("warnings")
        json.findings(warnings)
        json.endObject()
        try Terminal.output.write(String(decoding: json.bytes, as: UTF8.self) + "\n")
        if configuration == nil { throw Exit.wrong(nil) }
    }
}

extension JSONWriter {
    fileprivate mutating func findings(_ findings: [ConfigurationError]) {
        beginArray()
        for finding in findings {
            beginObject()
            if let position = finding.position {
                integer("line", Int64(position.line))
                integer("column", Int64(position.column))
            }
            string("path", finding.path)
            string("message", finding.message)
            if let hint = finding.hint { string("hint", hint) }
            endObject()
        }
        endArray()
    }
}
