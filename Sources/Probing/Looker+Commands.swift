import Configuration
import Linux
import Supervision
import Worker

extension Looker {
    /// What a command came to, or why nothing can be said.
    enum Run {
        case success(BoundedCommand.Outcome)
        case failure(Finding)
    }

    /// Runs a command for the request's subject. That it cannot be started says nothing of the
    /// service.
    static func run(
        _ command: [String], _ request: LookRequest, keeping part: BoundedCommand.Part
    ) -> Run {
        var ingredients = SpawnPlan.Ingredients(
            command: command, environment: environment(request.subject))
        ingredients.directory = request.subject.directory
        do throws(SystemError) {
            return .success(
                try BoundedCommand.run(
                    ingredients, nanoseconds: request.timeout.nanoseconds, keeping: part))
        } catch { return .failure(.unknown("\(error)")) }
    }

    /// Without the mark by which the daemon knows what descends from a service: what a command leaves
    /// behind is not the service.
    private static func environment(_ subject: Subject) -> [String] {
        subject.environment.filter {
            !$0.hasPrefix("REGEN_STATE=") && !$0.hasPrefix("REGEN_ATTEMPT=")
        }
    }

    /// A command's exit status and output.
    static func lookByCommand(_ probe: CommandProbe, _ request: LookRequest) -> Finding {
        let part = BoundedCommand.Part.first(CommandProbe.mostOutputBytes)
        switch run(probe.command, request, keeping: part) {
        case .failure(let finding): return finding
        case .success(let outcome):
            guard outcome.status == .exited(probe.exit) else {
                return ended(probe.command, outcome, request)
            }
            if let text = probe.contains, !contains(outcome.output, text) {
                return .failed("the output has no \"\(text)\"")
            }
            return .passed
        }
    }

    /// How a command ended that should have ended otherwise.
    static func ended(
        _ command: [String], _ outcome: BoundedCommand.Outcome, _ request: LookRequest
    ) -> Finding {
        let line = outcome.output.split(separator: UInt8(ascii: "\n")).last.map {
            ": " + String(decoding: $0.prefix(Answer.longestReason / 2), as: UTF8.self)
        }
        return .failed(sentence(outcome.status, request) + (line ?? ""))
    }

    /// `exit code 3`
    static func sentence(_ status: WaitStatus?, _ request: LookRequest) -> String {
        switch status {
        case .exited(let code): "exit code \(code)"
        case .signalled(let signal): "ended by signal \(signal)"
        case nil: "not done within \(request.timeout.nanoseconds / 1_000_000) ms, and killed"
        }
    }

    private static func contains(_ output: [UInt8], _ text: String) -> Bool {
        let text = Array(text.utf8)
        guard let first = text.first else { return true }
        var rest = output[...]
        while let start = rest.firstIndex(of: first) {
            rest = rest[start...]
            if rest.starts(with: text) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    /// The service's own check of its configuration. Nothing is edited, whatever it says.
    static func validate(_ command: [String], _ request: LookRequest) -> Deed {
        switch run(command, request, keeping: .last(RemedyAnswer.mostOutput)) {
        case .failure(let finding): return Deed(.failed, finding.reason)
        case .success(let outcome):
            let output = end(of: outcome.output)
            guard let status = outcome.status else {
                return Deed(.failed, sentence(nil, request), output: output)
            }
            return status == .exited(0)
                ? Deed(.applied, "the configuration is valid", output: output)
                : Deed(
                    .refused, "the configuration is not valid: \(sentence(status, request))",
                    output: output)
        }
    }

    /// As much of the end as an answer takes; what is no text grows when it is replaced.
    private static func end(of output: [UInt8]) -> String {
        let text = String(decoding: output, as: UTF8.self)
        if text.utf8.count <= RemedyAnswer.mostOutput, !output.contains(0) { return text }
        return String(decoding: output.suffix(RemedyAnswer.mostOutput / 3), as: UTF8.self)
    }
}
