import Linux
import Worker

/// A worker's place in the table: the process, or when there may be another.
final class WorkerSlot {
    /// What kind of program it is.
    enum Role: String {
        /// `regen-net probe`: talks to servers.
        case network = "probe"
        /// `regend --look`: looks at this machine.
        case looker = "look"
        /// `regen-net notify`: tells people over one route.
        case notifier = "notify"

        /// The longest line that it may write, in bytes.
        var longestAnswer: Int {
            switch self {
            case .network: Answer.longestLine
            case .looker: LookAnswer.longestLine
            case .notifier: DeliveryAnswer.longestLine
            }
        }
    }

    let role: Role
    /// Whom it runs as.
    let account: Account?
    /// What tells it apart from others of its role: a word for the account, or the route's name.
    let key: String
    var process: WorkerProcess?
    /// The probes that a network worker knows.
    var defined: Set<Int> = []
    /// A looker has a question.
    var isBusy = false
    /// When it was asked last.
    var lastAsked: Int64 = 0
    /// Ended or killed without being asked to, in a row.
    var faults = 0
    /// Ended or killed without being asked to, since the daemon began.
    var replacements = 0
    /// Before this instant there is no other.
    var notBefore: Int64 = 0
    /// Why the last one went.
    var reason: String?

    init(_ role: Role, _ account: Account?, key: String) {
        self.role = role
        self.account = account
        self.key = key
    }

    /// The first replacement comes at once, the next after 1 s, doubling up to this.
    static let longestPause: Int64 = 30_000_000_000

    /// It went without being asked to.
    func fail(_ why: String, at now: Int64) {
        process = nil
        defined = []
        isBusy = false
        reason = why
        replacements += 1
        let pause: Int64 = faults == 0 ? 0 : 1_000_000_000 << min(Int64(faults - 1), 5)
        notBefore = now + min(pause, Self.longestPause)
        faults += 1
    }
}
