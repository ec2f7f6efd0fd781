import Foundation
import JSON
import Testing

@Suite(
    "control groups with controllers, below systemd 257", .serialized,
    .enabled(if: VirtualMachine.obstacle == nil, "\(VirtualMachine.obstacle ?? "")"))
struct CgroupTests {
    /// A tree that a process group does not hold: its child has a session of its own.
    private static let tree = """
        #!/bin/bash
        setsid sleep 4321 </dev/null >/dev/null 2>&1 &
        exec sleep 1000

        """
    /// Eats memory once it is told to.
    private static let hungry = """
        #!/bin/bash
        until [ -e /run/eat ]; do sleep 0.2; done
        rm /run/eat
        exec perl -e 'open Z, "/dev/zero"; read Z, $x, 200 << 20; sleep 1000'

        """
    private static let yaml = """
        services:
          web: { command: [/bin/sleep, "1000"], user: root }
          tree: { command: [/srv/tree], user: root }
          hungry: { command: [/srv/hungry], user: root }
          full:
            command: [/srv/full]
            user: root
            probes: [{ memory: { below: 80% } }]

        """
    /// Holds a little less than forty megabytes of it.
    private static let full = """
        #!/bin/bash
        while :; do
          sleep 0.2
          [ -e /run/fill ] || continue
          rm /run/fill
          exec perl -e 'open Z, "/dev/zero"; read Z, $x, 33 << 20; sleep 1000'
        done

        """

    @Test(
        "services live in leaves, die whole, are healed of too little memory; regend comes back among them"
    )
    func controllers() throws {
        let machine = try VirtualMachine(
            .host, Self.yaml,
            files: ["srv/tree": Self.tree, "srv/hungry": Self.hungry, "srv/full": Self.full])
        try machine.untilRunning("web", "tree", "hungry", "full")
        try Self.thereIsADog(machine)
        try Self.leaves(machine)
        try Self.whole(machine)
        try Self.outOfMemory(machine)
        try Self.probed(machine)
        try Self.killed(machine)
        try machine.expectSoundLedger()
    }

    private static let unit = "/sys/fs/cgroup/system.slice/regen.service"

    private static func thereIsADog(_ machine: VirtualMachine) throws {
        let identity = try machine.shell("cat /sys/class/watchdog/watchdog0/identity")
        #expect(identity == "i6300ESB timer\n")
        let controllers = try machine.shell("cat /sys/fs/cgroup/cgroup.controllers")
        #expect(
            Set(controllers.split { $0.isWhitespace }).isSuperset(of: ["cpu", "memory", "pids"]))
    }

    /// The control group of a process, below the mount point.
    private static func group(of pid: Int64?, _ machine: VirtualMachine) throws -> String {
        let line = try machine.shell("cat /proc/\(try #require(pid))/cgroup")
        return String(line.dropFirst(3).dropLast())
    }

    private static func leaves(_ machine: VirtualMachine) throws {
        #expect(
            try group(of: try machine.daemon, machine) == "/system.slice/regen.service/daemon")
        let groups = try machine.pids().values.map { try group(of: $0, machine) }
        #expect(Set(groups).count == 4)
        #expect(groups.allSatisfy { $0.hasPrefix("/system.slice/regen.service/") })
        // With regend out of the way, the kernel lets controllers go down to the leaves.
        try machine.shell(
            "echo '+memory +pids' > \(unit)/cgroup.subtree_control; cat \(unit)/cgroup.subtree_control"
        )
        for group in groups {
            try machine.shell("test -e /sys/fs/cgroup\(group)/memory.max")
        }
    }

    private static func whole(_ machine: VirtualMachine) throws {
        let before = try machine.pids()["tree"]
        let group = try group(of: before, machine)
        try machine.until("the tree's child runs") {
            try machine.run("grep -lsxz 4321 /proc/[0-9]*/cmdline").output.contains("cmdline")
        }
        let child = try machine.shell(
            """
            for pid in $(cat /sys/fs/cgroup\(group)/cgroup.procs); do
                [ $pid = \(before ?? 0) ] || echo $pid
            done
            """)
        let pid = try #require(Int64(child.prefix { $0.isNumber }))
        // A session of its own: neither the main process nor its group would end it.
        try machine.shell("kill -KILL \(try #require(before))")
        try machine.until("the tree is back") {
            let now = (try? machine.pids())?["tree"]
            return now != nil && now != before
        }
        try machine.until("its child is gone") {
            try machine.run("test -d /proc/\(pid)").status != 0
        }
        // Born in a leaf of its own, with the controllers.
        let after = try Self.group(of: try machine.pids()["tree"], machine)
        #expect(after != group && after.hasPrefix("/system.slice/regen.service/"))
        try machine.shell("test -e /sys/fs/cgroup\(after)/memory.max")
    }

    private static func outOfMemory(_ machine: VirtualMachine) throws {
        let group = try group(of: try machine.pids()["hungry"], machine)
        try machine.shell(
            "echo 30M > /sys/fs/cgroup\(group)/memory.max; echo > /run/eat")
        let diagnosis = try machine.untilRecorded("incident.diagnose", "hungry")
        #expect(diagnosis.first?["class"]?.string?.contains("memory") == true, "\(diagnosis)")
        try machine.untilRunning("hungry")
    }

    private static func probed(_ machine: VirtualMachine) throws {
        let before = try machine.pids()["full"]
        let group = try group(of: before, machine)
        try machine.shell("echo 64M > /sys/fs/cgroup\(group)/memory.max")
        try machine.untilRecorded("probe.proven", "full")
        #expect(try machine.records("probe.strike").isEmpty)
        try machine.shell("echo 40M > /sys/fs/cgroup\(group)/memory.max; echo > /run/fill")
        let strikes = try machine.untilRecorded("probe.strike", "full", times: 3)
        #expect(strikes.first?["reason"]?.string?.contains("MiB") == true, "\(strikes)")
        try machine.until("another one runs") {
            let service = (try? machine.services())?["full"]
            return service?["pid"]?.integer != before && service?["phase"]?.string == "running"
        }
    }

    private static func killed(_ machine: VirtualMachine) throws {
        let services = try machine.pids()
        for _ in 1...3 {
            let daemon = try machine.daemon
            try machine.shell("kill -KILL \(daemon)")
            try machine.untilAnswered(besides: daemon)
            #expect(try machine.pids() == services)
        }
        let enabled = try machine.shell("cat \(unit)/cgroup.subtree_control")
        #expect(enabled.contains("memory"))
        #expect(
            try group(of: try machine.daemon, machine) == "/system.slice/regen.service/daemon")
    }
}
