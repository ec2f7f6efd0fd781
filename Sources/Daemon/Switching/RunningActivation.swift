import Linux
import NixOS
import Supervision
import Systemd

/// A switch-to-configuration of ours that runs, or is about to. Nothing of ours ever ends it.
enum RunningActivation {
    case session(ActivationSession)
    case unit(ActivationUnit)

    /// The pid of our own child.
    var child: Int32? {
        switch self {
        case .session(let session): session.isOurChild ? session.process.pid : nil
        case .unit: nil
        }
    }

    /// When it is to be looked after though nothing happens.
    var deadline: Int64? {
        switch self {
        case .session: nil
        case .unit(let unit): unit.deadline
        }
    }
}

/// One in a session of its own: our child, or left by an earlier daemon.
final class ActivationSession {
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

/// One in a transient unit of systemd's. The kernel says first that its process is gone; how it
/// ended only systemd knows.
final class ActivationUnit {
    static let name = UnitName(ActivationCommand.unit)!
    /// So long the bus may take to answer: then it is done without it.
    static let busPatience: Int64 = 2_000_000_000
    /// So long systemd may take to run the program.
    static let startPatience: Int64 = 30_000_000_000
    /// So long systemd may take to say what has become of it: then nobody knows.
    static let statePatience: Int64 = 5_000_000_000

    let serial: Int
    let flight: Int
    var stage: Stage

    enum Stage {
        /// Until then systemd is to be reached.
        case connecting(ActivationCommand, until: Int64)
        /// systemd was asked to run it.
        case asked(ActivationCommand)
        /// It was begun, perhaps; until then systemd is to say how it stands.
        case begun(until: Int64)
        case running(ActivationProcess)
        /// Its process has ended, so if systemd has said how. What it left behind is being ended; until
        /// then it is to be gone.
        case ended(ExitStatus?, until: Int64)
    }

    init(serial: Int, flight: Int, stage: Stage) {
        self.serial = serial
        self.flight = flight
        self.stage = stage
    }

    /// How its process has ended, as far as systemd has said.
    var status: ExitStatus? {
        if case .ended(let status, _) = stage { status } else { nil }
    }

    var deadline: Int64? {
        switch stage {
        case .connecting(_, let until), .begun(let until), .ended(_, let until): until
        case .asked, .running: nil
        }
    }
}

/// The main process of an `ActivationUnit`.
final class ActivationProcess {
    let identity: ProcessIdentity
    let pidfd: PidFD
    var token: Poller.Token?

    init(_ identity: ProcessIdentity, _ pidfd: consuming PidFD) {
        self.identity = identity
        self.pidfd = pidfd
    }
}
