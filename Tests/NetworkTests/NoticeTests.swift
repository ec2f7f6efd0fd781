import Configuration
import Foundation
import Glibc
import JSON
import Supervision
import Testing
import Worker

@Suite("regen-net notify", .serialized) struct NoticeTests {
    private static let news = Announcement(
        id: "1-1", sequence: 1, unixMilliseconds: 1, host: "h", event: "incident.open",
        severity: .warning, text: "web: failed")

    private func route(
        _ url: String, timeout: Interval = .seconds(5), _ change: (inout Webhook) -> Void = { _ in }
    ) -> OpenRoute {
        var webhook = Webhook(.url(url))
        webhook.timeout = timeout
        change(&webhook)
        return OpenRoute(name: "ops", webhook, url: url, authorization: "Bearer 1")
    }

    private func send(_ serial: Int, to worker: WorkerProcess, route: String = "ops") {
        worker.send(Delivery(serial: serial, route: route, Self.news))
    }

    private func deliver(_ route: OpenRoute) throws -> DeliveryAnswer {
        try WorkerProcess(telling: route).deliver(
            Delivery(serial: 1, route: "ops", Self.news))
    }

    @Test("what a server answers, however badly, is bounded, and has a reason")
    func hostile() throws {
        let server = try Server()
        let wait = Interval.seconds(2)
        let answers: [(String, DeliveryAnswer.Outcome, String)] = [
            ("/headers", .delivered, ""), ("/500", .failed, "HTTP 500"),
            ("/loop", .refused, "HTTP 302; redirects are not followed"),
            ("/to-file", .refused, "HTTP 302; redirects are not followed"),
            ("/endless-body", .delivered, ""), ("/slow", .delivered, ""),
            ("/short", .delivered, ""),
            ("/endless-headers", .failed, "answered more than 64 KiB of headers"),
            ("/slow-headers", .failed, "the answer was not complete within 2 s"),
            ("/hang", .failed, "no answer within 2 s"),
        ]
        for (path, outcome, reason) in answers {
            let answer = try deliver(route(server.url(path), timeout: wait))
            #expect(answer.outcome == outcome, "\(path): \(answer)")
            #expect(answer.reason == reason, "\(path): \(answer)")
            // It had all of it, and said neither yes nor no.
            #expect(answer.mayBeTold == (outcome == .failed && path != "/500"), "\(path)")
        }
        #expect(try !deliver(route("http://127.0.0.1:1/")).mayBeTold)
    }

    @Test("a certificate that is not good is not told anything, and no name is given away")
    func certificate() throws {
        let certificates = try Certificates()
        let paths = try certificates.make("other", days: 50, names: "DNS:b.example")
        let server = try Server(paths)
        let url = server.url("/headers", scheme: "https", host: "localhost")
        let unknown = try deliver(route(url))
        #expect(unknown.outcome == .failed)
        #expect(unknown.reason.hasPrefix("the certificate is not good"), "\(unknown)")
        let wrong = try deliver(route(url) { $0.authorities = paths[0] })
        #expect(wrong.outcome == .failed)
        #expect(!wrong.reason.contains("localhost"), "\(wrong)")
        #expect(try deliver(route(url) { $0.verify = false }).outcome == .delivered)
    }

    @Test("a name that nobody knows is not repeated") func name() throws {
        let answer = try deliver(route("http://secret-hook.invalid/x"))
        #expect(answer.outcome != .delivered)
        #expect(!answer.reason.contains("secret-hook"), "\(answer)")
    }

    @Test("authorities that cannot be read are told") func authorities() throws {
        let answer = try deliver(route("https://127.0.0.1:1/") { $0.authorities = "/nowhere" })
        #expect(answer.outcome == .failed)
        #expect(answer.reason.hasPrefix("no authorities: "), "\(answer)")
    }

    @Test("it talks to no route but the one that it was started with; one notice at a time")
    func others() throws {
        let server = try Server()
        let worker = try WorkerProcess(telling: route(server.url("/hang"), timeout: .seconds(3)))
        send(1, to: worker, route: "other")
        let other = try #require(DeliveryAnswer(line: try worker.line()))
        #expect(other.serial == 1 && other.outcome == .unknown)
        #expect(other.reason == "this worker knows no such route")
        send(2, to: worker)
        send(3, to: worker)
        let second = try #require(DeliveryAnswer(line: try worker.line()))
        #expect(second.serial == 3 && second.outcome == .unknown)
        #expect(try DeliveryAnswer(line: worker.line())?.serial == 2)
    }

    @Test("it is as confined as the other role, and keeps no descriptor of the secrets")
    func confined() throws {
        let worker = try WorkerProcess(telling: route("http://127.0.0.1:1/"))
        send(1, to: worker)
        #expect(try DeliveryAnswer(line: worker.line())?.outcome == .failed)
        #expect(try worker.status("CapEff") == "0000000000000000")
        #expect(try worker.status("NoNewPrivs") == "1")
        #expect(try worker.status("Seccomp") == "2")
        let fds = "/proc/\(worker.process.processIdentifier)/fd"
        let held = try FileManager.default.contentsOfDirectory(atPath: fds)
            .compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "\(fds)/\($0)")
            }
        #expect(!held.contains { $0.contains("(deleted)") }, "\(held)")
    }

    @Test("garbage ends it: as a route, and as a line") func garbage() throws {
        #expect(try WorkerProcess(reading: Array("[]".utf8)).end().code == 1)
        let worker = try WorkerProcess(telling: route("http://127.0.0.1:1/"))
        worker.send(Array("hello\n".utf8))
        #expect(worker.end().words.contains("no request, so I end: hello"))
    }

    @Test("is not entered by root", .enabled(if: geteuid() == 0)) func root() throws {
        #expect(try WorkerProcess(["notify"]).end().code == 2)
    }
}
