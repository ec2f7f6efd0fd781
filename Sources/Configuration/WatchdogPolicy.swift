public import Supervision

/// How the hardware watches Regen.
public struct WatchdogPolicy: Equatable, Sendable {
    /// The devices that are fed, each of them; empty: the machine's own, see `usual`.
    public var devices: [String]
    /// From a feeding to the reset; whole seconds. A driver may take another than this.
    public var timeout: Interval
    /// Longer than this the disk may not keep a record waiting for its answer.
    public var ledgerStall: Interval
    /// So long before the reset the kernel gives warning, where the driver can; whole seconds.
    public var pretimeout: Interval?
    /// Everything is done but to open a device.
    public var isTest: Bool

    /// The machine's own, 30 s, 5 min, no warning, in earnest, unless told otherwise.
    public init(
        devices: [String] = [], timeout: Interval = .seconds(30),
        ledgerStall: Interval = .minutes(5), pretimeout: Interval? = nil, isTest: Bool = false
    ) {
        self.devices = devices
        self.timeout = timeout
        self.ledgerStall = ledgerStall
        self.pretimeout = pretimeout
        self.isTest = isTest
    }

    /// Where no device is named: the first of these that is there. Both are the machine's first
    /// device; the second is its older name.
    public static let usual = ["/dev/watchdog0", "/dev/watchdog"]

    /// The most devices.
    public static let mostDevices = 8
    /// The shortest time-out. Half of it has to last for a turn of the loop under load, and for the
    /// start of the next regend: reading a configuration of 10,000 services again takes a second.
    public static let shortestTimeout = Interval.seconds(10)
}
