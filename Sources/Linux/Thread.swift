private import CLinux
private import Glibc

/// A thread that takes no signals: those are the loop's.
public final class Thread {
    private let id: pthread_t
    private var isJoined = false

    /// Starts a thread that runs `body` on a stack of `stackSize` bytes.
    ///
    /// The corresponding C function is `pthread_create`.
    public init(
        stackSize: Int = 1 << 20, _ body: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackSize)
        // A thread inherits the mask, so it is blocked before there is a thread to hit.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let box = Unmanaged.passRetained(Body(body))
        var id = pthread_t()
        let code = pthread_create(
            &id, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw SystemError(code, "start a thread")
        }
        self.id = id
    }

    /// Waits until it has ended. The corresponding C function is `pthread_join`.
    public func join() {
        guard !isJoined else { return }
        isJoined = true
        pthread_join(id, nil)
    }

    /// The corresponding C function is `pthread_detach`.
    deinit {
        if !isJoined { pthread_detach(id) }
    }

    /// How many processors this process may use, at least 1.
    ///
    /// The corresponding C function is `sysconf`.
    public static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
}
