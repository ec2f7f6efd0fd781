import Control
import Foundation
import Glibc
import JSON
import Testing

/// What `regen doctor --json` found, by check.
private struct Visit {
    let code: Int32
    let error: String
    let findings: [[String: String]]

    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        let outcome = try run(["doctor", "--json"] + arguments, environment: environment)
        code = outcome.code
        error = outcome.error
        let json = try JSONValue.parse(Array(outcome.output.utf8), limit: 1 << 20)
        findings = try #require(json.array).map { finding in
            let members = try #require(finding.object)
            #expect(members.map(\.key) == ["group", "check", "verdict", "found", "fix"])
            return members.reduce(into: [:]) { $0[$1.key] = $1.value.string }
        }
    }

    /// `fault there is no …`; all of that check.
    func lines(_ check: String) -> [String] {
        findings.filter { $0["check"] == check }.map {
            "\($0["verdict"] ?? "") \($0["found"] ?? "")"
        }
    }

    func fixes(_ check: String) -> [String] {
        findings.filter { $0["check"] == check }.compactMap { $0["fix"] }
    }
}

@Suite("regen doctor") struct DoctorTests {
    let folder: Folder
    var root: String { folder.url.path }

    init() throws {
        folder = try Folder()
        chmod(folder.url.path, 0o755)
    }

    private func visit(_ yaml: String) throws -> Visit {
        let file = try folder.write("regen.yaml", yaml)
        return try Visit(["--root", root, "--config", file.path])
    }

    @Test("everything but ticks has a fix, and a fault ends with 1") func verdicts() throws {
        let visit = try visit("services: { web: { command: [/bin/sleep, '9'], user: nobody } }")
        #expect(visit.code == 1 && visit.error == "")
        for finding in visit.findings {
            #expect((finding["fix"] == nil) == (finding["verdict"] == "ok"), "\(finding)")
            #expect(["ok", "warning", "fault"].contains(finding["verdict"]))
        }
        #expect(
            visit.lines("daemon") == [
                "fault no regend answers at \(root)/run/regen/io.regen.Control: nothing is healed"
            ])
        #expect(visit.lines("web") == ["ok /bin/sleep as nobody"])
        let groups = visit.findings.compactMap { $0["group"] }
        #expect(groups.contains("machine") && groups.contains("watchdog"))
    }

    @Test("paths of the configuration") func paths() throws {
        let script = try folder.write("script", "#!/bin/sh\n")
        let visit = try visit(
            """
            services:
              gone: { command: [/nope/program] }
              bare: { command: [no-such-program] }
              plain: { command: [\(script.path)] }
              user: { command: [/bin/sleep, '9'], user: no-such-user }
              group: { command: [/bin/sleep, '9'], user: nobody, group: no-such-group }
              place: { command: [sleep, '9'], directory: /nope }
              file: { command: [/bin/sleep, '9'], directory: \(script.path) }
            """)
        #expect(
            visit.lines("gone") == [
                "fault command: /nope/program is not there: it cannot be started"
            ])
        #expect(
            visit.lines("bare") == [
                "fault command: no-such-program is nowhere in its PATH: it cannot be started"
            ])
        #expect(visit.lines("plain").first?.contains("may not be executed") == true)
        #expect(visit.fixes("user") == ["useradd --system no-such-user"])
        #expect(visit.fixes("group") == ["groupadd --system no-such-group"])
        #expect(
            visit.lines("place") == ["fault directory: /nope is not there: it cannot be started"])
        #expect(visit.lines("file").first?.contains("is no directory") == true)
    }

    @Test(
        "paths are looked at as the service's user",
        .enabled(if: geteuid() == 0, "only root can be somebody else"))
    func asUser() throws {
        let closed = folder.url.appending(path: "closed")
        try FileManager.default.createDirectory(at: closed, withIntermediateDirectories: false)
        chmod(closed.path, 0o700)
        let visit = try visit(
            """
            services:
              other: { command: [/bin/sleep, '9'], user: nobody, directory: \(closed.path) }
              own: { command: [/bin/sleep, '9'], user: root, directory: \(closed.path) }
              log: { command: [/bin/sleep, '9'], user: nobody, log: { path: \(closed.path)/log } }
              fresh: { command: [/bin/sleep, '9'], user: root, log: { path: \(closed.path)/new } }
            """)
        #expect(
            visit.lines("other") == [
                "fault directory: \(closed.path) may not be entered by user nobody: "
                    + "it cannot be started"
            ])
        #expect(visit.lines("own") == ["ok /bin/sleep as root"])
        #expect(visit.lines("log").first?.contains("may not be reached by user nobody") == true)
        #expect(visit.lines("fresh") == ["ok /bin/sleep as root"])
    }

    @Test("many services are looked at, each for itself") func many() throws {
        let services = (0..<400).map { "  s\($0): { command: [/bin/s\($0)leep, '9'] }" }
        let visit = try visit("services:\n" + services.joined(separator: "\n"))
        for number in [0, 127, 128, 399] {
            #expect(visit.lines("s\(number)").first?.contains("/bin/s\(number)leep") == true)
        }
    }

    @Test("a configuration that is wrong, or is none") func configuration() throws {
        let wrong = try visit("services: { web: { commando: [x] } }")
        #expect(wrong.lines("configuration").first?.hasPrefix("fault") == true)
        let missing = try Visit(["--root", root, "--config", "\(root)/nope.yaml"])
        #expect(missing.lines("configuration").first?.contains("is not there") == true)
        let folder = try Visit(["--root", root, "--config", root])
        #expect(folder.lines("configuration").first?.contains("is no file") == true)
        let none = try Visit(["--root", root])
        #expect(none.lines("configuration").first?.hasPrefix("warning none is known") == true)
        mkfifo("\(root)/fifo", 0o600)
        let fifo = try Visit(["--root", root, "--config", "\(root)/fifo"])
        #expect(fifo.lines("configuration").first?.hasPrefix("fault") == true)
    }

    @Test("the usual configuration is found below the root") func usual() throws {
        let etc = folder.url.appending(path: "etc/regen")
        try FileManager.default.createDirectory(at: etc, withIntermediateDirectories: true)
        try "services: { web: { command: [/nope], user: nobody } }".write(
            to: etc.appending(path: "regen.yaml"), atomically: true, encoding: .utf8)
        let visit = try Visit(["--root", root])
        #expect(visit.lines("configuration").first?.contains("/etc/regen/regen.yaml") == true)
        #expect(visit.lines("web").count == 1)
    }

    @Test("a daemon that answers tells of itself, and which configuration is meant")
    func daemon() throws {
        let file = try folder.write("regen.yaml", "services: { web: { command: [/nope] } }").path
        let daemon = try FakeDaemon { _ in
            .status([], ledger: LedgerCondition(state: "degraded", detail: "no space")) {
                $0.configFile = file
                $0.stateDirectory = "/tmp"
            }
        }
        defer { daemon.end() }
        let visit = try Visit(
            ["--root", root], environment: ["REGEN_RUNTIME_DIRECTORY": daemon.directory])
        #expect(visit.lines("daemon") == ["ok regend 7 is ready, pid 4711"])
        #expect(visit.lines("version").first?.hasPrefix("warning regend is 7") == true)
        #expect(visit.lines("ledger").first?.hasPrefix("fault degraded: no space") == true)
        #expect(visit.lines("web").first?.contains("/nope") == true)
        #expect(visit.code == 1)
    }

    @Test("a daemon that says nothing is not waited for") func silent() throws {
        let directory = try Folder()
        let path = "\(directory.url.path)/\(ControlClient.socketName)"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
        }
        try #require(bound == 0 && listen(listener, 4) == 0)
        let visit = try Visit(
            ["--root", root], environment: ["REGEN_RUNTIME_DIRECTORY": directory.url.path])
        #expect(visit.lines("daemon").first?.contains("says nothing: nothing is healed") == true)
    }

    @Test(
        "a disk that does not answer is told, and what is beside it is seen",
        .enabled(if: geteuid() == 0 && access("/dev/fuse", W_OK) == 0, "needs root and FUSE"))
    func deadDisk() throws {
        let mount = try #require(DeadMount(at: "\(root)/dead"))
        defer { mount.end() }
        let visit = try visit(
            """
            services:
              dead: { command: [\(mount.path)/program], user: root }
              live: { command: [/bin/sleep, '9'], user: root }
            """)
        #expect(visit.lines("dead").first?.contains("does not answer") == true)
        #expect(visit.fixes("dead") == ["findmnt -T \(mount.path)/program"])
        #expect(visit.lines("live") == ["ok /bin/sleep as root"])
    }

    @Test("marks for people, by the locale") func text() throws {
        for (locale, tick, cross) in [
            ("C.UTF-8", "✓", "✗"), ("de_DE.utf8", "✓", "✗"), ("C", "+", "x"),
        ] {
            let outcome = try run(["doctor", "--root", root], environment: ["LC_ALL": locale])
            #expect(outcome.code == 1 && outcome.error == "")
            let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.first == "Machine")
            #expect(lines.contains { $0.hasPrefix("  \(tick) kernel ") })
            let cross = try #require(lines.firstIndex { $0.hasPrefix("  \(cross) daemon ") })
            #expect(
                lines[cross + 1] == "      regen run --config FILE"
                    || lines[cross + 1] == "      systemctl start regen")
            #expect(!outcome.output.contains("\u{1B}"))
            #expect(
                outcome.output.contains("stop healing or a rollback")
                    || outcome.output.contains("stops healing or a rollback"))
        }
    }

    @Test("the generations of a stand-in system") func standIn() throws {
        let scripts = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "examples/stand-in")
        func make(_ script: String, _ arguments: String...) throws -> String {
            let outcome = try run([root] + arguments, by: scripts.appending(path: script))
            try #require(outcome.code == 0, "\(outcome.error)")
            return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let old = try make("new-system", "old")
        let broken = try make("new-system", "broken", "--without", "kernel")
        let new = try make("new-system", "new")
        for system in [old, broken, new] { _ = try make("new-generation", system, "--set") }
        _ = try make("boot")
        let yaml = "safeswitch: {}\nservices: { web: { command: [/bin/sleep, '9'], user: nobody } }"
        let before = try visit(yaml)
        #expect(before.lines("rollback").first?.hasPrefix("fault there is no generation") == true)
        #expect(before.lines("profile") == ["ok generation 3 is the boot default"])

        let profiles = "\(root)/nix/var/nix/profiles/system-profiles"
        try FileManager.default.createDirectory(
            atPath: profiles, withIntermediateDirectories: true)
        symlink("last-known-good-1-link", "\(profiles)/last-known-good")
        symlink(old, "\(profiles)/last-known-good-1-link")
        let after = try visit(yaml)
        #expect(
            after.lines("rollback") == [
                "ok would go to generation 1 (live): it is the newest known good generation"
            ])
        #expect(
            after.lines("generations") == [
                "ok 1 of 2 others could be gone back to: 2 is incomplete: it has no kernel"
            ])
        let off = try visit("services: { web: { command: [/bin/sleep, '9'], user: nobody } }")
        #expect(off.lines("safeswitch").first?.hasPrefix("warning off") == true)
    }

    @Test("what only doctor starts says so") func hidden() throws {
        let outcome = try run(["doctor-look", "nonsense"])
        #expect(
            outcome == Outcome(code: 2, output: "", error: "regen: only regen doctor starts me\n"))
    }
}

/// A file system whose server never answers: FUSE without anybody behind it.
private struct DeadMount {
    let path: String
    private let device: Int32

    /// `nil`: it cannot be made here.
    init?(at path: String) {
        self.path = path
        mkdir(path, 0o755)
        device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        let options = "fd=\(device),rootmode=40000,user_id=0,group_id=0,allow_other"
        guard device >= 0, mount("regen-test", path, "fuse", 0, options) == 0 else {
            if device >= 0 { close(device) }
            return nil
        }
    }

    func end() {
        close(device)  // whoever still waits gets an error
        umount2(path, Int32(MNT_DETACH))
    }
}
