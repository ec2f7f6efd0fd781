import Configuration
import Linux
import Records
import Supervision
import Worker

/// The daemon's hold on one instance that is its child: how to make its process, and the process
/// itself.
final class ProcessHand: Hand {
    /// Steps around its start, where it has any. What such a start leaves behind is not ours: it gets
    /// no mark and no cgroup, and is never signalled.
    let sequence: StartSequence?
    /// See `sequence`.
    override var detaches: Bool { sequence != nil }
    /// Where its output goes.
    let output: ChildOutput
    private let null: Int32
    private var recipe: Recipe
    /// Where its processes are born, where there are cgroups.
    let leaves: Leaves?
    /// The process could not be born in a leaf, or an earlier daemon had none for it.
    var isOutsideLeaf = false

    /// The running main process.
    private(set) var process: Running?
    /// The running main process's id, or the last one's: its session may outlive it.
    private(set) var lastPID: Int32?
    /// Its processes as the last look at its tree found them, with their start times: what is known
    /// to belong to it needs no mark.
    var members: [Int32: UInt64] = [:]
    /// The steps after its start have not begun.
    var postflightIsDue = false
    /// A stop is under way: descendants have their grace period too.
    var isBeingStopped = false
    /// Why the output of the last process goes nowhere; 0: it does not.
    var outputError: Int32 = 0
    /// It is no longer configured and only to be stopped.
    var isLeftover = false
    /// The inotify watch on the log is armed or about to be.
    var isLogWatched = false

    /// The cgroup that holds the whole tree; `nil`: session, group and descent have to.
    var leaf: Linux.Cgroup? { isOutsideLeaf ? nil : leaves?.current }

    /// The user that its processes begin as; `nil`: it is no longer configured, whosever they are.
    override var user: UInt32? {
        if isLeftover { return nil }
        return identity == nil ? ProcessTable.effectiveUser : account?.user ?? .max
    }

    override var subject: Subject {
        Subject(
            main: process.map { ProcessIdentity(pid: $0.pid, startTicks: $0.startTicks) },
            cgroup: leaf?.path, directory: directory, environment: environment)
    }

    override var leftovers: String? { leaf?.path }

    /// How to make the process.
    private enum Recipe {
        /// Laid out.
        case plan(SpawnPlan)
        /// To be laid out as soon as there is such an account.
        case ingredients(SpawnPlan.Ingredients)
    }

    /// A running main process.
    final class Running {
        let pid: Int32
        let pidfd: PidFD
        /// Field 22 of proc_pid_stat(5), read when there is time for it.
        private(set) lazy var startTicks = ProcessTable.entry(pid)?.startTicks ?? 0
        /// Its registration in the poller.
        var token: Poller.Token?
        /// It was started by an earlier daemon and is not our child.
        let isAdopted: Bool

        init(pid: Int32, pidfd: consuming PidFD, isAdopted: Bool) {
            self.pid = pid
            self.pidfd = pidfd
            self.isAdopted = isAdopted
        }

        /// Sends a signal to its process group. Our child's number is the group's until we reap it;
        /// an adopted one is reaped by somebody else, and its number may be a stranger's.
        func signalGroup(_ signal: Int32) {
            if pidfd.signalGroup(signal) { return }
            if isAdopted, let now = ProcessTable.entry(pid), now.startTicks != startTicks { return }
            Signal.send(signal, to: -pid)
        }
    }

    init(
        facts: InstanceFacts, identity: Identity?, log: (path: String, bound: Int64)?,
        ingredients: SpawnPlan.Ingredients, leaves: Leaves?, watch: Watch, sequence: StartSequence?,
        null: Int32
    ) {
        self.sequence = sequence
        output = ingredients.output
        self.leaves = leaves
        self.null = null
        recipe = .ingredients(ingredients)
        // Most services run no commands but their own.
        let isPlain = watch.probes.isEmpty && watch.remedies == [.restart] && sequence == nil
        super.init(
            facts: facts, identity: identity, log: log, watch: watch,
            directory: ingredients.directory,
            environment: isPlain ? [] : ingredients.environment.filter { !$0.hasPrefix("REGEN_") })
        _ = try? plan()
    }

    /// Makes the process. An account that did not exist yet is looked up again.
    func spawn(attempt: Int, by spawner: Spawner?) throws(SpawnFailure) -> Running {
        let plan = try plan()
        do throws(SpawnPlan.Failure) {
            let cgroup = leaves?.forNewProcess() ?? -1
            let child = try plan.spawn(attempt: attempt, cgroup: cgroup, by: spawner)
            isOutsideLeaf = cgroup < 0
            members = [:]
            outputError = child.outputError
            let running = Running(child)
            process = running
            lastPID = running.pid
            return running
        } catch {
            throw SpawnFailure(
                step: SpawnFailure.Step(rawValue: error.step) ?? .clone, code: error.code)
        }
    }

    /// How to run a step of its sequence: as the service itself, by the shell.
    func step(_ text: String) throws(SpawnFailure) -> SpawnPlan {
        _ = try plan()
        var ingredients = SpawnPlan.Ingredients(
            command: ["/bin/sh", "-c", text], environment: environment)
        ingredients.directory = directory
        ingredients.output = output
        if let account { ingredients = ingredients.added(account) }
        return SpawnPlan(ingredients, null: null)
    }

    /// Holds a process that an earlier daemon has started.
    func adopt(_ process: Running) {
        self.process = process
        lastPID = process.pid
    }

    /// Goes on where the hand of an older configuration leaves off.
    func takeOver(_ old: ProcessHand) {
        process = old.process
        // What a start command has left behind stays nobody's.
        lastPID = old.detaches && process == nil ? nil : old.lastPID
        members = old.members
        isOutsideLeaf = old.isOutsideLeaf
        if let leaves, let oldLeaves = old.leaves { leaves.takeOver(oldLeaves) }
        isBeingStopped = old.isBeingStopped
        restarts = old.restarts
        watch.takeOver(old.watch)
    }

    /// The process has ended and was reaped, or its end was seen.
    func release() { process = nil }

    /// Remembers who belonged to it: what of that holds a port later is stale.
    func rememberProcesses() {
        guard watch.remedies.contains(.portConflict) else { return }
        for (pid, ticks) in members { watch.remember(ProcessIdentity(pid: pid, startTicks: ticks)) }
        if let process, process.startTicks > 0 {
            watch.remember(ProcessIdentity(pid: process.pid, startTicks: process.startTicks))
        }
    }

    private func plan() throws(SpawnFailure) -> SpawnPlan {
        switch recipe {
        case .plan(let plan): return plan
        case .ingredients(var ingredients):
            if let identity {
                do throws(Account.Unknown) {
                    let account = try identity.account()
                    ingredients = ingredients.added(account)
                    self.account = account
                } catch {
                    throw SpawnFailure(step: .account, code: SystemError.noEntry)
                }
            }
            let plan = SpawnPlan(ingredients, null: null)
            recipe = .plan(plan)
            return plan
        }
    }
}

extension ProcessHand.Running {
    convenience init(_ child: consuming SpawnPlan.Child) {
        let pid = child.pid
        self.init(pid: pid, pidfd: child.takePidFD(), isAdopted: false)
    }
}

extension SpawnPlan.Ingredients {
    /// The same for that account, whose name, home and shell the process is told.
    fileprivate func added(_ account: Account) -> Self {
        var ingredients = self
        ingredients.account = account
        let told = [
            ("HOME", account.home), ("LOGNAME", account.name), ("USER", account.name),
            ("SHELL", account.shell),
        ]
        for (name, value) in told
        where !environment.contains(where: { $0.hasPrefix("\(name)=") }) {
            ingredients.environment.append("\(name)=\(value)")
        }
        return ingredients
    }
}
