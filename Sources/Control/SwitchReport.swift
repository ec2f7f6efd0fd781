public import JSON

/// How SafeSwitch is: the type `Switch` of the interface, part of `Status`.
public struct SwitchReport: Equatable, Sendable {
    /// More switches that are over are not told.
    public static let mostEnded = 8
    /// What whoever wants something of SafeSwitch is told while it is off, by `NotNow`.
    public static let isOff = """
        SafeSwitch is off: add "safeswitch: {}" to the configuration, or set its policy to automatic \
        or propose, and say regen reload
        """

    /// One word: `automatic` or `propose`. Where it is `off`, there is no report.
    public var policy: String
    /// What runs.
    public var running: SystemReport?
    /// Until when failures are weighed against it, in milliseconds since 1970; `nil`: it is not on
    /// probation.
    public var probationUntilUnixMilliseconds: Int64?
    /// What passed a whole probation last.
    public var knownGood: SystemReport?
    /// The switch that Regen makes.
    public var flight: FlightReport?
    /// The process of somebody else's switch.
    public var foreignSwitch: Int64?
    /// Another kernel runs than that of the running system: until a reboot.
    public var isDegraded = false
    /// Regen's switches that are over since the daemon was started, the latest last.
    public var ended: [FlightEndReport] = []
    /// When the last automatic rollback began, in milliseconds since 1970.
    public var lastRollbackUnixMilliseconds: Int64?

    /// A SafeSwitch of which no more is known.
    public init(policy: String) { self.policy = policy }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.string("policy", policy)
        json.member("running", running) { $0.write(into: &$1) }
        json.member("probation_until_unix_ms", probationUntilUnixMilliseconds)
        json.member("known_good", knownGood) { $0.write(into: &$1) }
        json.member("flight", flight) { $0.write(into: &$1) }
        json.member("foreign_switch", foreignSwitch)
        json.bool("degraded", isDegraded)
        json.members("ended", Array(ended.suffix(Self.mostEnded))) { $0.write(into: &$1) }
        json.member("last_rollback_unix_ms", lastRollbackUnixMilliseconds)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let policy = json["policy"]?.string else { return nil }
        self.init(policy: policy)
        running = json["running"].flatMap(SystemReport.init)
        probationUntilUnixMilliseconds = json["probation_until_unix_ms"]?.integer
        knownGood = json["known_good"].flatMap(SystemReport.init)
        flight = json["flight"].flatMap(FlightReport.init)
        foreignSwitch = json["foreign_switch"]?.integer
        isDegraded = json["degraded"]?.bool ?? false
        ended = (json["ended"]?.array ?? []).compactMap(FlightEndReport.init)
        lastRollbackUnixMilliseconds = json["last_rollback_unix_ms"]?.integer
    }
}

/// A switch that Regen makes: the type `Flight` of the interface.
public struct FlightReport: Equatable, Sendable {
    /// Its number, never used again.
    public var number: Int64
    /// One word: `rollback`, `asked`, `trial`, `retreat`, `settle`.
    public var purpose: String
    /// Where it leads.
    public var to: SystemReport
    /// One word: `live`, `reboot`, `trial`.
    public var mode: String
    /// What is being done: `intent`, `profile`, `activate`, `verify`, `restore`,
    /// `reboot`, `confirm`.
    public var step: String
    /// When it began, in milliseconds since 1970.
    public var beganUnixMilliseconds: Int64
    /// Until when a human must confirm it, in milliseconds since 1970; `nil`: nobody need, or
    /// somebody has.
    public var confirmUntilUnixMilliseconds: Int64?

    /// A switch.
    public init(
        number: Int64, purpose: String, to: SystemReport, mode: String, step: String,
        beganUnixMilliseconds: Int64, confirmUntilUnixMilliseconds: Int64? = nil
    ) {
        self.number = number
        self.purpose = purpose
        self.to = to
        self.mode = mode
        self.step = step
        self.beganUnixMilliseconds = beganUnixMilliseconds
        self.confirmUntilUnixMilliseconds = confirmUntilUnixMilliseconds
    }

    /// Writes the object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("number", number)
        json.string("purpose", purpose)
        json.key("to")
        to.write(into: &json)
        json.string("mode", mode)
        json.string("step", step)
        json.integer("began_unix_ms", beganUnixMilliseconds)
        json.member("confirm_until_unix_ms", confirmUntilUnixMilliseconds)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let number = json["number"]?.integer, let to = json["to"].flatMap(SystemReport.init),
            let step = json["step"]?.string
        else { return nil }
        self.init(
            number: number, purpose: json["purpose"]?.string ?? "", to: to,
            mode: json["mode"]?.string ?? "", step: step,
            beganUnixMilliseconds: json["began_unix_ms"]?.integer ?? 0,
            confirmUntilUnixMilliseconds: json["confirm_until_unix_ms"]?.integer)
    }
}

/// A switch of Regen's that is over: the type `FlightEnd` of the interface.
public struct FlightEndReport: Equatable, Sendable {
    /// Its number.
    public var number: Int64
    /// As in `FlightReport`.
    public var purpose: String
    /// Where it led.
    public var to: SystemReport
    /// One word: `succeeded`, `degraded`, `not-helped`, `not-activated`, `abandoned`,
    /// `not-confirmed`.
    public var outcome: String
    /// It in one sentence for people.
    public var text: String
    /// When, in milliseconds since 1970.
    public var atUnixMilliseconds: Int64

    /// A switch that is over.
    public init(
        number: Int64, purpose: String, to: SystemReport, outcome: String, text: String,
        atUnixMilliseconds: Int64
    ) {
        self.number = number
        self.purpose = purpose
        self.to = to
        self.outcome = outcome
        self.text = text
        self.atUnixMilliseconds = atUnixMilliseconds
    }

    /// Whether what was wanted came about.
    public var isSuccess: Bool { outcome == "succeeded" || outcome == "degraded" }

    /// Writes the object.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.integer("number", number)
        json.string("purpose", purpose)
        json.key("to")
        to.write(into: &json)
        json.string("outcome", outcome)
        json.string("text", text)
        json.integer("at_unix_ms", atUnixMilliseconds)
        json.endObject()
    }

    init?(_ json: JSONValue) {
        guard let number = json["number"]?.integer, let to = json["to"].flatMap(SystemReport.init),
            let outcome = json["outcome"]?.string
        else { return nil }
        self.init(
            number: number, purpose: json["purpose"]?.string ?? "", to: to, outcome: outcome,
            text: json["text"]?.string ?? outcome,
            atUnixMilliseconds: json["at_unix_ms"]?.integer ?? 0)
    }
}

/// The answer to `Rollback`, `Switch` and `ConfirmSwitch`: which switch it is about, or why there is
/// none. What comes of it is in `Status`.
public enum SwitchReply: Equatable, Sendable {
    /// The switch with this number has begun, or was confirmed.
    case flight(Int64)
    /// Nothing is done, and why.
    case refused(RefusalReport)

    /// Writes the parameters of the answer.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self {
        case .flight(let number): json.integer("flight", number)
        case .refused(let refusal):
            json.key("refused")
            refusal.write(into: &json)
        }
        json.endObject()
    }

    /// Reads the parameters of the answer; `nil` when they are not understood.
    public init?(_ json: JSONValue) {
        if let refusal = json["refused"].flatMap(RefusalReport.init) {
            self = .refused(refusal)
        } else if let number = json["flight"]?.integer {
            self = .flight(number)
        } else {
            return nil
        }
    }
}
