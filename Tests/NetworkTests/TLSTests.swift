import Configuration
import Foundation
import Supervision
import Testing
import Worker

@Suite("TLS", .serialized) struct TLSTests {
    let certificates: Certificates
    let worker: WorkerProcess

    init() throws {
        certificates = try Certificates()
        worker = try WorkerProcess()
    }

    private func look(_ server: Server, _ change: (inout TLSProbe) -> Void) throws -> Answer {
        var probe = TLSProbe(.server(host: "localhost", port: server.port))
        change(&probe)
        return try worker.look(.tls(probe))
    }

    @Test("a certificate about to expire, and its names") func server() throws {
        let server = try Server(
            certificates.make("b", days: 5, names: "DNS:b.example,DNS:*.c.example,IP:127.0.0.1"))
        let soon = try look(server) { _ in }
        #expect(soon.outcome == .failed)
        // Five days, less what has passed since it was made.
        let days = try #require(soon.value)
        #expect((4...5).contains(days))
        #expect(soon.reason == "the certificate is good for \(days) more days, expected 14")
        let good = try look(server) {
            $0.days = 4
            $0.names = ["b.example", "www.c.example", "127.0.0.1"]
        }
        #expect(good.outcome == .passed)
        #expect(good.value.map { (4...5).contains($0) } == true)
        for name in ["a.example", "c.example", "x.www.c.example", "127.0.0.2"] {
            let wrong = try look(server) {
                $0.days = 0
                $0.names = ["b.example", name]
            }
            #expect(
                wrong.reason
                    == "the certificate is for b.example, *.c.example, IP Address:127.0.0.1,"
                    + " not \(name)")
        }
    }

    @Test("an expired certificate has expired, however few days are asked for")
    func expired() throws {
        let paths = try certificates.make("old", days: -1, names: "DNS:b.example")
        let answer = try look(Server(paths)) { $0.days = 0 }
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "the certificate has expired")
        #expect(try #require(answer.value) < 0)
    }

    @Test("a certificate's file is judged the same way") func file() throws {
        let paths = try certificates.make("f", days: 5, names: "DNS:b.example")
        var probe = TLSProbe(.file(paths[0]))
        #expect(
            try worker.look(.tls(probe)).reason.hasSuffix("more days, expected 14"))
        probe.days = 1
        #expect(try worker.look(.tls(probe)).outcome == .passed)
        probe.names = ["a.example"]
        #expect(
            try worker.look(.tls(probe)).reason
                == "the certificate is for b.example, not a.example")
        probe.source = .file(paths[1])
        #expect(try worker.look(.tls(probe)).reason == "no certificate that can be read")
        probe.source = .file("/nowhere/x.pem")
        #expect(
            try worker.look(.tls(probe)).reason
                == "no certificate: open /nowhere/x.pem: No such file or directory")
    }

    @Test("HTTPS believes the declared authority, and no other") func https() throws {
        let paths = try certificates.make("a", days: 5, names: "DNS:localhost")
        let server = try Server(paths)
        var probe = HTTPProbe(url: server.url("/nul", scheme: "https", host: "localhost"))
        #expect(
            try worker.look(.http(probe)).reason
                == "the certificate is not good: self-signed certificate")
        probe.authorities = paths[0]
        #expect(try worker.look(.http(probe)).outcome == .passed)
        probe.authorities = "/nowhere/x.pem"
        #expect(
            try worker.look(.http(probe))
                == Answer(
                    serial: 3, outcome: .unknown,
                    reason: "no authorities: open /nowhere/x.pem: No such file or directory"))
        probe.authorities = nil
        probe.verify = false
        #expect(try worker.look(.http(probe)).outcome == .passed)
    }

    @Test("HTTPS under a wrong name is told with the right one") func wrongName() throws {
        let paths = try certificates.make("w", days: 5, names: "DNS:b.example")
        let server = try Server(paths)
        var probe = HTTPProbe(url: server.url("/nul", scheme: "https", host: "localhost"))
        probe.authorities = paths[0]
        let answer = try worker.look(.http(probe))
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "the certificate is for b.example, not localhost")
    }

    @Test("a connection that was verified by nobody is not used by who wants to verify")
    func reuse() throws {
        let server = try Server(certificates.make("r", days: 5, names: "DNS:b.example"))
        var probe = HTTPProbe(url: server.url("/nul", scheme: "https", host: "localhost"))
        probe.verify = false
        #expect(try worker.look(.http(probe)).outcome == .passed)
        probe.verify = true
        #expect(try worker.look(.http(probe)).outcome == .failed)
    }

    @Test("who does not speak TLS") func noTLS() throws {
        let answer = try look(Server()) { _ in }
        #expect(answer.outcome == .failed)
        #expect(answer.reason.hasPrefix("no TLS connection: "))
    }
}

@Suite("TCP", .serialized) struct TCPTests {
    @Test("connects, and leaves nothing behind") func connects() throws {
        let server = try Server()
        let worker = try WorkerProcess()
        for host in ["127.0.0.1", "localhost"] {
            for _ in 0..<50 {
                let answer = try worker.look(.tcp(host: host, port: server.port))
                #expect(answer.outcome == .passed)
            }
        }
        #expect(try sockets(at: server.port, state: "06") == 0, "in TIME_WAIT")
        // The server closes its ends when it gets round to it.
        let deadline = Date().addingTimeInterval(5)
        while try sockets(at: server.port, state: "01") > 0, Date() < deadline { usleep(10_000) }
        #expect(try sockets(at: server.port, state: "01") == 0, "still open")
    }

    @Test("nobody there") func refused() throws {
        let answer = try WorkerProcess().look(.tcp(host: "127.0.0.1", port: 1))
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "connection refused")
    }

    @Test("HTTP servers that close each connection use up no ports either") func closing() throws {
        let server = try Server()
        let worker = try WorkerProcess()
        for _ in 0..<50 { _ = try worker.look(.http(HTTPProbe(url: server.url("/nothing")))) }
        #expect(try sockets(to: server.port, state: "06") == 0)
    }

    private func sockets(at port: UInt16, state: String) throws -> Int {
        try sockets(state) {
            $0[1].hasSuffix(hexadecimal(port)) || $0[2].hasSuffix(hexadecimal(port))
        }
    }

    private func sockets(to port: UInt16, state: String) throws -> Int {
        try sockets(state) { $0[2].hasSuffix(hexadecimal(port)) }
    }

    private func hexadecimal(_ port: UInt16) -> String { String(format: ":%04X", port) }

    /// Sockets of the machine in a state, as the kernel lists them.
    private func sockets(_ state: String, _ isMeant: ([Substring]) -> Bool) throws -> Int {
        try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: " ") }
            .count { $0.count > 3 && $0[3] == state && isMeant($0) }
    }
}
