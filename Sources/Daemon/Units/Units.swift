import Configuration
import Linux
import Supervision
import Systemd

/// systemd, as the daemon meets it: the connection, who waits for which call, and which units belong
/// to which instance.
///
/// Nothing is connected until something needs it: a machine without units has no bus to wake it.
final class Units {
    /// A job that the mind has asked for ends within so many nanoseconds, or nobody waits for it any
    /// longer: the unit's own time-outs are shorter, or there are none.
    static let jobPatience = Mind.longestStart.nanoseconds

    /// What a call was for.
    enum Purpose {
        /// What the mind wants done to the instance of that name at this place.
        case job(place: Int, name: String)
        /// That the job after it may be done; its end says nothing.
        case reset
        /// switch-to-configuration is to begin.
        case activation
    }

    /// What waits for a call of ours to end, because as many as may be are under way.
    struct Wish {
        let place: Int
        let name: String
        let isStop: Bool
    }

    /// A service that stands for all instances of a template.
    struct Template {
        let service: ServiceConfiguration
        let pattern: UnitPattern
        /// Those that are looked after, in the order in which they came.
        var instances: [UnitName] = []
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
    /// In the order in which the mind wished them; one for an instance at most.
    var wishes: [Wish] = []
    /// The places of units in the mind's table.
    var places: [UnitName: Int] = [:]
    /// By service.
    var templates: [String: Template] = [:]
    /// Every definition but those of templates' instances; only where there are templates.
    var others: [InstanceDefinition] = []
    /// It was told that systemd cannot be reached.
    var isLost = false
    /// CLOCK_BOOTTIME less CLOCK_MONOTONIC, in nanoseconds. It changes when the machine was
    /// suspended, and only then: the same instant must stay the same.
    private(set) var clockOffset = Units.offsetNow

    init(_ address: BusAddress) { bus = SystemBus(address) }

    /// Connects, with the next turn, and from then on stays connected.
    func open() { isOpen = true }

    /// When the bus wants to be turned; `nil`: not before it is ready.
    var due: Int64? { isOpen ? bus.nextDeadline : nil }

    /// The machine may have been suspended.
    func setClock() {
        let offset = Self.offsetNow
        if abs(offset - clockOffset) > Self.mostDrift { clockOffset = offset }
    }

    private static let mostDrift: Int64 = 10_000_000
    private static var offsetNow: Int64 { Clock.boottime() - Clock.monotonic() }
}
