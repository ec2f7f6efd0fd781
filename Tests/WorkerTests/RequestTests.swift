import Configuration
import JSON
import Linux
import Supervision
import Testing
import Worker

@Suite("a request") struct RequestTests {
    private func line(_ request: Request) -> [UInt8] {
        var json = JSONWriter()
        request.write(into: &json)
        return json.bytes
    }

    private static var requests: [Request] {
        var http = HTTPProbe(url: "https://a.example/e?\"")
        http.socket = "/run/a socket"
        http.headers = [.init("Authorization", "Bearer \u{1F511}"), .init("X-Empty", "")]
        http.status = [200...200, 300...399]
        http.contains = "tab\tand \u{7f}"
        http.matches = "^[a-z]+\\.$"
        http.within = .milliseconds(700)
        http.authorities = "/etc/ca.pem"
        http.redirects = 3
        var tls = TLSProbe(.server(host: "::1", port: 443))
        tls.days = 3
        tls.names = ["a.example", "*.b.example"]
        return [
            .define(id: 0, Probe(.http(http))),
            .define(id: 7, Probe(.tls(tls), policy: ProbePolicy(timeout: .milliseconds(250)))),
            .define(id: 8, Probe(.tls(TLSProbe(.file("/etc/a.pem"))))),
            .define(id: 1 << 40, Probe(.tcp(host: "localhost", port: 65535))),
            .forget(id: 1 << 52), .look(id: 3, serial: (1 << 53) - 1),
        ]
    }

    @Test("is read as it was written", arguments: requests) func roundTrip(request: Request) throws
    {
        let line = line(request)
        #expect(Request(line: line) == request)
        #expect(!line.contains(UInt8(ascii: "\n")))
        #expect(line.count <= Request.longestLine)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "{}", "[]", "null", "7", "{\"look\":1}", "{\"look\":-1,\"serial\":2}",
            "{\"look\":1,\"serial\":1.5}", "{\"look\":\"1\\u0000\",\"serial\":1}",
            "{\"define\":1}", "{\"define\":1,\"probe\":null}", "{\"define\":1,\"probe\":{}}",
            "{\"define\":1,\"probe\":{\"tcp\":\"nowhere\"}}", "{\"forget\":true}",
            "{\"forget\":99999999999999999999}", "{\"forget\":1} {\"forget\":2}",
        ])
    func nothingElse(line: String) { #expect(Request(line: Array(line.utf8)) == nil) }

    @Test("is refused when it is too long") func tooLong() {
        let padding = String(repeating: " ", count: Request.longestLine)
        #expect(Request(line: Array((padding + "{\"forget\":1}").utf8)) == nil)
        #expect(
            Request(line: Array("{\"forget\":1}\(padding.dropFirst(12))".utf8)) == .forget(id: 1))
    }
}

@Suite("an answer") struct AnswerTests {
    @Test(
        "is read as it was written",
        arguments: [
            Answer(serial: 1, outcome: .passed, microseconds: 12),
            Answer(serial: (1 << 53) - 1, outcome: .failed, reason: "no \u{e9}\n", value: .min),
            Answer(serial: 0, outcome: .unknown, reason: "out of files", microseconds: 1 << 40),
        ])
    func roundTrip(answer: Answer) {
        var json = JSONWriter()
        answer.write(into: &json)
        #expect(Answer(line: json.bytes) == answer)
    }

    @Test("is cut between characters, and then short enough") func cut() throws {
        var json = JSONWriter()
        let reason = String(repeating: "\u{e9}", count: 1000)
        Answer(serial: 1, outcome: .failed, reason: reason).write(into: &json)
        #expect(json.bytes.count <= Answer.longestLine)
        let read = try #require(Answer(line: json.bytes))
        #expect(read.reason == String(repeating: "\u{e9}", count: 150))
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "{}", "{\"serial\":1,\"outcome\":\"passed\"}", "{\"serial\":1,\"us\":1}",
            "{\"serial\":1,\"outcome\":\"perhaps\",\"us\":1}",
            "{\"serial\":\"1\",\"outcome\":\"passed\",\"us\":1}",
            "{\"serial\":1,\"outcome\":\"failed\",\"us\":1,\"reason\":\""
                + String(repeating: "x", count: 301) + "\"}",
        ])
    func nothingElse(line: String) { #expect(Answer(line: Array(line.utf8)) == nil) }
}
