import CCurl
import Linux
import Worker

/// `regen-net notify`: tells people, over the routes that it was started with and no others.
final class NoticeWorker: WorkerLoop {
    private var posts: [String: Post] = [:]

    /// A worker that talks to regend over `socket`.
    init(_ socket: consuming UnixSocket, routes: [OpenRoute]) throws(SystemError) {
        try super.init(socket, longestLine: Delivery.longestLine)
        for route in routes { posts[route.name] = Post.ready(route, transfers) }
    }

    deinit {
        for post in posts.values where post.serial != nil {
            if let easy = post.easy { transfers.end(easy) }
        }
    }

    override func take(_ line: [UInt8]) -> Bool {
        guard let delivery = Delivery(line: line) else { return false }
        guard let post = posts[delivery.route] else {
            answer(delivery.serial, (.unknown, nil, "this worker knows no such route"))
            return true
        }
        guard post.serial == nil else {
            answer(delivery.serial, (.unknown, nil, "another notice is still under way"))
            return true
        }
        guard let easy = post.easy else {
            answer(delivery.serial, (.failed, nil, post.obstacle ?? "nobody can be asked"))
            return true
        }
        post.say(delivery.announcement, with: easy)
        guard transfers.begin(easy) else {
            answer(delivery.serial, (.unknown, nil, "no memory for another transfer"))
            return true
        }
        post.serial = delivery.serial
        return true
    }

    override func ended(_ handle: UnsafeMutableRawPointer, _ code: CURLcode) {
        let post = Post.at(regen_curl_private(handle))
        guard let serial = post.serial, let easy = post.easy else { return }
        post.serial = nil
        let end = post.end(code) { self.excuse(for: code) }
        let microseconds = easy.largeNumber(CURLINFO_TOTAL_TIME_T)
        transfers.end(easy)
        answer(serial, end, microseconds)
    }

    private func answer(
        _ serial: Int, _ end: Post.End, _ microseconds: Int64 = 0
    ) {
        answer {
            DeliveryAnswer(
                serial: serial, outcome: end.outcome, status: end.status,
                reason: onOneLine(end.reason),
                microseconds: microseconds
            ).write(into: &$0)
        }
    }
}
