/// Why the machine has booted again.
public enum ResetCause: String, CaseIterable, Sendable {
    /// It was shut down in order.
    case clean
    /// Its hardware watchdog has reset it.
    case watchdog
    /// Everything ended at once and nothing had announced it: the power went, or somebody pressed the
    /// button.
    case powerLoss = "power-loss"
    /// The kernel panicked.
    case panic
    /// What is known fits more than one of these.
    case unknown

    /// A driver that says later that it was the watchdog knows better.
    public var mayYield: Bool { self == .powerLoss || self == .unknown }
}

/// All that is known of the end of the boot before this one.
public struct ResetFacts: Equatable, Sendable {
    /// What the drivers of hardware watchdogs say of the last reset.
    public enum Device: Equatable, Sendable {
        /// No driver tells.
        case silent
        /// It was none of them.
        case denies
        /// This one has reset the machine.
        case confirms(String)
    }

    /// The last that Regen itself has recorded of itself in that boot.
    public enum LastWord: Equatable, Sendable {
        /// No earlier boot is on record.
        case none
        /// It ran.
        case running
        /// It had stopped feeding the watchdog, because this condition failed.
        case starving(String)
        /// It had asked for a reboot and was not heard of again.
        case rebooting
        /// It had ended; `withMachine`: because the machine was going down.
        case stopped(withMachine: Bool)
    }

    /// What drivers say.
    public var device: Device
    /// The path of what the kernel has kept of a crash after Regen's last word.
    public var dump: String?
    /// Regen's last word.
    public var lastWord: LastWord
    /// A hardware watchdog was running then.
    public var wasArmed: Bool

    /// Facts.
    public init(device: Device, dump: String?, lastWord: LastWord, wasArmed: Bool) {
        self.device = device
        self.dump = dump
        self.lastWord = lastWord
        self.wasArmed = wasArmed
    }

    /// What they come to, and from what in words. Rather `unknown` than a guess.
    public func judge() -> (cause: ResetCause, evidence: String) {
        if let dump { return (.panic, "the kernel has kept \(dump)") }
        if case .confirms(let name) = device {
            return (.watchdog, Self.words(of: name))
        }
        switch lastWord {
        case .none: return (.unknown, "no earlier boot is on record")
        case .starving(let condition):
            return (.watchdog, "Regen had stopped feeding it: \(condition)")
        case .stopped(withMachine: true):
            return (.clean, "Regen ended because the machine was going down")
        case .stopped(withMachine: false):
            return (.unknown, "Regen had been stopped before, and saw nothing of the end")
        case .rebooting:
            return (.unknown, "Regen had asked for a reboot, and its own end is not on record")
        case .running:
            if wasArmed, device == .silent {
                return (
                    .unknown,
                    "all ended at once: the power, or the watchdog, whose driver does not tell"
                )
            }
            return (.powerLoss, "all ended at once, and nothing had announced it")
        }
    }

    /// What a device says that has reset the machine.
    public static func words(of device: String) -> String {
        "\(device) says that it has reset the machine"
    }
}
