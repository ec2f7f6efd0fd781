import CCurl
import Supervision
import Worker

/// A route that sends mail: libcurl speaks SMTP.
///
/// A connection over which a letter was taken is kept for a moment, so that a burst of notices needs one
/// login, and is then left: to say goodbye holds this thread for as long as the server likes.
final class MailPost: Post {
    /// A connection that was idle for longer is not used again, in seconds: servers end theirs later.
    private static let longestIdle = 30
    /// So many replies are remembered: more than a dialogue with the most recipients has.
    private static let mostReplies = 64

    private let mail: OpenRoute.Letterbox
    private var letter: [UInt8] = []
    private var sent = 0
    /// The codes of the server's replies to this attempt.
    private var replies: [Int] = []

    init(_ mail: OpenRoute.Letterbox, timeout: Interval, _ transfers: Transfers) {
        self.mail = mail
        super.init(timeout: timeout, transfers)
    }

    func prepare(_ route: OpenRoute) throws(Obstacle) -> Easy {
        let isSMTPS = mail.server.lowercased().hasPrefix("smtps:")
        let easy = try Easy.basic(
            url: mail.server, timeout: timeout, protocols: isSMTPS ? "smtps" : "smtp")
        try easy.believe(route.authorities, verify: route.verify)
        let usage = mail.isEncrypted ? CURLUSESSL_ALL : CURLUSESSL_NONE
        easy.set(CURLOPT_USE_SSL, Int(usage.rawValue))
        if let user = mail.user, let password = mail.password {
            easy.set(CURLOPT_USERNAME, user)
            easy.set(CURLOPT_PASSWORD, password)
            // What every server knows; nothing that would read this machine's Kerberos tickets.
            easy.set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN")
        }
        easy.set(CURLOPT_MAIL_FROM, "<\(mail.from)>")
        easy.set(CURLOPT_MAIL_RCPT, mail.to.map { "<\($0)>" })
        // Better one who hears it than nobody.
        easy.set(regen_curl_allow_refused_recipients, 1)
        easy.set(CURLOPT_MAXAGE_CONN, Self.longestIdle)
        // Where libcurl does say goodbye, it waits for so long.
        easy.set(CURLOPT_SERVER_RESPONSE_TIMEOUT, Int(timeout.nanoseconds / 1_000_000_000))
        easy.set(CURLOPT_UPLOAD, 1)
        easy.set(CURLOPT_READDATA, Unmanaged.passUnretained(self).toOpaque())
        easy.set(CURLOPT_READFUNCTION) { room, _, count, context in
            MailPost.at(context).read(
                into: UnsafeMutableRawBufferPointer(start: room, count: count))
        }
        return easy
    }

    override func say(_ announcement: Announcement, with easy: Easy) {
        super.say(announcement, with: easy)
        replies = []
        sent = 0
        letter = Letter(announcement, from: mail.from, to: mail.to).bytes
        length = letter.count
        easy.set(CURLOPT_INFILESIZE, length)
        // An answer that is late would be taken for the next one's.
        easy.set(CURLOPT_FORBID_REUSE, 1)
    }

    private func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        let part = letter[sent...].prefix(room.count)
        room.copyBytes(from: part)
        sent += part.count
        return part.count
    }

    /// The answer to libcurl's goodbye after a refusal.
    private static let goodbye = 221

    /// `250-SIZE 1000` goes on, `250 HELP` is a reply's last line.
    override func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        let digits = line.prefix(3)
        if replies.count < Self.mostReplies, line.dropFirst(3).first != UInt8(ascii: "-"),
            let code = Int(String(decoding: digits, as: UTF8.self)), code != Self.goodbye
        {
            replies.append(code)
            if isTaken { easy?.set(CURLOPT_FORBID_REUSE, 0) }
        }
        return super.takeHeader(line)
    }

    /// Once the server has taken the letter, nothing that follows counts: it would be sent twice.
    override func answer(_ code: CURLcode, _ easy: Easy) -> End? {
        let status = easy.number(CURLINFO_RESPONSE_CODE)
        if isTaken { return (.delivered, status, partly) }
        switch code {
        case CURLE_OK: return (.delivered, status, partly)
        case CURLE_USE_SSL_FAILED:
            return (.failed, nil, "the server has no STARTTLS; it was told nothing")
        case CURLE_LOGIN_DENIED where status < 400:
            return (.refused, nil, "the server takes neither PLAIN nor LOGIN")
        case CURLE_WEIRD_SERVER_REPLY where status < 400:
            return (.failed, nil, "what it answers is not SMTP")
        case CURLE_LOGIN_DENIED, CURLE_REMOTE_ACCESS_DENIED, CURLE_SEND_ERROR, CURLE_RECV_ERROR,
            CURLE_WEIRD_SERVER_REPLY:
            // An error of the connection is not what the server said before it.
            guard status >= 400, easy.number(CURLINFO_OS_ERRNO) == 0 else { return nil }
            let isSome = easy.complaint.hasPrefix("RCPT") && toRecipients.contains { $0 < 500 }
            return (
                isSome ? .failed : DeliveryAnswer.outcome(ofReply: status), status,
                "\(refused(code, easy.complaint)): SMTP \(status)"
            )
        default: return nil
        }
    }

    private func refused(_ code: CURLcode, _ complaint: String) -> String {
        if code == CURLE_LOGIN_DENIED { return "the login is refused" }
        if complaint.hasPrefix("MAIL") { return "the sender is refused" }
        if complaint.hasPrefix("RCPT") { return "every recipient is refused" }
        // The complaint may be about the goodbye.
        return complaint.isEmpty || replies.contains(354)
            ? "the mail is refused" : "the server refuses to talk"
    }

    /// Whether the last reply was to the letter itself, and says yes.
    private var isTaken: Bool {
        replies.dropLast().last == 354 && (200...299).contains(replies[replies.count - 1])
    }

    /// The replies to the recipients: the last ones before the letter itself.
    private var toRecipients: ArraySlice<Int> {
        let end = replies.lastIndex(of: 354) ?? replies.count
        return replies[..<end].suffix(mail.to.count)
    }

    /// Who does not get it.
    private var partly: String {
        let refusals = toRecipients.filter { $0 >= 400 }
        guard let code = refusals.last else { return "" }
        return "\(refusals.count) of \(mail.to.count) recipients are refused: SMTP \(code)"
    }
}
