import Configuration
import Control
import Ledger
import Linux
import Probing
import Records
import SafeSwitch
import Supervision
import Systemd

/// The composition: facts of the kernel become events of the mind, actions of the mind become
/// deeds of the hands. One thread, one epoll; what must not stop it is a child or the ledger's
/// writer.
final class Daemon {
    /// Processes made in one turn of the loop. More wait for the next, so that ten thousand starts
    /// do not keep a death waiting.
    static let spawnsPerTurn = 64
    /// The next process is made in the next turn once a turn has lasted so long, in nanoseconds: each
    /// waits for an exec, and on a machine that has no time left that takes a thousand times its time.
    static let longestSpawning: Int64 = 250_000_000

    let options: Options
    let started: Stamp
    var now: Stamp
    var mind: Mind
    /// By place in the mind's table.
    var hands: [Hand?] = []
    /// The places of running main processes that are our children, by pid.
    var mains: [Int32: Int] = [:]
    /// The processes that orphans of our services become children of: we, as the subreaper, and
    /// after an adoption whoever inherited from the earlier daemon.
    var orphanages: Set<Int32> = [ProcessTable.own]
    var errands: [Errand?] = []
    var workers = Workers()
    let notices: Notices
    /// Causes that are to be searched for, oldest first.
    var inquests: [Inquest] = []
    /// Sequences under way, one a place at most.
    var courses: [Course] = []
    /// Searches under way.
    var openInquests = 0
    /// Whom the network worker runs as; `nil`: the daemon's own user, who is not root.
    let probeAccount: Account?
    /// Who reads the journal; see `Parts.journalAccount`.
    let journalAccount: Account?
    var forge: Forge
    /// The directories and the file in force; services are the mind's and the hands'.
    var stateDirectory: String
    var runtimeDirectory: String
    let cgroup: Configuration.Cgroup

    var poller: Poller
    var timer: TimerFD
    var signals: SignalFD
    let null: OwnedFD
    /// Held for the daemon's life.
    let lock: FileLock
    var kernelLog: KernelLog?
    var logWatch: LogWatch?
    var notifySocket: NotifySocket?
    var pressure: [PressureWatch] = []
    var chronicle: Chronicle
    var narrator: Narrator
    var server: ControlServer
    var controlTokens: [UInt64: Poller.Token] = [:]

    let switching: Switching
    let units: Units
    var boots: Boots
    let watchdog = Watchdog()
    /// How processes are made from when on somebody waits for our signs of life: they go on while an exec
    /// lasts.
    var spawner: Spawner?
    /// Who is told how we are; `nil`: nobody wants to know.
    let manager: ServiceManager?
    /// When the manager's status is next made anew; `nil`: nothing has changed.
    var statusDue: Int64?
    /// When it was made last.
    var statusMade = Int64.min
    /// The last configuration that was read is not in force.
    var hasRefused = false

    private var queue: [Action] = []
    private var nextAction = 0
    private var isPerforming = false
    private var spawnsThisTurn = 0
    /// When it was looked what has come; `now` goes on while an exec lasts.
    private(set) var turnBegan: Int64 = 0
    /// A storm has gone by and left the heap larger than it need be.
    var mustTrim = true
    var forestOfTurn: Forest?
    var treeWatches: [TreeWatch] = []
    var orphanSurvey: Int64?
    var waiters: [Waiter] = []
    var reloadWaiters: [Call.ID] = []
    var wantsReload = false
    var state = State.ready
    var leavesRunning = 0
    /// The end is that of the machine, as far as systemd knows.
    var endsWithMachine = false

    /// The daemon's own life.
    enum State: String {
        case ready
        case stopping
        case finished
    }

    init(_ parts: consuming Parts) throws(SystemError) {
        options = parts.options
        started = parts.now
        now = parts.now
        forge = parts.forge
        stateDirectory = parts.stateDirectory
        runtimeDirectory = parts.runtimeDirectory
        cgroup = parts.cgroup
        chronicle = parts.chronicle
        narrator = parts.narrator
        server = parts.server
        lock = parts.lock
        mind = Mind(seed: UInt64(bitPattern: parts.now.wall), memory: parts.memory)
        switching = Switching(parts.switchMemory)
        units = Units(.system)
        boots = Boots(parts.bootMemory)
        manager = parts.manager
        probeAccount = parts.probeAccount
        journalAccount = Parts.journalAccount(like: parts.probeAccount)
        notices = Notices(started: parts.now.wall)
        null = parts.null
        signals = parts.signals
        poller = try Poller()
        timer = try TimerFD()
        kernelLog = try? KernelLog()
        logWatch = try? LogWatch()
        _ = try poller.add(timer.raw, for: .readable, as: Source.timer.name)
        _ = try poller.add(signals.raw, for: .readable, as: Source.signals.name)
        if let raw = chronicle.descriptor {
            _ = try poller.add(raw, for: .readable, as: Source.ledger.name)
        }
        if let raw = logWatch?.raw {
            _ = try poller.add(raw, for: .readable, as: Source.logWatch.name)
        }
        try listenToServices()
        try listenToStalls()
    }

    /// Turns until everything that had to stop is down.
    func run() throws(SystemError) {
        while state != .finished { try turn() }
        closeWatchdogs()
        write(
            .daemonStopped(
                reason: "asked", left: leavesRunning, withMachine: endsWithMachine))
        writeRecords()
        tellManager()
        chronicle.close()
        narrator.flush()
    }

    private func turn() throws(SystemError) {
        drainBus()
        armTimer()
        let count = try poller.wait(milliseconds: hasWork ? 0 : -1)
        beginTurn()
        perform()
        // Deaths first: nothing else is in a hurry.
        for i in 0..<count {
            guard let event = poller.event(i), case .instance(let place) = Source(event.name)
            else { continue }
            mainReady(place)
        }
        for i in 0..<count {
            guard let event = poller.event(i) else { continue }
            dispatch(event)
        }
        // By the instant of the poll: what has come while an exec lasted is read in the next turn.
        if let deadline = mind.nextDeadline(), deadline.nanoseconds <= turnBegan {
            tell(.deadlineReached)
        }
        serveBus()
        keepHouse()
        serveSwitch()
        serveCalls()
        // Records come after: when nothing else is left to do, or it gets late or much.
        if count == 0 || chronicle.isUrgent(at: now.boot) {
            holdInquests()
            writeRecords()
            keepNotices()
            keepWorkers()
        }
        tellManager()
        keepWatchdog()
        narrator.flush()
        if count == 0, mustTrim, !hasWork {
            mustTrim = false
            ResourceLimits.trimHeap()
        }
    }

    func beginTurn() {
        now = Stamp(wall: Clock.realtime(), boot: Clock.boottime())
        spawnsThisTurn = 0
        turnBegan = now.boot
    }

    var instant: Instant { Instant(nanoseconds: now.boot) }

    /// Not everything that the mind asked for is done.
    var hasActions: Bool { nextAction < queue.count }

    private var hasWork: Bool {
        hasActions || chronicle.hasPending || switching.hasWork
    }

    private func dispatch(_ event: Poller.Event) {
        switch Source(event.name) {
        case .timer: timer.acknowledge()
        case .signals: takeSignals()
        case .ledger: ledgerChanged()
        case .logWatch: logWatch?.takeIn(at: now.boot)
        case .instance(let place): mainReady(place)
        case .errand(let index): errandEnded(index)
        case .worker(let index): workerReady(index, event.readiness)
        case .pressure: tell(.machineStalled)
        case .notices: takeNotices()
        case .activation: activationReady()
        case .bus: units.isReady = true
        case .watchdog: watchdog.takeIn(at: now.boot)
        case .systemWatch: switching.watch?.takeIn(at: now.boot)
        case .control(let source): controlReady(source, event.readiness)
        }
    }

    private func armTimer() {
        var next = mind.nextDeadline()?.nanoseconds ?? .max
        for other in [
            orphanSurvey, treeWatches.map(\.next).min(), logWatch?.nextCheck,
            waiters.map(\.deadline).min(), errands.compactMap { $0?.deadline }.min(),
            workers.nextCheck, notices.due, courses.compactMap(\.due).min(), server.nextDeadline,
            narrator.isIdle ? nil : now.boot + Self.slowReaderPause, nextSwitchDeadline,
            units.due, statusDue, manager?.due, boots.due, watchdog.due,
        ] {
            next = min(next, other ?? .max)
        }
        timer.arm(at: next == .max ? nil : next)
    }

    /// How long a reader of standard error that takes nothing is left alone.
    private static let slowReaderPause: Int64 = 1_000_000_000

    // MARK: - Events in, actions out

    /// Tells the mind, and does what it says.
    func tell(_ event: Event) {
        mind.handle(event, at: instant, into: &queue)
        perform()
    }

    /// The same for something that happened to one instance.
    func tell(_ place: Int, _ event: InstanceEvent) {
        tell(.instance(InstanceID(place), event))
    }

    /// Tells the mind without doing anything yet: its hands are not ready.
    func tellOnly(_ event: Event) { mind.handle(event, at: instant, into: &queue) }

    func perform() {
        // What an action brings about at once is done after it, not within it.
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        while nextAction < queue.count, maySpawn {
            let action = queue[nextAction]
            nextAction += 1
            perform(action)
        }
        guard nextAction == queue.count else { return }
        if queue.empty() { mustTrim = true }
        nextAction = 0
    }

    /// One process at least is made in each turn.
    private var maySpawn: Bool {
        spawnsThisTurn == 0
            || spawnsThisTurn < Self.spawnsPerTurn
                && hasTime
    }

    /// Of this turn, for making processes.
    var hasTime: Bool { Clock.boottime() - turnBegan < Self.longestSpawning }

    private func perform(_ action: Action) {
        switch action {
        case .spawn(let id, let attempt): spawn(id.index, attempt: attempt)
        case .terminate(let id, let signal): terminate(id.index, signal)
        case .kill(let id): kill(id.index)
        case .sweep(let id): sweep(id.index)
        case .watchTree(let id): watchTree(id.index)
        case .probe(let id, let probe, let serial): look(id.index, probe: probe, serial: serial)
        case .remedy(let id, let remedy, _, let serial):
            self.remedy(id.index, remedy, serial: serial)
        case .triage(let id, let incident, let reason):
            // Without SafeSwitch nobody else is asked before a human is.
            if switching.isActive {
                tellSwitch(.accused(id, incident: incident, reason))
            } else {
                tell(id.index, .triaged(.handOver(nil)))
            }
        case .record(let record):
            if case .incidentOpened(let id, let incident, let kind, let probe) = record {
                openInquest(id.index, incident, kind, probe)
            }
            chronicle.note(.mind(record), at: now)
            if switching.isActive { switching.events.append(.noted(record)) }
        case .forget(let id): forget(id.index)
        case .finish:
            leavesRunning = mind.all.count { mind.status($0, at: instant).process != nil }
            state = .finished
        }
    }

    private func spawn(_ place: Int, attempt: Int) {
        if hands[place]?.watch.remedy != nil { endRemedy(place) }
        if let unit = hands[place] as? UnitHand { return start(unit, place) }
        guard let hand = process(at: place) else { return }
        if let sequence = hand.sequence, beginPreflight(place, hand, sequence, attempt: attempt) {
            return
        }
        makeProcess(place, hand, attempt: attempt)
    }

    func makeProcess(_ place: Int, _ hand: ProcessHand, attempt: Int) {
        spawnsThisTurn += 1
        hand.isBeingStopped = false
        let isRestart = hand.lastPID != nil
        hand.watch.notice = Notice()
        hand.watch.since = now.boot
        do throws(SpawnFailure) {
            let running = try hand.spawn(attempt: attempt, by: spawner)
            if isRestart { hand.restarts += 1 }
            mains[running.pid] = place
            awaitPostflight(place, hand)
            watch(running, at: place)
            let process = ProcessIdentity(pid: running.pid, startTicks: 0)
            mind.handle(
                .instance(InstanceID(place), .spawned(process)), at: instant, into: &queue)
            if hand.outputError != 0 {
                write(.logUnavailable(InstanceID(place), errno: hand.outputError))
            } else if !hand.isLogWatched, let log = hand.log {
                hand.isLogWatched = true
                logWatch?.check(place, log.path, at: now.boot)
            }
        } catch {
            mind.handle(
                .instance(InstanceID(place), .spawnFailed(error)), at: instant, into: &queue)
        }
    }

    func watch(_ running: ProcessHand.Running, at place: Int) {
        do throws(SystemError) {
            running.token = try poller.add(
                running.pidfd.raw, for: .readable, as: Source.instance(place).name)
        } catch {
            // ENOSPC (max_user_watches of epoll(7)) or ENOMEM. SIGCHLD still tells of its death.
            narrator.say(.error, "cannot watch pid \(running.pid): \(error)")
        }
    }

    private func forget(_ place: Int) {
        // A reload can have given the place to another before this was its turn.
        if let hand = hands[place], mind.id(named: hand.facts.name)?.index == place { return }
        writeRecords()  // they need its name
        if let hand = hands[place] { letGo(of: hand, place) }
        hands[place] = nil
    }

    // MARK: - Records

    func write(_ entry: Entry) { chronicle.note(entry, at: now) }

    func writeRecords() {
        tellPeople()
        noteStatus()
        let wasStorm = chronicle.write(
            &narrator, running: { self.process(at: $0.index)?.process }
        ) {
            self.hands[$0.index]?.toldFacts ?? InstanceFacts(name: "?", program: "?", launch: 0)
        }
        if wasStorm { mustTrim = true }
    }
}
