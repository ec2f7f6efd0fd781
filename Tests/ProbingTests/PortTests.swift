import Configuration
import Foundation
import Glibc
import Linux
import Supervision
import Testing
import Worker

@Suite("the remedy for a taken port", .serialized) struct PortTests {
    let looker: LookerProcess

    init() throws { looker = try LookerProcess() }

    /// A process that holds a listening socket, and its port; we let go of ours.
    private func holder(
        _ command: [String] = ["sleep", "1000"], cgroup: Int32 = -1
    ) throws -> (process: Started, port: UInt16) {
        let listener = try Listener()
        return (
            try Started(command, keeping: listener.fd.raw, cgroup: cgroup), listener.port
        )
    }

    private func free(
        _ ports: [UInt16], earlier: [ProcessIdentity] = [], of subject: Subject = Subject()
    ) throws -> RemedyAnswer {
        try looker.mend(
            .freePorts(ports, earlier: earlier, leftIn: subject.cgroup), of: subject)
    }

    @Test("free ports need nothing") func nothing() throws {
        let port = try Listener().port
        #expect(try free([port]).outcome == .notNeeded)
        #expect(try free([]).outcome == .notNeeded)
    }

    @Test("a stale process of an earlier attempt is ended, and the port is free") func stale()
        throws
    {
        let (process, port) = try holder()
        let answer = try free([port], earlier: [process.identity])
        #expect(answer.outcome == .applied)
        #expect(answer.reason.contains("sleep (pid \(process.pid)"))
        #expect(try process.end() == .signalled(SIGTERM))
        #expect(try free([port]).outcome == .notNeeded)
    }

    @Test("a stranger lives, and is named: same user and same program are no proof")
    func stranger() throws {
        let (process, port) = try holder()
        let twin = try Started(["sleep", "1000"])
        let answer = try free([port], earlier: [twin.identity])
        #expect(answer.outcome == .refused)
        #expect(answer.reason.contains("sleep (pid \(process.pid)"))
        #expect(process.lives)
        #expect(twin.lives)
    }

    @Test("a mark in its environment is no proof either: anybody can set it") func marked() throws {
        let listener = try Listener()
        let process = try Started(
            ["sleep", "1000"],
            environment: ["PATH=/usr/bin:/bin", "REGEN_SERVICE=web", "REGEN_STATE=1:2"],
            keeping: listener.fd.raw)
        let port = listener.port
        drop(listener)
        #expect(try free([port]).outcome == .refused)
        #expect(process.lives)
    }

    private func drop(_ listener: consuming Listener) {}

    @Test("a process that only has the number of an earlier one lives") func reusedNumber() throws {
        let (process, port) = try holder()
        var other = process.identity
        other.startTicks -= 1
        #expect(try free([port], earlier: [other]).outcome == .refused)
        other.startTicks = 0
        #expect(try free([port], earlier: [other]).outcome == .refused)
        #expect(process.lives)
    }

    @Test("what does not end by SIGTERM is killed, and what is stopped, too") func stubborn() throws
    {
        let (process, port) = try holder([
            "/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done",
        ])
        until("it ignores SIGTERM") {
            let status = ProcessTable.text("/proc/\(process.pid)/status") ?? ""
            return status.contains("SigIgn:\t0000000000004000")
        }
        // Its children hold the socket, too, and are no recorded instance: they end by themselves.
        #expect(try free([port], earlier: [process.identity]).outcome != .notNeeded)
        #expect(try process.end() == .signalled(SIGKILL))
        let (stopped, other) = try holder()
        kill(stopped.pid, SIGSTOP)
        #expect(try free([other], earlier: [stopped.identity]).outcome == .applied)
    }

    @Test("a stale and a strange one: the stale one ends, the port stays taken") func both() throws
    {
        let listener = try Listener()
        let stale = try Started(["sleep", "1000"], keeping: listener.fd.raw)
        let stranger = try Started(["sleep", "1000"], keeping: listener.fd.raw)
        let port = listener.port
        drop(listener)
        let answer = try free([port], earlier: [stale.identity])
        #expect(answer.outcome == .refused)
        #expect(answer.reason.contains("ended the stale sleep (pid \(stale.pid)"))
        #expect(answer.reason.contains("held by sleep (pid \(stranger.pid)"))
        #expect(!stale.lives)
        #expect(stranger.lives)
    }

    @Test("what runs now holds its own port by right") func own() throws {
        let (process, port) = try holder()
        let subject = Subject(main: process.identity)
        #expect(try free([port], earlier: [process.identity], of: subject).outcome == .notNeeded)
        #expect(process.lives)
    }

    @Test(
        "what was left in the service's own cgroup is ended, and in another one not",
        .enabled(if: TestCgroup.isPossible))
    func cgroup() throws {
        let group = try TestCgroup()
        let own = try Cgroup(making: "\(group.path)/own")
        let (process, port) = try holder(cgroup: own.raw)
        let neighbour = Subject(cgroup: "\(group.path)/ow")
        #expect(try free([port], of: neighbour).outcome == .refused)
        #expect(process.lives)
        let answer = try free([port], of: Subject(cgroup: own.path))
        #expect(answer.outcome == .applied)
        #expect(try process.end() == .signalled(SIGTERM))
    }

    @Test(
        "a cgroup that the looker is in itself is no service's own",
        .enabled(if: Cgroup.mountPoint() != nil))
    func sharedCgroup() throws {
        let (process, port) = try holder()
        let own = try #require(Cgroup.path(of: ProcessTable.own))
        for group in [own, String(own[..<own.lastIndex(of: "/")!]), "/sys/fs/cgroup", "/"] {
            #expect(try free([port], of: Subject(cgroup: group)).outcome == .refused)
            #expect(process.lives)
        }
    }

    @Test("the tree of a cgroup counts as the service", .enabled(if: TestCgroup.isPossible))
    func tree() throws {
        let group = try TestCgroup()
        let leaf = try Cgroup(making: "\(group.path)/leaf")
        let (process, port) = try holder(cgroup: leaf.raw)
        let subject = Subject(cgroup: group.path)
        #expect(try looker.look(.listening(port: port), of: subject).outcome == .passed)
        #expect(try looker.survey(.ports([port]), of: subject).ports.map(\.isOwn) == [true])
        let time = try looker.look(.cpu(.init()), of: subject)
        #expect(time.outcome == .passed)
        #expect(time.value != nil)
        _ = process
    }
}

/// A cgroup v2 directory for one test.
final class TestCgroup {
    static let isPossible: Bool = {
        guard geteuid() == 0, let mount = Cgroup.mountPoint() else { return false }
        let path = "\(mount)/regen-look-probe-\(getpid())"
        defer { rmdir(path) }
        return mkdir(path, 0o755) == 0 && access("\(path)/cgroup.kill", W_OK) == 0
    }()

    let path: String

    init() throws {
        let mount = try #require(Cgroup.mountPoint())
        path = "\(mount)/regen-look-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try #require(mkdir(path, 0o755) == 0)
    }

    deinit {
        if let group = try? Cgroup(opening: path) { group.kill() }
        // The kernel takes a moment to bury the dead.
        for _ in 0..<100 {
            for name in ["own", "leaf"] { rmdir("\(path)/\(name)") }
            if rmdir(path) == 0 { return }
            usleep(10_000)
        }
    }
}
