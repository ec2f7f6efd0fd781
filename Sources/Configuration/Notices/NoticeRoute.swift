public import Supervision

/// A way to tell people what happened.
public struct NoticeRoute: Equatable, Sendable {
    /// Its name, one of 1 to `longestName` bytes.
    public var name: String
    /// Whom it posts to.
    public var webhook: Webhook
    /// What is told.
    public var occasions: [Occasion]

    /// A route that tells what a human must know.
    public init(
        name: String, webhook: Webhook, occasions: [Occasion] = Occasion.forHumans
    ) {
        self.name = name
        self.webhook = webhook
        self.occasions = occasions
    }

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

/// An address that takes notices by HTTP POST.
public struct Webhook: Equatable, Sendable {
    /// Where it is.
    public var address: Address
    /// Headers of each request, in the order of the file; none is a secret.
    public var headers: [HTTPProbe.Header] = []
    /// A file with what the header Authorization says.
    public var authorizationFile: String?
    /// Whether the server's certificate must be good.
    public var verify = true
    /// A file of certificates of the authorities to believe, instead of the system's.
    public var authorities: String?
    /// An attempt without an answer for so long has failed.
    public var timeout = Interval.seconds(10)

    /// Where notices go.
    public enum Address: Equatable, Sendable {
        /// To this URL, which everybody may know.
        case url(String)
        /// To the URL in this file, which is a secret.
        case file(String)
    }

    /// How long an attempt may take.
    public static let timeouts: ClosedRange<Interval> = .seconds(1) ... .seconds(60)

    /// A webhook with every default.
    public init(_ address: Address) { self.address = address }

    /// Whether a text is a URL that notices can go to, by the rules of the configuration.
    public static func isURL(_ text: String) -> Bool {
        (try? webAddress(Tree(.scalar(text, quoted: true)))) != nil
    }
}
