import Linux
import Supervision

/// What an earlier daemon left running, as far as the kernel and the ledger together know.
///
/// The ledger knows by pid and start time what was recorded; what was spawned and not yet recorded
/// carries its name, its attempt and the state directory's id in its environment.
struct Survivors {
    /// A main process to adopt.
    struct Found {
        let pid: Int32
        let attempt: Int
        let launch: UInt64
        /// Nanoseconds since boot.
        let since: Int64
    }

    private struct Marked {
        let entry: ProcessTable.Entry
        let mark: Mark
    }

    private var marked: [String: [Marked]] = [:]

    /// Looks at every process of the machine once.
    init(state: String) {
        for pid in ProcessTable.pids() where pid != ProcessTable.own {
            guard let mark = Mark(of: pid, state: state), let entry = ProcessTable.entry(pid),
                entry.state != UInt8(ascii: "Z")
            else { continue }
            marked[mark.service, default: []].append(Marked(entry: entry, mark: mark))
        }
    }

    /// Names of everything that runs or ran or is in an incident, configured or not.
    func names(_ memory: Memory) -> [String] {
        var names = Set(marked.keys)
        for (name, past) in memory.instances where past.process != nil || past.incident != nil {
            names.insert(name)
        }
        return names.sorted()
    }

    /// The main process of the instance of that name; `nil`: it has none.
    ///
    /// The ledger's word comes first: while that process lives there was no other. Whoever was
    /// spawned and not recorded is believed only if it is still `user`'s; `nil`: whosever it is.
    func main(of name: String, _ past: InstanceMemory?, user: UInt32?) -> Found? {
        if let past, let process = past.process, let entry = ProcessTable.entry(process.pid),
            entry.startTicks == process.startTicks, entry.state != UInt8(ascii: "Z")
        {
            return Found(entry, attempt: past.attempt, launch: past.launch)
        }
        guard let main = newest(name, user), main.mark.attempt > past?.attempt ?? 0 else {
            return nil
        }
        return Found(main.entry, attempt: main.mark.attempt, launch: main.mark.launch)
    }

    /// Everything that carries the name but not the attempt that goes on.
    func stragglers(of name: String, besides attempt: Int?) -> [Int32] {
        (marked[name] ?? []).filter { $0.mark.attempt != attempt }.map(\.entry.pid)
    }

    /// The oldest process of the newest attempt that leads a session: every main process does, by
    /// setsid(2) between its making and its program.
    private func newest(_ name: String, _ user: UInt32?) -> Marked? {
        let leaders = (marked[name] ?? []).filter {
            $0.entry.pid == $0.entry.session
                && (user == nil || ProcessTable.user($0.entry.pid) == user)
        }
        let attempt = leaders.map(\.mark.attempt).max()
        return leaders.filter { $0.mark.attempt == attempt }
            .min { $0.entry.startTicks < $1.entry.startTicks }
    }
}

extension Survivors.Found {
    init(_ entry: ProcessTable.Entry, attempt: Int, launch: UInt64) {
        self.init(
            pid: entry.pid, attempt: attempt, launch: launch,
            since: Int64(entry.startTicks) * (1_000_000_000 / Clock.ticksPerSecond))
    }
}
