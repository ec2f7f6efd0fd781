import Configuration
import Foundation
import Glibc
import Linux
import Supervision
import Testing
import Worker

/// A control group as systemd would give a unit one, in a real hierarchy.
private final class UnitCgroup {
    /// Where the hierarchies are mounted: version 2, and version 1's `name=systemd`.
    static let mounts: [String] = {
        let text = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        let second = lines.first { $0[2] == "cgroup2" }
        let named = lines.first { $0[2] == "cgroup" && $0[3].hasSuffix(",name=systemd") }
        guard geteuid() == 0 else { return [] }
        return [second, named].compactMap { $0.map { String($0[1]) } }
            .filter { access("\($0)/cgroup.procs", W_OK) == 0 }
    }()

    /// As PID 1 would call it.
    let name: String
    /// Its directory.
    let path: String

    init(at mount: String) throws {
        name = "/regen-unit-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        path = mount + name
        try #require(mkdir(path, 0o755) == 0)
        try #require(mkdir("\(path)/below", 0o755) == 0)
    }

    /// Puts a process into it, or into `below`.
    func take(_ process: Started, below: Bool = false) throws {
        let file = "\(path)/\(below ? "below/" : "")cgroup.procs"
        try "\(process.pid)".write(toFile: file, atomically: false, encoding: .utf8)
    }

    var subject: Subject {
        var subject = Subject(cgroup: path)
        subject.members = .cgroup
        return subject
    }

    deinit {
        for folder in ["\(path)/below", path] {
            let text =
                (try? String(contentsOfFile: "\(folder)/cgroup.procs", encoding: .utf8)) ?? ""
            for pid in text.split(separator: "\n") { kill(Int32(pid) ?? 0, SIGKILL) }
            // The kernel takes a moment to bury the dead.
            for _ in 0..<200 {
                if rmdir(folder) == 0 { break }
                usleep(10_000)
            }
        }
    }
}

@Suite(
    "looks at a unit of systemd's", .serialized,
    .enabled(if: !UnitCgroup.mounts.isEmpty, "needs root and a cgroup hierarchy"))
struct UnitTests {
    let looker: LookerProcess

    init() throws { looker = try LookerProcess() }

    @Test("the control group that PID 1 names is found", arguments: UnitCgroup.mounts)
    func directory(mount: String) throws {
        let group = try UnitCgroup(at: mount)
        #expect(Cgroup.directory(ofUnit: group.name) == group.path)
        #expect(Cgroup.directory(ofUnit: group.name + "/below") == group.path + "/below")
        let process = try Started(["sleep", "1000"])
        #expect(!Cgroup.paths(of: process.pid).contains(group.path + "/below"))
        try group.take(process, below: true)
        #expect(Cgroup.paths(of: process.pid).contains(group.path + "/below"))
    }

    @Test(
        "what is no unit's control group is none",
        arguments: [
            "", "/", "//", "init.scope", "/../proc", "/a/../..", "/.", "/a//b", "/no-such-group",
            "/cgroup.procs", "/\0", "/" + String(repeating: "a", count: 5000),
        ])
    func noDirectory(name: String) { #expect(Cgroup.directory(ofUnit: name) == nil) }

    @Test("all in it and below it counts, and nothing else", arguments: UnitCgroup.mounts)
    func memory(mount: String) throws {
        let group = try UnitCgroup(at: mount)
        let main = try Started(["sh", "-c", "sleep 1000 & wait"])
        until("it has a child") { !ProcessTable.children(of: main.pid).isEmpty }
        let eater = try Started(
            ["perl", "-e", "$x = 'x' x (64 << 20); $0 = 'full'; sleep 1000"])
        until("it has eaten") { ProcessTable.name(of: eater.pid) == "full" }
        try group.take(main)
        var subject = group.subject
        subject.main = main.identity
        func use() throws -> MemoryUse {
            try #require(try looker.survey(.memory, of: subject).memory)
        }
        let probe = Probe.Kind.memory(MemoryProbe(below: .bytes(48 << 20)))
        // Its child began before it was moved, and is another unit's.
        #expect(try use().processes == 1)
        #expect(try looker.look(probe, of: subject).outcome == .passed)
        try group.take(eater, below: true)
        #expect(try use().processes == 2)
        #expect(try looker.look(probe, of: subject).outcome == .failed)
        // The same, by descent.
        subject.members = .descent
        #expect(try use().processes == 3)
    }

    @Test("processor time is that of all in it", arguments: UnitCgroup.mounts)
    func processor(mount: String) throws {
        let group = try UnitCgroup(at: mount)
        let loop = try Started(["sh", "-c", "while :; do :; done"])
        let idle = try looker.look(.cpu(CPUProbe()), of: group.subject)
        #expect(idle.value ?? 0 < 50_000_000)
        try group.take(loop, below: true)
        func time() throws -> Int64 {
            try #require(try looker.look(.cpu(CPUProbe()), of: group.subject).value)
        }
        let first = try time()
        try until("it has used another 100 ms") { try time() >= first + 100_000_000 }
    }

    @Test("a unit that is down has no process to look at", arguments: UnitCgroup.mounts)
    func down(mount: String) throws {
        let group = try UnitCgroup(at: mount)
        var gone = group.subject
        gone.cgroup = nil
        for subject in [group.subject, gone] {
            #expect(try looker.look(.listening(port: 1), of: subject).outcome == .unknown)
            let memory = Probe.Kind.memory(MemoryProbe(below: .bytes(1)))
            #expect(try looker.look(memory, of: gone).outcome == .unknown)
        }
    }

    @Test("its port is held by what is in it", arguments: UnitCgroup.mounts)
    func port(mount: String) throws {
        let group = try UnitCgroup(at: mount)
        let listener = try Listener()
        let port = listener.port
        let process = try Started(["sleep", "1000"], keeping: listener.fd.raw)
        let main = try Started(["sleep", "1000"])
        try group.take(main)
        drop(listener)
        #expect(try looker.look(.listening(port: port), of: group.subject).outcome == .failed)
        try group.take(process, below: true)
        #expect(try looker.look(.listening(port: port), of: group.subject).outcome == .passed)
        // While the unit is up, nothing in it is a leftover.
        let up = try looker.mend(.freePorts([port], earlier: []), of: group.subject)
        #expect(up.outcome == .notNeeded)
        #expect(process.lives)
        let errand = LookRequest.Errand.freePorts([port], earlier: [], leftIn: group.path)
        #expect(try looker.mend(errand, of: group.subject).outcome == .applied)
        #expect(try process.end() == .signalled(SIGTERM))
        #expect(main.lives)
    }

    private func drop(_ listener: consuming Listener) {}

    @Test("somebody makes more cgroups than are looked at: the look cannot say")
    func many() throws {
        let scratch = try Scratch()
        for number in 0..<1100 { mkdir(scratch("\(number)"), 0o755) }
        try scratch.file("cgroup.procs", "\(getpid())\n")
        var subject = Subject(cgroup: scratch.path)
        subject.members = .cgroup
        let memory = try looker.look(.memory(MemoryProbe(below: .bytes(1 << 40))), of: subject)
        #expect(memory.outcome == .unknown)
        #expect(try looker.look(.listening(port: 1), of: subject).outcome == .unknown)
    }

    @Test(
        "of a run that nobody knows there are no words", .timeLimit(.minutes(1)),
        arguments: [String(repeating: "0", count: 32), "", "x", "' or 1", "\0"])
    func noJournal(invocation: String) throws {
        #expect(
            try looker.survey(
                .journal(unit: "no.service", invocation: invocation, began: 0)
            ).journal == nil)
    }
}
