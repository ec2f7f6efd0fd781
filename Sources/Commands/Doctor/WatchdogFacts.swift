/// What is seen of hardware watchdogs. No device is ever opened: that would start it.
public struct WatchdogFacts: Equatable, Sendable {
    /// The devices, the first first.
    public var devices: [Device] = []
    /// Whether this is a container, which has no hardware of its own.
    public var isContainer = false
    /// PID 1's `RuntimeWatchdogSec=` in microseconds; `nil`: it was not asked, or did not answer.
    public var runtime: UInt64?
    /// The device that PID 1 feeds, where it says so.
    public var runtimeDevice = ""
    /// Who has a device open.
    public var holders: [Holder] = []
    /// Whether the descriptors of all processes could be looked at.
    public var sawHolders = false
    /// `WatchdogSec=` of regend's own unit in microseconds; `nil`: there is no such unit.
    public var regend: UInt64?

    /// A device of /sys/class/watchdog.
    public struct Device: Equatable, Sendable {
        /// `watchdog0`
        public var name: String
        /// Its driver's words.
        public var identity = ""
        /// Seconds; `nil`: it does not say.
        public var timeout: Int?
        /// Whether somebody feeds it; `nil`: it does not say.
        public var isActive: Bool?

        /// A device of which only the name is known.
        public init(name: String) { self.name = name }
    }

    /// A process that has a device open.
    public struct Holder: Equatable, Sendable {
        /// Its id.
        public var pid: Int32
        /// Its program.
        public var program: String

        /// A process.
        public init(pid: Int32, program: String) {
            self.pid = pid
            self.program = program
        }
    }

    /// Nothing seen.
    public init() {}
}

extension WatchdogFacts {
    /// Of more devices the first are told.
    public static let mostDevices = 8

    /// What it comes to. None of it stops a rollback or a service from being healed.
    public func judge() -> [Finding] {
        if devices.isEmpty { return [none] + [own].compactMap { $0 } }
        return devices.map(judge) + [holder] + [own].compactMap { $0 }
    }

    private func finding(_ check: String, _ verdict: Finding.Verdict, _ found: String) -> Finding {
        Finding(.watchdog, check, verdict, found)
    }

    private var none: Finding {
        isContainer
            ? finding("device", .fine, "none: this is a container; watch its host")
            : finding(
                "device",
                .warning(
                    fix: #"boot.kernelModules = [ "softdog" ];  "#
                        + "# or modprobe the driver of your hardware: iTCO_wdt, sp5100_tco, …"),
                "no watchdog: a kernel that hangs stays so")
    }

    private func judge(_ device: Device) -> Finding {
        let identity = device.identity.isEmpty ? "a device" : device.identity
        let timeout = device.timeout.map { ", time-out \($0) s" } ?? ""
        return finding(device.name, .fine, identity + timeout)
    }

    private var holder: Finding {
        let turnOn =
            #"systemd.watchdog.runtimeTime = "30s";  "#
            + "# RuntimeWatchdogSec=30s in /etc/systemd/system.conf; then systemctl daemon-reexec"
        if let runtime, runtime > 0 {
            let seconds = runtime / 1_000_000
            let device = runtimeDevice.isEmpty ? "" : " (\(runtimeDevice))"
            return finding("fed by", .fine, "systemd, RuntimeWatchdogSec=\(seconds)s\(device)")
        }
        if let holder = holders.first {
            return finding("fed by", .fine, "\(holder.program), pid \(holder.pid)")
        }
        if devices.contains(where: { $0.isActive == true }) {
            return finding(
                "fed by", .warning(fix: "sudo regen doctor  # or: fuser -v /dev/watchdog*"),
                "somebody; who, this user cannot see")
        }
        if runtime == nil, !sawHolders, devices.contains(where: { $0.isActive == nil }) {
            return finding("fed by", .warning(fix: "sudo regen doctor"), "nobody that is seen")
        }
        return finding(
            "fed by", .warning(fix: turnOn), "nobody: a kernel or a systemd that hangs stays so")
    }

    /// Who watches regend.
    private var own: Finding? {
        guard let regend else { return nil }
        return regend > 0
            ? finding("regend", .fine, "watched by systemd, WatchdogSec=\(regend / 1_000_000)s")
            : finding(
                "regend",
                .warning(
                    fix: "WatchdogSec=30s  # and Type=notify, in [Service]: systemctl edit regen"),
                "watched by nobody: if it hangs, nothing is healed")
    }
}
