import Foundation
import Glibc
import JSON
import Linux
import Testing

/// Debian's Python, which has Debian's aiosmtpd.
private let python = "/usr/bin/python3"

private let hasServer = FileManager.default.fileExists(
    atPath: "/usr/lib/python3/dist-packages/aiosmtpd")

@Suite(
    "people are told by mail", .enabled(if: hasServer, "python3-aiosmtpd is not installed"))
struct MailTests {
    private static let password = "pw-5c1f0a"
    private static let login = "login=regen:\(password)"

    /// One that needs a human as soon as it ends, and a mail server that behaves as these wishes say.
    /// `beside`: another route.
    private func ready(
        password: String = password, timeout: String = "30s", on occasions: String,
        beside: String = "", server wishes: [String]
    ) throws -> (Installation, server: Process) {
        let port = try Installation.freePort()
        let installation = try Installation(
            """
            cgroup: off
            notices:
              ops:
                mail:
                  server: smtp://localhost:\(port)
                  starttls: off
                  from: regen@example.org
                  to: [ops@example.org]
                  user: regen
                  password_file: @DIR@/password
                  timeout: \(timeout)
                on: \(occasions)
              \(beside)
            services:
              job: { command: [/bin/sh, -c, 'until [ -e @DIR@/end ]; do sleep 0.02; done; exit 1'],
                     restart: never }
              well: { command: [/bin/sleep, '1000'] }
            """)
        try installation.keepSecret("password", password + "\n")
        let script = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../NetworkTests/mailbox.py").path
        let server = try installation.run(
            [python, "-W", "ignore", script, installation.directory, "port=\(port)", Self.login]
                + wishes)
        try installation.until("the server listens") {
            access("\(installation.directory)/listening", F_OK) == 0
        }
        return (installation, server)
    }

    private func handOver(
        password: String = password, timeout: String = "30s",
        on occasions: String = "[incident.handover]", server wishes: String...
    ) throws -> (Installation, server: Process) {
        let (installation, server) = try ready(
            password: password, timeout: timeout, on: occasions, server: wishes)
        try installation.start()
        installation.touch("end")
        return (installation, server)
    }

    /// What the server got.
    private func mails(_ installation: Installation) throws -> [JSONValue] {
        try installation.jsonLines("mails")
    }

    @Test("a hand-over is a mail with what to type next, and the password is nowhere else")
    func delivered() throws {
        let (installation, server) = try handOver()
        defer { server.end() }
        try installation.until("notice.deliver")
        let mail = try #require(try mails(installation).first)
        #expect(mail["user"]?.string == "regen")
        #expect(mail["to"]?.array?.map(\.string) == ["ops@example.org"])
        #expect(mail["defects"]?.array?.isEmpty == true)
        let record = try #require(try installation.records("notice.deliver").first)
        let id = try #require(record["notice"]?.string)
        #expect(mail["headers"]?["message-id"]?.string?.hasPrefix("<\(id).") == true)
        let subject = try #require(mail["headers"]?["subject"]?.string)
        #expect(subject.contains("\(HostName.current): job: needs a human"), "\(subject)")
        let text = try #require(mail["text"]?.string)
        #expect(text.hasPrefix("job: needs a human (incident 1, "), "\(text)")
        #expect(text.contains("\n  regen explain 1\n  regen status job\n"), "\(text)")
        let ledger = "\(installation.state)/ledger"
        #expect(try installation.regen("explain", "1", ledger).output.contains("incident.handover"))

        let worker = try #require(try installation.worker("notify"))
        var places = try FileManager.default.subpathsOfDirectory(atPath: installation.state)
            .map { "\(installation.state)/\($0)" }
        for pid in [worker, installation.pid] {
            places += ["/proc/\(pid)/cmdline", "/proc/\(pid)/environ"]
        }
        #expect(places.count > 4)
        for place in places {
            let bytes = FileManager.default.contents(atPath: place) ?? Data()
            #expect(bytes.range(of: Data(Self.password.utf8)) == nil, "\(place)")
        }
        #expect(try !installation.regen("status", "--json").output.contains(Self.password))
    }

    @Test("a wrong password is given up and named; the right one works after a reload")
    func password() throws {
        let wrong = "wrong-77e0"
        let (installation, server) = try handOver(password: wrong)
        defer { server.end() }
        try installation.until("notice.giveup")
        let record = try #require(try installation.records("notice.giveup").first)
        #expect(record["attempts"]?.integer == 1)
        #expect(record["reason"]?.string == "the login is refused: SMTP 535")
        #expect(installation.text("logins").contains(wrong))
        let told = try installation.regen("status").output
        #expect(told.contains("route ops is failing for "), "\(told)")
        #expect(told.contains("the login is refused: SMTP 535"), "\(told)")
        for text in [told, installation.messages, "\(try installation.records())"] {
            #expect(!text.contains(wrong))
        }
        try installation.keepSecret("password", Self.password)
        #expect(try installation.regen("reload").status == 0)
        let trial = try installation.regen("notify", "ops")
        #expect(trial.status == 0, "\(trial)")
        #expect(try mails(installation).last?["text"]?.string?.hasPrefix("a test, by hand") == true)
    }

    @Test(
        "a server that thinks for long and says no goodbye is told once, and holds no other route",
        arguments: [["ops"], ["hook", "ops"]])
    func slow(routes: [String]) throws {
        let port = try Installation.freePort()
        let beside =
            "hook: { webhook: { url: 'http://127.0.0.1:\(port)/', timeout: 1s }, "
            + "on: [incident.handover] }"
        let (installation, server) = try ready(
            timeout: "6s", on: "[incident.handover]",
            beside: routes.count > 1 ? beside : "", server: ["slow=5", "silent=quit"])
        defer { server.end() }
        let hook = try NoticeTests().hook(installation, port)
        defer { hook.end() }
        try installation.start()
        installation.touch("end")
        try installation.until("notice.deliver", count: routes.count)
        let records = try installation.records("notice.deliver")
        #expect(records.map { $0["route"]?.string } == routes)
        #expect(records.allSatisfy { $0["attempts"]?.integer == 1 })
        #expect(try mails(installation).count == 1)
        #expect(try installation.records("worker.fail").isEmpty)
    }

    @Test("a refusal is heard, although the server thinks for long and says no goodbye")
    func rude() throws {
        let (installation, server) = try handOver(
            timeout: "4s", server: "slow=3", "data=554", "silent=quit")
        defer { server.end() }
        try installation.until("notice.giveup")
        let record = try #require(try installation.records("notice.giveup").first)
        #expect(record["attempts"]?.integer == 1)
        #expect(record["reason"]?.string == "the mail is refused: SMTP 554")
        #expect(try installation.records("worker.fail").isEmpty)
    }

    @Test("a server that takes mails and answers too late gets all of them, and status tells")
    func late() throws {
        let (installation, server) = try handOver(
            timeout: "1s", on: "[incident.open, incident.handover]", server: "slow=3")
        defer { server.end() }
        try installation.until("both are taken") {
            let told = try mails(installation).compactMap { $0["headers"]?["message-id"]?.string }
            return Set(told).count == 2
        }
        try installation.until("route.fail")
        let told = try installation.regen("status").output
        #expect(told.contains("route ops is failing for "), "\(told)")
        #expect(told.contains("the answer was not complete within 1 s"), "\(told)")
    }

    @Test("what is refused for now is told once, later") func again() throws {
        let (installation, server) = try handOver(server: "data=451,451,250")
        defer { server.end() }
        try installation.until("notice.deliver")
        #expect(try installation.records("notice.deliver").first?["attempts"]?.integer == 3)
        #expect(try installation.records("route.fail").count == 1)
        #expect(try mails(installation).count == 1)
        try installation.expect("well", ["process.start"])
    }
}
