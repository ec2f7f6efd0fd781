import Foundation
import Glibc
import Linux
import Testing

/// A cgroup v2 directory for one test, removed with all leaves below it.
final class ScratchCgroup {
    /// Why there can be none here; `nil`: there can.
    static let obstacle: String? = {
        guard geteuid() == 0 else { return "making control groups needs root" }
        guard let mount = Linux.Cgroup.mountPoint() else { return "no cgroup2 mount" }
        let probe = "\(mount)/regen-test-probe-\(getpid())"
        guard mkdir(probe, 0o755) == 0 else { return "cannot make \(probe)" }
        defer { rmdir(probe) }
        return access("\(probe)/cgroup.kill", W_OK) == 0 ? nil : "no cgroup.kill (Linux 5.14)"
    }()

    let path: String

    init() throws {
        let mount = try #require(Linux.Cgroup.mountPoint())
        path = "\(mount)/regen-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try #require(mkdir(path, 0o755) == 0)
    }

    /// The names of the leaves.
    var leaves: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasPrefix("regen-") }.sorted()
    }

    deinit {
        if let kill = fopen("\(path)/cgroup.kill", "w") {
            fputs("1", kill)
            fclose(kill)
        }
        // The kernel takes a moment to bury the dead.
        for _ in 0..<100 {
            for leaf in leaves { rmdir("\(path)/\(leaf)") }
            if rmdir(path) == 0 { return }
            usleep(10_000)
        }
    }
}
