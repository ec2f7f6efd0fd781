/// The methods of `io.regen.Control`, by their names on the wire.
public enum ControlMethod: String, CaseIterable, Sendable {
    /// The daemon and its services.
    case status = "Status"
    /// The daemon's version.
    case version = "Version"
    /// Start services.
    case start = "Start"
    /// Stop services.
    case stop = "Stop"
    /// Stop and start services.
    case restart = "Restart"
    /// Read the configuration again.
    case reload = "Reload"
    /// Stop every service.
    case stopAll = "StopAll"
    /// Where a service's log is.
    case logPath = "LogPath"

    /// Who may call a method.
    public enum Access: Sendable {
        /// Whoever can connect.
        case read
        /// Root, the daemon's own user, or a listed one.
        case act
    }

    /// Who may call this method.
    public var access: Access {
        switch self {
        case .status, .version: .read
        // What a service writes is not for everyone who may see that it runs.
        case .logPath: .act
        case .start, .stop, .restart, .reload, .stopAll: .act
        }
    }

    /// The name with the interface's: `io.regen.Control.Status`.
    public var qualifiedName: String { "\(ControlInterface.name).\(rawValue)" }

    /// The keys that its parameters may have.
    var parameters: [String] {
        switch self {
        case .status, .logPath: ["service"]
        case .start, .stop, .restart: ["services"]
        case .version, .reload, .stopAll: []
        }
    }
}
