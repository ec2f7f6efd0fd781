import Configuration
import Foundation
import Glibc
import JSON
import Supervision
import Testing
import Worker

@Suite(
    "mail", .serialized, .enabled(if: Mailbox.isThere, "python3-aiosmtpd is not installed"))
struct MailTests {
    private static let news = Announcement(
        id: "1795256222233-2", sequence: 2, unixMilliseconds: 1_795_256_222_255, host: "vm",
        event: "incident.handover", severity: .critical, service: "job@2", incident: 7,
        text: "job@2: needs a human (incident 7, restart-never); see: regen status job@2")
    private static let password = "correct horse \"Ω\""
    private static let login = "login=regen@example.org:\(password)"

    private func route(
        _ mailbox: Mailbox, scheme: String = "smtp", host: String = "127.0.0.1",
        password: String? = nil, _ change: (inout Mail) -> Void = { _ in }
    ) -> OpenRoute {
        var mail = Mail(
            server: "\(scheme)://\(host):\(mailbox.port)", from: "regen@example.org",
            to: ["ops@example.org"])
        mail.starttls = .off
        mail.timeout = .seconds(5)
        if password != nil { mail.user = "regen@example.org" }
        change(&mail)
        return OpenRoute(name: "ops", mail, password: password)
    }

    private func deliver(
        _ worker: WorkerProcess, _ news: Announcement = news, serial: Int = 1
    ) throws -> DeliveryAnswer {
        try worker.deliver(Delivery(serial: serial, route: "ops", news))
    }

    private func deliver(
        _ route: OpenRoute, _ news: Announcement = news
    ) throws -> DeliveryAnswer {
        try deliver(WorkerProcess(telling: route), news)
    }

    private func certificate(for names: String) throws -> (Certificates, [String], pem: String) {
        let certificates = try Certificates()
        let paths = try certificates.make("mail", days: 50, names: names)
        return (certificates, ["certificate=\(paths[0])", "key=\(paths[1])"], paths[0])
    }

    // MARK: - Told

    @Test("a notice is a whole mail, that a standard reader takes without a complaint")
    func whole() throws {
        let mailbox = try Mailbox()
        let route = route(mailbox) { $0.to = ["ops@example.org", "night@example.org"] }
        #expect(try deliver(route).outcome == .delivered)
        let mail = try #require(try mailbox.mails().first)
        #expect(mail["from"]?.string == "regen@example.org")
        #expect(mail["to"]?.array?.map(\.string) == ["ops@example.org", "night@example.org"])
        #expect(mail["defects"]?.array?.isEmpty == true, "\(mail)")
        #expect(mail["ascii"]?.bool == true)
        let headers = try #require(mail["headers"])
        let expected = [
            "from": "regen@example.org", "to": "ops@example.org, night@example.org",
            "subject": "[regen] vm: \(Self.news.text)", "date": "Sat, 21 Nov 2026 10:17:02 +0000",
            "message-id": "<1795256222233-2.vm@example.org>", "mime-version": "1.0",
            "auto-submitted": "auto-generated", "content-type": "text/plain; charset=\"utf-8\"",
            "content-transfer-encoding": "quoted-printable",
        ]
        for (name, value) in expected { #expect(headers[name]?.string == value, "\(headers)") }
        #expect(headers.object?.count == expected.count, "\(headers)")
        let text = """
            \(Self.news.text)

            event: incident.handover (critical)
            service: job@2
            incident: 7
            time: 2026-11-21T10:17:02Z
            host: vm
            notice: 1795256222233-2

            Next, on vm:
              regen explain 7
              regen status job@2

            """
        #expect(mail["text"]?.string == text, "\(mail)")
    }

    @Test(
        "whatever a notice says arrives as it was said: dots, =, spaces, words of other alphabets, length",
        arguments: [
            ".", "..", ". a line that begins with a dot", "a = b; c=3D  d", "=?utf-8?q?=41?=",
            "Dienst läuft nicht: Größe überschritten", "сервис упал 🔥 𝒳 日本語",
            String(repeating: ".", count: 512), String(repeating: "é", count: 256),
            String(repeating: "long words ", count: 46),
            "e\u{301}" + String(repeating: "=", count: 200),
        ])
    func text(_ text: String) throws {
        let mailbox = try Mailbox()
        var news = Self.news
        news.text = text
        news.host = "größe..vm"
        #expect(try deliver(route(mailbox), news).outcome == .delivered)
        let mail = try #require(try mailbox.mails().first)
        #expect(mail["defects"]?.array?.isEmpty == true, "\(mail)")
        #expect(mail["ascii"]?.bool == true)
        #expect(try #require(mail["longest"]?.integer) <= 250)
        let told = try #require(mail["text"]?.string)
        #expect(told.hasPrefix("\(text)\n\nevent: "), "\(mail)")
        #expect(told.hasSuffix("\n  regen status job@2\n"), "\(mail)")
        let subject = try #require(mail["headers"]?["subject"]?.string)
        let whole = "[regen] größe..vm: \(text)"
        if whole.utf8.count <= 200 {
            #expect(subject == whole)
        } else {
            #expect(subject.hasSuffix("...") && whole.hasPrefix(subject.dropLast(3)), "\(subject)")
        }
        let id = mail["headers"]?["message-id"]?.string
        #expect(id == "<1795256222233-2.gr----e--vm@example.org>")
    }

    @Test("control characters end no line, header or mail") func control() throws {
        let mailbox = try Mailbox()
        var news = Self.news
        news.text = "a\r\n.\r\nQUIT\r\nBcc: c@example.org\u{1b}[31m"
        news.host = "h\r\nBcc: c@example.org"
        news.service = "s\n.\n"
        #expect(try deliver(route(mailbox), news).outcome == .delivered)
        let mail = try #require(try mailbox.mails().first)
        #expect(mail["headers"]?["bcc"] == nil)
        #expect(mail["to"]?.array?.count == 1)
        #expect(mail["defects"]?.array?.isEmpty == true, "\(mail)")
        #expect(mail["text"]?.string?.hasPrefix("a??.??QUIT??Bcc: c@example.org?[31m\n") == true)
    }

    @Test(
        "the same notice is the same mail; others go over the same connection, with one login",
        arguments: ["tls=first", "tls=starttls"])
    func again(tls: String) throws {
        let (_keep, files, pem) = try certificate(for: "DNS:localhost")
        defer { withExtendedLifetime(_keep) {} }
        let mailbox = try Mailbox(tls, Self.login, files[0], files[1])
        let scheme = tls == "tls=first" ? "smtps" : "smtp"
        let worker = try WorkerProcess(
            telling: route(mailbox, scheme: scheme, host: "localhost", password: Self.password) {
                $0.starttls = .required
                $0.authorities = pem
            })
        for serial in 1...3 {
            #expect(try deliver(worker, serial: serial).outcome == .delivered)
        }
        let mails = try mailbox.mails()
        #expect(mails.count == 3)
        #expect(Set(mails.compactMap { $0["raw"]?.string }).count == 1)
        #expect(mails.allSatisfy { $0["tls"]?.bool == true })
        #expect(mails.allSatisfy { $0["user"]?.string == "regen@example.org" })
        #expect(try mailbox.logins() == ["regen@example.org:\(Self.password)"])
    }

    @Test("a connection becomes an encrypted one before anybody logs in") func starttls() throws {
        let (_keep, files, pem) = try certificate(for: "DNS:localhost")
        defer { withExtendedLifetime(_keep) {} }
        let mailbox = try Mailbox("tls=starttls", Self.login, files[0], files[1])
        let route = route(mailbox, host: "localhost", password: Self.password) {
            $0.starttls = .required
            $0.authorities = pem
        }
        let answer = try deliver(route)
        #expect(answer.outcome == .delivered, "\(answer)")
        #expect(try mailbox.mails().first?["tls"]?.bool == true)
        #expect(try mailbox.mails().first?["user"]?.string == "regen@example.org")
    }

    // MARK: - Not told

    @Test("a server without STARTTLS is told nothing where that is required") func stripped() throws
    {
        let mailbox = try Mailbox("tls=none", Self.login)
        let answer = try deliver(
            route(mailbox, password: Self.password) { $0.starttls = .required })
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "the server has no STARTTLS; it was told nothing")
        #expect(try mailbox.logins() == [] && mailbox.mails().isEmpty)
    }

    @Test("a mail route speaks nothing but SMTP, a webhook nothing but HTTP") func protocols()
        throws
    {
        let web = try Server()
        let mail = Mail(
            server: "http://127.0.0.1:\(web.port)", from: "a@example.org", to: ["b@example.org"])
        #expect(try deliver(OpenRoute(name: "ops", mail, password: nil)).outcome == .failed)
        let mailbox = try Mailbox()
        let url = "smtp://127.0.0.1:\(mailbox.port)"
        let hook = OpenRoute(name: "ops", Webhook(.url(url)), url: url, authorization: nil)
        #expect(try deliver(hook).outcome == .failed)
        var count = HTTPProbe(url: web.url("/count"))
        count.contains = "1"
        #expect(try WorkerProcess().look(.http(count)).outcome == .passed)
    }

    @Test("a certificate that is not good is told nothing") func certificate() throws {
        let (_keep, files, pem) = try certificate(for: "DNS:b.example")
        defer { withExtendedLifetime(_keep) {} }
        for (tls, scheme) in [("first", "smtps"), ("starttls", "smtp")] {
            let mailbox = try Mailbox("tls=\(tls)", Self.login, files[0], files[1])
            func answer(_ change: (inout Mail) -> Void) throws -> DeliveryAnswer {
                try deliver(
                    route(mailbox, scheme: scheme, host: "localhost", password: Self.password) {
                        $0.starttls = .required
                        change(&$0)
                    })
            }
            let unknown = try answer { _ in }
            #expect(unknown.outcome == .failed)
            #expect(unknown.reason.hasPrefix("the certificate is not good"), "\(unknown)")
            let wrong = try answer { $0.authorities = pem }
            #expect(wrong.outcome == .failed)
            #expect(wrong.reason == "the certificate is for b.example, not localhost", "\(wrong)")
            #expect(try mailbox.logins() == [] && mailbox.mails().isEmpty)
            #expect(try answer { $0.verify = false }.outcome == .delivered)
        }
    }

    @Test("a wrong password is given up, and told to nobody") func password() throws {
        let (_keep, files, pem) = try certificate(for: "DNS:localhost")
        defer { withExtendedLifetime(_keep) {} }
        let mailbox = try Mailbox("tls=first", Self.login, files[0], files[1])
        let answer = try deliver(
            route(mailbox, scheme: "smtps", host: "localhost", password: "s3cret") {
                $0.authorities = pem
            })
        #expect(answer.outcome == .refused && answer.status == 535)
        #expect(answer.reason == "the login is refused: SMTP 535")
        #expect(try mailbox.logins() == ["regen@example.org:s3cret"])
        #expect(try mailbox.mails().isEmpty)
    }

    @Test(
        "what a server answers has a meaning and a reason",
        arguments: [
            ("rcpt=550", 1, .refused, "every recipient is refused: SMTP 550"),
            ("rcpt=450", 1, .failed, "every recipient is refused: SMTP 450"),
            ("rcpt=450,550", 2, .failed, "every recipient is refused: SMTP 550"),
            ("rcpt=550,550", 2, .refused, "every recipient is refused: SMTP 550"),
            ("rcpt=550,250,250", 3, .delivered, "1 of 3 recipients are refused: SMTP 550"),
            ("rcpt=250,450", 2, .delivered, "1 of 2 recipients are refused: SMTP 450"),
            ("data=451", 1, .failed, "the mail is refused: SMTP 451"),
            ("data=554", 1, .refused, "the mail is refused: SMTP 554"),
            ("login=a:b", 1, .refused, "the sender is refused: SMTP 530"),
        ] as [(String, Int, DeliveryAnswer.Outcome, String)])
    func answers(
        wish: String, recipients: Int, outcome: DeliveryAnswer.Outcome, reason: String
    ) throws {
        let mailbox = try Mailbox(wish)
        let answer = try deliver(
            route(mailbox) { $0.to = (0..<recipients).map { "ops\($0)@example.org" } })
        #expect(answer.outcome == outcome, "\(answer)")
        #expect(answer.reason == reason, "\(answer)")
        #expect(try mailbox.mails().count == (outcome == .delivered ? 1 : 0))
    }

    @Test("what is refused for now is told once, later, over the same route") func later() throws {
        let mailbox = try Mailbox("data=451,250")
        let worker = try WorkerProcess(telling: route(mailbox))
        #expect(try deliver(worker, serial: 1).outcome == .failed)
        #expect(try deliver(worker, serial: 2).outcome == .delivered)
        #expect(try mailbox.mails().count == 1)
    }

    @Test(
        "a server that says nothing more is given up in time, and not waited for when all is said",
        arguments: ["greeting", "data", "quit"])
    func silent(when: String) throws {
        let mailbox = try Mailbox("silent=\(when)")
        let answer = try deliver(route(mailbox) { $0.timeout = .seconds(4) })
        switch when {
        case "greeting": #expect(answer.reason == "no answer within 4 s", "\(answer)")
        case "data":
            #expect(answer.reason == "the answer was not complete within 4 s", "\(answer)")
        default: break
        }
        #expect(answer.outcome == (when == "quit" ? .delivered : .failed), "\(answer)")
        #expect(answer.mayBeTold == (when == "data"))
    }

    @Test("a refusal is told although the server does not say goodbye") func rude() throws {
        let mailbox = try Mailbox("silent=quit", "rcpt=550")
        let answer = try deliver(route(mailbox) { $0.timeout = .seconds(4) })
        #expect(answer.outcome == .refused && answer.status == 550, "\(answer)")
    }

    @Test("what is no mail server is told nothing") func strangers() throws {
        let web = try Server()
        var mail = Mail(
            server: "smtp://127.0.0.1:\(web.port)", from: "a@example.org", to: ["b@example.org"])
        mail.timeout = .seconds(4)
        #expect(
            try deliver(OpenRoute(name: "ops", mail, password: nil)).reason
                == "no answer within 4 s")
        let mailbox = try Mailbox()
        mail.server = "smtps://127.0.0.1:\(mailbox.port)"
        let plain = try deliver(OpenRoute(name: "ops", mail, password: nil))
        #expect(plain.outcome == .failed)
        #expect(plain.reason == "no TLS connection: wrong version number", "\(plain)")
        mail.server = "smtp://127.0.0.1:1"
        let nobody = try deliver(OpenRoute(name: "ops", mail, password: nil))
        #expect(nobody.outcome == .failed && nobody.reason == "connection refused")
        mail.server = "smtp://mail.invalid"
        let unknown = try deliver(OpenRoute(name: "ops", mail, password: nil))
        #expect(unknown.outcome != .delivered, "\(unknown)")
    }

    @Test("a worker that mails is as confined as any") func confined() throws {
        let mailbox = try Mailbox()
        let worker = try WorkerProcess(telling: route(mailbox))
        #expect(try deliver(worker).outcome == .delivered)
        #expect(try worker.status("CapEff") == "0000000000000000")
        #expect(try worker.status("Seccomp") == "2")
    }
}
