import Configuration
import Foundation
import Glibc
import Supervision
import Testing
import Worker

@Suite("between regend and its worker", .serialized) struct ChannelTests {
    @Test("it ends when regend has gone") func gone() throws {
        let worker = try WorkerProcess()
        #expect(try worker.look(.tcp(host: "127.0.0.1", port: 1)).outcome == .failed)
        shutdown(worker.socket, Int32(SHUT_RDWR))
        #expect(worker.end() == (0, ""))
    }

    @Test("garbage ends it, with a word") func garbage() throws {
        let worker = try WorkerProcess()
        worker.send(Array("hello\n".utf8))
        #expect(
            worker.end() == (1, "regen-net: regend wrote what is no request, so I end: hello\n"))
    }

    @Test("so does a line without an end") func endless() throws {
        let worker = try WorkerProcess()
        worker.send([UInt8](repeating: UInt8(ascii: " "), count: Request.longestLine + 1))
        #expect(
            worker.end()
                == (1, "regen-net: regend wrote a line that is too long for a request, so I end\n"))
    }

    @Test("a probe that was never defined, or was forgotten, is unknown") func unknown() throws {
        let worker = try WorkerProcess()
        worker.send(.look(id: 9, serial: 1))
        #expect(
            try worker.answer()
                == Answer(
                    serial: 1, outcome: .unknown, reason: "this worker knows no such probe"))
        let id = worker.define(.tcp(host: "127.0.0.1", port: 1))
        worker.send(.forget(id: id))
        worker.send(.forget(id: id))
        worker.send(.look(id: id, serial: 2))
        #expect(try worker.answer().outcome == .unknown)
    }

    @Test("a look that is forgotten is never answered; a second one at the same time is unknown")
    func forgotten() throws {
        let server = try Server()
        let worker = try WorkerProcess()
        let id = worker.define(.http(HTTPProbe(url: server.url("/hang"))))
        worker.send(.look(id: id, serial: 1))
        worker.send(.look(id: id, serial: 2))
        let second = try worker.answer()
        #expect(second.serial == 2)
        #expect(second.reason == "the look before is still under way")
        worker.send(
            .define(id: id, Probe(.http(HTTPProbe(url: server.url("/nul"))))))
        worker.send(.look(id: id, serial: 3))
        let third = try worker.answer()
        #expect(third.serial == 3)
        #expect(third.outcome == .passed)
    }

    @Test("kinds that are others' to look at") func others() throws {
        let answer = try WorkerProcess().look(.unix(path: "/run/x"))
        #expect(answer.outcome == .unknown)
    }

    @Test("while regend takes no answers, it reads no requests, and loses none")
    func fullSocket() throws {
        let worker = try WorkerProcess()
        let line = Array("{\"look\":1,\"serial\":1}\n".utf8)
        var sent = 0
        // Far more than all buffers hold: 1 MiB of answers and two sockets.
        while sent < 500_000, try worker.canSend() {
            worker.send(line)
            sent += 1
        }
        #expect(sent < 500_000, "it goes on reading")
        let memory = try #require(Int(worker.status("VmRSS").split(separator: " ")[0]))
        #expect(memory < 48 << 10, "\(memory) kB")
        for _ in 0..<sent { #expect(try worker.answer().serial == 1) }
        #expect(try worker.look(.tcp(host: "127.0.0.1", port: 1)).outcome == .failed)
    }

    @Test("a worker that was stopped does not say that nobody answered") func stopped() throws {
        let server = try Server()
        let worker = try WorkerProcess()
        let id = worker.define(
            .http(HTTPProbe(url: server.url("/hang"))), timeout: .seconds(2))
        // The look is under way when the second question has been answered.
        worker.send(.look(id: id, serial: 1))
        worker.send(.look(id: id, serial: 2))
        #expect(try worker.answer().serial == 2)
        kill(worker.process.processIdentifier, SIGSTOP)
        Thread.sleep(forTimeInterval: 3)
        kill(worker.process.processIdentifier, SIGCONT)
        let answer = try worker.answer()
        #expect(answer.outcome == .unknown)
        #expect(answer.reason.hasPrefix(WorkerProcess.heldUp))
        let next = try worker.look(
            .http(HTTPProbe(url: server.url("/hang"))), timeout: .milliseconds(300))
        #expect(next.reason == "no answer within 300 ms")
    }

    @Test("out of descriptors, looks are unknown, and never failed for it") func descriptors()
        throws
    {
        let server = try Server()
        let worker = try WorkerProcess(after: "ulimit -n 16;")
        for id in 100..<130 {
            let probe = Probe(
                .http(HTTPProbe(url: server.url("/hang"))),
                policy: ProbePolicy(timeout: .milliseconds(700)))
            worker.send(.define(id: id, probe))
            worker.send(.look(id: id, serial: id))
        }
        let answers = try (100..<130).map { _ in try worker.answer() }
        let isHeldUp = { (answer: Answer) in answer.reason.hasPrefix(WorkerProcess.heldUp) }
        let starved = answers.filter { $0.outcome == .unknown && !isHeldUp($0) }
        #expect(!starved.isEmpty)
        #expect(starved.allSatisfy { $0.reason == "make a socket: Too many open files" })
        let late = answers.filter { $0.outcome == .failed || isHeldUp($0) }
        #expect(!late.isEmpty)
        #expect(late.allSatisfy { $0.reason == "no answer within 700 ms" || isHeldUp($0) })
        #expect(try worker.look(.http(HTTPProbe(url: server.url("/nul")))).outcome == .passed)
    }
}

@Suite("the sandbox", .serialized) struct SandboxTests {
    @Test("regen-net has no capability, no way to get one, and a filter") func capabilities() throws
    {
        let worker = try WorkerProcess()
        _ = try worker.look(.tcp(host: "127.0.0.1", port: 1))
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            #expect(try worker.status(set) == "0000000000000000", "\(set)")
        }
        if geteuid() == 0 { #expect(try worker.status("CapBnd") == "0000000000000000") }
        #expect(try worker.status("NoNewPrivs") == "1")
        #expect(try worker.status("Seccomp") == "2")
        #expect(try worker.status("Threads") == "1")
    }

    @Test("is not entered by root", .enabled(if: geteuid() == 0)) func root() throws {
        let worker = try WorkerProcess(["probe"])
        let end = worker.end()
        #expect(end.code == 2)
        #expect(end.words.hasPrefix("regen-net: I talk to strangers and do not run as root"))
    }

    @Test("there are two roles") func roles() throws {
        let words = "regen-net: started by regend, as: regen-net probe|notify [--as-is]\n"
        #expect(try WorkerProcess([]).end() == (2, words))
        #expect(try WorkerProcess(["mail"]).end() == (2, words))
    }

    @Test("what only an attacker does kills", arguments: ["execute", "change-root", "become-root"])
    func deadly(deed: String) throws { #expect(try trial(deed) == -SIGSYS) }

    @Test("writing files and listening is refused", arguments: ["write", "listen"])
    func refused(deed: String) throws { #expect(try trial(deed) == 0) }

    private func trial(_ deed: String) throws -> Int32 {
        let process = Process()
        process.executableURL = programs.appending(path: "sandbox-trial")
        process.arguments = [deed]
        process.environment = ["SWIFT_BACKTRACE": "enable=no"]
        try process.run()
        process.waitUntilExit()
        let code = process.terminationStatus
        return process.terminationReason == .exit ? code : -code
    }
}
