import Configuration
import JSON
import Supervision
import Testing
import Worker

private func announcement(
    _ sequence: Int = 7, _ severity: Announcement.Severity = .warning, text: String = "web: failed"
) -> Announcement {
    Announcement(
        id: "1790000000000-\(sequence)", sequence: sequence, unixMilliseconds: 1_790_000_000_123,
        host: "h", event: "incident.open", severity: severity, service: "web@1", incident: 3,
        text: text)
}

private func answer(
    _ outcome: DeliveryAnswer.Outcome, status: Int? = nil, mayBeTold: Bool = false
) -> DeliveryAnswer {
    var answer = DeliveryAnswer(serial: 3, outcome: outcome, status: status)
    answer.mayBeTold = mayBeTold
    return answer
}

private func line(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var json = JSONWriter()
    write(&json)
    return json.bytes
}

@Suite("the lines between regend and regen-net notify") struct NoticeLineTests {
    @Test("a delivery is read as it was written") func delivery() {
        let delivery = Delivery(serial: 1 << 52, route: "ops", announcement())
        #expect(Delivery(line: line(delivery.write)) == delivery)
        var plain = announcement()
        plain.service = nil
        plain.incident = nil
        let other = Delivery(serial: 0, route: "a", plain)
        #expect(Delivery(line: line(other.write)) == other)
    }

    @Test("the body that a webhook gets stays as it is documented") func body() {
        let body = String(decoding: line(announcement().write), as: UTF8.self)
        #expect(
            body == #"{"id":"1790000000000-7","sequence":7,"time_unix_ms":1790000000123,"#
                + #""host":"h","event":"incident.open","severity":"warning","#
                + #""service":"web@1","incident":3,"text":"web: failed"}"#)
    }

    @Test("whatever a text holds, a line has a bound and is read") func bound() throws {
        for piece in ["\u{0}", "\u{1}", "\u{1F600}", "\"", "x"] {
            let text = String(repeating: piece, count: 9999)
            var long = announcement(text: text)
            long.id = text
            long.host = text
            long.event = text
            long.service = text
            let line = line(Delivery(serial: 1, route: "ops", long).write)
            #expect(line.count <= Delivery.longestLine)
            #expect(Delivery(line: line) != nil)
        }
    }

    @Test(
        "what is no delivery is none",
        arguments: [
            "", "{}", "[]", #"{"deliver":1}"#, #"{"deliver":-1,"route":"a","notice":{}}"#,
            #"{"deliver":1,"route":"a","notice":{"id":"1"}}"#,
        ])
    func noDelivery(text: String) { #expect(Delivery(line: Array(text.utf8)) == nil) }

    @Test("an answer is read as it was written; a reason that is too long is cut or refused")
    func answer() {
        for outcome in DeliveryAnswer.Outcome.allCases {
            var answer = DeliveryAnswer(
                serial: 3, outcome: outcome, status: 204, reason: "x", microseconds: 5)
            answer.mayBeTold = outcome == .unknown
            #expect(DeliveryAnswer(line: line(answer.write)) == answer)
        }
        let long = DeliveryAnswer(
            serial: 3, outcome: .failed, reason: String(repeating: "\u{1}", count: 9999))
        let written = line(long.write)
        #expect(written.count <= DeliveryAnswer.longestLine)
        #expect(DeliveryAnswer(line: written)?.reason.utf8.count == DeliveryAnswer.longestReason)
        let lie = #"{"serial":1,"outcome":"failed","us":1,"reason":""#
        let bytes = Array((lie + String(repeating: "x", count: 301) + "\"}").utf8)
        #expect(DeliveryAnswer(line: bytes) == nil)
    }

    @Test("a route is read as it was written, with its secrets") func routes() {
        var webhook = Webhook(.file("/run/url"))
        webhook.headers = [.init("X-Team", "ops")]
        webhook.authorities = "/etc/ca.pem"
        webhook.timeout = .seconds(60)
        let route = OpenRoute(
            name: "ops", webhook, url: "https://h/x", authorization: "Bearer 1")
        let headers = webhook.headers + [.init("Authorization", "Bearer 1")]
        #expect(route.way == .webhook(url: "https://h/x", headers: headers))
        var mail = Mail(server: "smtp://h:25", from: "a@h", to: ["b@h", "c@h"])
        mail.user = "a"
        let routes = [
            route, OpenRoute(name: "mail", mail, password: "pw"),
            OpenRoute(
                name: "plain", Mail(server: "smtps://h", from: "a@h", to: ["b@h"]), password: nil),
        ]
        for route in routes { #expect(OpenRoute(line(route.write)) == route) }
        #expect(OpenRoute(Array("{}".utf8)) == nil)
    }

    @Test("the largest route has room in what the worker reads") func largest() {
        let bell = "\u{7}"
        var webhook = Webhook(.file("/"))
        webhook.headers = [.init("X", String(repeating: bell, count: 8 << 10))]
        webhook.authorities = "/" + String(repeating: bell, count: 4094)
        let route = OpenRoute(
            name: String(repeating: "n", count: 64), webhook,
            url: String(repeating: "\"", count: 2048),
            authorization: String(repeating: "é", count: 4 << 10))
        #expect(line(route.write).count <= OpenRoute.mostBytes)
    }

    @Test(
        "which reply of a mail server is what",
        arguments: [
            (250, .delivered), (421, .failed), (450, .failed), (499, .failed), (500, .refused),
            (550, .refused), (599, .refused), (354, .failed), (0, .failed), (600, .failed),
        ] as [(Int, DeliveryAnswer.Outcome)])
    func reply(code: Int, outcome: DeliveryAnswer.Outcome) {
        #expect(DeliveryAnswer.outcome(ofReply: code) == outcome)
    }

    @Test(
        "which status is what",
        arguments: [
            (200, .delivered), (204, .delivered), (299, .delivered), (301, .refused),
            (302, .refused), (400, .refused), (401, .refused), (404, .refused), (499, .refused),
            (408, .failed), (425, .failed), (429, .failed), (500, .failed), (503, .failed),
            (100, .failed), (0, .failed), (999, .failed),
        ] as [(Int, DeliveryAnswer.Outcome)])
    func status(status: Int, outcome: DeliveryAnswer.Outcome) {
        #expect(DeliveryAnswer.outcome(ofStatus: status) == outcome)
    }
}

@Suite("what waits to be told") struct BacklogTests {
    private let second: Int64 = 1_000_000_000

    @Test("one at a time, in order; nothing is due while one is under way") func order() throws {
        var backlog = Backlog()
        #expect(backlog.take(at: 0) == nil)
        for n in 1...3 { #expect(backlog.add(announcement(n), at: 5) == nil) }
        for n in 1...3 {
            #expect(try #require(backlog.due) <= 5)
            #expect(backlog.take(at: 5)?.sequence == n)
            #expect(backlog.take(at: 5) == nil)
            guard case .delivered(let item) = backlog.settle(answer(.delivered), at: 6) else {
                Issue.record("not delivered")
                return
            }
            #expect(item.announcement.sequence == n && item.attempts == 1)
        }
        #expect(backlog.count == 0 && backlog.due == nil)
    }

    @Test("pauses double from 1 s to 5 min and end with a success") func pauses() {
        var backlog = Backlog()
        _ = backlog.add(announcement(), at: 0)
        var now: Int64 = 0
        var pauses: [Int64] = []
        for n in 1...12 {
            #expect(backlog.take(at: now) != nil)
            #expect(backlog.settle(answer(.failed), at: now) == .postponed(isNew: n == 1))
            let due = backlog.due ?? 0
            #expect(backlog.take(at: due - 1) == nil)
            pauses.append((due - now) / second)
            now = due
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
        #expect(backlog.failingSince == 0)
        _ = backlog.take(at: now)
        _ = backlog.settle(answer(.delivered), at: now)
        #expect(backlog.failingSince == nil)
        _ = backlog.add(announcement(), at: now)
        _ = backlog.take(at: now)
        #expect(backlog.settle(answer(.failed), at: now) == .postponed(isNew: true))
        #expect(backlog.due == now + second)
    }

    @Test("after silence the same one comes again; after a refusal by status the next one first")
    func turns() {
        var backlog = Backlog()
        for n in 1...2 { _ = backlog.add(announcement(n), at: 0) }
        #expect(backlog.take(at: 0)?.sequence == 1)
        _ = backlog.settle(answer(.failed), at: 0)
        #expect(backlog.take(at: 10 * second)?.sequence == 1)
        _ = backlog.settle(answer(.failed, status: 500), at: 10 * second)
        #expect(backlog.take(at: 20 * second)?.sequence == 2)
        _ = backlog.settle(answer(.delivered), at: 20 * second)
        #expect(backlog.take(at: 20 * second)?.sequence == 1)
    }

    @Test("a worker's own trouble is no failure of the route, but pauses too; again, it is one")
    func unknown() {
        var backlog = Backlog()
        _ = backlog.add(announcement(), at: 0)
        _ = backlog.take(at: 0)
        #expect(backlog.settle(answer(.unknown), at: 0) == .postponed(isNew: false))
        #expect(backlog.failingSince == nil)
        #expect(backlog.due == second)
        #expect(backlog.take(at: second) != nil)
        #expect(backlog.settle(answer(.unknown), at: second) == .postponed(isNew: true))
        #expect(backlog.failingSince == second)
        backlog.retryNow()
        #expect(backlog.take(at: 0) != nil)
    }

    @Test("what may have been told is told again ever more rarely, and keeps nobody waiting")
    func perhaps() throws {
        var backlog = Backlog()
        _ = backlog.add(announcement(1), at: 0)
        var now: Int64 = 0
        var times: [Int64] = []
        while backlog.take(at: now) != nil {
            times.append(now)
            _ = backlog.settle(answer(.failed, mayBeTold: true), at: now)
            now = try #require(backlog.due)
        }
        #expect(now == Backlog.longestLife && times.count == 35)
        let pauses = zip(times.dropFirst(), times).map { ($0 - $1) / second }
        #expect(pauses.prefix(13) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600])
        #expect(pauses.dropFirst(13).allSatisfy { $0 == 3600 })
        _ = backlog.expire(at: now)
        // Each has its own pause; the route's goes on for all.
        backlog.retryNow()
        for n in 2...3 { _ = backlog.add(announcement(n), at: now) }
        for n in [2, 3] {
            now = max(now, try #require(backlog.due))
            #expect(backlog.take(at: now)?.sequence == n)
            _ = backlog.settle(answer(.unknown, mayBeTold: true), at: now)
        }
        now = try #require(backlog.due)
        #expect(backlog.take(at: now)?.sequence == 2)
        _ = backlog.settle(answer(.delivered), at: now)
        #expect(backlog.take(at: now)?.sequence == 3)
    }

    @Test("what is refused is given up at once, and the next one need not wait") func refused() {
        var backlog = Backlog()
        for n in 1...2 { _ = backlog.add(announcement(n), at: 0) }
        _ = backlog.take(at: 0)
        guard case .givenUp(let item) = backlog.settle(answer(.refused), at: 0) else {
            Issue.record("not given up")
            return
        }
        #expect(item.announcement.sequence == 1)
        #expect(backlog.failingSince == 0)
        #expect(backlog.take(at: 0)?.sequence == 2)
    }

    @Test("after so many attempts, or a day, it is given up") func end() {
        var backlog = Backlog()
        _ = backlog.add(announcement(), at: 0)
        for attempt in 1...Backlog.mostAttempts {
            #expect(backlog.take(at: 0) != nil)
            let end = backlog.settle(answer(.failed), at: 0)
            backlog.retryNow()
            if case .givenUp(let item) = end {
                #expect(attempt == Backlog.mostAttempts && item.attempts == attempt)
            } else {
                #expect(attempt < Backlog.mostAttempts)
            }
        }
        #expect(backlog.count == 0)
        _ = backlog.add(announcement(8), at: 0)
        #expect(backlog.expire(at: Backlog.longestLife - 1).isEmpty)
        #expect(backlog.expiry == Backlog.longestLife)
        #expect(backlog.expire(at: Backlog.longestLife).map(\.announcement.sequence) == [8])
        #expect(backlog.count == 0)
    }

    @Test("a full one drops the oldest of those that matter least, be it the new one") func full() {
        var backlog = Backlog()
        for n in 1...Backlog.mostWaiting {
            #expect(
                backlog.add(announcement(n, n == 5 || n == 9 ? .info : .critical), at: 0) == nil)
        }
        #expect(backlog.add(announcement(1000, .critical), at: 0)?.sequence == 5)
        #expect(backlog.add(announcement(1001, .info), at: 0)?.sequence == 9)
        #expect(backlog.add(announcement(1002, .critical), at: 0)?.sequence == 1001)
        #expect(backlog.add(announcement(1003, .warning), at: 0)?.sequence == 1003)
        #expect(backlog.add(announcement(1004, .critical), at: 0)?.sequence == 1)
        #expect(backlog.count == Backlog.mostWaiting)
    }

    @Test("an end that nobody waits for means nothing") func stray() {
        var backlog = Backlog()
        #expect(backlog.settle(answer(.failed), at: 0) == nil)
        #expect(backlog.failingSince == nil)
    }
}
