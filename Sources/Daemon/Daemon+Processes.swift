import Configuration
import Ledger
import Linux
import Records
import Supervision

/// The hands: deaths, signals to whole trees, orphans.
extension Daemon {
    /// How long after a death its orphans are looked for. By then the kernel has given them to us.
    static let orphanDelay: Int64 = 250_000_000

    /// The hold on our own child at this place; `nil`: there is none, or it is a unit.
    func process(at place: Int) -> ProcessHand? { hands[place] as? ProcessHand }

    /// The main process at this place has ended.
    func mainReady(_ place: Int) {
        if let unit = hands[place] as? UnitHand { return mainReady(of: unit) }
        guard let hand = process(at: place), let running = hand.process else { return }
        // Whatever a crash left in the process group.
        if !hand.isBeingStopped, !hand.detaches { running.signalGroup(Signal.kill) }
        // As long as it is a zombie its number is its own: afterwards another may have it.
        if hand.watch.remedies.contains(.portConflict) { _ = running.startTicks }
        let status: WaitStatus?
        if running.isAdopted {
            status = running.pidfd.foreignStatus()
        } else {
            status = running.pidfd.reap()
            if status == nil { return }  // readable, but not ended
        }
        mainEnded(place, hand, running, status)
    }

    private func mainEnded(
        _ place: Int, _ hand: ProcessHand, _ running: ProcessHand.Running, _ status: WaitStatus?
    ) {
        if let token = running.token { poller.remove(token, running.pidfd.raw) }
        mains[running.pid] = nil
        hand.rememberProcesses()
        hand.release()
        if hand.leaf == nil, !hand.detaches {
            orphanSurvey = orphanSurvey ?? now.boot + Self.orphanDelay
        }
        // Before the mind is told: it may start again at once.
        if hand.detaches, status != .exited(0) { cancelPostflight(place, hand) }
        tell(place, .exited(exitStatus(status, running.pid)))
        if hand.detaches, status == .exited(0) { beginPostflight(place, hand) }
    }

    private func exitStatus(_ status: WaitStatus?, _ pid: Int32) -> ExitStatus {
        switch status {
        case .exited(let code): .code(code)
        case .signalled(let signal):
            .signal(
                signal,
                outOfMemory: signal == Signal.kill && kernelLog?.isVictim(pid) == true)
        case nil: .unknown
        }
    }

    func takeSignals() {
        while let received = signals.next() {
            switch received.signal {
            case Signal.hangUp: reloadAsked()
            case Signal.childEnded: reapChildren()
            default: end(received)
            }
        }
    }

    /// Reaps whatever has ended: a main process or an errand whose pidfd has not been looked at yet,
    /// or an orphan that came to us.
    private func reapChildren() {
        while let pid = PidFD.endedChild() {
            if let place = mains[pid] {
                mainReady(place)
            } else if let index = errands.firstIndex(where: { $0?.pid == pid }) {
                errandEnded(index)
            } else if let index = workers.slots.firstIndex(where: { $0?.process?.pid == pid }) {
                lose(index, "it has ended")
            } else if pid == switching.activation?.child {
                activationReady()
            }
            PidFD.reap(pid)
        }
    }

    // MARK: - Whole trees

    func terminate(_ place: Int, _ signal: Int32) {
        if let unit = hands[place] as? UnitHand { return stop(unit) }
        guard let hand = process(at: place) else { return }
        hand.isBeingStopped = true
        send([signal, Signal.resume], to: hand)
    }

    func kill(_ place: Int) {
        guard let hand = process(at: place) else { return }
        hand.leaf?.kill()
        send([Signal.kill], to: hand)
    }

    /// After a crash: whatever the dead process left goes at once, so that nothing of it holds the
    /// port that its successor needs. The process group went before the reaping.
    func sweep(_ place: Int) { process(at: place)?.leaves?.sweep() }

    private func send(_ signals: [Int32], to hand: ProcessHand) {
        // What its start command left behind is not ours.
        let pids = hand.detaches ? [] : hand.leaf?.processes ?? forest().tree(of: hand)
        if let running = hand.process { for signal in signals { running.signalGroup(signal) } }
        for pid in pids { for signal in signals { Signal.send(signal, to: pid) } }
    }

    /// What /proc shows now, read once for all that one turn of the loop asks.
    func forest() -> Forest {
        if let forest = forestOfTurn, forest.taken == now.boot { return forest }
        let forest = Forest(
            taken: now.boot, state: forge.stateID, mains: mains, orphanages: orphanages)
        forestOfTurn = forest
        return forest
    }

    // MARK: - The end of a tree

    func watchTree(_ place: Int) {
        let watch = TreeWatch(place: place, next: now.boot)
        treeWatches.append(watch)
    }

    func checkTrees() {
        guard treeWatches.contains(where: { $0.next <= now.boot }) else { return }
        var ended: Set<Int> = []
        for i in treeWatches.indices where treeWatches[i].next <= now.boot {
            if isTreeEmpty(treeWatches[i].place) {
                ended.insert(treeWatches[i].place)
            } else {
                treeWatches[i].postpone(from: now.boot)
            }
        }
        treeWatches.removeAll { ended.contains($0.place) }
        for place in ended.sorted() { tell(place, .treeEnded) }
    }

    private func isTreeEmpty(_ place: Int) -> Bool {
        guard let hand = process(at: place), !hand.detaches else { return true }
        if let leaf = hand.leaf { return !leaf.isPopulated }
        let forest = forest()
        return !forest.isBlind && forest.tree(of: hand).isEmpty
    }

    /// Ends what dead processes left and nobody else will: children that came to us as the
    /// subreaper, or to whoever inherited from an earlier daemon, of an attempt that is over.
    func surveyOrphans() {
        guard let due = orphanSurvey, due <= now.boot else { return }
        orphanSurvey = nil
        let known = Set(errands.compactMap { $0?.pid })
        let orphans =
            orphanages.count == 1
            ? ProcessTable.ownChildren() : forest().children(of: orphanages)
        for pid in orphans where mains[pid] == nil && !known.contains(pid) {
            guard let mark = Mark(of: pid, state: forge.stateID),
                let id = mind.id(named: mark.service), let hand = process(at: id.index),
                !hand.isBeingStopped
            else { continue }
            if hand.process != nil, mark.attempt >= mind.status(id, at: instant).attempt {
                continue
            }
            Signal.send(Signal.kill, to: pid)
            // Its own children come to us now.
            orphanSurvey = now.boot + Self.orphanDelay
        }
    }
}

/// A stopping instance whose descendants have not all ended.
struct TreeWatch {
    let place: Int
    /// When to look again.
    var next: Int64
    private var pause: Int64 = 5_000_000

    /// The longest pause between two looks.
    static let longestPause: Int64 = 200_000_000

    init(place: Int, next: Int64) {
        self.place = place
        self.next = next
    }

    mutating func postpone(from now: Int64) {
        next = now + pause
        pause = min(2 * pause, Self.longestPause)
    }
}
