private import CLinux
private import Glibc

/// The kernel's word that the whole machine is short of something: pressure stall information.
///
/// See Documentation/accounting/psi.rst of the kernel. Costs nothing while nothing stalls.
public struct PressureStall: ~Copyable {
    /// What there may be too little of.
    public enum Resource: String, CaseIterable, Sendable {
        /// Some task waited for a processor.
        case cpu
        /// All tasks waited for the disk.
        case io
        /// All tasks waited for memory.
        case memory

        /// The whole machine's shortage of processors is only known as `some`.
        fileprivate var trigger: String {
            switch self {
            case .cpu: "some \(PressureStall.stall * 9 / 5) \(PressureStall.window)"
            case .io, .memory: "full \(PressureStall.stall) \(PressureStall.window)"
            }
        }
    }

    /// The time over which stalls are summed up, in microseconds. Who is not root must take 2 s.
    static let window = 2_000_000
    /// So much of it stalled is told, in microseconds: half; for processors nine tenths.
    static let stall = 1_000_000

    private let descriptor: OwnedFD

    /// Its descriptor: `urgent` when the machine stalls, at most once a window.
    public var raw: Int32 { descriptor.raw }

    /// Asks the kernel to tell of stalls; throws where it cannot (no CONFIG_PSI, or `psi=0`).
    /// The corresponding C functions are `open` and `write`.
    public init(of resource: Resource) throws(SystemError) {
        let path = "/proc/pressure/\(resource.rawValue)"
        let file = OwnedFD(
            adopting: try system("open \(path)") { open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) })
        let raw = file.raw
        var trigger = resource.trigger
        try system("set a trigger in \(path)") {
            trigger.withUTF8 { write(raw, $0.baseAddress, $0.count) }
        }
        descriptor = file
    }
}
