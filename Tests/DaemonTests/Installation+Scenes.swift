import Foundation
import Glibc
import Linux
import Testing

/// What services in tests are made of: scripts, and programs under names of their own, so that a
/// test can find every process of its scene, whatever it has done to its environment.
extension Installation {
    /// Where a scene's programs are.
    var programs: String { "\(directory)/bin" }

    /// Writes a shell script that services can run; `@DIR@` in it is the scratch directory.
    func script(_ name: String, _ text: String) throws {
        try make(name, "#!/bin/sh\n" + text.replacingOccurrences(of: "@DIR@", with: directory))
    }

    /// Writes a file below `bin`, executable unless told otherwise.
    func make(_ name: String, _ text: String, mode: mode_t = 0o755) throws {
        try makePrograms()
        let path = "\(programs)/\(name)"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        chmod(path, mode)
    }

    /// `bin/nap SECONDS`: sleep(1) under a name of this scene.
    func makeNap() throws {
        try makePrograms()
        symlink("/bin/sleep", "\(programs)/nap")
    }

    private func makePrograms() throws {
        try FileManager.default.createDirectory(
            atPath: programs, withIntermediateDirectories: true)
    }

    /// Every living process with that program of `bin`, or any, among its words in /proc.
    func scene(_ name: String = "") -> [Int32] {
        let program = Data("\(programs)/\(name)".utf8)
        return ProcessTable.pids().filter { pid in
            let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let isOurs = line.split(separator: 0).contains {
                $0.starts(with: program) && !$0.contains(UInt8(ascii: " "))
            }
            return isOurs && ProcessTable.entry(pid).map { $0.state != UInt8(ascii: "Z") } == true
        }
    }

    /// Ends what a scene may have left, mark or no mark.
    func clear() { for pid in scene() { kill(pid, SIGKILL) } }

    /// Ends the daemon and all it runs, for a test that takes the state directory away.
    func abandon() {
        if let daemon, daemon.isRunning { killDaemon() }
        for pid in survivors() { kill(pid, SIGKILL) }
    }

    /// The text of a file in the scratch directory; empty when there is none.
    func text(_ name: String) -> String {
        (try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)) ?? ""
    }

    /// Waits until the daemon has said this, in all its lives.
    func untilSaid(_ message: String) throws {
        try until("it says: \(message)") { self.messages.contains(message) }
    }

    /// Waits until the instance is in this phase.
    func until(_ name: String, is phase: String) throws {
        try until("\(name) is \(phase)") { try self.phase(name) == phase }
    }
}
