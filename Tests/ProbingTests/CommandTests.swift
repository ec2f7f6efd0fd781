import Configuration
import Foundation
import Glibc
import Linux
import Supervision
import Testing
import Worker

@Suite("a command that looks", .serialized) struct CommandTests {
    let looker: LookerProcess
    let scratch: Scratch

    init() throws {
        looker = try LookerProcess()
        scratch = try Scratch()
    }

    private func shell(
        _ script: String, timeout: Interval = .seconds(10), of subject: Subject = Subject(),
        _ change: (inout CommandProbe) -> Void = { _ in }
    ) throws -> Answer {
        var probe = CommandProbe(command: ["/bin/sh", "-c", script])
        change(&probe)
        var subject = subject
        subject.environment.append("PATH=/usr/bin:/bin")
        return try looker.look(.command(probe), of: subject, timeout: timeout)
    }

    @Test("its exit code and its output decide") func exitCode() throws {
        #expect(try shell("exit 0").outcome == .passed)
        #expect(
            try shell("echo first; echo not well >&2; exit 3").reason == "exit code 3: not well")
        #expect(try shell("exit 3") { $0.exit = 3 }.outcome == .passed)
        #expect(try shell("kill -9 $$").reason == "ended by signal 9")
        #expect(try shell("echo Server Running") { $0.contains = "r Run" }.outcome == .passed)
        #expect(try shell("echo Server") { $0.contains = "Running" }.outcome == .failed)
    }

    @Test("output that is no text does not spoil the answer") func noText() throws {
        let script = "head -c 4000 /dev/zero; head -c 4000 /dev/urandom; exit 1"
        #expect(try shell(script).reason.hasPrefix("exit code 1: "))
        let zeros = try shell("head -c 4000 /dev/zero; exit 1")
        #expect(zeros.reason.hasSuffix("\u{fffd}"))
        #expect(zeros.reason.utf8.count <= Answer.longestReason)
        let check = ["/bin/sh", "-c", script]
        #expect(try looker.mend(.validate(command: check)).outcome == .refused)
    }

    @Test("that it cannot be started says nothing of the service") func cannotStart() throws {
        let answer = try looker.look(.command(CommandProbe(command: ["/no/such/program"])))
        #expect(answer.outcome == .unknown)
        #expect(answer.reason == "start /no/such/program: No such file or directory")
        let elsewhere = try shell("true", of: Subject(directory: "/no/such/directory"))
        #expect(elsewhere.reason == "enter /no/such/directory: No such file or directory")
    }

    @Test("it gets its directory and environment, but not the mark of the service")
    func environment() throws {
        let subject = Subject(
            directory: scratch.path,
            environment: ["PORT=3001", "REGEN_STATE=1:2", "REGEN_SERVICE=web"])
        let script = "test $PORT = 3001 -a \"$(pwd)\" = \(scratch.path) -a -z \"$REGEN_STATE\""
        #expect(try shell(script, of: subject).outcome == .passed)
    }

    @Test("it inherits nothing but its standard streams, and its input is empty")
    func descriptors() throws {
        // The directory itself is the fourth.
        #expect(try shell("test \"$(ls /proc/self/fd | wc -l)\" = 4").outcome == .passed)
        #expect(try shell("test -z \"$(cat)\"").outcome == .passed)
    }

    @Test("of much output the beginning is kept and the rest is drained") func muchOutput() throws {
        let much = "echo begin; head -c 5000000 /dev/zero | tr '\\0' x; echo end"
        #expect(try shell(much) { $0.contains = "begin" }.outcome == .passed)
        #expect(try shell(much) { $0.contains = "end" }.outcome == .failed)
    }

    @Test("one that is late is killed with all that it started") func late() throws {
        let pids = scratch("pids")
        let answer = try shell(
            "sleep 1000 & echo $! > \(pids); sleep 1000 & echo $! >> \(pids); wait",
            timeout: .milliseconds(2500))
        #expect(answer.outcome == .failed)
        #expect(answer.reason == "not done within 2500 ms, and killed")
        try expectGone(pids, count: 2)
    }

    @Test("what it leaves behind in its group ends with it, and is not waited for")
    func leftBehind() throws {
        let pids = scratch("pids")
        #expect(try shell("sleep 1000 & echo $! > \(pids)").outcome == .passed)
        try expectGone(pids, count: 1)
    }

    @Test("a daemon that it leaves in a session of its own is left alone") func daemon() throws {
        let pids = scratch("pids")
        #expect(
            try shell(
                "setsid sh -c 'echo $$ > \(pids); exec sleep 1000' & "
                    + "until [ -s \(pids) ]; do sleep 0.01; done"
            ).outcome == .passed)
        let pid = try #require(Int32(try text(pids)))
        #expect(kill(pid, 0) == 0)
        kill(pid, SIGKILL)
    }

    @Test("a looker that is killed leaves no command behind") func killedLooker() throws {
        let pids = scratch("pids")
        try looker.send(
            .probe(
                Probe(
                    .command(
                        CommandProbe(command: [
                            "/bin/sh", "-c",
                            "/bin/sleep 1000 & echo $! > \(pids); echo $$ >> \(pids); wait",
                        ])))))
        until("the command runs") { (try? text(pids).split(separator: "\n").count) == 2 }
        kill(looker.process.pid, SIGKILL)
        #expect(try looker.process.end() == .signalled(SIGKILL))
        try expectGone(pids, count: 2)
    }

    @Test("a looker that hangs delays no other, and ends when it is killed") func hanging() throws {
        mkfifo(scratch("fifo"), 0o600)
        try looker.send(.probe(Probe(.progress(ProgressProbe(.number(path: scratch("fifo")))))))
        let other = try LookerProcess()
        #expect(try other.look(.file(FileProbe(path: "/"))).outcome == .passed)
        #expect(try looker.answer(within: 200) == nil)
        kill(looker.process.pid, SIGKILL)
        #expect(try looker.process.end() == .signalled(SIGKILL))
    }

    @Test("a valid configuration lets the service start, and an invalid one is told")
    func validate()
        throws
    {
        func check(_ script: String, timeout: Interval = .seconds(10)) throws -> RemedyAnswer {
            try looker.mend(.validate(command: ["/bin/sh", "-c", script]), timeout: timeout)
        }
        #expect(try check("exit 0").outcome == .applied)
        let bad = try check("echo 'line 3: no such directive' >&2; exit 1")
        #expect(bad.outcome == .refused)
        #expect(bad.output == "line 3: no such directive\n")
        #expect(bad.reason == "the configuration is not valid: exit code 1")
        let much = try check(
            "head -c 100000 /dev/zero | tr '\\0' x; printf '\\377\\377end'; exit 1")
        #expect(much.output.hasSuffix("end"))
        #expect(much.output.utf8.count <= RemedyAnswer.mostOutput)
        let late = try check("exec /bin/sleep 1000", timeout: .milliseconds(200))
        #expect(late.outcome == .failed)
        let none = try looker.mend(.validate(command: ["/no/such/program"]))
        #expect(none.outcome == .failed)
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func expectGone(_ path: String, count: Int) throws {
        let pids = try text(path).split(separator: "\n").compactMap { Int32($0) }
        #expect(pids.count == count)
        for pid in pids {
            until("process \(pid) is gone") {
                ProcessTable.entry(pid).map { $0.state == UInt8(ascii: "Z") } ?? true
            }
        }
    }
}

@Suite("a looker") struct LookerTests {
    @Test("what it does not understand it answers so, and goes on") func strangeRequest() throws {
        let looker = try LookerProcess()
        try looker.send(Array("{\"serial\":7,\"errand\":\"fly\"}".utf8))
        guard case .probe(let answer)? = try looker.answer() else {
            Issue.record("no answer")
            return
        }
        #expect(answer.serial == 7)
        #expect(answer.outcome == .unknown)
        #expect(try looker.look(.file(FileProbe(path: "/"))).outcome == .passed)
    }

    @Test("garbage ends it", arguments: ["", "{", "[1]", "\u{0}\u{1}", "{\"serial\":\"x\"}"])
    func garbage(line: String) throws {
        let looker = try LookerProcess()
        try looker.send(Array(line.utf8))
        #expect(try looker.answer() == nil)
        #expect(try looker.process.end() == .exited(1))
    }

    @Test("a line without an end does not fill its memory") func endless() throws {
        let looker = try LookerProcess()
        try looker.send([UInt8](repeating: 120, count: LookRequest.longestLine + 1))
        #expect(try looker.process.end() == .exited(1))
    }

    @Test("it ends when its socket is closed") func hangUp() throws {
        let looker = try LookerProcess()
        looker.hangUp()
        #expect(try looker.process.end() == .exited(0))
    }

    @Test("requests that come together are answered one after the other") func queue() throws {
        let looker = try LookerProcess()
        for _ in 0..<20 { try looker.send(.probe(Probe(.file(FileProbe(path: "/"))))) }
        for serial in 1...20 { #expect(try looker.answer()?.serial == serial) }
    }
}
