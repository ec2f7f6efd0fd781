import Control
import Linux
import Records
import Supervision

/// What is known of this boot and of those before it, and who waits for a verdict on it.
struct Boots {
    /// Why the machine has booted; `nil`: an older Regen has recorded the boot, and did not say.
    var report: BootReport?
    var resets: ResetHistory
    /// Systems of which a boot was failed.
    var failed: [String]
    /// Callers of BootCheck; also those that have gone away, until their time is over.
    var checks: [Check] = []

    /// One more caller is told to come later.
    static let mostChecks = 64

    struct Check {
        let call: Call.ID
        let began: Int64
        /// When it is judged at the latest.
        let deadline: Int64
        /// The failure that is on its way to the disk.
        var failure: Failure?
    }

    struct Failure {
        let reply: BootCheckReply
        let ticket: UInt64
        /// Until when it must be there.
        let deadline: Int64
    }

    init(_ memory: BootMemory) {
        report = memory.report
        resets = memory.resets
        failed = memory.failed
    }

    /// When there is something to do; `nil`: when something happens.
    var due: Int64? { checks.map { $0.failure?.deadline ?? $0.deadline }.min() }

    /// What the kernel has left may be so much older than Regen's last word: it counts seconds.
    private static let slack: Int64 = 2_000_000_000

    /// Looks why the machine has booted, once for each boot.
    static func investigate(_ memory: BootMemory) -> BootReport {
        let devices = WatchdogStatus.all()
        var facts = ResetFacts(
            device: .silent, dump: nil, lastWord: memory.lastWord, wasArmed: memory.wasArmed)
        if let device = devices.first(where: \.hasReset) {
            facts.device = .confirms("\(device.name) (\(device.identity))")
        } else if devices.contains(where: \.canTell) {
            facts.device = .denies
        }
        if let heard = memory.lastHeard { facts.dump = CrashDump.newest(since: heard - slack) }
        let (cause, evidence) = facts.judge()
        return BootReport(cause: cause, evidence: evidence)
    }
}
