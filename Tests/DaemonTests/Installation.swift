import Foundation
import Glibc
import JSON
import Testing

/// A regend of its own in a scratch directory: started as a user starts it, ended and cleaned away
/// with everything it ran when the test is over.
final class Installation {
    /// Where its configuration, state and runtime directories are.
    let directory: String
    private(set) var daemon: Process?
    private let root: Root
    /// Where the programs are that it is started with.
    var launched = Installation.programs

    /// What it is told by `--root`.
    enum Root {
        /// Nothing: the machine's own root.
        case machine
        /// The scratch directory.
        case scratch
    }

    /// Where `swift build` put the programs: beside the test bundle.
    static let programs = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    /// `yaml` is the configuration without its directories; `@DIR@` in it is the scratch directory.
    init(_ yaml: String, in parent: String = "/tmp", root: Root = .machine) throws {
        self.root = root
        let template = Array("\(parent)/regen-test-XXXXXX".utf8CString)
        directory = try template.withUnsafeBufferPointer { name in
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: name.count)
            defer { copy.deallocate() }
            copy.update(from: name.baseAddress!, count: name.count)
            return String(cString: try #require(mkdtemp(copy)))
        }
        chmod(directory, 0o755)
        try configure(yaml)
    }

    deinit {
        if let daemon, daemon.isRunning { kill(daemon.processIdentifier, SIGKILL) }
        for pid in survivors() { kill(pid, SIGKILL) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    var state: String { "\(directory)/state" }
    var runtime: String { "\(directory)/run" }
    var configuration: String { "\(directory)/regen.yaml" }
    var pid: Int32 { daemon?.processIdentifier ?? 0 }
    /// What the daemon has said on standard error, of all its lives.
    var messages: String {
        (try? String(contentsOfFile: "\(directory)/stderr", encoding: .utf8)) ?? ""
    }

    /// Writes another configuration, without telling the daemon.
    func configure(_ yaml: String) throws {
        let text = """
            state_directory: \(root == .machine ? state : "/state")
            runtime_directory: \(root == .machine ? runtime : "/run")
            \(yaml.replacingOccurrences(of: "@DIR@", with: directory))

            """
        try text.write(toFile: configuration, atomically: false, encoding: .utf8)
    }

    /// Starts the daemon, after a shell has done this, and waits until it answers.
    func start(below shell: String = "true") throws {
        try launch(below: shell)
        try until("the daemon answers") { (try? self.status()) != nil }
    }

    /// Starts the daemon without waiting, after a shell has done this, `true` if nothing.
    func launch(below shell: String = "true") throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "\(shell); exec \"$0\" run --config \"$@\"", "\(launched)/regen", configuration,
        ]
        if root == .scratch { process.arguments! += ["--root", directory] }
        let path = "\(directory)/stderr"
        if !FileManager.default.fileExists(atPath: path) {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        let log = try #require(FileHandle(forWritingAtPath: path))
        log.seekToEndOfFile()
        process.standardOutput = log
        process.standardError = log
        process.standardInput = FileHandle.nullDevice
        try process.run()
        daemon = process
    }

    /// Sends the daemon a signal.
    func signal(_ number: Int32) { kill(pid, number) }

    /// kill -9, and waits until it is gone.
    func killDaemon() {
        signal(SIGKILL)
        daemon?.waitUntilExit()
    }

    /// SIGTERM, and waits until it is gone; its exit status.
    @discardableResult
    func end() throws -> Int32 {
        signal(SIGTERM)
        let daemon = try #require(daemon)
        try until("the daemon ends", seconds: 60) { !daemon.isRunning }
        return daemon.terminationStatus
    }

    /// Runs `regen` with these arguments against this daemon.
    @discardableResult
    func regen(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(Self.programs)/regen")
        process.arguments = arguments
        process.environment = ["REGEN_RUNTIME_DIRECTORY": runtime, "PATH": "/usr/bin:/bin"]
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: text, as: UTF8.self),
            String(decoding: complaint, as: UTF8.self)
        )
    }

    /// What `regen status --json` says; throws when nobody answers.
    func status() throws -> JSONValue {
        let answer = try regen("status", "--json")
        return try JSONValue.parse(Array(answer.output.utf8), limit: 64 << 20)
    }

    /// What status says of one instance.
    func instance(_ name: String) throws -> JSONValue? {
        try status()["services"]?.array?.first { $0["name"]?.string == name }
    }

    /// The instance's phase in one word.
    func phase(_ name: String) throws -> String { try instance(name)?["phase"]?.string ?? "none" }

    /// The pid of its main process.
    func pid(of name: String) throws -> Int32? {
        try instance(name)?["pid"]?.integer.map { Int32($0) }
    }

    /// Waits until `condition` holds; fails the test when it does not in time. One look may fail:
    /// on a busy machine nobody answers in time.
    func until(
        _ what: String, seconds: Double = 30, _ condition: () throws -> Bool
    ) throws {
        let deadline = Date().addingTimeInterval(seconds)
        while true {
            var obstacle: (any Error)?
            do { if try condition() { return } } catch { obstacle = error }
            if Date() > deadline {
                throw Overdue(
                    what: what, obstacle: obstacle, messages: String(messages.suffix(4000)))
            }
            usleep(10_000)
        }
    }

    struct Overdue: Error, CustomStringConvertible {
        let what: String
        /// Why the last look failed, if it did.
        var obstacle: (any Error)?
        let messages: String
        var description: String {
            "did not come about: \(what)\n\(obstacle.map { "\($0)\n" } ?? "")\(messages)"
        }
    }

    /// Every record of the ledger, oldest first.
    func records() throws -> [JSONValue] {
        let folder = "\(state)/ledger"
        let segments = try FileManager.default.contentsOfDirectory(atPath: folder)
            .filter { $0.hasSuffix(".jsonl") }.sorted()
        return try segments.flatMap { segment in
            let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(segment)"))
            // What comes after the last newline is being written.
            return try data.prefix(upTo: data.lastIndex(of: 10) ?? data.startIndex)
                .split(separator: 10)
                .map { try JSONValue.parse(Array($0), limit: 4096) }
        }
    }

    /// The records of one event, of one instance where that is named.
    func records(_ event: String, of service: String? = nil) throws -> [JSONValue] {
        try records().filter {
            $0["ev"]?.string == event && (service == nil || $0["service"]?.string == service)
        }
    }

    /// Every living process that carries this state directory's mark.
    func survivors() -> [Int32] {
        var status = stat()
        guard stat(state, &status) == 0 else { return [] }
        let mark = "REGEN_STATE=\(String(status.st_dev, radix: 16)):\(status.st_ino)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            guard let bytes = FileManager.default.contents(atPath: "/proc/\(pid)/environ") else {
                return false
            }
            return bytes.split(separator: 0).contains {
                String(decoding: $0, as: UTF8.self) == mark
            }
        }
    }
}
