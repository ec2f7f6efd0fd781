import Linux
import Supervision

/// A switch-to-configuration that runs: our child, or left by an earlier daemon. Nothing of ours ever
/// ends it.
final class RunningActivation {
    let serial: Int
    let process: ProcessIdentity
    let pidfd: PidFD
    let isOurChild: Bool
    var token: Poller.Token?

    init(serial: Int, process: ProcessIdentity, pidfd: consuming PidFD, isOurChild: Bool) {
        self.serial = serial
        self.process = process
        self.pidfd = pidfd
        self.isOurChild = isOurChild
    }
}
