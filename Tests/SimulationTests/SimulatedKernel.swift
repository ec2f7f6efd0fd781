import Supervision

/// A simulated process.
struct SimProcess {
    var identity: ProcessIdentity
    /// The instance's number in the run; its environment says REGEN_SERVICE.
    var owner: Int
    /// Its environment says REGEN_ATTEMPT.
    var attempt: Int
    /// The fingerprint of what it was started with.
    var launch: UInt64
    var isMain: Bool
    var born: Instant
    /// When it ends by itself, and how.
    var end: Instant?
    var status: Supervision.ExitStatus
    /// How long it takes to follow the stop signal; `nil`: it ignores it.
    var obedience: Interval?
    /// It hangs in the kernel until then.
    var unkillableUntil: Instant
    /// When a signal ends it.
    var doom: Instant?
    var wasKilled = false
    /// What a probe of it finds.
    var health = SimHealth()
    /// Nobody has given a reason to end it.
    var isWanted = true

    /// When it ends, as things stand.
    var fate: Instant? {
        guard let end else { return doom }
        return doom.map { min($0, end) } ?? end
    }

    var isSignalled: Bool {
        guard let doom else { return false }
        return end.map { doom <= $0 } ?? true
    }

    mutating func kill(at now: Instant) {
        wasKilled = true
        let fate = max(now, unkillableUntil)
        doom = doom.map { min($0, fate) } ?? fate
    }

    mutating func terminate(at now: Instant) {
        guard let obedience else { return }
        let fate = max(now + obedience, unkillableUntil)
        doom = doom.map { min($0, fate) } ?? fate
    }
}

/// What a probe finds of a process, or of what a start command left behind.
struct SimHealth {
    /// From when on it works; `nil`: never.
    var passes: Instant?
    /// From when on it hangs for good.
    var hangs: Instant?
    /// One look in so many fails, although it works.
    var flaps: Int?

    func isWell(at now: Instant) -> Bool {
        (passes.map { $0 <= now } ?? false) && (hangs.map { now < $0 } ?? true)
    }
}

/// The simulated kernel: processes that end by themselves, when told to, or not at all.
struct SimKernel {
    var processes: [SimProcess] = []
    private var pid: Int32 = 1000

    mutating func freshIdentity(at now: Instant) -> ProcessIdentity {
        pid += 1
        return ProcessIdentity(pid: pid, startTicks: UInt64(max(0, now.nanoseconds / 10_000_000)))
    }

    func main(of owner: Int) -> Int? {
        processes.firstIndex { $0.owner == owner && $0.isMain }
    }

    func isEmpty(of owner: Int) -> Bool { !processes.contains { $0.owner == owner } }

    /// When the next process ends.
    var nextEnd: Instant? {
        var next: Instant?
        for process in processes {
            if let fate = process.fate, next.map({ fate < $0 }) ?? true { next = fate }
        }
        return next
    }

    /// Takes away whatever has ended by now, in the order in which it ended.
    mutating func reap(at now: Instant) -> [SimProcess] {
        var ended: [SimProcess] = []
        processes.removeAll { process in
            guard let fate = process.fate, fate <= now else { return false }
            ended.append(process)
            return true
        }
        if ended.count > 1 {
            ended.sort { ($0.fate ?? now, $0.identity.pid) < ($1.fate ?? now, $1.identity.pid) }
        }
        return ended
    }

    /// The machine slept: no process lived meanwhile.
    mutating func sleep(_ interval: Interval) {
        for i in processes.indices {
            processes[i].end = processes[i].end.map { $0 + interval }
            processes[i].doom = processes[i].doom.map { $0 + interval }
        }
    }
}
