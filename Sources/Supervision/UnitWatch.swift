/// What the mind knows of an instance that systemd keeps.
struct UnitWatch: Sendable {
    /// What systemd said last; `nil` before its first word.
    var sight: UnitSight?
    /// Its first sight was dealt with.
    var isMet = false
    /// There was no such unit at some time of the switch.
    var wasGone = false
    /// A switch is over, and it was not looked at since.
    var isUnsettled = false
    /// The run that was up and is not known to be over.
    var run: UnitSight.Invocation?
    /// The run whose end was dealt with last.
    var over: UnitSight.Invocation?
    /// So many of systemd's automatic restarts are accounted for.
    var restarts = 0
    /// So is the next one: the crash was seen before systemd has counted it.
    var isAhead = false
    /// It is meant to be up: it was, or somebody asked for it.
    var isWanted = false
    /// An operator asked for it: it may be started although it is another's to start.
    var isOrdered = false
    /// systemd was asked for a job and has not answered.
    var isBusy = false
    /// The run that was the last one when a start was asked for, until it is seen what came of it.
    var asked: UnitSight.Invocation?
    /// It was up then.
    var wasAskedUp = false
    /// How that job ended.
    var answer: UnitJobEnd?
    /// The process that the ledger knows as running, until the first sight.
    var known: ProcessIdentity?
    /// It ran in an earlier boot, and nothing is known of it in this one, until the first sight.
    var isExpected = false

    /// A job that nobody is sure of has brought nothing down: what was up when it was asked for, and
    /// is stopped now, was stopped by somebody else.
    func isAnswered(by sight: UnitSight) -> Bool {
        guard asked == sight.invocation else { return false }
        switch answer {
        case .done, .failed: return true
        case .refused, .lost, nil: return !wasAskedUp
        }
    }

    /// The crashes among systemd's automatic restarts since the last sight.
    mutating func takeRestarts(_ count: Int) -> Int {
        // It counts from 0 when somebody starts the unit.
        let isAnew = count < restarts
        var crashes = isAnew ? count : count - restarts
        restarts = count
        if crashes > 0 || isAnew {
            if crashes > 0, isAhead { crashes -= 1 }
            isAhead = false
        }
        return crashes
    }

    /// What systemd has counted, or is about to, says nothing of the unit.
    mutating func forgetCrashes() {
        guard let sight else { return }
        restarts = sight.restarts
        isAhead = sight.hasEnded && !sight.isDown
    }

    /// It is down and stays down: whatever happens to it next is somebody's doing.
    mutating func rest() {
        // One that is gone does not say which run was its last.
        if let last = sight?.invocation, last != UnitSight.Invocation() { over = last }
        run = nil
        asked = nil
        isWanted = false
        isOrdered = false
        isAhead = false
    }
}

extension UnitSight {
    /// What a sight comes to.
    enum Stand {
        /// Up.
        case up
        /// On its way up.
        case coming
        /// Waiting for systemd's own next attempt.
        case retrying
        /// On its way down.
        case going
        /// Down, because somebody wanted it.
        case stopped
        /// Down by itself, and systemd has no complaint.
        case ended
        /// Down by itself, and systemd calls it failed.
        case failed
        /// There is no such unit.
        case missing
    }

    /// What it comes to.
    var stand: Stand {
        switch activity {
        case .active: .up
        case .activating: exit != nil || isFailure ? .retrying : .coming
        case .deactivating: .going
        // Only a stop takes systemd from its own next attempt to rest, and keeps its complaint.
        // One that does not say how it ended was taken away, or has no process of its own.
        case .inactive: wasStopped || isFailure || exit == nil ? .stopped : .ended
        case .failed: wasStopped ? .stopped : .failed
        case .missing: .missing
        }
    }

    /// Whether the run that it tells of is over, as far as its process goes.
    var hasEnded: Bool {
        switch stand {
        case .stopped, .ended, .failed, .retrying: true
        case .going: exit != nil
        case .up, .coming, .missing: false
        }
    }

    /// Whether its run is over and counts as a crash, although the unit is not down yet. What goes
    /// down without a complaint may rest there; systemd's own next attempt says that it was one.
    var hasCrashed: Bool {
        hasEnded && !wasStopped && (stand == .retrying || isFailure)
    }

    /// Whether it has failed, as far as a sight after a switch tells: switch-to-configuration makes
    /// systemd forget its complaints.
    var hasFailed: Bool {
        switch stand {
        case .failed: true
        case .ended: exit.map { !$0.isClean } ?? false
        case .up, .coming, .retrying, .going, .stopped, .missing: false
        }
    }

    /// Whether the unit is down, so that it may be started.
    var isDown: Bool {
        switch stand {
        case .stopped, .ended, .failed, .missing: true
        case .up, .coming, .retrying, .going: false
        }
    }

    /// The run as the ledger knows it: by its main process, or where there is none by itself, with
    /// the pid 0.
    var identity: ProcessIdentity {
        process ?? ProcessIdentity(pid: 0, startTicks: invocation.low)
    }
}
