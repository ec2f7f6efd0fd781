import Configuration
import JSON
import Linux
import Supervision
import Worker

/// Whom people are told by, and what waits to be told.
final class Notices {
    /// A route in force.
    final class Route {
        let name: String
        let occasions: [NoticeRoute.Occasion]
        /// Whoever tells over it hangs when there is no answer for so long, in nanoseconds.
        let patience: Int64
        /// Why it cannot be used as it is configured.
        var obstacle: String?
        /// It with its secrets, sealed, without a name: what its worker is started with.
        private var secrets: AnonymousFile?
        /// An operator tries it: one thing at a time is told.
        var isTried = false
        var backlog = Backlog()
        /// Why the last attempt failed.
        var complaint: String?
        /// When somebody was told last, in nanoseconds since 1970.
        var delivered: Int64?
        /// Dropped, and not written down yet.
        var dropped = 0
        /// Before this instant no further drops are written down.
        var quietUntil: Int64 = 0

        init(_ route: NoticeRoute) {
            name = route.name
            occasions = route.occasions
            let timeout = route.timeout.nanoseconds
            // libcurl counts the time for a mail's last answer from when the name was found, and the
            // one for the goodbye after a failure anew.
            patience =
                switch route.way {
                case .webhook: timeout
                case .mail: 2 * timeout
                }
        }

        /// Keeps what the worker needs.
        func keep(_ route: OpenRoute) throws(SystemError) {
            var json = JSONWriter()
            route.write(into: &json)
            secrets = try .sealed(named: "regen-route", json.bytes)
        }

        /// The descriptor of `secrets`; -1: there are none.
        var rawSecrets: Int32 { secrets?.raw ?? -1 }

        /// Whether a worker of that route can go on for this one.
        func hasSecrets(of other: Route) -> Bool {
            guard let own = try? secrets?.contents(limit: OpenRoute.mostBytes) else { return false }
            return own == (try? other.secrets?.contents(limit: OpenRoute.mostBytes))
        }

        /// When it must be looked after.
        var due: Int64? {
            let next = obstacle == nil && !isTried ? backlog.due : backlog.expiry
            return dropped == 0 ? next : min(next ?? .max, quietUntil)
        }
    }

    /// Drops are written down at once, then no more often than this.
    static let dropPause: Int64 = 60_000_000_000

    var routes: [Route] = []
    /// Whom the workers run as; `nil`: the daemon's own user, who is not root.
    var account: Account?
    /// When some route must be looked after.
    var due: Int64?
    /// The common cause that is under way, or was last, was handed to a human.
    var commonCauseNeedsHuman = false
    /// The plan that people were told of last.
    var plan: (incident: Int?, text: String)?
    private let host = HostName.current
    private let life: Int64
    private var sequence = 0

    /// `started`: in nanoseconds since 1970.
    init(started: Int64) { life = started / 1_000_000 }

    func route(_ name: String) -> Route? { routes.first { $0.name == name } }

    /// Something to tell, on each route that it is for.
    func add(_ news: News, wall: Int64, boot: Int64) {
        guard routes.contains(where: { news.isFor($0.occasions) }) else { return }
        let announcement = announcement(news, wall: wall)
        for route in routes where news.isFor(route.occasions) {
            if route.backlog.add(announcement, at: boot) != nil { route.dropped += 1 }
            due = min(due ?? .max, boot)
        }
    }

    /// The next notice.
    func announcement(_ news: News, wall: Int64) -> Announcement {
        sequence += 1
        return Announcement(
            id: "\(life)-\(sequence)", sequence: sequence, unixMilliseconds: wall / 1_000_000,
            host: host, event: news.event, severity: news.severity, service: news.service,
            incident: news.incident, text: news.text)
    }
}
