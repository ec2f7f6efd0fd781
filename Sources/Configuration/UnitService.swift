/// A unit of systemd that is looked after.
public struct UnitService: Equatable, Sendable {
    /// `nginx.service`, or all instances of a template: `worker@*.service`.
    public var name: String
    /// Who starts it again; `nil`: who the unit's own `Restart=` says.
    public var restarter: Restarter?
    /// What is done about a stop that Regen did not ask for.
    public var onStop: StopResponse

    /// A unit; everything but its name has its default.
    public init(name: String, restarter: Restarter? = nil, onStop: StopResponse = .respect) {
        self.name = name
        self.restarter = restarter
        self.onStop = onStop
    }

    /// Whether it stands for all instances of a template.
    public var isPattern: Bool { name.utf8.contains(UInt8(ascii: "*")) }

    /// Who starts a unit again that has failed.
    public enum Restarter: String, CaseIterable, Sendable {
        /// systemd, by `Restart=`; Regen only once systemd has given up.
        case systemd
        /// Regen, once systemd says that the unit is down.
        case regen
    }

    /// What is done about `systemctl stop`.
    public enum StopResponse: String, CaseIterable, Sendable {
        /// It stays down until somebody starts it.
        case respect
        /// It is a failure like any other.
        case heal
    }
}
