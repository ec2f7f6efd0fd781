private import CLinux
private import Glibc

/// Gives the whole pages within `memory` back to the kernel; they read as zero from now on. The
/// memory must come from the heap's large blocks or from mmap(2).
///
/// The corresponding C function is `madvise` with MADV_DONTNEED.
public func giveBack(_ memory: UnsafeMutableRawBufferPointer) {
    guard let start = memory.baseAddress else { return }
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let first = (UInt(bitPattern: start) + page - 1) / page * page
    let end = (UInt(bitPattern: start) + UInt(memory.count)) / page * page
    guard end > first, let aligned = UnsafeMutableRawPointer(bitPattern: first) else { return }
    madvise(aligned, Int(end - first), MADV_DONTNEED)
}
