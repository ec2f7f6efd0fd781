import Configuration
import Linux
import Supervision
import Worker

extension Looker {
    /// The memory in use, against a bound.
    static func lookAtMemory(_ probe: MemoryProbe, _ request: LookRequest) -> Finding {
        guard let use = memory(of: request.subject, probe.of) else {
            return .unknown(
                probe.of == .cgroup
                    ? "the service's control group does not count memory" : "no process to count")
        }
        let known = use.processes >= ServiceTree.mostProcesses ? "at least " : ""
        switch probe.below {
        case .bytes(let most):
            if use.bytes >= most {
                return .failed("\(known)\(mebibytes(use.bytes)) in use, \(mebibytes(most)) allowed")
            }
        case .share(let most):
            guard let limit = use.limit, let percent = use.percent else {
                return .unknown("no control group limits the memory, so there is no share of it")
            }
            if percent >= most {
                return .failed(
                    "\(known)\(percent) % of \(mebibytes(limit)) in use, \(most) % allowed")
            }
        }
        if !known.isEmpty {
            return .unknown("more than \(ServiceTree.mostProcesses) processes are not counted")
        }
        return .passed
    }

    /// The memory that a service uses; `nil` when nobody can tell.
    static func memory(of subject: Subject, _ scope: MemoryProbe.Scope) -> MemoryUse? {
        let groups = subject.cgroup.map { MemoryGroups(from: $0) }
        if scope != .tree, let own = groups?.own {
            var use = MemoryUse(bytes: own, source: .cgroup)
            use.limit = groups?.tightest?.limit
            use.bytesWithinLimit = groups?.tightest?.bytes
            use.outOfMemoryKills = groups?.outOfMemoryKills
            return use
        }
        guard scope != .cgroup, var use = treeMemory(of: subject) else { return nil }
        use.limit = groups?.smallestLimit
        use.outOfMemoryKills = groups?.outOfMemoryKills
        return use
    }

    private static func treeMemory(of subject: Subject) -> MemoryUse? {
        let tree = ServiceTree(of: subject)
        var use = MemoryUse(bytes: 0, source: .proportional)
        for pid in tree.processes {
            if let share = ProcessTable.proportionalMemory(of: pid) {
                use.bytes += share
            } else if let resident = ProcessTable.residentMemory(of: pid) {
                // A process between two states, or one that we may not look into.
                use.bytes += resident
                use.source = .resident
            } else {
                continue
            }
            use.processes += 1
        }
        if tree.isCut { use.processes = max(use.processes, ServiceTree.mostProcesses) }
        return use.processes > 0 ? use : nil
    }

    /// The processor time in use so far.
    static func lookAtProcessorTime(_ request: LookRequest) -> Finding {
        if let cgroup = request.subject.cgroup, let time = processorTime(ofCgroup: cgroup) {
            return .measured(time)
        }
        let tree = ServiceTree(of: request.subject)
        let times = tree.processes.compactMap { ProcessTable.processorTime(of: $0) }
        return times.isEmpty ? .unknown("no process to count") : .measured(times.reduce(0, +))
    }

    private static func processorTime(ofCgroup path: String) -> Int64? {
        keyed("usage_usec", in: "\(path)/cpu.stat").map { $0 * 1000 }
    }
}

/// What cgroup v2 counts for a group and those above it.
private struct MemoryGroups {
    /// The group's own bytes; `nil` where its memory is not counted.
    let own: Int64?
    /// Of the groups with a limit, the one that is fullest.
    private(set) var tightest: (bytes: Int64, limit: Int64)?
    /// The smallest limit of all.
    private(set) var smallestLimit: Int64?
    /// How often the OOM killer struck here or below.
    let outOfMemoryKills: Int64?

    init(from path: String) {
        own = Self.use(of: path)
        outOfMemoryKills = keyed("oom_kill", in: "\(path)/memory.events")
        var level = path[...]
        // The topmost group has no limit, and what is above it no such files.
        while let slash = level.lastIndex(of: "/"), slash != level.startIndex {
            if let limit = Self.number("\(level)/memory.max") {
                smallestLimit = min(smallestLimit ?? limit, limit)
                if let bytes = Self.use(of: String(level)), isTighter(bytes, limit) {
                    tightest = (bytes, limit)
                }
            }
            level = level[..<slash]
        }
    }

    private func isTighter(_ bytes: Int64, _ limit: Int64) -> Bool {
        guard let tightest else { return true }
        return Double(bytes) / Double(max(limit, 1))
            > Double(tightest.bytes) / Double(max(tightest.limit, 1))
    }

    /// What is counted, without file pages that nobody has used lately: the kernel drops them before
    /// it is short of memory, and a service that reads much would always seem full.
    private static func use(of path: String) -> Int64? {
        guard let current = number("\(path)/memory.current") else { return nil }
        return max(current - (keyed("inactive_file", in: "\(path)/memory.stat") ?? 0), 0)
    }

    /// A number; `nil` for `max`.
    private static func number(_ path: String) -> Int64? {
        ProcessTable.text(path).flatMap { Int64($0) }
    }
}

/// The number behind a key, in a file of `key number` lines.
private func keyed(_ key: String, in path: String) -> Int64? {
    let lines = ProcessTable.text(path)?.split(separator: "\n") ?? []
    let line = lines.first { $0.hasPrefix("\(key) ") }
    return line.flatMap { Int64($0.dropFirst(key.utf8.count + 1)) }
}

/// `12.5 MiB`
private func mebibytes(_ bytes: Int64) -> String {
    let tenths = (Double(bytes) * 10 / Double(1 << 20)).rounded()
    return "\(Int64(tenths) / 10).\(Int64(tenths) % 10) MiB"
}
