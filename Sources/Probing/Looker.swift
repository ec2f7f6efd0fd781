public import Linux

/// `regend --look`: looks at this machine on the daemon's behalf, one request at a time, and blocks
/// as it likes. The daemon kills one that is late and starts another.
public enum Looker {
    /// Why a looker ends before its socket closes.
    public enum Failure: Error, Equatable, Sendable {
        /// The daemon wrote what is no request: the two are of different versions.
        case notARequest
        /// The socket broke.
        case socket(SystemError)
    }

    /// Serves until the other end of `descriptor`, a stream socket, is closed.
    public static func serve(on descriptor: consuming OwnedFD) throws(Failure) {
        _ = UnixSocket(adopting: descriptor)
    }
}
