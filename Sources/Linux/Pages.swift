private import CLinux
private import Glibc

/// Gives the whole pages within `memory` back to the kernel; what they read as is not defined from now
/// on: before Linux 5.18 locked ones are kept. The memory must come from the heap's large blocks or
/// from mmap(2).
///
/// The corresponding C function is `madvise` with MADV_DONTNEED or MADV_DONTNEED_LOCKED.
public func giveBack(_ memory: UnsafeMutableRawBufferPointer) {
    guard let start = memory.baseAddress else { return }
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let first = (UInt(bitPattern: start) + page - 1) / page * page
    let end = (UInt(bitPattern: start) + UInt(memory.count)) / page * page
    guard end > first, let aligned = UnsafeMutableRawPointer(bitPattern: first) else { return }
    regen_drop_pages(aligned, Int(end - first))
}
