import CCurl
import Worker

/// A route with everything made ready for its notices: `WebhookPost` or `MailPost`.
class Post: Exchange {
    /// How an attempt ended; `status`: what the server said, where it said something.
    typealias End = (outcome: DeliveryAnswer.Outcome, status: Int?, reason: String)

    /// Why it can tell nobody.
    private(set) var obstacle: String?
    /// What the attempt has to say, in bytes.
    var length = 0

    /// What is wrong with the route is told by its attempts.
    static func ready(_ route: OpenRoute, _ transfers: Transfers) -> Post {
        switch route.way {
        case .webhook(let url, let headers):
            let post = WebhookPost(timeout: route.timeout, transfers)
            post.connect { () throws(Obstacle) in
                try WebhookPost.prepare(route, url: url, headers)
            }
            return post
        case .mail(let mail):
            let post = MailPost(mail, timeout: route.timeout, transfers)
            post.connect { () throws(Obstacle) in try post.prepare(route) }
            return post
        }
    }

    private func connect(_ prepare: () throws(Obstacle) -> Easy) {
        do throws(Obstacle) { connect(try prepare()) } catch { obstacle = error.text }
    }

    /// Has the next attempt say this.
    func say(_ announcement: Announcement, with easy: Easy) {
        reception.begin(keepingBody: false)
        easy.clearComplaint()
    }

    /// Whether the server has got all of it.
    final var isSaid: Bool {
        easy.map { $0.largeNumber(CURLINFO_SIZE_UPLOAD_T) >= length } ?? false
    }

    /// What a server said with its last word; `nil` where it is not the server's word that counts.
    func answer(_ code: CURLcode, _ easy: Easy) -> End? { nil }

    /// The same without what may be a part of a secret.
    func discreet(_ reason: String, _ easy: Easy) -> String { reason }

    /// What an ended transfer says.
    final func end(_ code: CURLcode, excuse: () -> String?) -> End {
        guard let easy else { return (.unknown, nil, obstacle ?? "nobody was asked") }
        if let answer = answer(code, easy) { return answer }
        if let shortage = reception.shortage ?? excuse() { return (.unknown, nil, shortage) }
        if reception.excess == .headers { return (.failed, nil, Trouble.tooManyHeaders) }
        switch Trouble(code, easy, self).finding {
        case .failed(let reason, _): return (.failed, nil, discreet(reason, easy))
        case .unknown(let reason): return (.unknown, nil, discreet(reason, easy))
        case .passed: return (.failed, nil, "no answer")
        }
    }
}
