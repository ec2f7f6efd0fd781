import Linux
import Records

/// All processes at one moment, and which of them belong together where there are no cgroups.
///
/// A process can leave its group and its session, and be orphaned; it is found as long as one of
/// three holds: it is in the main process's session, it descends from such a process, or it went
/// where orphans go with our mark in its environment. What sheds all three (its own session, a
/// dead parent, another environment) only a cgroup can hold; docs/operations.md says so.
final class Forest {
    let taken: Int64
    private var bySession: [Int32: [Int32]] = [:]
    private var byParent: [Int32: [Int32]] = [:]
    /// Orphans by the instance whose mark they carry, read once however many ask: when thousands
    /// stop in one turn, each would read the environment of all.
    private var orphans: [String: [Int32]]?

    init(taken: Int64) {
        self.taken = taken
        for entry in ProcessTable.all() where entry.state != UInt8(ascii: "Z") {
            bySession[entry.session, default: []].append(entry.pid)
            byParent[entry.parent, default: []].append(entry.pid)
        }
    }

    private func marked(_ pids: [Int32], state: String) -> [String: [Int32]] {
        var marked: [String: [Int32]] = [:]
        for pid in pids {
            if let mark = Mark(of: pid, state: state) {
                marked[mark.service, default: []].append(pid)
            }
        }
        return marked
    }

    /// The living children of all of them.
    func children(of parents: Set<Int32>) -> [Int32] { parents.flatMap { byParent[$0] ?? [] } }

    /// The living processes of the instance that `hand` holds, its main process included.
    /// `orphanages` are the processes that orphans of our services become children of.
    func tree(of hand: Hand, knownMains: [Int32: Int], orphanages: Set<Int32>) -> [Int32] {
        var found: [Int32] = []
        var seen: Set<Int32> = []
        var next: [Int32] = []
        if let main = hand.lastPID { next = (bySession[main] ?? []) + (byParent[main] ?? []) }
        let orphans =
            orphans
            ?? marked(
                children(of: orphanages).filter { knownMains[$0] == nil }, state: hand.stateID)
        self.orphans = orphans
        next += orphans[hand.facts.name] ?? []
        while let pid = next.popLast() {
            guard seen.insert(pid).inserted else { continue }
            found.append(pid)
            next += byParent[pid] ?? []
        }
        return found
    }
}
