import Linux

/// Why there is no connection to PID 1.
public struct BusFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// In an operator's words.
    public let reason: String

    init(reason: String) { self.reason = reason }
    init(_ code: Int32, _ what: String) { reason = SystemError(code, what).description }

    /// The reason.
    public var description: String { reason }
}

/// An error that PID 1 or the bus answered with.
public struct BusRefusal: Equatable, Sendable, CustomStringConvertible {
    /// `org.freedesktop.systemd1.NoSuchUnit`
    public let name: String
    /// For people.
    public let message: String

    /// What it says, and its name.
    public var description: String { message.isEmpty ? name : "\(message) (\(name))" }
}
