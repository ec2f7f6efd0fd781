internal import ArgumentParser
import Control
import JSON
import Linux

/// Which daemon is meant.
struct ControlOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where the daemon's control socket is.",
            discussion: "Default: $REGEN_RUNTIME_DIRECTORY, else /run/regen.", valueName: "dir"),
        completion: .directory)
    var runtimeDirectory: String?

    /// The directory that was named, in this order: the option, the environment, the usual place.
    var directory: String {
        let variable = environmentVariable("REGEN_RUNTIME_DIRECTORY") ?? ""
        return runtimeDirectory ?? (variable.isEmpty ? "/run/regen" : variable)
    }

    /// Whether somebody has said which.
    var isNamed: Bool {
        runtimeDirectory != nil || !(environmentVariable("REGEN_RUNTIME_DIRECTORY") ?? "").isEmpty
    }

    /// A client of that daemon, which has given a sign of life.
    func connect() throws(Exit) -> ControlClient {
        do {
            var client = try ControlClient(runtimeDirectory: directory)
            try client.greet()
            return client
        } catch { throw Exit(error) }
    }

    /// How the daemon is, and one service or all.
    func status(of name: String?) throws(Exit) -> StatusReply {
        var client = try connect()
        do throws(ControlFailure) {
            let parameters = try client.call(.status) { json in
                json.object { if let name { $0.string("service", name) } }
            }
            guard let reply = StatusReply(parameters) else { throw .misunderstood }
            return reply
        } catch { throw Exit(error) }
    }

    /// After so many milliseconds a person wants to know that something is waited for.
    static let silence: Int64 = 1_000

    /// The answer to a call that may take its time. On a terminal somebody is told after a while
    /// that we are `doing` something.
    func ask(
        _ method: ControlMethod, doing: String,
        _ write: (inout JSONWriter) -> Void = { $0.object { _ in } }
    ) throws(Exit) -> JSONValue {
        var client = try connect()
        do throws(ControlFailure) {
            try client.begin(method, write)
            if let answer = try client.answer(milliseconds: Self.silence) { return answer }
            if StandardStream.error.isTerminal {
                Terminal.error.complain("\(doing.printable) ...\n")
            }
            let answer = try client.answer(milliseconds: method.patience)
            guard let answer else { throw .timedOut(milliseconds: method.patience) }
            return answer
        } catch { throw Exit(error) }
    }
}

extension Exit {
    /// A refusal because of the moment is a no; everything else kept the command from its work.
    init(_ failure: ControlFailure) {
        switch failure {
        case .refused(.notNow(let reason)): self = .no(reason.printable)
        case .refused(.invalidConfiguration(let errors)):
            self = .wrong("the configuration stays as it was:\n\(errors.printableLines)")
        default: self = .wrong(failure.description.printable)
        }
    }
}

extension String {
    /// `printable`, but for the line ends.
    var printableLines: String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0).printable }.joined(separator: "\n")
    }
}
