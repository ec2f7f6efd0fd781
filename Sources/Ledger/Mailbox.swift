import Linux

/// What the loop's thread and the writer's thread share.
///
/// Two batches: the loop fills one while the writer works on the other. When the one is full the
/// newest records are lost, not the oldest: a ticket that was given is kept.
final class Mailbox: @unchecked Sendable {
    /// What the writer is to do next.
    enum Errand {
        case write, retry, stop
    }

    let wakeUp: EventFD
    private let condition = Condition()
    // All below belongs to whoever holds the condition's mutex.
    private var filling = RecordBatch()
    private let loss = LossCounter()
    private var lost: UInt64 = 0
    private var appended: UInt64 = 0
    private var durable: UInt64 = 0
    private var next: Int64 = 0
    private var state: LedgerState
    private var awaited: UInt64?
    private var atDiskSince: Int64?
    private var isWriterIdle = false
    private var isHeld = false
    private var isWorking = true
    private var isHurried = false
    private var isStopping = false
    private var hasEnded = false

    init(state: LedgerState, wakeUp: EventFD) {
        self.state = state
        self.wakeUp = wakeUp
    }

    // MARK: The loop's side

    func post(
        event: UnsafeRawBufferPointer, fields: UnsafeRawBufferPointer, stamp: Stamp
    ) -> UInt64? {
        condition.lock()
        // Once something is lost, everything is until the writer takes the batch: one gap, one run.
        let isKept =
            !loss.isRunning && !isStopping
            && filling.append(event: event, fields: fields, stamp: stamp)
        if isKept {
            appended += 1
        } else {
            loss.add(event: event, fields: fields, stamp: stamp)
            lost += 1
        }
        let ticket = isKept ? appended : nil
        let wakes = isWriterIdle && !isHeld
        if wakes { isWriterIdle = false }
        condition.unlock()
        if wakes { condition.broadcast() }
        return ticket
    }

    /// Keeps the writer from taking what is posted until it is released.
    func hold() {
        condition.locked { isHeld = true }
    }

    func release() {
        condition.locked {
            isHeld = false
            if isWriterIdle, !filling.isEmpty { condition.broadcast() }
        }
    }

    func notify(at ticket: UInt64) -> Bool {
        condition.locked {
            if durable >= ticket { return true }
            awaited = min(awaited ?? ticket, ticket)
            return false
        }
    }

    func status() -> LedgerStatus {
        condition.locked {
            LedgerStatus(
                state: state, appended: appended, durable: durable, lost: lost,
                next: next, atDiskSince: atDiskSince)
        }
    }

    /// Waits until everything is durable, the disk has refused once more, or the time is over.
    func flush(until deadline: Int64) -> Bool {
        condition.locked {
            isHurried = true
            isHeld = false
            condition.broadcast()
            while isPending, isHurried || isWorking, !hasEnded, Condition.now() < deadline {
                condition.wait(until: deadline)
            }
            return !isPending
        }
    }

    private var isPending: Bool { durable < appended || loss.isRunning }

    /// True when the writer has ended by the deadline.
    func stop(until deadline: Int64) -> Bool {
        condition.locked {
            isStopping = true
            isHeld = false
            condition.broadcast()
            while !hasEnded, Condition.now() < deadline { condition.wait(until: deadline) }
            return hasEnded
        }
    }

    // MARK: The writer's side

    /// Waits for something to do. `batch`, when it is empty, is exchanged for a full one.
    func next(
        _ batch: inout RecordBatch, _ taken: inout Loss?, retryAt: Int64?, hasStopped: inout Bool
    ) -> Errand {
        condition.lock()
        defer { condition.unlock() }
        isWorking = false
        condition.broadcast()
        defer { isWorking = true }
        while true {
            if let retryAt {
                if isHurried || isStopping || Condition.now() >= retryAt {
                    if isStopping, hasStopped { return .stop }
                    hasStopped = isStopping
                    isHurried = false
                    takeOver(&batch, &taken)
                    return .retry
                }
                condition.wait(until: retryAt)
            } else {
                isHurried = false
                if !isHeld, !filling.isEmpty || loss.isRunning {
                    takeOver(&batch, &taken)
                    return .write
                }
                if isStopping { return .stop }
                isWriterIdle = true
                condition.wait()
                isWriterIdle = false
            }
        }
    }

    private func takeOver(_ batch: inout RecordBatch, _ taken: inout Loss?) {
        guard batch.isEmpty, taken == nil else { return }
        swap(&batch, &filling)
        taken = loss.take()
    }

    func publish(durable records: Int, next sequence: Int64) {
        condition.lock()
        durable += UInt64(records)
        next = sequence
        let isAwaited = awaited.map { $0 <= durable } ?? false
        if isAwaited { awaited = nil }
        condition.unlock()
        if isAwaited { wakeUp.signal() }
    }

    func publish(state: LedgerState) {
        condition.lock()
        let hasChanged = self.state != state
        self.state = state
        condition.unlock()
        if hasChanged { wakeUp.signal() }
    }

    func publish(atDiskSince instant: Int64?) {
        condition.locked { atDiskSince = instant }
    }

    func end() {
        condition.locked {
            hasEnded = true
            condition.broadcast()
        }
    }
}
