import Foundation
import JSON

/// A mail server of a test, ended with it: aiosmtpd, which knows nothing of libcurl.
final class Mailbox {
    /// Debian's, which has Debian's aiosmtpd.
    static let python = "/usr/bin/python3"
    static let isThere = FileManager.default.fileExists(
        atPath: "/usr/lib/python3/dist-packages/aiosmtpd")

    let folder: URL
    private(set) var port: UInt16 = 0
    private let process = Process()

    /// `wishes` are those of mailbox.py.
    init(_ wishes: String...) throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "regen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        port = try process.serve(
            Self.python, ["-W", "ignore"], "mailbox.py", [folder.path] + wishes)
    }

    deinit {
        process.end()
        try? FileManager.default.removeItem(at: folder)
    }

    /// What it has taken.
    func mails() throws -> [JSONValue] { try lines("mails") }

    /// What was tried to log in.
    func logins() throws -> [String] { try lines("logins").compactMap { $0["tried"]?.string } }

    private func lines(_ name: String) throws -> [JSONValue] {
        let data = FileManager.default.contents(atPath: folder.appending(path: name).path)
        return try (data ?? Data()).split(separator: UInt8(ascii: "\n"))
            .map { try JSONValue.parse(Array($0), limit: 1 << 20) }
    }
}
