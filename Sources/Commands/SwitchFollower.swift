import Control
import JSON
import Linux

/// Watches a switch until it is over. It goes on whether or not anybody watches.
struct SwitchFollower {
    /// So many milliseconds between two looks.
    static let interval: Int32 = 500
    /// So many milliseconds the daemon may not answer: a switch may restart it.
    static let longestSilence: Int64 = 60_000
    /// So many milliseconds a switch is watched, besides the time that a human has to confirm it.
    static let patience: Int64 = 3_600_000

    let control: ControlOptions
    /// The switch's number.
    let number: Int64
    /// So many milliseconds a human has to confirm it.
    var confirmWithin: Int64 = 0

    /// How it went, as far as it was watched.
    enum Ending {
        /// It is over, and what followed from it.
        case over([FlightEndReport])
        /// The machine reboots now.
        case rebooting(FlightReport)
    }

    /// Waits for the end; says on standard error what is being done.
    func follow() throws(Exit) -> Ending {
        var (said, lastAnswer) = ("", Clock.boottime())
        let end = lastAnswer + (Self.patience + confirmWithin) * 1_000_000
        while Clock.boottime() < end {
            do throws(Exit) {
                if let ending = try look(&said) { return ending }
                lastAnswer = Clock.boottime()
            } catch {
                guard case .wrong = error,
                    Clock.boottime() - lastAnswer < Self.longestSilence * 1_000_000
                else { throw error }
            }
            pause(milliseconds: Self.interval)
        }
        throw .no(
            """
            switch \(number) is still under way after \(Span(milliseconds: Self.patience)); it is \
            not ended for that: regen status tells how it goes on
            """)
    }

    private func look(_ said: inout String) throws(Exit) -> Ending? {
        var client = try control.connect()
        let reply: StatusReply
        do throws(ControlFailure) {
            guard let read = StatusReply(try client.call(.status)) else { throw .misunderstood }
            reply = read
        } catch { throw Exit(error) }
        // Right after its start the daemon may not know yet.
        guard let report = reply.daemon.safeSwitch else {
            if reply.daemon.state == "starting" { return nil }
            throw .no("SafeSwitch was turned off meanwhile; regen ledger show tells what was done")
        }
        if let flight = report.flight, flight.number == number || flight.follows {
            say(flight, &said)
            return flight.step == "reboot" ? .rebooting(flight) : nil
        }
        let ended = report.ended.filter { $0.number >= number }
        guard ended.first?.number == number else {
            if reply.daemon.state == "starting" { return nil }
            throw .no(
                "nobody knows what came of switch \(number); regen ledger show tells what was done")
        }
        return .over([ended[0]] + ended.dropFirst().filter(\.follows))
    }

    private func say(_ flight: FlightReport, _ said: inout String) {
        let words = flight.progress
        guard words != said else { return }
        said = words
        // How to confirm must be known also to whoever has no terminal.
        if StandardStream.error.isTerminal || flight.confirmEnd != nil {
            Terminal.error.complain("\(words)\n")
        }
    }
}

extension FlightReport {
    /// It belongs to the trial before it.
    fileprivate var follows: Bool { purpose == "retreat" || purpose == "settle" }

    /// `switch 3, back to generation 41: activating ...`
    var progress: String {
        let head = "switch \(number), \(purposeText)"
        guard let until = confirmEnd else { return "\(head): \(stepText) ..." }
        let time = UTCTime(milliseconds: until).toTheSecond
        return "\(head): \(stepText); say regen confirm before \(time), or it is taken back"
    }

    /// Until when a human's word is waited for, where that has begun: what they can reach runs.
    fileprivate var confirmEnd: Int64? {
        step == "confirm" ? confirmUntilUnixMilliseconds : nil
    }

    private var purposeText: String {
        switch purpose {
        case "rollback", "asked": "back to \(to.name)"
        case "retreat": "the trial is left, back to \(to.name)"
        case "trial": "trying \(to.name)"
        case "settle": "making \(to.name) the boot default"
        default: "\(purpose.printable) \(to.name)"
        }
    }

    private var stepText: String {
        switch step {
        case "intent": "writing the intent down"
        case "profile": "setting the profile"
        case "activate": "switch-to-configuration runs"
        case "verify": "looking at what runs now"
        case "restore": "setting the profile back"
        case "reboot": "the machine reboots"
        case "confirm": "the probes have the last word"
        default: step.printable
        }
    }
}

extension FlightEndReport {
    fileprivate var follows: Bool { purpose == "retreat" || purpose == "settle" }

    /// `switch 3 to generation 41: succeeded: the target runs, and the probes pass`
    func line(for terminal: Terminal) -> String {
        let word = terminal.styled(outcome.printable, isSuccess ? .green : .red)
        return "switch \(number) (\(purpose.printable)) to \(to.name): \(word): \(text.printable)\n"
    }
}

extension SwitchFollower.Ending {
    /// Tells it; throws `Exit.no` unless what was wanted came about.
    func tell(json: Bool) throws(Exit) {
        switch self {
        case .rebooting(let flight):
            let text =
                "the machine reboots into \(flight.to.name); regen status tells what came of it\n"
            try Terminal.output.write(
                json ? JSONWriter.line { json in json.object { $0.flight(flight) } } : text)
        case .over(let ends):
            try Terminal.output.write(
                json
                    ? JSONWriter.line { json in json.object { $0.ended(ends) } }
                    : ends.map { $0.line(for: .output) }.joined())
            // What followed from a switch that failed does not make it good.
            if !ends.allSatisfy(\.isSuccess) { throw .no(nil) }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func flight(_ flight: FlightReport) {
        key("flight")
        flight.write(into: &self)
    }

    fileprivate mutating func ended(_ ends: [FlightEndReport]) {
        key("ended")
        beginArray()
        for end in ends { end.write(into: &self) }
        endArray()
    }

    /// Why nothing was done, as one JSON object and a line end.
    static func refusal(_ refusal: RefusalReport) -> String {
        line(SwitchReply.refused(refusal).write)
    }
}

extension ControlOptions {
    /// The number of the switch that has begun; throws `Exit.no` with why there is none.
    func begin(
        _ method: ControlMethod, doing: String, json: Bool, _ write: (inout JSONWriter) -> Void
    ) throws(Exit) -> Int64 {
        let answer = try ask(method, doing: doing) { $0.object(write) }
        switch SwitchReply(answer) {
        case .flight(let number)?: return number
        case .refused(let refusal)?:
            if json { try Terminal.output.write(JSONWriter.refusal(refusal)) }
            throw .no("refused: \(refusal.text.printable)")
        case nil: throw Exit(.misunderstood)
        }
    }
}
