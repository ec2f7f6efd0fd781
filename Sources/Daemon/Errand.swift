import Configuration
import Linux

/// A child that does for the daemon what must not stop the loop.
final class Errand {
    /// What it is for.
    enum Purpose: Equatable {
        /// `regen check --canonical`: its output is the new configuration, or what is wrong with it.
        case reload
        /// Cuts the log of the instance at that place.
        case rotation(Int)
        /// A step of an instance's sequence, by its process.
        case step(pid: Int32)
        /// Asks systemd whether the machine shuts down.
        case machineStops
        /// Looks at the machine's generations, for SafeSwitch's action with this serial.
        case survey(serial: Int)
        /// Does something to them.
        case deed(serial: Int)

        /// Whether it is a deed of SafeSwitch's; `nil`: it is neither that nor a look.
        var isDeed: Bool? {
            switch self {
            case .deed: true
            case .survey: false
            case .reload, .rotation, .step, .machineStops: nil
            }
        }
    }

    let purpose: Purpose
    let pid: Int32
    let pidfd: PidFD
    /// Where its output goes; `nil`: to the service's log.
    let output: AnonymousFile?
    /// When it is ended if it has not ended itself.
    var deadline: Int64
    /// It was ended for being late.
    var isLate = false
    var token: Poller.Token?

    init(
        _ purpose: Purpose, _ child: consuming SpawnPlan.Child, output: consuming AnonymousFile?,
        deadline: Int64
    ) {
        self.purpose = purpose
        self.pid = child.pid
        self.pidfd = child.takePidFD()
        self.output = output
        self.deadline = deadline
    }

    /// What it has printed; nothing where that went elsewhere, or is more than fits.
    var contents: [UInt8] {
        let bytes = try? output?.contents(limit: Configuration.mostCanonicalBytes)
        return bytes ?? []
    }
}
