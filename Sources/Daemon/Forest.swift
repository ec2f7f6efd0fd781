import Linux
import Records

/// All processes at one moment, and which of them belong together where there are no cgroups.
///
/// A process can leave its group and its session, and be orphaned; it is found as long as one of
/// these holds: it is in the main process's session, it descends from such a process, it did so
/// at an earlier look, or it went where orphans go, is the service's user's, and has our mark in
/// its environment. What sheds them all only a cgroup can hold; docs/operations.md says so.
final class Forest {
    let taken: Int64
    private var bySession: [Int32: [Int32]] = [:]
    private var byParent: [Int32: [Int32]] = [:]
    private var startTicks: [Int32: UInt64] = [:]
    /// Orphans and whose they are, by the service in their mark.
    private var orphans: [String: [(pid: Int32, user: UInt32?)]] = [:]

    /// /proc could not be read, for want of descriptors or memory.
    var isBlind: Bool { startTicks[ProcessTable.own] == nil }

    /// `mains` are our children that are no orphans; `orphanages` are the processes that orphans of
    /// our services become children of.
    init(taken: Int64, state: String, mains: [Int32: Int], orphanages: Set<Int32>) {
        self.taken = taken
        for entry in ProcessTable.all() where entry.state != UInt8(ascii: "Z") {
            bySession[entry.session, default: []].append(entry.pid)
            byParent[entry.parent, default: []].append(entry.pid)
            startTicks[entry.pid] = entry.startTicks
        }
        for pid in children(of: orphanages) where mains[pid] == nil {
            guard let mark = Mark(of: pid, state: state) else { continue }
            orphans[mark.service, default: []].append((pid, ProcessTable.user(pid)))
        }
    }

    /// The living children of all of them.
    func children(of parents: Set<Int32>) -> [Int32] { parents.flatMap { byParent[$0] ?? [] } }

    /// The living processes of the instance that `hand` holds, its main process included.
    func tree(of hand: ProcessHand) -> [Int32] {
        var found: [Int32: UInt64] = [:]
        var next = hand.members.keys.filter { startTicks[$0] == hand.members[$0] }
        if let main = hand.lastPID { next += (bySession[main] ?? []) + (byParent[main] ?? []) }
        for orphan in orphans[hand.facts.name] ?? []
        where hand.user == nil || orphan.user == hand.user {
            next.append(orphan.pid)
        }
        while let pid = next.popLast() {
            guard found[pid] == nil, let ticks = startTicks[pid] else { continue }
            found[pid] = ticks
            next += byParent[pid] ?? []
        }
        hand.members = found
        return Array(found.keys)
    }
}
