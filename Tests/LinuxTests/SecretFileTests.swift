import Foundation
import Glibc
import Linux
import Testing

@Suite("a file with a secret") struct SecretFileTests {
    /// What is read of these bytes, or why nothing is.
    private func read(_ bytes: [UInt8], mode: mode_t = 0o600, limit: Int = 64) -> String {
        let path = "/tmp/regen-secret-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(path) }
        _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
        chmod(path, mode)
        do { return try SecretFile.line(at: path, limit: limit) } catch {
            return "\(error)".replacing(path, with: "F")
        }
    }

    @Test("is one line, whose ends do not count") func line() {
        #expect(read(Array(" Bearer x y \n\n".utf8)) == "Bearer x y")
        #expect(read(Array("\u{e9}".utf8)) == "\u{e9}")
        #expect(read([]) == "F is empty")
        #expect(read(Array(" \n".utf8)) == "F is empty")
        #expect(read(Array("a\nb".utf8)) == "F has more than one line, or control characters")
        #expect(read(Array("a\0b".utf8)) == "F has more than one line, or control characters")
        #expect(read([0x61, 0xFF]) == "F is not UTF-8")
    }

    @Test("has a bound, and is refused beyond it") func bound() {
        #expect(read(Array(repeating: 0x78, count: 64)).count == 64)
        #expect(read(Array(repeating: 0x78, count: 65)) == "F is longer than 64 bytes")
    }

    @Test("is nobody else's to read or write", arguments: [0o604, 0o602, 0o666] as [mode_t])
    func open(mode: mode_t) {
        let text = read(Array("x".utf8), mode: mode)
        let told = "F may be read or written by everybody (mode \(String(mode, radix: 8)))"
        #expect(text.hasPrefix(told), "\(text)")
    }

    @Test("may be reached by a link, as secrets are handed out") func link() throws {
        let path = "/tmp/regen-secret-\(getpid())"
        _ = FileManager.default.createFile(atPath: path, contents: Data("x".utf8))
        chmod(path, 0o400)
        symlink(path, path + ".link")
        defer {
            unlink(path)
            unlink(path + ".link")
        }
        #expect(try SecretFile.line(at: path + ".link", limit: 64) == "x")
    }

    @Test(
        "is not taken by root from where somebody else could exchange it",
        .enabled(if: getuid() == 0, "not root"))
    func trust() throws {
        let folder = "/tmp/regen-secret-folder-\(getpid())"
        mkdir(folder, 0o700)
        chmod(folder, 0o777)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = FileManager.default.createFile(atPath: folder + "/s", contents: Data("x".utf8))
        chmod(folder + "/s", 0o600)
        #expect(throws: SecretFile.Defect.self) {
            try SecretFile.line(at: folder + "/s", limit: 64)
        }
    }
}
