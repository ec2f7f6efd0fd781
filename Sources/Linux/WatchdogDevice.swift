private import CLinux
private import Glibc

/// An open watchdog device: unless somebody feeds it in time, it resets the machine. Opening it starts
/// it. See the kernel's `watchdog-api.rst`.
///
/// Only one process can have it open. When that dies, the device stays armed; unless its driver cannot
/// tell a death from a close, see `disarmsAtDeath`.
public final class WatchdogDevice {
    /// Why a path cannot be used as a watchdog.
    public enum Obstacle: Error, Equatable, Sendable {
        /// There is no such device; it may come later. ENOENT, ENODEV, ENXIO.
        case absent
        /// Somebody else feeds it: EBUSY.
        case busy
        /// Whatever is there, it is no watchdog: in an operator's words.
        case noWatchdog(String)
        /// The kernel's answer.
        case failed(SystemError)
    }

    /// The path that it was opened by.
    public let path: String
    /// What its driver calls it, `i6300ESB timer`; empty: it does not say.
    public let identity: String
    /// Seconds from a feeding to the reset, as the driver says; `nil`: it does not.
    public private(set) var timeout: Int?
    /// Seconds before the reset at which the kernel gives warning; `nil`: it does not.
    public private(set) var pretimeout: Int?
    /// Bits of why the machine was reset last, WDIOF_*, and 0 for a start like any other; `nil`: the
    /// driver does not say.
    public let bootStatus: Int?
    /// Once opened it cannot be stopped any more, whatever is written; `nil`: the kernel does not say.
    public let isNoWayOut: Bool?
    /// Any close stops it, also that of a process that is killed: the driver knows no magic close.
    public let disarmsAtDeath: Bool
    private let descriptor: OwnedFD

    /// Opens the device and by that starts it. Never waits: what is no device is not waited for.
    ///
    /// The corresponding C function is `open`, and `ioctl` with WDIOC_GETSUPPORT, WDIOC_SETOPTIONS,
    /// WDIOC_GETTIMEOUT, WDIOC_GETPRETIMEOUT and WDIOC_GETBOOTSTATUS. All but the first may fail.
    public init(opening path: String) throws(Obstacle) {
        // Opening some other device may do something, too.
        try Self.checkKind { stat(path, $0) }
        let descriptor = OwnedFD(adopting: try Self.open(path))
        let device = try Self.checkKind { fstat(descriptor.raw, $0) }
        var (options, identity) = (UInt32(0), [CChar](repeating: 0, count: 33))
        guard regen_watchdog_support(descriptor.raw, &options, &identity) == 0 else {
            throw .noWatchdog(
                "it is a device, but no watchdog (\(String(cString: strerror(errno))))")
        }
        self.path = path
        self.identity = String(
            decoding: identity.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        disarmsAtDeath = options & Self.magicClose == 0
        isNoWayOut = Self.noWayOut(device)
        // Drivers older than the kernel's common part wait for it.
        _ = regen_watchdog_enable(descriptor.raw)
        bootStatus = Self.number { regen_watchdog_boot_status(descriptor.raw, $0) }
        timeout = Self.number { regen_watchdog_timeout(descriptor.raw, $0) }
        pretimeout = Self.number { regen_watchdog_pretimeout(descriptor.raw, $0) }
        self.descriptor = descriptor
    }

    private static func open(_ path: String) throws(Obstacle) -> Int32 {
        let flags = O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        do throws(SystemError) {
            return try system("open \(path)") { regen_open(path, flags, 0) }
        } catch { throw Obstacle(error) }
    }

    /// WDIOF_MAGICCLOSE of linux/watchdog.h.
    private static let magicClose: UInt32 = 0x0100

    /// The device's number; throws where it is no character device.
    @discardableResult
    private static func checkKind(
        _ look: (UnsafeMutablePointer<stat>) -> Int32
    ) throws(Obstacle) -> UInt64 {
        var status = stat()
        do throws(SystemError) { try system("look at it") { look(&status) } } catch {
            throw Obstacle(error)
        }
        switch status.st_mode & S_IFMT {
        case S_IFCHR: return UInt64(status.st_rdev)
        case S_IFREG: throw .noWatchdog("it is a regular file")
        case S_IFDIR: throw .noWatchdog("it is a directory")
        default: throw .noWatchdog("it is no character device")
        }
    }

    private static func noWayOut(_ device: UInt64) -> Bool? {
        let (major, minor) = (regen_device_major(device), regen_device_minor(device))
        // The old name, a miscellaneous device of its own, leads to the first one (linux/miscdevice.h).
        let isFirst = major == 10 && minor == 130
        let folder =
            isFirst ? "/sys/class/watchdog/watchdog0" : "/sys/dev/char/\(major):\(minor)"
        return ProcessTable.text("\(folder)/nowayout").map { $0 != "0" }
    }

    private static func number(_ ask: (UnsafeMutablePointer<Int32>) -> Int32) -> Int? {
        var value: Int32 = 0
        return ask(&value) == 0 ? Int(value) : nil
    }

    /// Sets the time-out, and the pre-time-out where one is wanted, as far as the driver lets us.
    /// `timeout` and `pretimeout` are then what it took. Throws what it said to the time-out; the old
    /// one goes on.
    ///
    /// The corresponding C function is `ioctl` with WDIOC_SETTIMEOUT, WDIOC_GETTIMEOUT,
    /// WDIOC_SETPRETIMEOUT and WDIOC_GETPRETIMEOUT.
    public func set(timeout seconds: Int, pretimeout warning: Int?) throws(SystemError) {
        var value = Int32(clamping: seconds)
        let raw = descriptor.raw
        defer {
            timeout = Self.number { regen_watchdog_timeout(raw, $0) } ?? timeout
            var warning = Int32(clamping: warning ?? 0)
            // Also when none is wanted: whoever fed it before us may have wanted one.
            _ = regen_watchdog_set_pretimeout(raw, &warning)
            pretimeout = Self.number { regen_watchdog_pretimeout(raw, $0) }
        }
        try system("set the time-out of \(path)") { regen_watchdog_set_timeout(raw, &value) }
        timeout = Int(value)
    }

    /// Feeds it: the time begins anew. Takes back a magic close, too.
    ///
    /// The corresponding C function is `write`: every driver takes it, while WDIOC_KEEPALIVE is
    /// optional.
    public func feed() throws(SystemError) {
        var nothing: UInt8 = 0
        try system("feed \(path)") { write(descriptor.raw, &nothing, 1) }
    }

    /// Says that the close to come is meant (magic close, `V`). The device stops when this object goes,
    /// unless `isNoWayOut`. The corresponding C function is `write`.
    public func announceClose() throws(SystemError) {
        var magic = UInt8(ascii: "V")
        try system("write to \(path)") { write(descriptor.raw, &magic, 1) }
    }
}

extension WatchdogDevice.Obstacle: CustomStringConvertible {
    fileprivate init(_ error: SystemError) {
        switch error.code {
        case ENOENT, ENODEV, ENXIO, ENOTDIR: self = .absent
        case EBUSY: self = .busy
        default: self = .failed(error)
        }
    }

    /// Why, after the path: `no such device`.
    public var description: String {
        switch self {
        case .absent: "no such device"
        case .busy: "somebody else feeds it"
        case .noWatchdog(let what): what
        case .failed(let error): error.reason
        }
    }
}
