import Configuration
import Control
import Linux
import Probing
import Records
import Supervision
import Systemd
import Worker

/// The daemon's hold on one instance that systemd keeps.
final class UnitHand: Hand {
    /// The unit.
    let unit: UnitName
    /// What is configured of it.
    let rules: UnitService
    /// What systemd said last.
    private(set) var state: UnitState?
    /// What the mind was told of that.
    private(set) var sight: UnitSight?
    /// The run that it is in, or was in last, and the one before.
    private var runs: (now: JournalTail.Run?, before: JournalTail.Run?)
    /// The main process.
    private(set) var main: Main?

    /// A main process, which systemd has made.
    final class Main {
        let process: ProcessIdentity
        let pidfd: PidFD
        /// Its registration in the poller.
        var token: Poller.Token?
        /// It has ended, and systemd may not have noticed yet.
        var hasEnded = false

        init(_ process: ProcessIdentity, _ pidfd: consuming PidFD) {
            self.process = process
            self.pidfd = pidfd
        }
    }

    init(
        _ service: ServiceConfiguration, _ unit: UnitName, _ rules: UnitService, named name: String
    ) {
        self.unit = unit
        self.rules = rules
        let program = unit.text.dropLast(".service".utf8.count)
        super.init(
            facts: InstanceFacts(
                name: name, program: Forge.program(String(program)), launch: service.fingerprint),
            // Until systemd has said whom it runs as, nobody looks with its rights.
            identity: Identity(user: ""), log: nil, watch: Watch(service), directory: nil,
            environment: ["PATH=\(Forge.path)"])
    }

    /// Where its processes are: what `memory`, `cpu` and `listening` look at.
    override var subject: Subject {
        var subject = Subject(
            main: main?.process, cgroup: controlGroup, directory: directory,
            environment: environment)
        subject.members = .cgroup
        return subject
    }

    /// Its control group in the file system; `nil` while it has none.
    var controlGroup: String? { state.flatMap { Cgroup.directory(ofUnit: $0.controlGroup) } }

    /// While it is up, all in its control group is the unit. When it is down, what is still there is
    /// not (`KillMode=process`).
    override var leftovers: String? {
        switch sight?.activity {
        case .inactive, .failed: controlGroup
        case .active, .activating, .deactivating, .missing, nil: nil
        }
    }

    override var run: JournalTail.Run? { runs.now }

    override var lastFailure: (run: JournalTail.Run?, end: UnitEnd?) {
        guard let state, let sight else { return (nil, nil) }
        // Systemd may have started it again before it was looked at.
        let isAnother =
            sight.activity == .active || sight.activity == .activating && sight.exit == nil
        if isAnother { return (runs.before, nil) }
        let wasUp =
            state.activeEntered > 0 && state.activeEntered >= state.mainBegan
            && (sight.activity == .activating || state.activeEntered >= state.inactiveLeft)
        return (runs.now, UnitEnd(result: state.result, exit: sight.exit, wasUp: wasUp))
    }

    /// Takes note of a run that is not known yet.
    private func note(_ state: UnitState, _ clockOffset: Int64) {
        guard JournalTail.isInvocation(state.invocation), runs.now?.invocation != state.invocation
        else { return }
        // While it waits to be started again, it has left `inactive` anew.
        let moments: [UInt64] = [state.mainBegan, state.inactiveLeft].filter { $0 > 0 }
        let began: UInt64 = moments.min() ?? 0
        let offset = (Clock.realtime() - Clock.boottime() + clockOffset) / 1000
        let run = JournalTail.Run(
            of: state.id, state.invocation, began: Int64(clamping: began) &+ offset)
        runs = (run, runs.now)
    }

    private var isPlain: Bool { watch.probes.isEmpty && watch.remedies == [.restart] }

    /// Systemd has said something.
    func take(_ state: UnitState, clockOffset: Int64) -> UnitSight {
        if self.state == nil || self.state?.user != state.user || self.state?.group != state.group {
            let user = state.user.isEmpty ? nil : state.user
            let group = state.group.isEmpty ? nil : state.group
            identity = user.map { Identity(user: $0, group: group) }
            account = nil
        }
        // A dynamic user is there only while the unit is up. Most units run no commands of ours.
        if !isPlain, account == nil, let identity { account = try? identity.account() }
        let seen = UnitSight(
            state, of: rules, process: main?.process, clockOffset: clockOffset)
        if let last = sight, seen.restarts > last.restarts {
            restarts += seen.restarts - last.restarts
        }
        note(state, clockOffset)
        self.state = state
        sight = seen
        return seen
    }

    /// Takes hold of another main process, and returns the one before.
    func hold(_ new: Main?) -> Main? {
        let old = main
        // Should it still hold a port later, it is stale.
        if let old, old.process != new?.process { watch.remember(old.process) }
        main = new
        return old
    }

    /// Goes on where the hand of an older configuration leaves off, for the same unit.
    func takeOver(_ old: UnitHand) {
        state = old.state
        sight = old.sight
        runs = old.runs
        main = old.main
        identity = old.identity
        account = old.account
        restarts = old.restarts
        watch.takeOver(old.watch)
    }

    /// For people.
    var report: UnitReport {
        UnitReport(
            name: unit.text, state: state.map { "\($0.activeState) (\($0.subState))" },
            restarts: sight?.starter.rawValue)
    }
}
