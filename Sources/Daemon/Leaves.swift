import Linux

/// The cgroup leaf of an instance. One that was killed can bear no process again, so that there is
/// another after it; its directory goes as soon as it is empty.
final class Leaves {
    private let base: String
    private var number = 0
    private var spent: [Linux.Cgroup] = []
    /// The one in use.
    private(set) var current: Linux.Cgroup

    /// Killed leaves that are kept in mind until they are empty. What is not removed by then stays
    /// behind, empty, for whoever removes the directory above it.
    static let mostSpent = 16

    /// `base` is the first leaf's path; later ones end in `~1`, `~2` …, which no service's name does.
    init(_ base: String) throws(SystemError) {
        self.base = base
        current = try Linux.Cgroup(making: base)
    }

    /// A process that runs already is in that cgroup. False: it is none of ours.
    func goOn(in path: String) -> Bool {
        if path == current.path { return true }
        let suffix = path.dropFirst(base.count)
        let number = Int(suffix.dropFirst()) ?? 0
        guard path.hasPrefix(base), suffix.isEmpty || suffix == "~\(number)" && number > 0,
            let leaf = try? Linux.Cgroup(making: path)
        else { return false }
        current.remove()
        current = leaf
        self.number = number
        return true
    }

    /// The descriptor of a leaf in which a process can be born; -1 when the kernel gives none, and
    /// the process is held by its session and group.
    func forNewProcess() -> Int32 {
        if !current.isSpent { return current.raw }
        spent.removeAll { $0.remove() }
        if !current.remove() { spent.append(current) }
        if spent.count > Self.mostSpent { spent.removeFirst() }
        number += 1
        guard let next = try? Linux.Cgroup(making: "\(base)~\(number)") else { return -1 }
        current = next
        return next.raw
    }

    /// Ends whatever a dead main process left.
    func sweep() { if current.isPopulated { current.kill() } }

    /// The instance is gone for good.
    func remove() {
        current.remove()
        for leaf in spent { leaf.remove() }
    }
}
