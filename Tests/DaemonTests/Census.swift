import Foundation
import Glibc
import JSON
import Linux

/// Who runs: the main processes of one installation as /proc shows them, whatever regend believes.
struct Census {
    /// A living process that carries an instance's mark and leads a session.
    struct Main: Hashable {
        let pid: Int32
        let startTicks: UInt64
    }

    private(set) var mains: [String: [Main]] = [:]

    init(of installation: Installation) {
        var status = stat()
        guard stat(installation.state, &status) == 0 else { return }
        let mark = "REGEN_STATE=\(String(status.st_dev, radix: 16)):\(status.st_ino)"
        let variable = "REGEN_SERVICE="
        for pid in ProcessTable.pids() {
            let environment = ProcessTable.environment(pid)
            guard environment.contains(mark),
                let service = environment.first(where: { $0.hasPrefix(variable) }),
                let entry = ProcessTable.entry(pid), entry.session == pid, entry.isAlive
            else { continue }
            let main = Main(pid: pid, startTicks: entry.startTicks)
            mains[String(service.dropFirst(variable.count)), default: []].append(main)
        }
    }

    /// Instances with two main processes at one moment. One that ended while the others were being
    /// counted does not count.
    var doubled: [String: [Main]] {
        mains.mapValues { $0.filter(\.isAlive) }.filter { $0.value.count > 1 }
    }
}

extension Census.Main {
    var isAlive: Bool {
        guard let entry = ProcessTable.entry(pid) else { return false }
        return entry.startTicks == startTicks && entry.isAlive
    }
}

extension ProcessTable.Entry {
    fileprivate var isAlive: Bool { state != UInt8(ascii: "Z") && state != UInt8(ascii: "X") }
}

/// Whether a process of that id lives.
func lives(_ pid: Int32) -> Bool {
    ProcessTable.entry(pid).map(\.isAlive) ?? false
}

extension Installation {
    /// Begins `regen` with these arguments and does not wait for it. What it says is thrown away.
    func begin(_ arguments: String...) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "\(Self.programs)/regen")
        process.arguments = arguments
        process.environment = ["REGEN_RUNTIME_DIRECTORY": runtime]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        return process
    }

    /// Waits until these instances run, and tells their pids.
    func whenRunning(_ names: String...) throws -> [String: Int32] {
        var pids: [String: Int32] = [:]
        try until("\(names.joined(separator: ", ")) run") {
            pids = [:]
            for service in try self.status()["services"]?.array ?? [] {
                guard let name = service["name"]?.string, names.contains(name),
                    service["phase"]?.string == "running", let pid = service["pid"]?.integer
                else { continue }
                pids[name] = Int32(pid)
            }
            return pids.count == names.count
        }
        return pids
    }

    /// Makes an empty file in the scratch directory; services look for it.
    func touch(_ name: String) {
        _ = FileManager.default.createFile(atPath: "\(directory)/\(name)", contents: nil)
    }

    /// Takes the file away again.
    func untouch(_ name: String) { unlink("\(directory)/\(name)") }

    /// The number that a service wrote into a file in the scratch directory.
    func number(in name: String) -> Int32? {
        let text = try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8)
        return text.flatMap { $0.hasSuffix("\n") ? Int32($0.dropLast()) : nil }
    }
}
