public import Linux

/// Why a client has no answer. Each text says what to do next.
public enum ControlFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nobody listens at this path.
    case notRunning(path: String)
    /// The socket's owner and mode keep this user out.
    case notAdmitted(path: String)
    /// The daemon answered with an error.
    case refused(ControlError)
    /// The connection stood, and for so many milliseconds nobody said anything.
    case silent(path: String, milliseconds: Int64)
    /// There was no answer within so many milliseconds.
    case timedOut(milliseconds: Int64)
    /// The connection ended before the answer.
    case connectionLost
    /// The answer is not what this version understands.
    case misunderstood
    /// The kernel answered with an error.
    case system(SystemError)

    /// `no regend answers at /run/regen/io.regen.Control: …`
    public var description: String {
        switch self {
        case .notRunning(let path):
            """
            no regend answers at \(path): is it running? Start it with regen run, or name its \
            directory by --runtime-directory
            """
        case .notAdmitted(let path):
            "\(path) is not open to this user: become root or a member of the group regen"
        case .refused(let error): error.description
        case .silent(let path, let milliseconds):
            """
            regend at \(path) said nothing for \(milliseconds / 1000) s, and nothing was asked of it \
            yet: it hangs, or has no file descriptors left. Look at its own log; raise its limit of \
            open files (LimitNOFILE=, ulimit -n) and start it anew: services go on meanwhile
            """
        case .timedOut(let milliseconds):
            """
            regend did not answer within \(milliseconds / 1000) s; what was asked for may still \
            happen: look with regen status
            """
        case .connectionLost:
            "regend ended the connection before it answered: look at its own log"
        case .misunderstood:
            "regend's answer is not understood: are regen and regend of the same version?"
        case .system(let error): error.description
        }
    }
}

extension ControlError: CustomStringConvertible {
    /// The error in an operator's words.
    public var description: String {
        switch self {
        case .noSuchService(let name):
            "there is no service \"\(name)\": regen status lists those that there are"
        case .invalidConfiguration(let errors): errors
        case .notNow(let reason): reason
        case .tooManyClients:
            "\(ControlServer.mostConnections) clients are connected to regend: end some of them"
        case .interfaceNotFound, .methodNotFound, .methodNotImplemented:
            "regend does not know this request: it is older than this regen; restart regend"
        case .invalidParameter(let parameter):
            "regend does not accept the request's \(parameter)"
        case .permissionDenied:
            "this user may look but not act: become root, or be listed under control.allow"
        case .unknown(let name): "regend refused: \(name)"
        }
    }
}
