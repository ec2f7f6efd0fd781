import Foundation
import Glibc
import Linux
import Testing

/// A Debian whose PID 1 is a real systemd, booted by systemd-nspawn from a directory that it does
/// not change, with the programs under test in /opt/regen. It is gone when the test is over.
///
/// To be made and used in one synchronous function: it ends with the thread that made it.
final class Container {
    /// Why there can be none with that rootfs here; `nil`: there can.
    static func obstacle(_ debian: Debian) -> String? {
        guard geteuid() == 0 else { return "booting a container needs root" }
        for program in ["systemd-nspawn", "nsenter", "setpriv", "flock", "timeout"]
        where access("/usr/bin/\(program)", X_OK) != 0 { return "there is no \(program)" }
        guard FileManager.default.fileExists(atPath: "\(debian.rootfs)/etc/regen-rootfs") else {
            return "no \(debian.rootfs); as root: Tests/ContainerTests/make-rootfs \(debian)"
        }
        return Linux.Cgroup.mountPoint() == nil ? "no cgroup2 mount" : nil
    }

    /// How long anything may take, in seconds: a boot takes one.
    static let patience = 60.0

    /// How long it may take until it is our turn to boot one.
    static let turn = 300.0

    /// A directory of the host, with what both sides see.
    let directory: String
    private let rootfs: String
    private let binds: [String: String]
    private let names: [String]
    private var nspawn = Process()
    /// The container's PID 1, as the host numbers it.
    private(set) var leader: Int32 = 0

    /// Boots it. `binds` maps paths in the container to paths in `directory`, which are there;
    /// `programs` are those under test that it is given.
    init(
        _ debian: Debian, _ binds: [String: String], programs: [String] = ["regen", "regend"],
        prepare: (_ directory: String) throws -> Void
    ) throws {
        rootfs = debian.rootfs
        self.binds = binds
        names = programs
        directory = "/tmp/regen-container-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        try prepare(directory)
        try boot()
    }

    deinit {
        if nspawn.isRunning {
            nspawn.terminate()  // it asks PID 1 to shut down
            do { try untilOff() } catch {
                if leader > 0 { kill(leader, SIGKILL) }  // 0 would be ourselves
                kill(nspawn.processIdentifier, SIGKILL)
                nspawn.waitUntilExit()
            }
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func boot() throws {
        try launch()
        try until("other containers are gone", for: Self.turn) {
            try #require(self.nspawn.isRunning, "\(self.story)")
            return self.child != nil
        }
        try until("the container is up") {
            try #require(self.nspawn.isRunning, "\(self.story)")
            guard let child = self.child else { return false }
            self.leader = child
            let state = try self.run(["systemctl", "is-system-running"]).output
            return state.hasPrefix("running") || state.hasPrefix("degraded")
        }
    }

    /// Waits until PID 1 has ended for a reboot, and does it: what the host sees is kept, and all
    /// that the container has written to its own disk is not.
    func reboot() throws {
        try untilOff()
        let forceRestart = Int32(133)  // systemd-nspawn(1), with --keep-unit
        try #require(nspawn.terminationStatus == forceRestart)
        try boot()
    }

    private func launch() throws {
        nspawn = Process()
        // One container at a time on this machine: they would share a cgroup. And none without us.
        nspawn.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        nspawn.arguments =
            [
                "--pdeathsig", "TERM", "flock", "--no-fork", "--timeout", "\(Self.turn)",
                "/run/lock/regen-container-tests", "systemd-nspawn", "--boot", "--register=no",
                "--keep-unit",
                "--private-network", "--volatile=overlay", "--settings=no", "--link-journal=no",
                "--resolv-conf=off", "--timezone=off", "--machine=regen-test",
                "--directory=\(rootfs)",
            ] + (try Self.programs(names)).map { "--bind-ro=\($0):/opt/regen/\(Self.name($0))" }
            + binds.map { "--bind=\(directory)/\($0.value):\($0.key)" }
        nspawn.environment = ["PATH": "/usr/bin:/bin", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"]
        let console = "\(directory)/console"
        _ = FileManager.default.createFile(atPath: console, contents: nil)
        let output = try #require(FileHandle(forWritingAtPath: console))
        nspawn.standardOutput = output
        nspawn.standardError = output
        nspawn.standardInput = FileHandle.nullDevice
        try nspawn.run()
    }

    // MARK: - What it is given

    /// The programs under test and the libraries that they were linked with. They are looked for
    /// beside the programs. The C library is the container's own: it belongs to its loader.
    private static func programs(_ names: [String]) throws -> [String] {
        if names.isEmpty { return [] }
        let built = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().path
        let programs = names.map { "\(built)/\($0)" }
        let listed = try output(of: ["ldd"] + programs)
        let libraries = listed.matches(of: /=> (\/\S+)/).map { String($0.1) }
        // So is libsystemd, which would look for its own libraries among the container's.
        let itsOwn = /(libc|libm|libdl|libpthread|librt|libresolv|libsystemd)\.so\.\d+/
        return programs
            + Set(libraries).filter { name($0).wholeMatch(of: itsOwn) == nil }.sorted()
    }

    private static func name(_ path: String) -> Substring { path.split(separator: "/").last! }

    // MARK: - Inside

    /// Runs a command inside and returns what it prints. Its status is for the caller to judge.
    @discardableResult
    func run(_ command: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let text = try Self.output(
            of: ["nsenter", "--target", "\(leader)", "--all"] + command, process)
        return (process.terminationStatus, text)
    }

    /// Runs a command to its end, at most as long as our patience.
    private static func output(of command: [String], _ process: Process = Process()) throws
        -> String
    {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = ["--signal=KILL", "\(patience)"] + command
        process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: - Waiting

    /// Waits until `condition` holds; fails the test when it does not in time.
    func until(
        _ what: String, for patience: Double = patience, _ condition: () throws -> Bool
    ) throws {
        let deadline = Date().addingTimeInterval(patience)
        while try !condition() {
            if Date() > deadline { throw Overdue(what: what, story: story) }
            usleep(20_000)
        }
    }

    /// Waits until its PID 1 has ended.
    func untilOff() throws { try until("the container is off") { !self.nspawn.isRunning } }

    /// The only child of systemd-nspawn is the container's PID 1.
    private var child: Int32? {
        let pid = nspawn.processIdentifier
        let children = try? String(
            contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
        return children?.split(separator: " ").first.flatMap { Int32($0) }
    }

    /// The text of a file that both sides see; empty when there is none.
    func text(_ name: String) -> String {
        (try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)) ?? ""
    }

    /// What a person would want to read when a test fails.
    private var story: String {
        let journal =
            nspawn.isRunning ? try? run(["journalctl", "-u", "regen", "-n", "50"]).output : nil
        return "console:\n\(text("console").suffix(3000))\n"
            + "messages:\n\(text("srv/messages").suffix(3000))\njournal:\n\(journal ?? "")"
    }

    struct Overdue: Error, CustomStringConvertible {
        let what: String
        let story: String
        var description: String { "did not come about: \(what)\n\(story)" }
    }
}
