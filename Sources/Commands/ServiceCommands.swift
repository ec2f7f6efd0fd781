internal import ArgumentParser
import Control
import JSON
import Linux

/// `regen start`
struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Starts services and waits until they run.",
        discussion: "Ends with 0 when all of them are running, else with 1.")

    @Argument(help: "Services, or single instances (web@1).")
    var names: [String]

    @OptionGroup var outcome: OutcomeOptions

    func run() throws {
        try outcome.perform(.start, on: names, expecting: InstanceReport.running)
    }
}

/// `regen stop`
struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stops services and waits until they have ended.",
        discussion: "Ends with 0 when all of them are stopped, else with 1.")

    @Argument(help: "Services, or single instances (web@1).")
    var names: [String] = []

    @Flag(help: "Stop every service; the daemon stays.")
    var all = false

    @OptionGroup var outcome: OutcomeOptions

    func validate() throws {
        guard all == names.isEmpty else {
            throw ValidationError("Name the services to stop, or say --all.")
        }
    }

    func run() throws {
        try outcome.perform(all ? .stopAll : .stop, on: names, expecting: InstanceReport.stopped)
    }
}

/// `regen restart`
struct RestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Stops services and starts them again.",
        discussion: "Ends with 0 when all of them are running, else with 1.")

    @Argument(help: "Services, or single instances (web@1).")
    var names: [String]

    @OptionGroup var outcome: OutcomeOptions

    func run() throws {
        try outcome.perform(.restart, on: names, expecting: InstanceReport.running)
    }
}

/// How the commands that do something to services wait and tell what came of it.
struct OutcomeOptions: ParsableArguments {
    @Flag(help: "Tell the outcome as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    /// What was asked for goes on without us.
    static let patience = ControlClient.patiently
    /// After so many milliseconds a person wants to know that something is waited for.
    static let silence: Int64 = 1_000

    /// Calls the method, waits, tells the outcome; throws `Exit.no` unless every instance is in
    /// the expected phase.
    func perform(_ method: ControlMethod, on names: [String], expecting phase: String) throws {
        let reply: ServicesReply
        do { reply = try ask(method, names) } catch let failure as ControlFailure {
            throw Exit(failure)
        }
        let text =
            json ? JSONWriter.line(reply.write) : reply.text(for: .output, expecting: phase)
        try Terminal.output.write(text)
        if !reply.services.allSatisfy({ $0.phase == phase }) { throw Exit.no(nil) }
    }

    private func ask(_ method: ControlMethod, _ names: [String]) throws -> ServicesReply {
        var client = try control.connect()
        try client.begin(method) { json in
            json.object { json in
                guard !names.isEmpty else { return }
                json.key("services")
                json.beginArray()
                for name in names { json.string(name) }
                json.endArray()
            }
        }
        var answer = try client.answer(milliseconds: Self.silence)
        if answer == nil {
            if StandardStream.error.isTerminal {
                let what = names.isEmpty ? "every service" : names.joined(separator: ", ")
                Terminal.error.complain("waiting for \(what.printable) ...\n")
            }
            answer = try client.answer(milliseconds: Self.patience)
        }
        guard let answer else { throw ControlFailure.timedOut(milliseconds: Self.patience) }
        guard let reply = ServicesReply(answer) else { throw ControlFailure.misunderstood }
        return reply
    }
}

extension ServicesReply {
    /// A line for each instance: `web: running, pid 12`, `db: backing-off: next start in 2s`.
    func text(for terminal: Terminal, expecting phase: String) -> String {
        services.map { service in
            let isFine = service.phase == phase
            var line = terminal.styled(service.phase.printable, isFine ? .green : .red)
            if let pid = service.pid { line += ", pid \(pid)" }
            if !isFine, let exit = service.lastExit { line += ", last exit \(exit.description)" }
            if !isFine, !service.remark.isEmpty { line += ": \(service.remark)" }
            return "\(service.name.printable): \(line)\n"
        }.joined()
    }
}
