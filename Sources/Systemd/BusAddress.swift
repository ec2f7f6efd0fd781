/// Where PID 1 is spoken to.
public enum BusAddress: Equatable, Sendable {
    /// A message bus that listens at this path, PID 1 being one of those on it.
    case bus(path: String)
    /// PID 1 itself, at its own socket, which only root may use. There is no bus then that could
    /// be down, but a unit that nothing else refers to may be unloaded between two looks.
    case manager(path: String)

    /// The system's message bus.
    public static let system = BusAddress.bus(path: "/run/dbus/system_bus_socket")
    /// PID 1's own socket.
    public static let privateManager = BusAddress.manager(path: "/run/systemd/private")

    var isBus: Bool {
        switch self {
        case .bus: true
        case .manager: false
        }
    }

    /// In D-Bus's spelling, where every byte of a path that could mean something is escaped.
    var text: String {
        let path =
            switch self {
            case .bus(let path), .manager(let path): path
            }
        var text = "unix:path="
        for byte in path.utf8 {
            if isAlphanumeric(byte) || "-_/.".utf8.contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                text += "%" + hexadecimal(byte)
            }
        }
        return text
    }
}
