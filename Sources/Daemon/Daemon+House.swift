import Ledger
import Linux
import Records
import Supervision
import Systemd

/// What the loop itself has to look after, once in a turn. Each part is over at once when nothing
/// is due.
extension Daemon {
    func keepHouse() {
        checkTrees()
        surveyOrphans()
        checkLogs()
        endLateErrands()
        answerWaiters()
        keepBootChecks()
        keepCourses()
        keepNotices()
        keepWorkers()
    }

    // MARK: - The end

    /// SIGTERM or SIGINT.
    func end(_ received: SignalFD.Received) {
        guard state == .ready else { return }
        state = .stopping
        manager?.stopping()
        manager?.say("ending")
        let isKeyboard = received.signal == Signal.interrupt
        narrator.say(.info, "\(Signal.name(received.signal)): ending")
        if isKeyboard || !Self.isUnderSystemd {
            tell(.endAsked(stopping: true))
        } else {
            askWhetherMachineStops()
        }
    }

    /// systemd sets INVOCATION_ID for what it starts (systemd.exec(5)); in a terminal below it the
    /// variable is inherited, but there we are not its child.
    private static var isUnderSystemd: Bool {
        environmentVariable("INVOCATION_ID") != nil
            && ProcessTable.entry(ProcessTable.own)?.parent == 1
    }

    // MARK: - Logs

    /// Looks at the logs that have grown, and has those that are over their bound cut.
    private func checkLogs() {
        guard let due = logWatch?.takeDue(at: now.boot) else { return }
        for place in due {
            guard let log = log(at: place) else { continue }
            let size = LogFile.size(log.path) ?? 0
            if isRotating(place) { continue }
            if size > log.bound {
                if rotations < Self.mostRotations {
                    rotate(place, log.path)
                } else {
                    logWatch?.check(place, log.path, at: now.boot)
                }
            } else {
                logWatch?.arm(place, log.path, at: now.boot)
            }
        }
    }

    /// The log of the instance at that place, or of switch-to-configuration.
    func log(at place: Int) -> (path: String, bound: Int64)? {
        guard place == LogWatch.switchPlace else { return hands[place]?.log }
        return switching.log.map { ($0, Self.longestSwitchLog) }
    }

    /// Logs that are cut at once; the others are looked at again a second later.
    static let mostRotations = 8

    private var rotations: Int {
        errands.count { if case .rotation = $0?.purpose { true } else { false } }
    }

    private func isRotating(_ place: Int) -> Bool {
        errands.contains { $0?.purpose == .rotation(place) }
    }
}
