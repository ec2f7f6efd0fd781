internal import ArgumentParser
import Configuration
import Control
import JSON
import Linux
import Supervision

/// `regen boot-check`
struct BootCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "boot-check",
        abstract: "Tells whether this boot may count as a good one, for boot-complete.target.",
        discussion: """
            Waits for the critical services. Says no only for a generation that is not known good \
            yet, only because of services that were healthy on the generation before, and once for \
            a generation. When regend does not answer, the boot counts as good.
            Ends with 0 when it does, with 1 when it does not.
            """)

    @Option(
        help: ArgumentHelp(
            "Wait for regend, and then for services, so long at most, up to 15m.",
            discussion: "Default: 5m.", valueName: "duration"),
        transform: {
            try Interval.milliseconds(
                $0, within: ControlRequest.bootWaits, "say 30s, 5m or 15m, up to 15m")
        })
    var wait: Int64?

    @Flag(help: "Tell the verdict as one JSON object.")
    var json = false

    @OptionGroup var control: ControlOptions

    func run() throws {
        let reply: BootCheckReply
        do throws(ControlFailure) { reply = try verdict() } catch {
            if error == .refused(.permissionDenied) { throw Exit(error) }
            if case .notAdmitted = error { throw Exit(error) }
            // A gate must not be what reboots a healthy machine.
            Terminal.error.complain(
                "regen: WARNING: the boot counts as good, and nobody has looked: "
                    + "\(error.description.printable)\n")
            var blind = BootCheckReply(passed: true, text: error.description)
            blind.reason = "unreachable"
            return try tell(blind)
        }
        try tell(reply)
        if !reply.passed { throw Exit.no(nil) }
    }

    private func tell(_ reply: BootCheckReply) throws(Exit) {
        try Terminal.output.write(json ? JSONWriter.line(reply.write) : reply.line)
    }

    /// From one try to reach regend to the next.
    private static let interval: Int32 = 250

    /// Asks until somebody answers. Each regend is given what is left of the time; the first one all.
    private func verdict() throws(ControlFailure) -> BootCheckReply {
        let wait = wait ?? ControlRequest.usualBootWait
        var end = now + wait
        var isAsked = false
        while true {
            do throws(ControlFailure) {
                var client = try ControlClient(runtimeDirectory: control.directory)
                try client.greet()
                if !isAsked { end = now + wait }
                isAsked = true
                return try ask(&client, max(0, end - now))
            } catch {
                guard error.mayPass, now < end else { throw error }
                pause(milliseconds: Self.interval)
            }
        }
    }

    private func ask(
        _ client: inout ControlClient, _ milliseconds: Int64
    ) throws(ControlFailure) -> BootCheckReply {
        try client.begin(.bootCheck) { json in
            json.object { $0.integer("wait_ms", milliseconds) }
        }
        let patience = milliseconds + ControlClient.promptly
        guard let answer = try client.answer(milliseconds: patience) else {
            throw .timedOut(milliseconds: patience)
        }
        guard let reply = BootCheckReply(answer) else { throw .misunderstood }
        return reply
    }

    private var now: Int64 { Clock.boottime() / 1_000_000 }
}

extension ControlFailure {
    /// Waiting may help: regend is not there yet, or is just being started anew.
    fileprivate var mayPass: Bool {
        switch self {
        case .notRunning, .silent, .connectionLost, .system, .refused(.notNow),
            .refused(.tooManyClients):
            true
        case .notAdmitted, .refused, .timedOut, .misunderstood: false
        }
    }
}

extension BootCheckReply {
    /// `generation 42: the boot counts as good: …; not healthy: web`
    fileprivate var line: String {
        let name = generation.map { "generation \($0): " } ?? ""
        let verdict = passed ? "the boot counts as good" : "the boot has failed"
        let names = unhealthy.map(\.printable).joined(separator: ", ")
        let rest = names.isEmpty ? "" : "; not healthy: \(names)"
        return "\(name)\(verdict): \(text.printable)\(rest)\n"
    }
}
