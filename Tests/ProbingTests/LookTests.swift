import Configuration
import Foundation
import Glibc
import Linux
import Supervision
import Testing
import Worker

@Suite("a look", .serialized) struct LookTests {
    let looker: LookerProcess
    let scratch: Scratch

    init() throws {
        looker = try LookerProcess()
        scratch = try Scratch()
    }

    // MARK: Unix sockets

    private func socket(_ type: __socket_type, at path: String) throws -> OwnedFD {
        let raw = Glibc.socket(AF_UNIX, Int32(type.rawValue), 0)
        let fd = OwnedFD(adopting: raw)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound)
        if type != SOCK_DGRAM { try #require(listen(raw, 0) == 0) }
        return fd
    }

    @Test("a Unix socket of any type answers, and one that nobody listens at does not")
    func unix() throws {
        for (type, name) in [(SOCK_STREAM, "s"), (SOCK_SEQPACKET, "q"), (SOCK_DGRAM, "d")] {
            do {
                let listener = try socket(type, at: scratch(name))
                #expect(try looker.look(.unix(path: scratch(name))).outcome == .passed)
                _ = listener.raw
            }
            let answer = try looker.look(.unix(path: scratch(name)))
            #expect(answer.outcome == .failed)
            #expect(answer.reason.contains("Connection refused"))
        }
        #expect(try looker.look(.unix(path: scratch("none"))).reason.contains("No such file"))
    }

    @Test("a server that accepts nobody fails the look in time") func fullBacklog() throws {
        let listener = try socket(SOCK_STREAM, at: scratch("full"))
        // A backlog of 0 holds one connection; the second waits for room.
        let first = try UnixSocket.connect(to: scratch("full"), milliseconds: 1000)
        let answer = try looker.look(
            .unix(path: scratch("full")), timeout: .milliseconds(100))
        #expect(answer.outcome == .failed)
        #expect(answer.reason.contains("nobody accepted"))
        _ = (listener.raw, first.raw)
    }

    // MARK: Ports

    @Test(
        "a port is the service's when a process of its tree listens there",
        arguments: [false, true])
    func listening(isSixth: Bool) throws {
        let listener = try Listener(family: isSixth ? AF_INET6 : AF_INET)
        let port = listener.port
        #expect(
            try looker.look(.listening(port: port), of: Subject()).outcome == .unknown)
        // A grandchild of the main process inherits the socket, and we let go of ours.
        let server = try Started(
            ["/bin/sh", "-c", "sleep 1000 & exec 3<&-; wait"], keeping: listener.fd.raw)
        until("only the grandchild holds it") {
            !FileManager.default.fileExists(atPath: "/proc/\(server.pid)/fd/3")
        }
        let stranger = try Started(["sleep", "1000"])
        let ours = ProcessTable.own
        let before = try looker.look(.listening(port: port), of: Subject(main: server.identity))
        #expect(before.outcome == .passed, "\(before)")
        let other = try looker.look(.listening(port: port), of: Subject(main: stranger.identity))
        #expect(other.outcome == .failed)
        #expect(other.reason.contains("pid \(ours)") || other.reason.contains("sleep (pid"))
    }

    @Test("a port that nobody listens at fails, and so does one of a stranger, who is named")
    func notListening() throws {
        let service = try Started(["sleep", "1000"])
        let subject = Subject(main: service.identity)
        var port: UInt16 = 0
        do {
            let listener = try Listener()
            port = listener.port
            let answer = try looker.look(.listening(port: port), of: subject)
            #expect(answer.outcome == .failed)
            #expect(answer.reason.contains("(pid \(ProcessTable.own)"), "\(answer.reason)")
        }
        let answer = try looker.look(.listening(port: port), of: subject)
        #expect(answer.reason == "nobody listens at port \(port)")
    }

    @Test(
        "a service with a network of its own is asked about that one", .enabled(if: geteuid() == 0))
    func otherNetwork() throws {
        let script = """
            use IO::Socket::INET;
            $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "0.0.0.0", LocalPort => 61) or die;
            $0 = "ready"; sleep 1000
            """
        let service = try Started(["unshare", "--net", "perl", "-e", script])
        until("it listens") { ProcessTable.name(of: service.pid) == "ready" || !service.lives }
        try withKnownIssue("this machine allows no network namespaces") {
            try #require(service.lives)
        } when: {
            !service.lives
        }
        guard service.lives else { return }
        let subject = Subject(main: service.identity)
        #expect(try looker.look(.listening(port: 61), of: subject).outcome == .passed)
        let stranger = try Started(["sleep", "1000"])
        let answer = try looker.look(.listening(port: 61), of: Subject(main: stranger.identity))
        #expect(answer.reason == "nobody listens at port 61")
    }

    @Test("a main process that was replaced by another of its number is not looked at")
    func reusedNumber() throws {
        let service = try Started(["sleep", "1000"])
        var identity = service.identity
        identity.startTicks += 1
        let answer = try looker.look(.listening(port: 1), of: Subject(main: identity))
        #expect(answer.outcome == .unknown)
        #expect(try looker.look(.cpu(CPUProbe()), of: Subject(main: identity)).outcome == .unknown)
    }

    // MARK: Memory and processor

    @Test("a process that eats memory is over a bound, and under a greater one")
    func memory() throws {
        let eater = try Started(
            ["perl", "-e", "$x = 'x' x (64 << 20); $0 = 'full'; sleep 1000"])
        until("it has eaten") { ProcessTable.name(of: eater.pid) == "full" }
        let subject = Subject(main: eater.identity)
        let over = try looker.look(.memory(MemoryProbe(below: .bytes(32 << 20))), of: subject)
        #expect(over.outcome == .failed)
        #expect(over.reason.contains("32.0 MiB allowed"))
        #expect(
            try looker.look(.memory(MemoryProbe(below: .bytes(1 << 30))), of: subject).outcome
                == .passed)
        let share = try looker.look(.memory(MemoryProbe(below: .share(80))), of: subject)
        #expect(share.outcome == .unknown)
        #expect(share.reason.contains("no control group limits"))
        var group = MemoryProbe(below: .bytes(1 << 30))
        group.of = .cgroup
        #expect(try looker.look(.memory(group), of: subject).outcome == .unknown)
    }

    @Test("the memory of children counts") func memoryOfTree() throws {
        let parent = try Started(
            [
                "/bin/sh", "-c",
                "perl -e '$x = \"x\" x (64 << 20); $0 = \"full\"; sleep 1000' & wait",
            ])
        until("the child has eaten") {
            ProcessTable.children(of: parent.pid).contains { ProcessTable.name(of: $0) == "full" }
        }
        let survey = try looker.survey(.memory, of: Subject(main: parent.identity))
        let memory = try #require(survey.memory)
        #expect(memory.bytes > 64 << 20)
        #expect(memory.processes == 2)
        #expect(memory.source == .proportional)
    }

    /// What the kernel shows of a cgroup, as far as a look reads it: this machine may have no memory
    /// controller of version 2.
    private func group(_ name: String, current: Int64, limit: String, inactive: Int64 = 0) throws {
        try FileManager.default.createDirectory(
            atPath: scratch(name), withIntermediateDirectories: true)
        try scratch.file("\(name)/memory.current", "\(current)\n")
        try scratch.file("\(name)/memory.max", "\(limit)\n")
        try scratch.file("\(name)/memory.stat", "anon 1\ninactive_file \(inactive)\nfile 2\n")
        try scratch.file("\(name)/memory.events", "low 0\noom 3\noom_kill 2\n")
    }

    @Test("a share is of the limit that is nearest, up the tree, without pages nobody needs")
    func share() throws {
        try group("slice", current: 900 << 20, limit: "\(1000 << 20)")
        try group("slice/web", current: 500 << 20, limit: "\(4000 << 20)", inactive: 1)
        try group("slice/web/leaf", current: 300 << 20, limit: "max", inactive: 50 << 20)
        let subject = Subject(cgroup: scratch("slice/web/leaf"))
        func look(_ below: MemoryProbe.Bound) throws -> Answer {
            try looker.look(.memory(MemoryProbe(below: below)), of: subject)
        }
        #expect(try look(.share(90)).outcome == .failed)
        #expect(try look(.share(91)).outcome == .passed)
        #expect(try look(.bytes(250 << 20)).outcome == .failed)
        #expect(try look(.bytes(251 << 20)).outcome == .passed)
        let memory = try #require(try looker.survey(.memory, of: subject).memory)
        #expect(memory.limit == 1000 << 20)
        #expect(memory.outOfMemoryKills == 2)
    }

    @Test("a busy loop uses processor time, a sleeper and a stopped process none")
    func processorTime() throws {
        let loop = try Started(["/bin/sh", "-c", "while :; do :; done"])
        let sleeper = try Started(["sleep", "1000"])
        func time(_ process: Started) throws -> Int64 {
            try #require(
                try looker.look(.cpu(CPUProbe()), of: Subject(main: process.identity)).value)
        }
        let first = try time(loop)
        try until("the loop has used another 100 ms") { try time(loop) >= first + 100_000_000 }
        #expect(try time(sleeper) < 50_000_000)
        kill(loop.pid, SIGSTOP)
        until("it is stopped") { ProcessTable.entry(loop.pid)?.state == UInt8(ascii: "T") }
        let stopped = try time(loop)
        usleep(50_000)
        #expect(try time(loop) == stopped)
    }

    @Test("the time of children that ended counts") func processorTimeOfChildren() throws {
        let parent = try Started(
            [
                "/bin/sh", "-c",
                "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; exec sleep 1000",
            ])
        until("the child has ended") { ProcessTable.name(of: parent.pid) == "sleep" }
        let answer = try looker.look(.cpu(CPUProbe()), of: Subject(main: parent.identity))
        #expect(try #require(answer.value) >= 20_000_000)
    }

    // MARK: Files

    @Test("a file is there, fresh, its owner's, and of its mode, or the look says what is not so")
    func file() throws {
        let path = try scratch.file("f", "x")
        chmod(path, 0o640)
        var probe = FileProbe(path: path)
        func reason(_ change: (inout FileProbe) -> Void) throws -> String {
            change(&probe)
            let answer = try looker.look(.file(probe))
            #expect((answer.outcome == .passed) == answer.reason.isEmpty)
            return answer.reason
        }
        #expect(try reason { $0.fresh = .minutes(5) } == "")
        #expect(try reason { $0.owner = "\(geteuid())" } == "")
        #expect(try reason { $0.mode = 0o640 } == "")
        #expect(try reason { $0.mode = 0o600 }.contains("has mode 0640, not 0600"))
        #expect(try reason { $0.owner = "4242" }.contains("belongs to user \(geteuid()), not to"))
        var old = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
        utimensat(AT_FDCWD, path, &old, 0)
        #expect(try reason { $0.fresh = .minutes(5) }.contains("more than 300 s"))
        #expect(try looker.look(.file(FileProbe(path: scratch("no")))).outcome == .failed)
        probe = FileProbe(path: path)
        probe.owner = "no-such-user-here"
        #expect(try looker.look(.file(probe)).outcome == .unknown)
    }

    @Test("a link leads to the file, and a dangling one to none") func link() throws {
        try scratch.file("f")
        symlink("f", scratch("good"))
        symlink("nowhere", scratch("bad"))
        #expect(try looker.look(.file(FileProbe(path: scratch("good")))).outcome == .passed)
        #expect(try looker.look(.file(FileProbe(path: scratch("bad")))).outcome == .failed)
    }

    @Test("progress is a modification, the first number of a file, or that of a command's output")
    func progress() throws {
        func value(_ source: ProgressProbe.Source) throws -> Int64? {
            try looker.look(.progress(ProgressProbe(source))).value
        }
        let path = try scratch.file("counter", "jobs done: 812 of 900\n")
        #expect(try value(.number(path: path)) == 812)
        try scratch.file("counter", "load -3.25")
        #expect(try value(.number(path: path)) == -3_250_000)
        #expect(try value(.command(["/bin/echo", "7 8"])) == 7)
        let before = try #require(try value(.modification(path: path)))
        usleep(20_000)
        try scratch.file("counter", "no number")
        #expect(try #require(try value(.modification(path: path))) > before)
        #expect(try looker.look(.progress(ProgressProbe(.number(path: path)))).outcome == .failed)
        let failing = ProgressProbe(.command(["/bin/sh", "-c", "echo 5; exit 3"]))
        #expect(try looker.look(.progress(failing)).reason == "exit code 3: 5")
    }
}
