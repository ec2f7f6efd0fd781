import Ledger
import Linux
import Supervision
import Systemd

/// What the service manager that started us is told. Without one, nothing here costs anything.
extension Daemon {
    /// Between two makings of the status: it looks at every service.
    static let statusPause: Int64 = 1_000_000_000

    /// Something was recorded: the status may be another.
    func noteStatus() {
        guard manager != nil, state == .ready, statusDue == nil, chronicle.hasPending else {
            return
        }
        statusDue = max(now.boot, statusMade + Self.statusPause)
    }

    /// Once in a turn, and while the loop waits for an exec: a sign of life says that the loop is alive.
    func tellManager() {
        guard let manager else { return }
        if let due = statusDue, due <= now.boot {
            statusDue = nil
            statusMade = now.boot
            manager.say(standing)
        }
        manager.turn(at: now.boot)
        if let failure = manager.takeFailure() {
            narrator.say(.warning, "\(failure); the service manager does not know how I am")
        }
    }

    /// How things stand, in a few words.
    private var standing: String {
        let all = mind.all.map { mind.status($0, at: instant) }
        let incidents = all.count { $0.incident != nil && !$0.isHandedOver }
        let handedOver = all.count { $0.isHandedOver }
        var parts = [counted(all.count, "service")]
        if incidents > 0 { parts.append(counted(incidents, "incident")) }
        if handedOver > 0 {
            parts.append("\(handedOver) \(handedOver == 1 ? "needs" : "need") a human")
        }
        if hasRefused { parts.append("the configuration on the disk is refused") }
        return parts.joined(separator: ", ")
    }

    private func counted(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// A service of the machine is not swapped out: it would heal nothing in time. After the pages
    /// that only the start needed were given back.
    func stayInMemory() {
        do throws(SystemError) { try MemoryLock.lock() } catch {
            narrator.say(.info, "\(error); under memory pressure I may be slow")
        }
    }
}
