private import CLinux
private import Glibc

/// One timer on CLOCK_BOOTTIME, which also counts while the machine is suspended.
public struct TimerFD: ~Copyable {
    private let timer: OwnedFD
    private var armed: Int64?

    /// The descriptor, to be polled for reading.
    public var raw: Int32 { timer.raw }

    /// The corresponding C function is `timerfd_create`.
    public init() throws(SystemError) {
        timer = OwnedFD(
            adopting: try system("timerfd_create") {
                timerfd_create(CLOCK_BOOTTIME, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
            })
    }

    /// Fires at that many nanoseconds since boot, once; `nil`: never. Asks the kernel only when
    /// something changes. The corresponding C function is `timerfd_settime` with TFD_TIMER_ABSTIME.
    public mutating func arm(at nanoseconds: Int64?) {
        guard nanoseconds != armed else { return }
        armed = nanoseconds
        var setting = itimerspec()
        if let nanoseconds {
            // Zero would disarm; the past fires at once.
            let instant = max(nanoseconds, 1)
            setting.it_value.tv_sec = Int(instant / 1_000_000_000)
            setting.it_value.tv_nsec = Int(instant % 1_000_000_000)
        }
        timerfd_settime(timer.raw, Int32(TFD_TIMER_ABSTIME), &setting, nil)
    }

    /// Takes note that it has fired, so that it can be armed for the same instant again.
    public mutating func acknowledge() {
        var expirations: UInt64 = 0
        if read(timer.raw, &expirations, 8) == 8 { armed = nil }
    }
}
