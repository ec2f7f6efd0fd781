import Foundation
import Glibc
import JSON
import Ledger
import Linux
import Testing

@Suite("limits") struct LimitTests {
    private static let isRoot = geteuid() == 0
    private static let wantsSoak = ProcessInfo.processInfo.environment["REGEN_SOAK"] == "1"
    private static let idle = "services: { web: { command: [/bin/sleep, '1000'] } }"

    private func expectRestart(_ installation: Installation, _ name: String = "web") throws {
        try installation.until(name, is: "running")
        let first = try #require(try installation.pid(of: name))
        kill(first, SIGKILL)
        try installation.until("\(name) has another pid") {
            let pid = try installation.pid(of: name)
            return pid != nil && pid != first
        }
    }

    // MARK: - Many

    @Test("two thousand services: status, a death, the stop of all")
    func many() throws { try many(2000) }

    @Test("ten thousand services", .enabled(if: wantsSoak, "takes long: set REGEN_SOAK=1"))
    func veryMany() throws { try many(10_000) }

    /// A static program of some pages: ten thousand of them fit.
    private static let pause = """
        void _start(void) {
            for (;;) {
        #if defined(__x86_64__)
                long result = 34; // pause
                __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
        #else
                register long x8 __asm__("x8") = 73; // ppoll
                register long x0 __asm__("x0") = 0, x1 __asm__("x1") = 0, x2 __asm__("x2") = 0;
                __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
        #endif
            }
        }
        """

    private func many(_ count: Int) throws {
        let services = (0..<(count / 1000)).map {
            "s\($0): { command: [@DIR@/bin/pause], instances: 1000 }"
        }
        let installation = try Installation(
            """
            defaults: { log: none }
            services: { \(services.joined(separator: ", ")) }
            """)
        try installation.make("pause.c", Self.pause)
        let source = "\(installation.programs)/pause.c"
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = [
            "cc", "-static", "-nostdlib", "-Os", "-o", "\(installation.programs)/pause", source,
        ]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0, "cc is needed")
        let began = Clock.boottime()
        func tell(_ what: String) {
            print("\(count) services: \(what) after \((Clock.boottime() - began) / 1_000_000) ms")
        }
        try installation.launch()
        try installation.until("all run", seconds: 120) {
            (try? installation.status())?["daemon"]?["services"]?["running"]?.integer
                == Int64(count)
        }
        tell("all run")
        #expect(try installation.status()["services"]?.array?.count == count)
        tell("status told")
        try expectRestart(installation, "s1@500")
        tell("a death was healed")
        #expect(try installation.end() == 0)
        tell("all stopped")
        #expect(installation.scene("pause").isEmpty)
    }

    // MARK: - Disks

    /// A file system of its own for an installation's state, gone with it.
    private final class Disk {
        let path: String

        init(_ path: String, _ options: String) throws {
            self.path = path
            try #require(mkdir(path, 0o755) == 0)
            try #require(mount("tmpfs", path, "tmpfs", 0, options) == 0)
        }

        /// Fails while anything below is open for writing, as the ledger of a running daemon is.
        func remount(readOnly: Bool) throws {
            let flags = UInt(MS_REMOUNT) | (readOnly ? UInt(MS_RDONLY) : 0)
            try #require(mount("tmpfs", path, "tmpfs", flags, "size=1m") == 0)
        }

        func unmount() { umount2(path, Int32(MNT_DETACH)) }
    }

    private func ledger(_ installation: Installation) throws -> String {
        try installation.status()["daemon"]?["ledger"]?["state"]?.string ?? "none"
    }

    @Test(
        "a full disk: services are restarted, status says so, and the ledger tells of the gap",
        .enabled(if: isRoot, "mounting needs root"))
    func fullDisk() throws {
        let installation = try Installation(
            """
            services:
              web:
                command: [/bin/true]
                instances: 8
                crash_loop: off
                backoff: { quick: 1ms, first: 1ms, most: 2ms }
                log: none
              calm: { command: [/bin/sleep, '1000'], log: none }
            """)
        // Room for all that waits in memory, once the filler is gone.
        let disk = try Disk(installation.state, "size=64m")
        defer {
            installation.abandon()
            disk.unmount()
        }
        try installation.start()
        // Fill it to the last byte.
        let filler = "\(installation.state)/filler"
        let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
        let block = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, block, block.count) > 0 {}
        close(descriptor)

        try installation.until("status says that it is degraded") {
            try ledger(installation) == "degraded"
        }
        try installation.untilSaid("the ledger is degraded: ")
        try expectRestart(installation, "calm")
        func attempts() throws -> Int64 {
            let services = try installation.status()["services"]?.array ?? []
            return services.reduce(0) { $0 + ($1["attempt"]?.integer ?? 0) }
        }
        // Three records each: half as much again as waits in memory.
        let before = try attempts()
        try installation.until("records are lost", seconds: 1200) {
            try attempts() > before + Int64(LedgerLimits.queueRecords / 2)
        }
        // Or they would fill it again.
        #expect(try installation.regen("stop", "web").status == 0)
        #expect(unlink(filler) == 0)
        try installation.until("it is sound again") { try ledger(installation) == "sound" }
        try installation.untilSaid("the ledger is sound again")
        #expect(try installation.end() == 0)

        #expect(try installation.records("ledger.enospc").count >= 1)
        #expect(try installation.records("ledger.gap").count >= 1)
        let verdict = try installation.regen("ledger", "verify", "\(installation.state)/ledger")
        #expect(verdict.status == 7, "\(verdict)")
    }

    @Test(
        "a file system that turns read-only: services are restarted, status says so",
        .enabled(if: FailingDisk.isPossible, "needs root, mkfs.ext4, a loop device and ext4"))
    func turnsReadOnly() throws {
        let installation = try Installation(
            """
            services: { web: { command: [/bin/sleep, '1000'] } }
            """)
        let disk = try FailingDisk(installation.state, image: "\(installation.directory)/image")
        defer {
            installation.abandon()
            disk.unmount()
        }
        try installation.start()
        try installation.until("web", is: "running")
        try disk.fail()
        try expectRestart(installation)
        try installation.until("status says that it is degraded") {
            try ledger(installation) == "degraded"
        }
        try installation.untilSaid("the ledger is degraded: ")
        try installation.untilSaid(
            "web: its log cannot be written (Read-only file system); what it prints is lost")
        try expectRestart(installation)
        #expect(try installation.end() == 0)
        #expect(installation.survivors().isEmpty)
    }

    @Test(
        "a state directory that is read-only from the start: it says so, heals, starts nothing twice",
        .enabled(if: isRoot, "mounting needs root"))
    func startsReadOnly() throws {
        let installation = try Installation(
            "services: { web: { command: [/bin/sleep, '1000'], log: none } }")
        let disk = try Disk(installation.state, "size=1m")
        defer {
            installation.abandon()
            disk.unmount()
        }
        try installation.start()
        try installation.until("web", is: "running")
        let first = try #require(try installation.pid(of: "web"))
        installation.killDaemon()
        try disk.remount(readOnly: true)

        // What runs is adopted, although nothing can be written.
        try installation.start()
        try installation.untilSaid("going on without a ledger: services are healed")
        #expect(try ledger(installation) == "off")
        #expect(try installation.pid(of: "web") == first)
        try expectRestart(installation)
        let second = try #require(try installation.pid(of: "web"))
        installation.killDaemon()

        // Nobody has written down that the second was started: its mark tells.
        try installation.start()
        #expect(try installation.pid(of: "web") == second)
        #expect(installation.survivors() == [second])
        installation.killDaemon()

        try disk.remount(readOnly: false)
        try installation.start()
        #expect(try installation.pid(of: "web") == second)
        #expect(installation.survivors() == [second])
        #expect(try ledger(installation) == "sound")
        #expect(try installation.end() == 0)
        #expect(installation.survivors().isEmpty)
    }

    // MARK: - Two of us

    @Test("a second regend on one runtime directory says who is there, and leaves it alone")
    func sameRuntime() throws {
        let installation = try Installation(Self.idle)
        try installation.start()
        try installation.until("web", is: "running")
        let pid = try installation.pid(of: "web")
        let second = try second(installation.configuration)
        #expect(second.status == 1)
        #expect(
            second.text.contains(
                "another regend (pid \(installation.pid)) uses \(installation.runtime); "
                    + "stop it first, or give this one another runtime_directory"), "\(second)")
        #expect(try installation.pid(of: "web") == pid)
        #expect(installation.survivors() == [pid])
        #expect(try installation.end() == 0)
    }

    @Test("a second regend on one state directory, too")
    func sameState() throws {
        let installation = try Installation(Self.idle)
        try installation.start()
        try installation.until("web", is: "running")
        let pid = try installation.pid(of: "web")
        let other = "\(installation.directory)/other.yaml"
        let text = try String(contentsOfFile: installation.configuration, encoding: .utf8)
            .replacingOccurrences(
                of: "runtime_directory: \(installation.runtime)",
                with: "runtime_directory: \(installation.directory)/run2")
        try text.write(toFile: other, atomically: false, encoding: .utf8)
        let second = try second(other)
        #expect(second.status == 1)
        #expect(second.text.contains("\(installation.state)/ledger"), "\(second)")
        #expect(second.text.contains("\(installation.pid)"), "\(second)")
        #expect(try installation.pid(of: "web") == pid)
        #expect(installation.survivors() == [pid])
        #expect(try ledger(installation) == "sound")
        #expect(try installation.end() == 0)
    }

    /// Another `regen run`, to its end.
    private func second(_ configuration: String) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(Installation.programs)/regen")
        process.arguments = ["run", "--config", configuration]
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }

    // MARK: - Configurations

    @Test("a configuration of 100 MB is refused with its bound")
    func hugeConfiguration() throws {
        let installation = try Installation(Self.idle)
        truncate(installation.configuration, 100 << 20)
        let answer = try second(installation.configuration)
        #expect(answer.status == 2)
        #expect(answer.text.contains("a configuration has at most 16777216 bytes"), "\(answer)")
    }

    @Test(
        "root takes no configuration that others can change",
        .enabled(if: isRoot, "only root is that careful"))
    func writableConfiguration() throws {
        let installation = try Installation(Self.idle)
        let why = "as root I only take a configuration that nobody else can change"
        chmod(installation.configuration, 0o666)
        var answer = try second(installation.configuration)
        #expect(answer.status == 2)
        #expect(
            answer.text.contains(
                "\(installation.configuration) may be written by others (mode 666); \(why)"),
            "\(answer)")

        chmod(installation.configuration, 0o644)
        chmod(installation.directory, 0o777)
        answer = try second(installation.configuration)
        #expect(answer.status == 2)
        #expect(
            answer.text.contains(
                "\(installation.directory) may be written by others (mode 777); \(why)"),
            "\(answer)")

        chmod(installation.directory, 0o755)
        chown(installation.configuration, 65534, 0)
        answer = try second(installation.configuration)
        #expect(answer.status == 2)
        #expect(
            answer.text.contains("\(installation.configuration) belongs to user 65534; \(why)"),
            "\(answer)")

        // /tmp itself may be written by everybody, but is sticky.
        chown(installation.configuration, 0, 0)
        try installation.start()
        #expect(try installation.end() == 0)
    }

    // MARK: - Clients

    /// A connection to the control socket.
    private func connect(_ installation: Installation) throws -> UnixSocket {
        try UnixSocket.connect(to: "\(installation.runtime)/io.regen.Control", milliseconds: 5000)
    }

    private func send(_ bytes: [UInt8], to socket: borrowing UnixSocket) -> UnixSocket.Transfer {
        bytes.withUnsafeBytes { socket.send($0) }
    }

    @Test("binary garbage on the control socket ends that connection and nothing else")
    func garbage() throws {
        let installation = try Installation(Self.idle)
        try installation.start()
        let pid = installation.pid
        var random = SystemRandomNumberGenerator()
        for length in [1, 100, 5000, 100_000] {
            let socket = try connect(installation)
            var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            bytes.append(0)
            _ = send(bytes, to: socket)
        }
        try expectRestart(installation)
        #expect(installation.pid == pid)
        #expect(try installation.end() == 0)
    }

    @Test("a client that never reads holds up nobody")
    func deafClient() throws {
        let installation = try Installation(
            "services: { web: { command: [/bin/sleep, '1000'], instances: 300 } }")
        try installation.start()
        let call = Array("{\"method\":\"io.regen.Control.Status\"}".utf8) + [0]
        let deaf = try connect(installation)
        // As many calls as the kernel takes: some hundred kilobytes of answers each.
        while case .moved = send(call, to: deaf) {}
        try expectRestart(installation, "web@7")
        #expect(try installation.end() == 0)
        withExtendedLifetime(deaf) {}
    }

    @Test("a hundred clients at once: as many as there is room for are served, then again all")
    func hundredClients() throws {
        let installation = try Installation(Self.idle)
        try installation.start()
        var clients: [Client] = []
        for _ in 0..<100 { clients.append(Client(try connect(installation))) }
        let call = Array("{\"method\":\"io.regen.Control.Version\",\"parameters\":{}}".utf8) + [0]
        var answers: [String] = []
        for client in clients {
            _ = send(call, to: client.socket)
            answers.append(client.answer())
        }
        #expect(answers.count { $0.contains("\"version\":") } == 64)
        #expect(answers.count { $0.contains("TooManyClients") } == 36)
        let web = try #require(installation.survivors().first)
        kill(web, SIGKILL)
        try installation.until("web is back although nobody can ask") {
            installation.survivors().contains { $0 != web }
        }
        clients = []
        try installation.until("there is room again") { (try? installation.status()) != nil }
        #expect(try installation.end() == 0)
    }

    private final class Client {
        let socket: UnixSocket

        init(_ socket: consuming UnixSocket) { self.socket = socket }

        /// Up to the NUL, or to the end of the connection.
        func answer() -> String {
            var text: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while !text.contains(0) {
                guard (try? socket.wait(for: .readable, milliseconds: 10_000)) == true,
                    case .moved(let count) = chunk.withUnsafeMutableBytes({
                        socket.receive(into: $0)
                    })
                else { break }
                text += chunk[..<count]
            }
            return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
