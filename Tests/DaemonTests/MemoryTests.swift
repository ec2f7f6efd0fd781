import Foundation
import Glibc
import JSON
import Linux
import Testing

@Suite("memory runs out") struct MemoryTests {
    /// Where a memory controller of cgroup v1 is mounted and may be used; `nil`: nowhere.
    private static let controller: String? = {
        let mounts = ProcessTable.text("/proc/self/mounts") ?? ""
        let line = mounts.split(separator: "\n").first { line in
            let fields = line.split(separator: " ")
            return fields.count > 3 && fields[2] == "cgroup"
                && fields[3].split(separator: ",").contains("memory")
        }
        guard let mount = line?.split(separator: " ")[1] else { return nil }
        let probe = "\(mount)/regen-test-probe-\(getpid())"
        guard mkdir(probe, 0o755) == 0 else { return nil }
        rmdir(probe)
        return String(mount)
    }()

    private static let mayReadKernelLog: Bool = {
        let descriptor = open("/dev/kmsg", O_RDONLY | O_NONBLOCK)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }()

    @Test(
        "a service that the kernel's OOM killer ended is recorded as such, and is back",
        .enabled(if: controller != nil, "no cgroup v1 memory controller that may be used"),
        .enabled(if: mayReadKernelLog, "/dev/kmsg may not be read"))
    func killed() throws {
        let group = "\(Self.controller!)/regen-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try #require(mkdir(group, 0o755) == 0)
        defer {
            for _ in 0..<100 where rmdir(group) != 0 { usleep(10_000) }
        }
        try "16777216".write(
            toFile: "\(group)/memory.limit_in_bytes", atomically: false, encoding: .utf8)
        let installation = try Installation(
            """
            services:
              web: { command: [@DIR@/bin/web], log: { path: @DIR@/out } }
            """)
        // tail(1) keeps a last line in memory, and /dev/zero has no other.
        try installation.script(
            "web",
            """
            [ -e @DIR@/once ] && exec sleep 1000
            touch @DIR@/once
            echo $$ > \(group)/cgroup.procs && exec tail /dev/zero
            """)
        try installation.start()
        try installation.until("it was killed") {
            try installation.records("process.exit", of: "web").count == 1
        }
        let exit = try #require(try installation.records("process.exit", of: "web").first)
        #expect(exit["signal"]?.integer == 9)
        #expect(exit["oom"]?.bool == true)
        let incident = try installation.records("incident.open", of: "web").first
        #expect(incident?["kind"]?.string == "out-of-memory")
        try installation.untilSaid("web: killed by the kernel for want of memory (SIGKILL) after ")
        try installation.until("web", is: "running")
        #expect(try installation.instance("web")?["last_exit"]?["oom"]?.bool == true)
        #expect(try installation.end() == 0)
    }

    @Test("a kill by somebody else is not put down to the kernel")
    func notKilled() throws {
        let installation = try Installation(
            "services: { web: { command: [/bin/sleep, '1000'] } }")
        try installation.start()
        try installation.until("web", is: "running")
        kill(try #require(try installation.pid(of: "web")), SIGKILL)
        try installation.until("it was killed") {
            try installation.records("process.exit", of: "web").count == 1
        }
        #expect(try installation.records("process.exit", of: "web").first?["oom"] == nil)
        #expect(try installation.end() == 0)
    }
}
