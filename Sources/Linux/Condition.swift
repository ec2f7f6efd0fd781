private import CLinux
private import Glibc

/// A mutex and a condition variable: what two threads share, and how one waits for the other.
public final class Condition: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let variable: UnsafeMutablePointer<pthread_cond_t>

    /// The corresponding C functions are `pthread_mutex_init` and `pthread_cond_init`.
    public init() {
        mutex = .allocate(capacity: 1)
        variable = .allocate(capacity: 1)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        precondition(pthread_mutex_init(mutex, nil) == 0, "no mutex")
        precondition(pthread_cond_init(variable, &attributes) == 0, "no condition variable")
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(variable)
        pthread_mutex_destroy(mutex)
        variable.deallocate()
        mutex.deallocate()
    }

    /// The corresponding C function is `pthread_mutex_lock`.
    public func lock() { pthread_mutex_lock(mutex) }

    /// The corresponding C function is `pthread_mutex_unlock`.
    public func unlock() { pthread_mutex_unlock(mutex) }

    /// Runs `body` with the mutex held.
    @inlinable
    public func locked<Result>(_ body: () -> Result) -> Result {
        lock()
        defer { unlock() }
        return body()
    }

    /// Wakes everybody who waits. The corresponding C function is `pthread_cond_broadcast`.
    public func broadcast() { pthread_cond_broadcast(variable) }

    /// Waits to be woken, the mutex being held before and after; may wake for nothing.
    ///
    /// The corresponding C function is `pthread_cond_wait`.
    public func wait() { pthread_cond_wait(variable, mutex) }

    /// As `wait`, at most until `deadline`, in nanoseconds of `now()`.
    ///
    /// The corresponding C function is `pthread_cond_timedwait`.
    public func wait(until deadline: Int64) {
        var time = timespec(
            tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        pthread_cond_timedwait(variable, mutex, &time)
    }

    /// Nanoseconds of CLOCK_MONOTONIC, the clock of `wait(until:)`.
    ///
    /// The corresponding C function is `clock_gettime`.
    public static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
