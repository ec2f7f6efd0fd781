import Linux
import Supervision
import Worker

/// The living processes of a service: those in its cgroup and below, where it has one, its main
/// process, and whatever descends from that; of a unit of systemd's only what is in its cgroup.
///
/// Without a cgroup, an orphan is not found: its parent is the daemon by now.
struct ServiceTree {
    /// Every one of them.
    private(set) var processes: Set<Int32> = []
    /// Its main process, if that is still the one that the daemon means.
    let main: Int32?

    /// More processes than this are not looked at.
    static let mostProcesses = 4096
    /// Cgroups nested deeper than this are not looked at.
    private static let deepestCgroup = 16
    /// More cgroups than this are not looked at: whom a unit delegates its cgroup to may make as
    /// many as he likes.
    static let mostCgroups = 1024
    private var cgroups = 0

    /// Whether there were more than `mostProcesses`, or may have been.
    var isCut: Bool { processes.count >= Self.mostProcesses || cgroups >= Self.mostCgroups }

    init(of subject: Subject) {
        main = subject.main.flatMap { main in
            let isThere =
                main.startTicks == 0 ? ProcessTable.entry(main.pid) != nil : isAlive(main)
            return isThere ? main.pid : nil
        }
        switch subject.members {
        case .descent: if let main { addDescendants(of: main) }
        case .cgroup: if let main { processes.insert(main) }
        }
        if let cgroup = subject.cgroup { addMembers(of: cgroup, depth: 0) }
    }

    private mutating func addDescendants(of main: Int32) {
        var next = [main]
        while let pid = next.popLast(), !isCut {
            if processes.insert(pid).inserted { next += ProcessTable.children(of: pid) }
        }
    }

    private mutating func addMembers(of cgroup: String, depth: Int) {
        guard depth < Self.deepestCgroup else { return }
        cgroups += 1
        for line in (ProcessTable.text("\(cgroup)/cgroup.procs") ?? "").split(separator: "\n") {
            guard !isCut else { return }
            if let pid = Int32(line) { processes.insert(pid) }
        }
        guard !isCut else { return }
        for name in (try? Directory.names(in: cgroup)) ?? [] {
            let below = "\(cgroup)/\(name)"
            guard let status = try? FileStatus(of: below), status.kind == .directory else {
                continue
            }
            addMembers(of: below, depth: depth + 1)
            guard !isCut else { return }
        }
    }
}

/// Whether this very process lives: a later one with its number began at another time.
func isAlive(_ identity: ProcessIdentity) -> Bool {
    guard let entry = ProcessTable.entry(identity.pid) else { return false }
    return entry.startTicks == identity.startTicks && entry.state != UInt8(ascii: "Z")
}
