/// Makes processes on a thread of its own: whoever orders one waits for its exec as before, and can do
/// something meanwhile. An exec may take as long as memory is short, or a network mount is dead.
///
/// The thread lives as long as this process: what is to die with its parent (`PR_SET_PDEATHSIG`) dies
/// with the thread that made it.
public final class Spawner {
    /// Nanoseconds after which there is something to do meanwhile, and again after each so many.
    public static let impatience: Int64 = 250_000_000

    private let meanwhile: (_ lasting: Int64) -> Void
    private var isRunning = false
    private let orders = Orders()

    /// What the two threads share. The pointers are the ordering thread's, which waits.
    private final class Orders: @unchecked Sendable {
        let condition = Condition()
        var next: (() -> Int32)?
        var answer: Int32?

        func work() {
            condition.lock()
            while true {
                guard let order = next else {
                    condition.wait()
                    continue
                }
                next = nil
                condition.unlock()
                let pid = order()
                condition.lock()
                answer = pid
                condition.broadcast()
            }
        }
    }

    /// `meanwhile` is called while an exec lasts, with the nanoseconds that it has lasted, on the thread that
    /// waits for it; nothing must be spawned in it. Throws when there can be no thread of our own.
    ///
    /// The corresponding C function is `pthread_create`.
    public init(_ meanwhile: @escaping (_ lasting: Int64) -> Void) throws(SystemError) {
        self.meanwhile = meanwhile
        let orders = orders
        _ = try Thread { orders.work() }
    }

    /// What `make` returns, made on the other thread.
    func run(_ make: () -> Int32) -> Int32 {
        precondition(!isRunning, "nothing is spawned meanwhile")
        isRunning = true
        defer { isRunning = false }
        return withoutActuallyEscaping(make) { make in
            let condition = orders.condition
            condition.lock()
            defer { condition.unlock() }
            orders.next = make
            condition.broadcast()
            let begin = Condition.now()
            var deadline = begin + Self.impatience
            while true {
                if let pid = orders.answer {
                    orders.answer = nil
                    return pid
                }
                let now = Condition.now()
                guard now >= deadline else {
                    condition.wait(until: deadline)
                    continue
                }
                condition.unlock()
                meanwhile(now - begin)
                condition.lock()
                deadline = Condition.now() + Self.impatience
            }
        }
    }
}
