import JSON

/// Why a call was not performed: the errors of both interfaces, by their names on the wire.
public enum ControlError: Error, Equatable, Sendable {
    /// There is no service with this name.
    case noSuchService(name: String)
    /// The configuration is not usable; the text names each place and cause.
    case invalidConfiguration(errors: String)
    /// The daemon or the service is in no state for it.
    case notNow(reason: String)
    /// `ControlServer.mostConnections` are connected already.
    case tooManyClients
    /// The interface is not spoken here.
    case interfaceNotFound(interface: String)
    /// The interface has no such method.
    case methodNotFound(method: String)
    /// The method is described but not there.
    case methodNotImplemented(method: String)
    /// A parameter is missing, unknown, or not what it should be; `message` when the whole message
    /// is no call.
    case invalidParameter(parameter: String)
    /// The caller may not do this.
    case permissionDenied
    /// An error that this version does not know.
    case unknown(name: String)

    /// The name on the wire.
    public var name: String { wire.name }

    /// The name on the wire, and the one parameter that it may have.
    private var wire: (name: String, parameter: (key: String, value: String)?) {
        switch self {
        case .noSuchService(let name): ("io.regen.Control.NoSuchService", ("name", name))
        case .invalidConfiguration(let errors):
            ("io.regen.Control.InvalidConfiguration", ("errors", errors))
        case .notNow(let reason): ("io.regen.Control.NotNow", ("reason", reason))
        case .tooManyClients: ("io.regen.Control.TooManyClients", nil)
        case .interfaceNotFound(let interface):
            ("org.varlink.service.InterfaceNotFound", ("interface", interface))
        case .methodNotFound(let method): ("org.varlink.service.MethodNotFound", ("method", method))
        case .methodNotImplemented(let method):
            ("org.varlink.service.MethodNotImplemented", ("method", method))
        case .invalidParameter(let parameter):
            ("org.varlink.service.InvalidParameter", ("parameter", parameter))
        case .permissionDenied: ("org.varlink.service.PermissionDenied", nil)
        case .unknown(let name): (name, nil)
        }
    }

    /// Writes the object of the error's parameters.
    func writeParameters(into json: inout JSONWriter) {
        json.beginObject()
        if let parameter = wire.parameter {
            json.key(parameter.key)
            json.string(parameter.value)
        }
        json.endObject()
    }

    /// The error of a message from the wire.
    init(name: String, parameters: JSONValue) {
        func text(_ key: String) -> String { parameters[key]?.string ?? "" }
        switch name {
        case "io.regen.Control.NoSuchService": self = .noSuchService(name: text("name"))
        case "io.regen.Control.InvalidConfiguration":
            self = .invalidConfiguration(errors: text("errors"))
        case "io.regen.Control.NotNow": self = .notNow(reason: text("reason"))
        case "io.regen.Control.TooManyClients": self = .tooManyClients
        case "org.varlink.service.InterfaceNotFound":
            self = .interfaceNotFound(interface: text("interface"))
        case "org.varlink.service.MethodNotFound": self = .methodNotFound(method: text("method"))
        case "org.varlink.service.MethodNotImplemented":
            self = .methodNotImplemented(method: text("method"))
        case "org.varlink.service.InvalidParameter":
            self = .invalidParameter(parameter: text("parameter"))
        case "org.varlink.service.PermissionDenied": self = .permissionDenied
        default: self = .unknown(name: name)
        }
    }
}
