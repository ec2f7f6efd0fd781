import Configuration
import Ledger
import Linux
import Records
import Supervision
import Systemd

/// Units: what systemd says of them becomes sights, and what the mind wants becomes jobs.
extension Daemon {
    // MARK: - Sights

    /// Systemd has said how a unit is.
    func saw(_ unit: UnitName, _ state: UnitState) {
        guard let place = units.places[unit], let hand = hands[place] as? UnitHand else { return }
        let before = hand.sight
        hold(mainOf: state, by: hand, at: place)
        let sight = hand.take(state, clockOffset: units.clockOffset)
        if sight.invocation != before?.invocation { hand.watch.since = now.boot }
        if sight.activity == .missing, before?.activity != .missing {
            narrator.say(.error, "\(hand.facts.name): there is no \(unit), or it is masked")
        }
        tell(place, .unit(sight))
        dropIfOver(hand, place)
    }

    /// Opens the main process that systemd names, so that its end is known from the kernel.
    private func hold(mainOf state: UnitState, by hand: UnitHand, at place: Int) {
        let pid = Int32(clamping: state.mainPID)
        if let main = hand.main, main.process.pid == pid {
            // Systemd need not have noticed the end of a process that we have seen end.
            let ticks = main.hasEnded ? ProcessTable.entry(pid)?.startTicks : nil
            if ticks == nil || ticks == main.process.startTicks { return }
        }
        let main = pid > 0 ? main(pid, since: state.mainBegan) : nil
        letGo(of: hand.hold(main))
        guard let main else { return }
        do throws(SystemError) {
            main.token = try poller.add(
                main.pidfd.raw, for: .readable, as: Source.instance(place).name)
        } catch {
            // ENOSPC or ENOMEM: systemd tells of its end, a little later.
            narrator.say(.error, "cannot watch pid \(pid): \(error)")
        }
    }

    /// So much later than systemd says the main process may have begun, in nanoseconds: the kernel
    /// counts that in ticks.
    private static let startSlack: Int64 = 100_000_000

    /// The process of that number, if it is the one that began then; `nil` when it has ended since.
    private func main(_ pid: Int32, since began: UInt64) -> UnitHand.Main? {
        guard let pidfd = try? PidFD(opening: pid), let entry = ProcessTable.entry(pid) else {
            return nil
        }
        let start = Int64(entry.startTicks) * (1_000_000_000 / Clock.ticksPerSecond)
        let latest = Int64(clamping: began) * 1000 + units.clockOffset + Self.startSlack
        guard began == 0 || start <= latest else { return nil }
        return UnitHand.Main(
            ProcessIdentity(pid: pid, startTicks: entry.startTicks), pidfd)
    }

    /// The kernel says that a unit's main process has ended. What that means systemd knows.
    func mainReady(of hand: UnitHand) {
        guard let main = hand.main, !main.hasEnded else { return }
        main.hasEnded = true
        stopWatching(main)
        lookNow(hand)
    }

    private func stopWatching(_ main: UnitHand.Main) {
        if let token = main.token { poller.remove(token, main.pidfd.raw) }
        main.token = nil
    }

    private func letGo(of main: UnitHand.Main?) { if let main { stopWatching(main) } }

    // MARK: - Jobs

    /// Has systemd start a unit again, or start it where it is down. A job of somebody else's that is
    /// in the way goes first: ours is refused then.
    func start(_ hand: UnitHand, _ place: Int) {
        guard let sight = hand.sight else { return jobUnsent(hand, place, .notConnected) }
        let isDown =
            switch sight.activity {
            case .inactive, .failed, .missing: true
            case .active, .activating, .deactivating: false
            }
        do throws(SystemBus.Unsent) {
            if sight.activity == .failed, sight.starter != .nobody {
                let reset = try units.bus.resetFailed(hand.unit, at: now.boot)
                units.calls[reset] = .reset
            }
            try request(isDown ? .start : .restart, .fail, hand, place)
            hand.restarts += 1
        } catch .tooManyCalls {
            units.wishes.append(Units.Wish(place: place, name: hand.facts.name, isStop: false))
        } catch { jobUnsent(hand, place, error) }
    }

    /// Has systemd stop a unit, as an operator wants.
    func stop(_ hand: UnitHand) {
        guard let place = units.places[hand.unit] else { return }
        do throws(SystemBus.Unsent) {
            try request(.stop, .replace, hand, place)
        } catch .tooManyCalls {
            units.wishes.append(Units.Wish(place: place, name: hand.facts.name, isStop: true))
        } catch { jobUnsent(hand, place, error) }
    }

    /// Asks for what had to wait, now that a call has ended.
    func tryWishes() {
        let wishes = units.wishes
        units.wishes = []
        for wish in wishes {
            guard let hand = hands[wish.place] as? UnitHand, hand.facts.name == wish.name else {
                continue
            }
            if wish.isStop { stop(hand) } else { start(hand, wish.place) }
        }
    }

    private func request(
        _ job: SystemBus.Job, _ mode: SystemBus.JobMode, _ hand: UnitHand, _ place: Int
    ) throws(SystemBus.Unsent) {
        let call = try units.bus.request(
            job, of: hand.unit, mode, within: Units.jobPatience, at: now.boot)
        units.calls[call] = .job(place: place, name: hand.facts.name)
    }

    private func jobUnsent(_ hand: UnitHand, _ place: Int, _ why: SystemBus.Unsent) {
        narrator.say(.warning, "\(hand.facts.name): \(why)")
        lookNow(hand)
        tellOnly(.instance(InstanceID(place), .jobEnded(.lost)))
        perform()
    }

    private func lookNow(_ hand: UnitHand) {
        units.bus.look(hand.unit)
        units.isReady = true
    }

    /// A job has ended that the mind has asked for.
    func jobEnded(_ place: Int, _ name: String, _ outcome: SystemBus.Outcome) {
        guard let hand = hands[place] as? UnitHand, hand.facts.name == name else { return }
        // What came of it the unit's own state says.
        lookNow(hand)
        if let complaint = outcome.complaint {
            narrator.say(.warning, "\(name): systemd has not done it: \(complaint)")
        }
        tell(place, .jobEnded(UnitJobEnd(outcome)))
        tryWishes()
    }
}

extension UnitJobEnd {
    fileprivate init(_ outcome: SystemBus.Outcome) {
        switch outcome {
        case .done: self = .done
        // Somebody else's job took its place.
        case .ended("canceled"): self = .refused
        case .ended: self = .failed
        case .refused(let refusal):
            // The bus answers so for a PID 1 that has left it.
            self = refusal.name.hasPrefix("org.freedesktop.DBus.Error.") ? .lost : .refused
        case .timedOut, .lost: self = .lost
        }
    }
}

extension SystemBus.Outcome {
    /// What went wrong, for people.
    fileprivate var complaint: String? {
        switch self {
        case .done: nil
        case .ended(let result): "the job ended as '\(result)'"
        case .refused(let refusal): "\(refusal)"
        case .timedOut: "the job has not ended"
        case .lost: "it cannot be reached"
        }
    }
}
