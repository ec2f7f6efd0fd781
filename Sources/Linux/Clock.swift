private import CLinux
private import Glibc

/// The two clocks of the house, read once per wake-up.
public enum Clock {
    /// Nanoseconds since boot, suspended time included; never set by anyone.
    /// The corresponding C function is `clock_gettime` with CLOCK_BOOTTIME.
    public static func boottime() -> Int64 { read(CLOCK_BOOTTIME) }

    /// Nanoseconds since 1970; anyone with the right may set it.
    /// The corresponding C function is `clock_gettime` with CLOCK_REALTIME.
    public static func realtime() -> Int64 { read(CLOCK_REALTIME) }

    /// Nanoseconds since boot, without suspended time; never set by anyone. For callers of libraries
    /// that keep their deadlines by it.
    /// The corresponding C function is `clock_gettime` with CLOCK_MONOTONIC.
    public static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Clock ticks in a second, the unit of proc_pid_stat(5).
    /// The corresponding C function is `sysconf` with _SC_CLK_TCK.
    public static let ticksPerSecond = Int64(sysconf(Int32(_SC_CLK_TCK)))
}
