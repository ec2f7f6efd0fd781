import Control
import Foundation
import JSON
import Linux
import Testing

@Suite("the control server's bounds") struct ControlBoundsTests {
    @Test("a message may have 64 KiB; one byte more is an error and the end")
    func longestMessage() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        let frame = #"{"method":"io.regen.Control.Status","parameters":{"service":""}}"#
        let most = String(repeating: "x", count: ControlServer.longestMessage - frame.utf8.count)
        client.call("io.regen.Control.Status", #"{"service":"\#(most)"}"#)
        let call = try loop.call()
        #expect(call.request == .status(service: most))
        loop.server.reply(to: call.id, at: 0, writeNothing)
        #expect(try client.answer(loop)["parameters"] != nil)

        client.call("io.regen.Control.Status", #"{"service":"\#(most)x"}"#)
        #expect(try client.answer(loop)["error"]?.string == "org.varlink.service.InvalidParameter")
        try loop.settle()
        client.receive()
        #expect(client.isClosed)
        #expect(loop.watched == 0)
    }

    @Test(
        "garbage is an error and the end",
        arguments: ["", "hello", "[]", "{}", "7", #"{"method":7}"#, "{\"method\":\"a\u{1}\"}"])
    func garbage(_ text: String) throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.send(text)
        #expect(try client.answer(loop)["error"]?.string == "org.varlink.service.InvalidParameter")
        try loop.settle()
        client.receive()
        #expect(client.isClosed)
    }

    @Test("any bytes in any pieces are answered or end the connection, never the server")
    func fuzz() throws {
        let loop = try ControlLoop()
        var random = SeededRandom(state: 20_261_121)
        let pieces: [[UInt8]] = [
            Array(#"{"method":"io.regen.Control.Status","parameters":{}}"#.utf8) + [0],
            Array(#"{"method":"io.regen.Control.Stop","parameters":{"services":["#.utf8),
            Array(#""a"]},"oneway":true}"#.utf8) + [0], [0], Array("{\"".utf8), Array("}}]".utf8),
            Array(#"{"method":"org.varlink.service.GetInfo"}"#.utf8) + [0],
            Array(repeating: UInt8(ascii: "["), count: 300), Array(#""more":true"#.utf8),
        ]
        var calls = 0
        for _ in 0..<20_000 {
            let client = try RawClient(loop)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                var bytes = pieces[Int.random(in: 0..<pieces.count, using: &random)]
                for _ in 0..<Int.random(in: 0...1, using: &random) where !bytes.isEmpty {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[place] = UInt8.random(in: 0 ... .max, using: &random)
                }
                client.send(bytes)
                if Bool.random(using: &random) { calls += try answerCalls(of: loop) }
            }
            if Bool.random(using: &random) { client.receive() }
            calls += try answerCalls(of: loop)
        }
        #expect(calls > 1000)
        try loop.settle()
        #expect(loop.watched == 0)
        let client = try RawClient(loop)
        client.call("io.regen.Control.Version")
        #expect(try client.answer(loop)["parameters"]?["version"]?.string == "1.2.3")
    }

    private func answerCalls(of loop: ControlLoop) throws -> Int {
        let calls = try loop.turn()
        for call in calls { loop.server.reply(to: call.id, at: 0, writeNothing) }
        return calls.count
    }

    @Test("64 clients are served; the next is told so and sent away, until one goes")
    func mostConnections() throws {
        let loop = try ControlLoop()
        var clients: [RawClient] = []
        for _ in 0..<ControlServer.mostConnections {
            clients.append(try RawClient(loop))
            try loop.turn(waiting: ControlLoop.patience)
        }
        #expect(loop.server.connectionCount == ControlServer.mostConnections)
        let refused = try RawClient(loop)
        #expect(try refused.answer(loop)["error"]?.string == "io.regen.Control.TooManyClients")
        refused.receive()
        #expect(refused.isClosed)

        clients.removeLast()
        try loop.settle()
        let next = try RawClient(loop)
        next.call("io.regen.Control.Version")
        #expect(try next.answer(loop)["parameters"] != nil)
    }

    @Test("a client that reads nothing for 10 s is dropped, one that reads a little is not")
    func stalled() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.Status")
        let call = try loop.call()
        #expect(loop.server.nextDeadline == nil)
        loop.now = 1_000
        let big = String(repeating: "x", count: 1 << 20)
        loop.server.reply(to: call.id, at: loop.now) { $0.object { $0.string("big", big) } }
        #expect(loop.server.nextDeadline == 1_000 + ControlServer.longestStall)

        loop.now = ControlServer.longestStall
        client.receive()
        try loop.settle()
        #expect(loop.server.nextDeadline == 2 * ControlServer.longestStall)
        loop.now = 2 * ControlServer.longestStall - 1
        try loop.turn()
        #expect(loop.watched == 1)
        loop.now += 1
        try loop.turn()
        #expect(loop.watched == 0)
        #expect(loop.server.nextDeadline == nil)
    }

    @Test("a client for whom 16 MiB wait is dropped") func mostOutput() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.Status", flags: #","more":true"#)
        let call = try loop.call()
        let megabyte = String(repeating: "x", count: 1 << 20)
        for answer in 1...17 {
            #expect(loop.server.connectionCount == 1, "before answer \(answer)")
            loop.server.replyAndContinue(to: call.id, at: 0) {
                $0.object { $0.string("big", megabyte) }
            }
        }
        #expect(loop.server.connectionCount == 0)
        try loop.settle()
        #expect(loop.watched == 0)
    }

    @Test("one client has 16 calls in a turn, the rest wait for the next; nothing is lost")
    func callsPerTurn() throws {
        let loop = try ControlLoop()
        let (greedy, modest) = (try RawClient(loop), try RawClient(loop))
        for _ in 0..<40 { greedy.call("org.varlink.service.GetInfo") }
        modest.call("io.regen.Control.Version")
        var turns: [Int] = []
        while turns.reduce(0, +) < 40 {
            try loop.turn(waiting: 100)
            let answers = try greedy.messages().count
            if answers > 0 { turns.append(answers) }
            try #require(turns.count < 10)
        }
        #expect(turns == [16, 16, 8])
        #expect(try modest.answer(loop)["parameters"]?["version"] != nil)
        #expect(loop.server.nextDeadline == nil)
    }

    @Test("what a busy client sends beyond 64 KiB waits in its socket") func backPressure() throws {
        let loop = try ControlLoop()
        let client = try RawClient(loop)
        client.call("io.regen.Control.Reload")
        let call = try loop.call()
        let flood = Array(repeating: UInt8(ascii: "x"), count: 8 << 20)
        var sent = 0
        for _ in 0..<50 {
            sent += client.send(flood)
            try loop.turn()
        }
        #expect(sent < 2 << 20)
        #expect(loop.watched == 1)
        loop.server.reply(to: call.id, at: 0, writeNothing)
        #expect(try client.answer(loop)["parameters"] != nil)
        #expect(try client.answer(loop)["error"] != nil)
    }
}

/// SplitMix64: a seed reproduces a run.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
