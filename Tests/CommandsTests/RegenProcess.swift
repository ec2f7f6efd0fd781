import Foundation

/// The real `regen`, run to its end.
struct RegenProcess {
    let status: Int32
    let output: String
    let error: String

    /// Runs it without a terminal; `begun` is called when it has begun.
    init(
        _ arguments: [String], environment: [String: String] = [:],
        begun: (Process) throws -> Void = { _ in }
    ) throws {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let process = Process()
        process.executableURL = own.deletingLastPathComponent().appendingPathComponent("regen")
        process.arguments = arguments
        process.environment = environment
        let directory = try TemporaryDirectory()
        let files = ["output", "error"].map { "\(directory.path)/\($0)" }
        for file in files { try Data().write(to: URL(fileURLWithPath: file)) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: files[0])
        process.standardError = FileHandle(forWritingAtPath: files[1])
        try process.run()
        try begun(process)
        process.waitUntilExit()
        status = process.terminationStatus
        output = try String(contentsOfFile: files[0], encoding: .utf8)
        error = try String(contentsOfFile: files[1], encoding: .utf8)
    }
}

/// A directory that goes with its owner.
final class TemporaryDirectory {
    let path = "/tmp/regen-commands-\(UInt64.random(in: 0 ... .max))"

    init() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file in it and tells its path.
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}
