internal import ArgumentParser
import JSON
import Linux

/// `regen doctor`
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks the machine, and says what to do.",
        discussion: """
            A line for each thing that was looked at: \u{2713} it is as it should be; ! it works less \
            well than it could, or could not be seen; \u{2717} it stops a rollback, or a service from \
            being healed. Below ! and \u{2717} stands what to do: a command, or a line of \
            configuration. Where the locale is not UTF-8 the marks are + ! x.
            It changes nothing, opens no watchdog and waits for nothing longer than some seconds. \
            As root it sees more.
            Ends with 0 when there is no \u{2717}, else with 1.
            """)

    @Option(
        help: ArgumentHelp(
            "The configuration, YAML or JSON.",
            discussion: "Default: the running daemon's, else /etc/regen/regen.yaml.",
            valueName: "file"),
        completion: .file())
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Prefix Regen's own directories, /nix, /etc and /run/*-system.",
            discussion: "Never a service's command, /proc, /sys, /dev or the bus. For tests.",
            valueName: "dir"),
        completion: .directory)
    var root: String?

    @Flag(help: "Tell it as one JSON array.")
    var json = false

    @OptionGroup var control: ControlOptions

    func validate() throws {
        if config == "-" { throw ValidationError("--config needs a file.") }
    }

    func run() throws {
        var examination = try Examination(root: root, config: config, control: control)
        let diagnosis = Diagnosis(findings: examination.findings())
        try Terminal.output.write(
            json
                ? JSONWriter.line(diagnosis.write)
                : diagnosis.text(for: .output, marks: .ofLocale))
        if diagnosis.hasFault { throw Exit.no(nil) }
    }
}
