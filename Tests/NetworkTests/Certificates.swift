import Foundation

/// A directory with keys and certificates, made by openssl(1), that goes with the test.
final class Certificates {
    let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory
            .appending(path: "regen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// A certificate that signs itself: its path, and its key's.
    func make(_ name: String, days: Int, names: String) throws -> [String] {
        let certificate = directory.appending(path: "\(name).pem").path
        let key = directory.appending(path: "\(name).key").path
        // `req` refuses to make a certificate that has expired; `x509` does not, but may read the key
        // before `req` has made it.
        let script = """
            openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$2" && \
            openssl req -new -key "$2" -subj /CN=test | \
            openssl x509 -req -signkey "$2" -days "$3" -out "$1" -extfile "$4"
            """
        let extensions = directory.appending(path: "\(name).ext")
        try "subjectAltName=\(names)\n".write(to: extensions, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script, "sh", certificate, key, "\(days)", extensions.path]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Overdue() }
        return [certificate, key]
    }
}
