import CCurl
import Linux
import Worker

/// `regen-net notify`: tells people, over the route that it was started with and no other.
///
/// libcurl waits for a mail server's last words while nothing else runs; who has one route keeps no
/// other waiting, and its connections serve nobody who asks for more.
final class NoticeWorker: WorkerLoop {
    private let name: String
    /// Set as soon as there are transfers.
    private var post: Post!

    /// A worker that talks to regend over `socket`.
    init(_ socket: consuming UnixSocket, _ route: OpenRoute) throws(SystemError) {
        name = route.name
        try super.init(socket, longestLine: Delivery.longestLine)
        post = Post.ready(route, transfers)
    }

    deinit {
        if let easy = post?.easy, post.serial != nil { transfers.end(easy) }
    }

    override func take(_ line: [UInt8]) -> Bool {
        guard let delivery = Delivery(line: line) else { return false }
        guard delivery.route == name else {
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
        guard let serial = post.serial, let easy = post.easy else { return }
        post.serial = nil
        let end = post.end(code) { self.excuse(for: code) }
        var answer = DeliveryAnswer(
            serial: serial, end, microseconds: easy.largeNumber(CURLINFO_TOTAL_TIME_T))
        answer.mayBeTold = end.outcome != .delivered && end.status == nil && post.isSaid
        transfers.end(easy)
        self.answer { answer.write(into: &$0) }
    }

    private func answer(_ serial: Int, _ end: Post.End) {
        answer { DeliveryAnswer(serial: serial, end).write(into: &$0) }
    }
}

extension DeliveryAnswer {
    fileprivate init(serial: Int, _ end: Post.End, microseconds: Int64 = 0) {
        self.init(
            serial: serial, outcome: end.outcome, status: end.status,
            reason: onOneLine(end.reason), microseconds: microseconds)
    }
}
