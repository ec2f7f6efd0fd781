private import CLinux
private import Glibc

/// The daemon's own resource limits.
public enum ResourceLimits {
    /// Raises the limit of open files as far as it goes: two or three for each service. Returns what
    /// it was, so that services get that and not ours.
    /// The corresponding C functions are `getrlimit` and `setrlimit`.
    public static func raiseOpenFiles() -> ResourceLimit {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        let resource = regen_limit_named("nofile")
        _ = regen_getrlimit(resource, &soft, &hard)
        _ = regen_setrlimit(resource, hard, hard)
        return ResourceLimit(name: "nofile", soft: soft, hard: hard)
    }

    /// What children get instead of our own oom_score_adj: 0 where ours is another, as it was when this
    /// was first asked. `nil`: they inherit it. Without root nobody may go below what a service manager
    /// has given him, and `systemd --user` gives 200.
    public static let oomScoreForChildren: Int32? = {
        let own = Int32(ProcessTable.text("/proc/self/oom_score_adj") ?? "") ?? 0
        return own < 0 || own > 0 && ProcessTable.effectiveUser == 0 ? 0 : nil
    }()

    /// Has large blocks given back to the kernel as soon as they are freed.
    /// The corresponding C function is `mallopt` with M_MMAP_THRESHOLD.
    public static func returnLargeBlocks() { regen_return_large_blocks() }

    /// Gives back the program's own pages, and its libraries'. What is still used comes back from the
    /// page cache at the first touch; what only reading a configuration needed does not, and most of
    /// a Swift program's resident memory is such.
    /// The corresponding C function is `madvise` with MADV_DONTNEED.
    public static func releaseProgram() { regen_release_program() }

    /// Gives back the memory that reading a configuration used.
    /// The corresponding C function is `malloc_trim`.
    public static func trimHeap() { regen_trim_heap() }
}
