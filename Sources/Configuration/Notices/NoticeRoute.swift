public import Supervision

/// A way to tell people what happened.
public struct NoticeRoute: Equatable, Sendable {
    /// Its name, one of 1 to `longestName` bytes.
    public var name: String
    /// How they are told.
    public var way: Way
    /// What is told.
    public var occasions: [Occasion]

    /// A route that tells what a human must know.
    public init(name: String, _ way: Way, occasions: [Occasion] = Occasion.forHumans) {
        self.name = name
        self.way = way
        self.occasions = occasions
    }

    /// How people are told.
    public enum Way: Equatable, Sendable {
        /// By HTTP POST of JSON.
        case webhook(Webhook)
        /// By mail.
        case mail(Mail)
    }

    /// An attempt without an answer for so long has failed.
    public var timeout: Interval {
        switch way {
        case .webhook(let webhook): webhook.timeout
        case .mail(let mail): mail.timeout
        }
    }

    /// The files whose contents are nobody's business.
    public var secretFiles: [String] {
        switch way {
        case .webhook(let webhook): webhook.secretFiles
        case .mail(let mail): mail.passwordFile.map { [$0] } ?? []
        }
    }

    /// How long an attempt may take.
    public static let timeouts: ClosedRange<Interval> = .seconds(1) ... .seconds(60)

    /// The most routes.
    public static let most = 16
    /// The longest name in bytes.
    public static let longestName = 64

    /// What can be told, in the ledger's own words: see docs/ledger.md.
    public enum Occasion: String, CaseIterable, Sendable {
        /// Something failed for the first time since it was healthy.
        case opened = "incident.open"
        /// It is healthy again.
        case resolved = "incident.resolve"
        /// A human must look.
        case handedOver = "incident.handover"
        /// After that it was healthy for `backoff.clear`.
        case recovered = "service.recover"
        /// So many crashes within so long.
        case crashLoop = "crashloop.detected"
        /// Many services fail at once, or the machine stalls.
        case commonCauseBegan = "commoncause.begin"
        /// It is calm again.
        case commonCauseEnded = "commoncause.end"
        /// It lasts: a human must look.
        case commonCauseHandedOver = "commoncause.handover"
        /// A worker has failed again and again.
        case workerFailed = "worker.fail"
        /// The ledger cannot be written, or can be again.
        case ledgerDegraded = "ledger.degraded"
        /// A rollback would help and is a human's to decide; or there is none, and why.
        case rollbackPlanned = "rollback.plan"
        /// A rollback begins.
        case switchIntended = "switch.intent"
        /// A rollback or a trial is over, and how.
        case switchEnded = "switch.end"
        /// It lasts: a human must look.
        case switchLasts = "switch.linger"
        /// Somebody else's switch lasts: a human must look.
        case foreignSwitchLasts = "foreignswitch.linger"
        /// A quarantined system runs again.
        case quarantineEntered = "quarantine.enter"
        /// Another system has booted than was expected.
        case bootedElsewhere = "boot.elsewhere"
        /// The machine has booted, and nobody had shut it down: its watchdog, a panic, the power.
        case booted = "boot"
        /// A boot was failed.
        case bootFailed = "boot.check"

        /// What a human must know, and when it is over.
        public static let forHumans: [Occasion] = [
            .handedOver, .recovered, .commonCauseHandedOver, .workerFailed, .ledgerDegraded,
            .rollbackPlanned, .switchIntended, .switchEnded, .switchLasts, .foreignSwitchLasts,
            .quarantineEntered, .bootedElsewhere, .booted, .bootFailed,
        ]
    }
}
