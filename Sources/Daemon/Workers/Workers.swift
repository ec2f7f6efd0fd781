import Linux
import Supervision
import Worker

/// The table of workers and of what they were asked.
struct Workers {
    /// Lookers of one account: one that hangs must not keep the others waiting.
    static let mostOfAnAccount = 4
    /// Lookers at all.
    static let mostLookers = 32
    /// Questions that wait for a looker.
    static let mostWaiting = 4096
    /// A looker that has nothing to do for so long ends.
    static let idleTime: Int64 = 60_000_000_000

    var slots: [WorkerSlot?] = []
    /// By serial. Looked up; iterated only where the order does not matter.
    var looks: [Int: Look] = [:]
    var nextSerial = 1
    /// Places of workers with something to send.
    var dirty: Set<Int> = []
    /// Questions for lookers that are all busy, oldest first.
    var waiting: [Waiting] = []
    /// When somebody must be looked after.
    var nextCheck: Int64?

    /// A question without a looker.
    struct Waiting {
        let key: String
        let account: Account?
        let request: LookRequest
        let purpose: Look.Purpose
        let deadline: Int64
    }

    /// The place of a new worker.
    mutating func add(_ slot: WorkerSlot) -> Int {
        if let free = slots.firstIndex(where: { $0 == nil }) {
            slots[free] = slot
            return free
        }
        slots.append(slot)
        return slots.count - 1
    }

    func index(_ role: WorkerSlot.Role, key: String) -> Int? {
        slots.firstIndex { $0?.role == role && $0?.key == key }
    }

    var lookers: Int { slots.count { $0?.role == .looker } }

    /// Makes sure that somebody looks after them at that time.
    mutating func check(by deadline: Int64) { nextCheck = min(nextCheck ?? .max, deadline) }
}

/// What came of a question.
enum Finding {
    /// A probe was looked at.
    case answer(Answer)
    /// A remedy was tried.
    case remedy(RemedyAnswer)
    /// Evidence was gathered.
    case survey(Survey)
    /// A notice was told, or not.
    case delivery(DeliveryAnswer)
    /// A looker did not come back in time: what it looked at hangs.
    case late
    /// Nobody could look.
    case fault(String)
}
