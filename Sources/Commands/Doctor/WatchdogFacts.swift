public import Control

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
    /// What regend says of those that it is to feed; `nil`: there is no `watchdog:`, or no regend.
    public var own: WatchdogReport?

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
        let devices = own?.devices.filter { $0.state != WatchdogReport.Device.off } ?? []
        let watched = devices.map(judge) + [feeding, resets, order, keeper].compactMap { $0 }
        return self.devices.isEmpty
            ? [none] + watched : self.devices.map(judge) + [holder].compactMap { $0 } + watched
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

    private var holder: Finding? {
        let turnOn =
            "watchdog: { timeout: 30s }  # in Regen's configuration; or let systemd feed it: "
            + #"systemd.watchdog.runtimeTime = "30s""#
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
        // Why, and what to do, is another finding.
        if own?.reason != nil { return nil }
        if runtime == nil, !sawHolders, devices.contains(where: { $0.isActive == nil }) {
            return finding("fed by", .warning(fix: "sudo regen doctor"), "nobody that is seen")
        }
        return finding(
            "fed by", .warning(fix: turnOn), "nobody: a kernel or a systemd that hangs stays so")
    }

    /// One that regend is to feed.
    private func judge(_ device: WatchdogReport.Device) -> Finding {
        let path = device.path
        let detail = device.detail ?? "somebody else"
        switch device.state {
        case WatchdogReport.Device.armed where device.isNoWayOut == true:
            return finding(
                path,
                .warning(fix: "options DRIVER nowayout=0  # in /etc/modprobe.d, then reboot"),
                "nowayout: whoever stops regend resets the machine")
        case WatchdogReport.Device.armed where device.disarmsAtDeath:
            return finding(
                path,
                .warning(fix: "WatchdogSec=30s  # in [Service]: systemctl edit regen"),
                "its driver knows no magic close: if regend dies, nothing resets the machine")
        case WatchdogReport.Device.armed:
            return finding(path, .fine, "armed by regend")
        case WatchdogReport.Device.busy:
            return finding(
                path,
                .warning(
                    fix: "RuntimeWatchdogSec=off  # systemd.watchdog.runtimeTime; "
                        + "or take watchdog: out of Regen's configuration"),
                "regend is to feed it, and \(detail) does")
        case WatchdogReport.Device.absent:
            return finding(
                path, .warning(fix: "modprobe softdog  # or the driver of your hardware"),
                "regend is to feed it, and it is not there; it is taken when it comes")
        case WatchdogReport.Device.unusable:
            return finding(
                path, .warning(fix: "watchdog: { device: … }  # then: regen reload"),
                "regend cannot use it: \(detail)")
        default:
            return finding(
                path, .warning(fix: "watchdog: { test: false }  # then: regen reload"),
                "a test: nothing is opened, and nothing resets the machine")
        }
    }

    /// Whether regend feeds what it has.
    private var feeding: Finding? {
        guard let own, own.state == WatchdogReport.starving else { return nil }
        return finding(
            "feeding", .warning(fix: "regen status"),
            "not fed, the machine will be reset: \(own.condition ?? "") does not hold")
    }

    /// It has reset the machine too often.
    private var resets: Finding? {
        guard let reason = own?.reason else { return nil }
        return finding(
            "resets",
            .warning(
                fix: "regen ledger show | grep -e boot -e watchdog  # find what hung; "
                    + "nothing has to be switched on again"),
            "the watchdog stays off, and a hang is not mended: \(reason)")
    }

    /// Half of its time-out may be over when regend begins to hang. Then systemd needs as long as
    /// its own, and regend some seconds to start.
    private var order: Finding? {
        guard let own, let regend, regend > 0,
            let timeout = own.devices.compactMap(\.timeoutMilliseconds).min()
        else { return nil }
        let needed = 2 * (Int64(clamping: regend / 1000) + Self.restart)
        guard timeout < needed else { return nil }
        return finding(
            "time-out",
            .warning(fix: "watchdog: { timeout: \(needed / 1000)s }  # then: regen reload"),
            "\(timeout / 1000) s: a regend that hangs may reset the machine before systemd "
                + "restarts it (WatchdogSec=\(regend / 1_000_000)s)")
    }

    /// Milliseconds that a start of regend is given.
    private static let restart: Int64 = 5000

    /// Who watches regend.
    private var keeper: Finding? {
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
