import JSON
public import Linux

/// What a client wants: a call of `io.regen.Control` that is well-formed and allowed.
public struct Call: Sendable {
    /// Names one call for as long as the daemon lives.
    public struct ID: Hashable, Sendable {
        let source: ControlSource
        let number: UInt64
    }

    /// By which it is answered.
    public let id: ID
    /// What is to be done.
    public let request: ControlRequest
    /// Who asks.
    public let peer: PeerCredentials
    /// Whether whoever asks may act, and so see what commands say.
    public let mayAct: Bool
    /// Whether the client takes more than one answer.
    public let wantsMore: Bool
}

/// A method with its parameters.
public enum ControlRequest: Equatable, Sendable {
    /// The daemon and all services, or the one with this name. Answer: `StatusReply`.
    case status(service: String?)
    /// Start services; at least one is named. Answer: `ServicesReply`.
    case start([String])
    /// Stop services; at least one is named. Answer: `ServicesReply`.
    case stop([String])
    /// Restart services; at least one is named. Answer: `ServicesReply`.
    case restart([String])
    /// Heal services now; at least one is named. Answer: `ServicesReply` with a `healing` each.
    case heal([String])
    /// Do nothing to services for so many milliseconds, within `pauses`; at least one is named.
    /// Answer: `ServicesReply` with a `pause` each.
    case pause([String], milliseconds: Int64)
    /// Look after paused services again; at least one is named. Answer: `ServicesReply`.
    case resume([String])
    /// Look with all probes of the service now. Answer, when all have looked: `ProbeReply`.
    case probe(service: String)
    /// Tell people something over this route, once. Answer: `NotifyReply`.
    case notify(route: String)
    /// Read the configuration again. Answer: `ReloadReply`.
    case reload
    /// Stop every service. Answer: `ServicesReply`.
    case stopAll
    /// Where a service's log is. Answer: `{"path": …}`.
    case logPath(service: String)
    /// The machine's generations. Answer: `GenerationsReply`.
    case generations
    /// What a rollback would do; nothing is done. Answer: `PlanReport`.
    case planRollback(RollbackWish)
    /// Roll back; where a path is `expected`, only if the plan leads there. Answer, when it has begun:
    /// `SwitchReply`.
    case rollback(RollbackWish, expected: String?)
    /// Put a system on trial; within so many milliseconds, in `confirmations`, a human must confirm
    /// it, or the probes alone do. Answer, when it has begun: `SwitchReply`.
    case `switch`(SwitchTarget, confirmWithin: Int64?)
    /// The trial may stay. Answer: `SwitchReply`.
    case confirmSwitch
    /// Whether this boot may count as a good one; within so many milliseconds, in `bootWaits`,
    /// critical services should be healthy. Answer, when it is certain: `BootCheckReply`.
    case bootCheck(milliseconds: Int64)

    /// How long the boot gate may wait, in milliseconds: up to 15 min.
    public static let bootWaits: ClosedRange<Int64> = 0...900_000
    /// How long it waits when nobody says, in milliseconds: 5 min.
    public static let usualBootWait: Int64 = 300_000
    /// How long a pause may be, in milliseconds: 1 s to 30 days.
    public static let pauses: ClosedRange<Int64> = 1_000...30 * 86_400_000
    /// How long a pause is when nobody says, in milliseconds: 1 h.
    public static let usualPause: Int64 = 3_600_000

    /// `nil` for `Version`, which the server answers itself.
    init?(_ method: ControlMethod, _ parameters: Parameters) throws(ControlError) {
        switch method {
        case .status: self = .status(service: try parameters.optionalString("service"))
        case .version: return nil
        case .start: self = .start(try parameters.names("services"))
        case .stop: self = .stop(try parameters.names("services"))
        case .restart: self = .restart(try parameters.names("services"))
        case .heal: self = .heal(try parameters.names("services"))
        case .pause:
            self = .pause(
                try parameters.names("services"),
                milliseconds: try parameters.optionalInteger("for_ms", in: Self.pauses)
                    ?? Self.usualPause)
        case .resume: self = .resume(try parameters.names("services"))
        case .probe: self = .probe(service: try parameters.string("service"))
        case .notify: self = .notify(route: try parameters.string("route"))
        case .reload: self = .reload
        case .stopAll: self = .stopAll
        case .logPath: self = .logPath(service: try parameters.string("service"))
        case .generations: self = .generations
        case .planRollback: self = .planRollback(try parameters.rollbackWish())
        case .rollback:
            self = .rollback(
                try parameters.rollbackWish(), expected: try parameters.optionalPath("expected"))
        case .switch:
            self = .switch(
                try parameters.switchTarget(),
                confirmWithin: try parameters.optionalInteger(
                    "confirm_within_ms", in: Self.confirmations))
        case .confirmSwitch: self = .confirmSwitch
        case .bootCheck:
            self = .bootCheck(
                milliseconds: try parameters.optionalInteger("wait_ms", in: Self.bootWaits)
                    ?? Self.usualBootWait)
        }
    }
}
