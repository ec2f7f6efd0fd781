import Foundation
import Glibc
import Testing

/// What a run of `regen` left behind.
struct Outcome: Equatable {
    var code: Int32
    var output: String
    var error: String
}

/// The `regen` that was built together with these tests.
let regen: URL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "regen")

/// Runs a program and waits for its end.
func run(
    _ arguments: [String], by program: URL = regen, input: Data = Data(),
    environment: [String: String] = [:], in directory: URL? = nil
) throws -> Outcome {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ["PATH": "/usr/bin:/bin"].merging(environment) { $1 }
    process.currentDirectoryURL = directory
    // Files, not pipes: nobody waits for anybody, however much is said.
    let folder = try Folder()
    let (input, output, error) = (
        try folder.write("input", input), try folder.write("output"), try folder.write("error")
    )
    process.standardInput = try FileHandle(forReadingFrom: input)
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: error)
    try process.run()
    process.waitUntilExit()
    return Outcome(
        code: process.terminationReason == .exit ? process.terminationStatus : -1,
        output: try String(contentsOf: output, encoding: .utf8),
        error: try String(contentsOf: error, encoding: .utf8))
}

extension Pipe {
    /// What somebody writes into it next; fails the test when nobody does in time.
    func next() throws -> Data {
        let reader = fileHandleForReading
        var entry = pollfd(fd: reader.fileDescriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&entry, 1, 30_000) == 1)
        return reader.availableData
    }
}

/// A directory that goes with the test.
final class Folder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "regen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    @discardableResult
    func write(_ name: String, _ data: Data = Data()) throws -> URL {
        let file = url.appending(path: name)
        try data.write(to: file)
        return file
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> URL {
        try write(name, Data(text.utf8))
    }
}
