private import CLinux
private import Glibc

/// Keeps a process's memory from being swapped out.
public enum MemoryLock {
    /// Keeps every page that is in use, or comes into use later, in memory. Nothing is read in for it
    /// (MCL_ONFAULT), and children do not inherit it.
    ///
    /// Throws EPERM where the limit of locked memory would hold for us: with it, memory that we ask
    /// for later would be refused. The corresponding C function is `mlockall`.
    public static func lock() throws(SystemError) {
        guard isUnlimited else { throw SystemError(EPERM, "lock memory (needs CAP_IPC_LOCK)") }
        try system("lock memory") {
            mlockall(Int32(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
        }
    }

    /// CAP_IPC_LOCK is in force, or RLIMIT_MEMLOCK is infinite.
    private static var isUnlimited: Bool {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        if regen_getrlimit(regen_limit_named("memlock"), &soft, &hard) == 0, soft == .max {
            return true
        }
        let lockCapability = UInt64(1) << 14  // capability.h
        let line = ProcessTable.text("/proc/self/status")?.split(separator: "\n")
            .first { $0.hasPrefix("CapEff:") }
        let digits = line?.drop { $0 != "\t" }.dropFirst() ?? ""
        return (UInt64(digits, radix: 16) ?? 0) & lockCapability != 0
    }
}
