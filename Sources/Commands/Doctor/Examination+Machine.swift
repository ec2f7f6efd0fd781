import Configuration
import Control
import Linux
import Systemd

extension Examination {
    mutating func lookAtMachine() -> MachineFacts {
        var facts = MachineFacts()
        facts.kernel = ProcessTable.text("/proc/sys/kernel/osrelease") ?? ""
        facts.user = ProcessTable.effectiveUser
        facts.initName = ProcessTable.text("/proc/1/comm") ?? ""
        facts.isSystemd = Self.isSystemd
        facts.needsSystemd = !units.isEmpty
        facts.bus =
            switch bus {
            case nil: .notAsked
            case .success(let look)?: .answers(version: look.manager.version)
            case .failure(let why)?: .silent(why.reason)
            }
        facts.cgroup = Cgroup.mountPoint()
        if let mount = facts.cgroup {
            let text = ProcessTable.text("\(mount)/cgroup.controllers") ?? ""
            facts.controllers = text.split(separator: " ").map(String.init)
        }
        facts.hasLeaves = daemon.report.map { $0.cgroup != nil }
        facts.wantsNoLeaves = configuration?.cgroup == .off
        facts.hasJournal = has("/run/systemd/journal/socket")
        facts.keepsJournal = looking.path("/var/log/journal").facts?.kind == .directory
        facts.tellsPressure = ProcessTable.text("/proc/pressure/cpu") != nil
        facts.time = Clock.realtime() / 1_000_000_000
        facts.isSynchronized = Clock.isSynchronized
        facts.bootID = ProcessTable.text("/proc/sys/kernel/random/boot_id")
        return facts
    }

    private func has(_ path: String) -> Bool { (try? Directory.contains(path)) ?? false }

    func lookAtWatchdogs() -> WatchdogFacts {
        var facts = WatchdogFacts()
        let folder = "/sys/class/watchdog"
        let names = (try? Directory.names(in: folder)) ?? []
        facts.devices = names.prefix(WatchdogFacts.mostDevices).map { name in
            var device = WatchdogFacts.Device(name: name)
            device.identity = ProcessTable.text("\(folder)/\(name)/identity") ?? ""
            device.timeout = ProcessTable.text("\(folder)/\(name)/timeout").flatMap { Int($0) }
            device.isActive = ProcessTable.text("\(folder)/\(name)/state").map { $0 == "active" }
            return device
        }
        facts.isContainer =
            ProcessTable.environment(1).contains { $0.hasPrefix("container=") }
            || has("/run/systemd/container")
        if case .success(let look)? = bus {
            facts.runtime = look.manager.runtimeWatchdog
            facts.runtimeDevice = look.manager.watchdogDevice
            facts.regend = Self.ownUnit.flatMap { hasOwnUnit ? look.watchdogs[$0] : nil }
        }
        facts.own = daemon.report?.watchdog
        facts.sawHolders = ProcessTable.effectiveUser == 0
        if !names.isEmpty { facts.holders = Self.holders() }
        return facts
    }

    /// The processes that have a watchdog open, as far as we may see.
    private static func holders() -> [WatchdogFacts.Holder] {
        ProcessTable.pids().compactMap { pid in
            let folder = "/proc/\(pid)/fd"
            let descriptors = (try? Directory.names(in: folder)) ?? []
            let isHolder = descriptors.contains { descriptor in
                Directory.linkTarget("\(folder)/\(descriptor)")?.hasPrefix("/dev/watchdog") == true
            }
            let program = ProcessTable.text("/proc/\(pid)/comm") ?? "a process"
            return isHolder ? WatchdogFacts.Holder(pid: pid, program: program) : nil
        }
    }
}
