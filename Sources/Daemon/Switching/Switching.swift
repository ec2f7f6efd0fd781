import Control
import Linux
import SafeSwitch
import Supervision

/// SafeSwitch's mind, and what its hands hold. Beside the daemon's own, so that neither disturbs the
/// other.
final class Switching {
    /// Events that SafeSwitch's mind takes in one turn of the loop. More wait for the next.
    static let eventsPerTurn = 4096
    /// Records that wait for the disk, and looks and deeds that wait for the one before them. What
    /// would be one more is answered with a failure.
    static let mostWaiting = 32

    var mind: SwitchMind
    /// Whether it is told anything. Never again false: what it has promised it keeps.
    private(set) var isActive = false
    /// What it has not been told yet, oldest first.
    var events: [SwitchEvent] = []
    /// The next of them.
    var next = 0
    /// What it wants done.
    var actions: [SwitchAction] = []
    var watch: SystemWatch?
    var watchToken: Poller.Token?
    /// What it may do; `nil`: the configuration does not say, and it may nothing.
    var policy: SafeSwitchPolicy?
    var subjects = Subjects()
    var story: SwitchStory
    /// Operators' calls that wait for its answer, by the number of the request. Looked up only.
    var calls: [Int: Call.ID] = [:]
    var nextRequest = 1
    /// What is to be durable before it goes on.
    var intents: [Intent] = []
    /// Looks and deeds that are asked for and not begun.
    var orders: [Order] = []
    /// switch-to-configuration, while it runs.
    var activation: RunningActivation?
    /// What switch-to-configuration prints to, where that is a file; it stays watched after its end.
    var log: String?
    /// The switch of ours that is under way.
    var flight: Int?
    /// It was an earlier daemon that began it, and may have left switch-to-configuration running.
    var isInherited: Bool
    /// What the mind was told of the ledger.
    var toldSound: Bool?
    /// Somebody wants the configuration read again, after the switch.
    var owesReload = false
    /// SafeSwitch itself wants it read now.
    var wantsReload = false

    /// A record that must be on the disk.
    struct Intent {
        let serial: Int
        let ticket: UInt64
        let deadline: Int64
    }

    /// A look or a deed.
    struct Order {
        let purpose: Errand.Purpose
        /// The line that the child reads.
        let line: [UInt8]
        /// When it is answered, whatever has come of it.
        let deadline: Int64
    }

    init(_ memory: SwitchMemory) {
        mind = SwitchMind(memory: memory)
        story = SwitchStory(memory)
        flight = memory.flight?.id
        isInherited = flight != nil
    }

    func activate() { isActive = true }

    var hasWork: Bool { next < events.count }
}
