import Configuration
import Foundation
import Supervision
import Testing
import Worker

@Suite("an HTTP probe", .serialized) struct HTTPTests {
    let server: Server
    let worker: WorkerProcess

    init() throws {
        server = try Server()
        worker = try WorkerProcess()
    }

    private func look(
        _ path: String, timeout: Interval = .seconds(5),
        _ change: (inout HTTPProbe) -> Void = { _ in }
    ) throws -> Answer {
        var probe = HTTPProbe(url: server.url(path))
        change(&probe)
        return try worker.look(.http(probe), timeout: timeout)
    }

    @Test("a good answer passes, and says how long it took") func good() throws {
        let answer = try look("/count")
        #expect(answer.outcome == .passed)
        #expect(answer.microseconds > 0)
        #expect(answer.reason == "")
    }

    @Test("another status fails with both") func status() throws {
        #expect(try look("/500").reason == "HTTP 500, expected 200-299")
        #expect(
            try look("/500") { $0.status = [200...204, 404...404] }.reason
                == "HTTP 500, expected 200-204 or 404")
        #expect(try look("/500") { $0.status = [500...500] }.outcome == .passed)
    }

    @Test("a text that is there, and one that is not") func contains() throws {
        #expect(try look("/nul") { $0.contains = "after" }.outcome == .passed)
        let answer = try look("/nul") { $0.contains = "nobody" }
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "the answer does not contain 'nobody'")
    }

    @Test("a regular expression sees lines, and bytes behind a NUL") func matches() throws {
        #expect(try look("/nul") { $0.matches = "after$" }.outcome == .passed)
        let answer = try look("/nul") { $0.matches = "^after" }
        #expect(answer.reason == "the answer does not match '^after'")
        #expect(try look("/latin") { $0.matches = "." }.outcome == .passed)
    }

    @Test("a wrong regular expression is nobody's fault but the configuration's")
    func wrongExpression() throws {
        let answer = try look("/nul") { $0.matches = "(" }
        #expect(answer.outcome == .unknown)
        #expect(answer.reason.hasPrefix("the regular expression is wrong: "))
    }

    @Test("method and headers arrive, and no compression is asked for") func request() throws {
        #expect(
            try look("/method") {
                $0.method = "OPTIONS"
                $0.contains = "OPTIONS"
            }.outcome == .passed)
        #expect(try look("/500") { $0.method = "HEAD" }.reason.hasPrefix("HTTP 500"))
        #expect(
            try look("/headers") {
                $0.headers = [.init("X-Who", "regen"), .init("X-Empty", "")]
                $0.matches = "^x-who: regen$"
            }.outcome == .passed)
        #expect(
            try look("/headers") { $0.matches = "^accept-encoding: identity$" }.outcome == .passed)
    }

    @Test("a text behind the first 64 KiB is not searched for") func lateWord() throws {
        #expect(try look("/late-word") { $0.contains = "word" }.outcome == .failed)
        #expect(try look("/late-word").outcome == .passed)
    }

    @Test("one connection serves many looks of many probes") func reuse() throws {
        for _ in 0..<20 { #expect(try look("/nul").outcome == .passed) }
        #expect(try look("/count") { $0.matches = "^1$" }.outcome == .passed)
    }

    @Test("a connection that the server has closed is no failure") func closedMeanwhile() throws {
        for _ in 0..<5 { #expect(try look("/once-only").outcome == .passed) }
    }

    @Test("within less than the time-out") func within() throws {
        let answer = try look("/hang") { $0.within = .milliseconds(150) }
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "no answer within 150 ms")
    }

    @Test("redirects are followed only so far as told") func redirects() throws {
        #expect(try look("/once").reason == "HTTP 302, expected 200-299")
        #expect(try look("/once") { $0.redirects = 1 }.reason == "HTTP 500, expected 200-299")
        let answer = try look("/once") {
            $0.redirects = 1
            $0.status = [500...500]
            $0.contains = "word"
        }
        #expect(answer.outcome == .failed, "the body of the redirect was searched")
    }

    @Test("nobody there") func refused() throws {
        let answer = try worker.look(.http(HTTPProbe(url: "http://127.0.0.1:1/")))
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "connection refused")
    }

    @Test("a name that nobody has, looked up in a thread inside the sandbox") func noSuchName()
        throws
    {
        let answer = try worker.look(.http(HTTPProbe(url: "http://no.such.invalid/")))
        #expect(answer.outcome == .failed)
        #expect(answer.reason.hasPrefix("no address of no.such.invalid"), "\(answer.reason)")
    }

    @Test("what is no URL for us says nothing of the service") func noURL() throws {
        let answer = try worker.look(.http(HTTPProbe(url: "http://[12345::1]/")))
        #expect(answer.outcome == .unknown)
        #expect(answer.reason.hasPrefix("not a URL that can be asked"))
    }
}

@Suite("hostile answers", .serialized) struct HostileTests {
    let server: Server
    let worker: WorkerProcess

    init() throws {
        server = try Server()
        worker = try WorkerProcess()
    }

    /// The look fails with this reason, and costs no memory worth mentioning.
    private func expect(
        _ path: String, _ reason: String, redirects: Int = 0,
        within timeout: Interval = .seconds(30),
        location: SourceLocation = #_sourceLocation
    ) throws {
        var probe = HTTPProbe(url: server.url(path))
        probe.contains = "nothing of it"
        probe.redirects = redirects
        let answer = try worker.look(.http(probe), timeout: timeout)
        #expect(answer.outcome == .failed, sourceLocation: location)
        #expect(answer.reason == reason, sourceLocation: location)
        let peak = try #require(Int(worker.status("VmHWM").split(separator: " ")[0]))
        #expect(peak < 48 << 10, "\(peak) kB", sourceLocation: location)
    }

    @Test("an endless body") func body() throws {
        try expect("/endless-body", "answered more than 1 MiB")
    }

    @Test("exactly 1 MiB is not more") func megabyte() throws {
        let answer = try worker.look(.http(HTTPProbe(url: server.url("/megabyte"))))
        #expect(answer.outcome == .passed)
    }

    @Test("endless headers, many or one") func headers() throws {
        try expect("/endless-headers", "answered more than 64 KiB of headers")
        try expect("/endless-header", "answered more than 64 KiB of headers")
    }

    @Test("a byte now and then") func slow() throws {
        try expect(
            "/slow", "the answer was not complete within 3 s", within: .seconds(3))
        try expect(
            "/slow-headers", "the answer was not complete within 3 s", within: .seconds(3))
    }

    @Test("a gzip bomb is not unpacked") func bomb() throws {
        try expect("/bomb", "the answer does not contain 'nothing of it'")
        try expect("/transfer-bomb", "the answer does not contain 'nothing of it'")
    }

    @Test("redirects in a circle, and to a file") func redirects() throws {
        try expect("/loop", "too many redirects", redirects: 5)
        try expect(
            "/to-file", "redirects to something that is neither http nor https", redirects: 5)
    }

    @Test("HTTP/0.9, half an answer, and none") func broken() throws {
        try expect("/http09", "what it answers is not HTTP/1 (Received HTTP/0.9 when not allowed)")
        try expect("/short", "the connection was closed in the middle of the answer")
        try expect("/nothing", "the connection was closed without an answer")
    }

    @Test("a hundred hung servers delay nobody else") func hung() throws {
        for _ in 0..<100 {
            let id = worker.define(
                .http(HTTPProbe(url: server.url("/hang"))), timeout: .seconds(20))
            worker.send(.look(id: id, serial: id))
        }
        let answer = try worker.look(.http(HTTPProbe(url: server.url("/nul"))))
        #expect(answer.outcome == .passed)
    }
}
