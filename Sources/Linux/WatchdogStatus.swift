/// What the drivers of hardware watchdogs tell without their devices being opened: opening one starts
/// it.
public struct WatchdogStatus: Equatable, Sendable {
    /// The device's name: `watchdog0`.
    public let name: String
    /// What the driver calls itself.
    public let identity: String
    /// What WDIOC_GETBOOTSTATUS would answer: bits of linux/watchdog.h.
    public let bootStatus: UInt32

    /// The bit that says that this device has reset the machine: WDIOF_CARDRESET.
    public static let cardReset: UInt32 = 0x20
    /// At most so many devices are looked at.
    public static let most = 16

    /// The driver that is made of the kernel's own timers: no status outlives its reset.
    private static let software = "Software Watchdog"

    /// This device has reset the machine.
    public var hasReset: Bool { bootStatus & Self.cardReset != 0 }
    /// It could tell if it had.
    public var canTell: Bool { hasReset || identity != Self.software }

    /// Of each device whose driver tells it, by name.
    public static func all(in directory: String = "/sys/class/watchdog") -> [WatchdogStatus] {
        let names = (try? Directory.names(in: directory)) ?? []
        return names.prefix(most).compactMap { name in
            let folder = "\(directory)/\(name)"
            guard let text = ProcessTable.text("\(folder)/bootstatus"),
                let status = UInt32(text)
            else { return nil }
            let identity = ProcessTable.text("\(folder)/identity") ?? ""
            return WatchdogStatus(name: name, identity: identity, bootStatus: status)
        }
    }
}
