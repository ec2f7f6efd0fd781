import Linux
import Systemd

/// systemd, as the daemon meets it: the connection, and who waits for which call.
///
/// Nothing is connected until something needs it: a machine without units has no bus to wake it.
final class Units {
    /// What a call was for.
    enum Purpose {
        /// switch-to-configuration is to begin.
        case activation
    }

    let bus: SystemBus
    /// Something needs the bus.
    private(set) var isOpen = false
    /// The poller says that the connection is ready.
    var isReady = false
    /// The connection's registration in the poller.
    var token: Poller.Token?
    /// Calls that have not ended.
    var calls: [SystemBus.Call: Purpose] = [:]

    init(_ address: BusAddress) { bus = SystemBus(address) }

    /// Connects, with the next turn, and from then on stays connected.
    func open() { isOpen = true }

    /// When the bus wants to be turned; `nil`: not before it is ready.
    var due: Int64? { isOpen ? bus.nextDeadline : nil }
}
