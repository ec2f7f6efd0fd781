import Foundation
import Glibc
import Linux
import Testing

/// What `make run` shows, from its start to Ctrl-C.
@Suite("the demonstration") struct QuickstartTests {
    @Test("a deployment breaks the shop, Regen goes back, and Ctrl-C leaves nothing")
    func wholeStory() throws {
        let scene = try Quickstart()
        try scene.until("the shop is well again") {
            scene.ledger.contains(#""ev":"switch.end""#)
                && scene.ledger.contains(#""outcome":"succeeded""#)
        }
        #expect(scene.generation == 2)
        #expect(try scene.interrupt() == 0)
        #expect(scene.remains == [])
    }

    @Test("Ctrl-C while Regen's switch is under way leaves nothing either")
    func midway() throws {
        let scene = try Quickstart()
        try scene.until("the system is there") { scene.system != nil }
        try scene.holdSwitch(to: try #require(scene.system))
        try scene.until("the switch is under way") { scene.isHeld }
        #expect(try scene.interrupt() == 0)
        #expect(scene.remains == [])
    }
}

/// The demonstration, in a directory for temporary files of its own.
private final class Quickstart {
    private let directory: String
    private let process = Process()

    init() throws {
        var template = Array("/tmp/regen-test-XXXXXX".utf8CString)
        directory = String(cString: try #require(mkdtemp(&template)))
        chmod(directory, 0o755)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        // A shell cannot trap what was ignored when it began.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "--default-signal=INT", "bash", "\(root)/examples/quickstart/run",
        ]
        process.environment = [
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": directory, "DEPLOYMENT_AFTER": "3",
            "REGEN": "\(Installation.programs)/regen",
        ]
        let output = "\(directory)/output"
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = process.standardOutput
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        for pid in processes { kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Its scratch directory, while there is one.
    private var scratch: String? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.first { $0.hasPrefix("regen-quickstart.") }.map { "\(directory)/\($0)" }
    }

    private var root: String { "\(scratch ?? "/nonexistent")/root" }

    /// All records so far.
    var ledger: String {
        let folder = "\(root)/var/lib/regen/ledger"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().compactMap {
            try? String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
        }.joined()
    }

    /// The system that was booted, in the directory of systems.
    var system: String? {
        let link = "\(root)/run/booted-system"
        return (try? FileManager.default.destinationOfSymbolicLink(atPath: link)).map {
            "\(root)/run/\($0)"
        }
    }

    /// The number of the profile's generation.
    var generation: Int? {
        let link = "\(root)/nix/var/nix/profiles/system"
        return (try? FileManager.default.destinationOfSymbolicLink(atPath: link))
            .flatMap { $0.split(separator: "-").dropFirst().first }.flatMap { Int($0) }
    }

    /// A switch to this system waits before its activation, for good.
    func holdSwitch(to system: String) throws {
        let knobs = "\(system)/stand-in"
        try FileManager.default.createDirectory(
            atPath: knobs, withIntermediateDirectories: false)
        _ = FileManager.default.createFile(atPath: "\(knobs)/wait-at-activate", contents: nil)
    }

    var isHeld: Bool { FileManager.default.fileExists(atPath: "\(root)/stand-in/at-activate") }

    /// Ctrl-C: its exit status.
    func interrupt() throws -> Int32 {
        kill(process.processIdentifier, SIGINT)
        try until("it ends") { !process.isRunning }
        return process.terminationStatus
    }

    /// What is left of it: processes and files.
    var remains: [String] { processes.map { "process \($0)" } + [scratch].compactMap { $0 } }

    /// Everything that runs with this directory in its environment or among its words.
    private var processes: [Int32] {
        ProcessTable.pids().filter { pid in
            [ProcessTable.text("/proc/\(pid)/environ"), ProcessTable.text("/proc/\(pid)/cmdline")]
                .contains { $0?.contains(directory) == true }
        }
    }

    func until(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = Date().addingTimeInterval(120)
        while try !condition() {
            try #require(Date() < deadline, "\(what) did not come about:\n\(output)")
            usleep(20_000)
        }
    }

    private var output: String {
        (try? String(contentsOfFile: "\(directory)/output", encoding: .utf8)) ?? ""
    }
}
