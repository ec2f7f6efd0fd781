import Configuration
import Ledger
import Linux
import Records
import Supervision
import Systemd

/// The hardware watchdogs in the loop: opened, fed and let go at the end of a turn, and while the loop waits
/// for an exec.
extension Daemon {
    /// Before anything is started.
    func takeWatchdogs(_ policy: WatchdogPolicy?) {
        if manager?.interval != nil { liveDuringExecs() }
        heedResets()
        watch(policy)
        openWatchdogs()
    }

    /// The last thing in a turn: it says that this turn has happened.
    func keepWatchdog() {
        guard watchdog.policy != nil else { return }
        openWatchdogs()
        feedWatchdogs()
    }

    // MARK: - Opening

    private func openWatchdogs() {
        if let ban = watchdog.ban {
            guard ban.until <= instant else { return }
            watchdog.ban = nil
        }
        let due = watchdog.posts.indices.filter { (watchdog.posts[$0].nextTry ?? .max) <= now.boot }
        guard !due.isEmpty else { return }
        // Before it is tried: what happens in between is not missed.
        listenForWatchdogs()
        for i in due { tryToOpen(i) }
        listenForWatchdogs()
        timeWatchdogs()
    }

    private func tryToOpen(_ i: Int) {
        watchdog.posts[i].nextTry = nil
        for path in watchdog.posts[i].paths {
            do throws(WatchdogDevice.Obstacle) {
                return arm(i, try WatchdogDevice(opening: path))
            } catch {
                switch error {
                case .absent: continue
                case .busy: return busy(i, path)
                case .noWatchdog, .failed: return unusable(i, path, "\(error)")
                }
            }
        }
        watchdog.posts[i].state = .awaited
    }

    private func arm(_ i: Int, _ device: WatchdogDevice) {
        guard let policy = watchdog.policy else { return }
        set(device, policy)
        let timeout = device.timeout.map { Interval.seconds(Int64($0)) }
        if let timeout, timeout < WatchdogPolicy.shortestTimeout, device.isNoWayOut != true {
            try? device.announceClose()
            return unusable(
                i, device.path,
                "its driver takes a time-out of \(timeout.words), and "
                    + "\(WatchdogPolicy.shortestTimeout.words) are needed")
        }
        do throws(SystemError) { try device.feed() } catch {
            return broken(i, device.path, error)
        }
        watchdog.posts[i].state = .armed(device)
        watchdog.posts[i].isBusyTold = false
        write(.watchdogOpened(ArmedWatchdog(device, asked: policy.timeout)))
    }

    private func set(_ device: WatchdogDevice, _ policy: WatchdogPolicy) {
        do throws(SystemError) {
            try device.set(
                timeout: policy.timeout.wholeSeconds, pretimeout: policy.pretimeout?.wholeSeconds)
        } catch {
            let kept = device.timeout.map { "\($0) s" } ?? "unknown"
            narrator.say(.warning, "\(error); its time-out stays as it is: \(kept)")
        }
    }

    private func busy(_ i: Int, _ path: String) {
        if !watchdog.posts[i].isBusyTold {
            watchdog.posts[i].state = .busy(path: path, holder: nil)
        }
        if watchdog.posts[i].tryLater(at: now.boot) || watchdog.posts[i].isBusyTold { return }
        let holder = Self.holderOfWatchdog
        watchdog.posts[i].state = .busy(path: path, holder: holder)
        watchdog.posts[i].isBusyTold = true
        write(
            .watchdogBusy(
                device: path, holder: holder,
                watchedEvery: manager?.interval.map { Interval(nanoseconds: $0) }))
    }

    /// Who it is, where it is who it mostly is: to look at all processes takes long.
    private static var holderOfWatchdog: String? {
        let descriptors = (try? Directory.names(in: "/proc/1/fd")) ?? []
        let isFirst = descriptors.contains {
            Directory.linkTarget("/proc/1/fd/\($0)")?.hasPrefix("/dev/watchdog") == true
        }
        return isFirst ? "\(ProcessTable.text("/proc/1/comm") ?? "init") (pid 1)" : nil
    }

    private func unusable(_ i: Int, _ path: String, _ reason: String) {
        if case .unusable(path, reason) = watchdog.posts[i].state { return }
        watchdog.posts[i].state = .unusable(path: path, reason: reason)
        write(.watchdogOff(device: path, reason: reason))
    }

    private func listenForWatchdogs() {
        let before = watchdog.descriptor
        do throws(SystemError) {
            if let token = watchdog.token, let before, !watchdog.posts.contains(where: \.isWaiting)
            {
                poller.remove(token, before)
                watchdog.token = nil
            }
            try watchdog.listen()
            if watchdog.token == nil, let raw = watchdog.descriptor {
                watchdog.token = try poller.add(raw, for: .readable, as: Source.watchdog.name)
            }
        } catch {
            narrator.say(.warning, "\(error); a watchdog that comes later is not seen")
        }
    }

    // MARK: - Feeding

    /// Something is held that was not before, or no longer, or otherwise.
    private func timeWatchdogs() {
        guard let policy = watchdog.policy, let timeout = watchdog.timeout else {
            watchdog.feeding = nil
            return
        }
        liveDuringExecs()
        if watchdog.feeding == nil {
            watchdog.feeding = Feeding(
                timeout: timeout, ledgerStall: policy.ledgerStall, at: instant)
        }
        watchdog.feeding?.ledgerStall = policy.ledgerStall
        watchdog.feeding?.set(timeout: timeout, at: instant)
    }

    private func feedWatchdogs() {
        var facts = Feeding.Facts()
        let verdict = watchdog.feeding?.turn(at: instant) {
            facts = feedingFacts
            return facts
        }
        switch verdict {
        case nil, .starve: break
        case .feed: feed()
        case .feedAgain(let after):
            feed()
            write(.watchdogFed(after: after))
        case .beginStarving(let condition):
            // What only would have been must frighten nobody.
            let isTest = watchdog.policy?.isTest == true
            let detail = (isTest ? "a test, nothing is reset: " : "") + detail(of: condition, facts)
            write(.watchdogStarving(condition, detail: detail))
            writeRecords()
        }
    }

    private var feedingFacts: Feeding.Facts {
        Feeding.Facts(
            isOverdue: (mind.nextDeadline() ?? instant + .seconds(1)) <= instant,
            abandoned: mind.abandoned { id, debt in
                switch debt {
                case .exit: process(at: id.index)?.process != nil
                case .spawn:
                    hasActions || watchdog.execSince != nil
                        || courses.contains { $0.place == id.index }
                }
            },
            atDiskSince: chronicle.atDiskSince.map { Instant(nanoseconds: $0) },
            execSince: watchdog.execSince)
    }

    private func detail(of condition: Feeding.Condition, _ facts: Feeding.Facts) -> String {
        switch condition {
        case .loopTurned:
            guard let since = facts.execSince else { return "what is due is not done" }
            return "a program could not be executed for \((instant - since).words)"
        case .criticalSupervised:
            guard let id = facts.abandoned else { return "" }
            return "nothing would move \(mind.definition(id).name) any more"
        case .ledgerAnswered:
            let since = facts.atDiskSince ?? instant
            return "the disk has not answered for \((instant - since).words)"
        }
    }

    /// From now on.
    private func liveDuringExecs() {
        guard spawner == nil else { return }
        do throws(SystemError) {
            spawner = try Spawner { [unowned self] lasting in
                execLasts(Interval(nanoseconds: lasting))
            }
        } catch {
            narrator.say(.warning, "\(error); an exec that lasts may reset the machine")
        }
    }

    /// The loop itself waits for an exec: its thread is here, and does only what cannot wait.
    private func execLasts(_ lasting: Interval) {
        now = Stamp(wall: Clock.realtime(), boot: Clock.boottime())
        watchdog.execSince = Instant(nanoseconds: now.boot - lasting.nanoseconds)
        defer { watchdog.execSince = nil }
        complain(ofExec: lasting)
        keepWatchdog()
        if lasting <= Feeding.longestExec { tellManager() }
        narrator.flush()
    }

    private func complain(ofExec lasting: Interval) {
        guard lasting >= Self.longExec, now.boot >= watchdog.nextExecComplaint else { return }
        watchdog.nextExecComplaint = now.boot + Self.execComplaintPause.nanoseconds
        narrator.say(
            .warning,
            "a program could not be executed for \(lasting.words), and nothing is healed meanwhile: "
                + "memory is short, or its file is on a mount that does not answer")
    }

    private static let longExec = Interval.seconds(10)
    private static let execComplaintPause = Interval.minutes(1)

    private func feed() {
        var isHeld = true
        for i in watchdog.posts.indices {
            guard let device = watchdog.posts[i].device else { continue }
            do throws(SystemError) { try device.feed() } catch {
                broken(i, device.path, error)
                isHeld = false
            }
        }
        if !isHeld {
            listenForWatchdogs()
            timeWatchdogs()
        }
    }

    /// It cannot be fed. Without the magic it stays armed while it is closed, and opening feeds it, too.
    private func broken(_ i: Int, _ path: String, _ error: SystemError) {
        unusable(i, path, "\(error)")
        watchdog.posts[i].tryAnew(at: now.boot + Feeding.recheck.nanoseconds)
    }

    // MARK: - Reload and end

    /// Why this configuration cannot come into force; `nil`: as far as watchdogs go it can.
    func watchdogRefusal(_ policy: WatchdogPolicy?) -> Refusal? {
        let wanted = policy?.isTest == true ? [] : Watchdog.wanted(policy)
        for post in watchdog.posts where !wanted.contains(post.paths) {
            guard let device = post.device, device.isNoWayOut == true else { continue }
            return Refusal(
                text: "watchdog: \(device.path) cannot be let go (nowayout): the machine would be "
                    + "reset; leave it in the configuration until the machine is booted again")
        }
        return nil
    }

    /// A configuration comes into force.
    func watch(_ policy: WatchdogPolicy?) {
        guard policy != watchdog.policy else { return }
        let old = watchdog.posts
        watchdog.take(policy, at: now.boot)
        for post in old {
            guard let device = post.device else { continue }
            if watchdog.posts.contains(where: { $0.device === device }) {
                if let policy { set(device, policy) }
            } else {
                letGo(device)
            }
        }
        for i in watchdog.posts.indices { watchdog.posts[i].tryAnew(at: now.boot) }
        listenForWatchdogs()
        timeWatchdogs()
        if policy != nil, let ban = watchdog.ban {
            write(.watchdogOff(device: nil, reason: ban.words(at: instant)))
        }
    }

    /// The end, as it was asked for.
    func closeWatchdogs() {
        let devices = watchdog.posts.compactMap(\.device)
        watchdog.take(nil, at: now.boot)
        for device in devices { letGo(device) }
    }

    private func letGo(_ device: WatchdogDevice) {
        // Whoever comes next has the whole time, also where this does not stop it.
        try? device.feed()
        let isMagic = (try? device.announceClose()) != nil && device.isNoWayOut != true
        write(
            .watchdogClosed(
                device: device.path, magic: isMagic,
                timeout: device.timeout.map { .seconds(Int64($0)) }))
    }
}

extension Interval {
    fileprivate var wholeSeconds: Int { Int(nanoseconds / 1_000_000_000) }
}

extension ArmedWatchdog {
    init(_ device: WatchdogDevice, asked: Interval) {
        self.init(
            device: device.path, identity: device.identity, asked: asked,
            timeout: device.timeout.map { .seconds(Int64($0)) },
            pretimeout: device.pretimeout.flatMap { $0 > 0 ? .seconds(Int64($0)) : nil },
            isNoWayOut: device.isNoWayOut, disarmsAtDeath: device.disarmsAtDeath,
            bootStatus: device.bootStatus)
    }
}
