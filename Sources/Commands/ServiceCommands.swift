internal import ArgumentParser
import Control
import JSON

/// What can be asked for services by their names alone.
protocol ServiceWish {
    /// The command's own texts.
    static var command: (name: String, abstract: String, discussion: String) { get }
    /// How the daemon is asked.
    static var method: ControlMethod { get }
    /// Whether the wish has come true for this instance.
    static func isGranted(_ service: InstanceReport) -> Bool
}

extension ServiceWish {
    static func isGranted(_ service: InstanceReport) -> Bool {
        service.phase == InstanceReport.running
    }
}

/// `regen start`
enum Start: ServiceWish {
    static let command = (
        name: "start", abstract: "Starts services and waits until they run.",
        discussion: "Ends with 0 when all of them are running, else with 1."
    )
    static let method = ControlMethod.start
}

/// `regen restart`
enum Restart: ServiceWish {
    static let command = (
        name: "restart", abstract: "Stops services and starts them again.",
        discussion: "Ends with 0 when all of them are running, else with 1."
    )
    static let method = ControlMethod.restart
}

/// `regen heal`
enum Heal: ServiceWish {
    static let command = (
        name: "heal", abstract: "Heals services now, without waiting for three strikes.",
        discussion: """
        What is healthy is left alone. Ends with 0 when all of them are healthy or were healed, \
        and with 1 when one does not run or was handed over to you.
        """
    )
    static let method = ControlMethod.heal

    static func isGranted(_ service: InstanceReport) -> Bool { service.isAsItShouldBe }
}

/// `regen resume`
enum Resume: ServiceWish {
    static let command = (
        name: "resume", abstract: "Looks after paused services again.",
        discussion: "Ends with 0 when none of them is paused any more."
    )
    static let method = ControlMethod.resume

    static func isGranted(_ service: InstanceReport) -> Bool { service.pause == nil }
}

/// The command of a wish.
struct WishCommand<Wish: ServiceWish>: ParsableCommand {
    static var configuration: CommandConfiguration {
        let (name, abstract, discussion) = Wish.command
        return CommandConfiguration(
            commandName: name, abstract: abstract, discussion: discussion)
    }

    @Argument(help: "Services, or single instances (web@1).")
    var names: [String]

    @OptionGroup var outcome: OutcomeOptions

    func run() throws {
        let reply = try outcome.ask(Wish.method, for: names)
        try outcome.tell(reply, Wish.isGranted) { $0.text(for: .output, Wish.isGranted) }
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
        let reply = try outcome.ask(all ? .stopAll : .stop, for: names)
        let isStopped = { (service: InstanceReport) in service.phase == InstanceReport.stopped }
        try outcome.tell(reply, isStopped) { $0.text(for: .output, isStopped) }
    }
}

/// How the commands that do something to services ask, wait and tell what came of it.
struct OutcomeOptions: ParsableArguments {
    @Flag(help: "Tell the outcome as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    /// What came of a call for these services, or for all of them when none is named; `write`
    /// writes parameters besides their names.
    func ask(
        _ method: ControlMethod, for names: [String], _ write: (inout JSONWriter) -> Void = { _ in }
    ) throws(Exit) -> ServicesReply {
        let whom = names.isEmpty ? "every service" : names.joined(separator: ", ")
        let answer = try control.ask(method, doing: "waiting for \(whom)") { json in
            json.object { json in
                if !names.isEmpty { json.names("services", names) }
                write(&json)
            }
        }
        guard let reply = ServicesReply(answer) else { throw Exit(.misunderstood) }
        return reply
    }

    /// Tells the outcome; throws `Exit.no` unless the wish came true for every instance.
    func tell(
        _ reply: ServicesReply, _ isGranted: (InstanceReport) -> Bool,
        _ text: (ServicesReply) -> String
    ) throws(Exit) {
        try Terminal.output.write(json ? JSONWriter.line(reply.write) : text(reply))
        if !reply.services.allSatisfy(isGranted) { throw .no(nil) }
    }
}

extension ServicesReply {
    /// A line for each instance: `web: running, pid 12`, `db: backing-off: next start in 2s`.
    func text(for terminal: Terminal, _ isGranted: (InstanceReport) -> Bool) -> String {
        services.map { $0.outcome(for: terminal, isFine: isGranted($0)) + "\n" }.joined()
    }
}

extension InstanceReport {
    fileprivate func outcome(for terminal: Terminal, isFine: Bool) -> String {
        var line = terminal.styled(phase.printable, isFine ? .green : .red)
        let remark = remark.joined(separator: "; ")
        if let pid { line += ", pid \(pid)" }
        if !isFine, let lastExit { line += ", last exit \(lastExit.description)" }
        switch healing {
        case .nothing where wanted: line += ", healthy: nothing to heal"
        case .nothing: line += ", not meant to run: nothing to heal"
        case .asked where isFine && incident == nil: line += ", healed"
        case .asked where isFine: line += ", being healed: \(remark)"
        case .asked, nil: break
        }
        if !isFine, !remark.isEmpty { line += ": \(remark)" }
        return "\(name.printable): \(line)"
    }
}
