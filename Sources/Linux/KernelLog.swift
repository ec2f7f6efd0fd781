private import CLinux
private import Glibc

/// /dev/kmsg: the kernel's own word that its OOM killer ended a process.
///
/// Without the right to read it (see dmesg_restrict in proc(5)) there is no such evidence, and
/// nothing is claimed.
public struct KernelLog: ~Copyable {
    /// So many victims are remembered until somebody asks for them; then the oldest is forgotten.
    public static let mostVictims = 1024

    private let descriptor: OwnedFD
    private var victims: [Int32] = []

    /// Listens to what the kernel says from now on.
    public init() throws(SystemError) {
        descriptor = OwnedFD(
            adopting: try system("open /dev/kmsg") {
                regen_open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0)
            })
        lseek(descriptor.raw, 0, SEEK_END)
    }

    /// Whether the OOM killer named this process since the last time it was asked about.
    ///
    /// oom_kill_process() in mm/oom_kill.c says `Killed process PID (NAME)` before it sends the
    /// signal, so the line is there when the death is seen.
    public mutating func isVictim(_ pid: Int32) -> Bool {
        takeIn()
        guard let index = victims.firstIndex(of: pid) else { return false }
        victims.remove(at: index)
        return true
    }

    private mutating func takeIn() {
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer in
            while true {
                let length = read(descriptor.raw, buffer.baseAddress!, buffer.count)
                // EPIPE: records were overwritten before we read them; the next read goes on.
                if length < 0, errno == EPIPE { continue }
                guard length > 0 else { return }
                guard let pid = Self.victim(in: buffer[..<length]) else { continue }
                if victims.count == Self.mostVictims { victims.removeFirst() }
                victims.append(pid)
            }
        }
    }

    /// The number after `Killed process ` in a record.
    static func victim(in record: Slice<UnsafeMutableRawBufferPointer>) -> Int32? {
        let mark = Array("Killed process ".utf8)
        let bytes = Array(record)
        guard bytes.count > mark.count else { return nil }
        for start in 0..<(bytes.count - mark.count)
        where bytes[start] == mark[0] && bytes[start...].starts(with: mark) {
            let digits = bytes[(start + mark.count)...].prefix { $0 >= 48 && $0 <= 57 }
            return Int32(String(decoding: digits, as: UTF8.self))
        }
        return nil
    }
}
