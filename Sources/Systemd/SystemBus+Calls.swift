extension SystemBus {
    static let name = "org.freedesktop.systemd1"
    static let path = "/org/freedesktop/systemd1"
    static let interface = "org.freedesktop.systemd1.Manager"

    /// Whom calls are for; PID 1 at its own socket has no name.
    var destination: String? { address.isBus ? Self.name : nil }

    /// Asks for a job, which ends within so many nanoseconds or is `timedOut`. The end is an event.
    ///
    /// A start between a process's death and PID 1's taking note of it does nothing and is `done`:
    /// ask for it only once the unit's state says `inactive` or `failed`.
    public func request(
        _ job: Job, of unit: UnitName, _ mode: JobMode = .replace, within nanoseconds: Int64,
        at now: Int64
    ) throws(Unsent) -> Call {
        try send(job.rawValue, { .job($0) }, nanoseconds, now) {
            $0.append(unit.text)
            $0.append(mode.rawValue)
        }
    }

    /// Makes a unit that has failed or hit its start limit one that may be started.
    public func resetFailed(_ unit: UnitName, at now: Int64) throws(Unsent) -> Call {
        try send("ResetFailedUnit", { .plain($0) }, Self.answerPatience, now) {
            $0.append(unit.text)
        }
    }

    /// Makes and starts a unit, whose program runs within so many nanoseconds. Refused when there is
    /// one of that name: `org.freedesktop.systemd1.UnitExists`.
    public func start(
        _ unit: TransientUnit, within nanoseconds: Int64, at now: Int64
    ) throws(Unsent) -> Call {
        guard unit.isSendable else { throw .malformed }
        return try send("StartTransientUnit", { .job($0) }, nanoseconds, now) {
            unit.append(to: &$0)
        }
    }

    private func send(
        _ method: String, _ purpose: (Call) -> Request.Purpose, _ patience: Int64, _ now: Int64,
        _ arguments: (inout BusCallMessage) -> Void
    ) throws(Unsent) -> Call {
        guard phase == .up, let link else { throw .notConnected }
        guard requests.count(where: { $0.call != nil }) < Self.mostCalls else {
            throw .tooManyCalls
        }
        let cookie = link.call(destination, Self.path, Self.interface, method, arguments)
        guard let cookie else { throw .noRoom }
        let call = Call(number: number())
        let (deadline, overflow) = now.addingReportingOverflow(patience)
        requests.append(
            Request(
                purpose: purpose(call), cookie: cookie, deadline: overflow ? .max : deadline))
        return call
    }

    /// A request that no answer will end.
    func end(_ request: Request, _ outcome: Outcome, at now: Int64) {
        switch request.purpose {
        case .plain(let call), .job(let call), .awaitedJob(let call, _):
            tell(.finished(call, outcome))
        case .look(let subject):
            seen(subject)
            // A look must not get lost: what changed meanwhile would not be told again.
            if outcome == .timedOut { enqueue(subject) }
        case .subscription, .match:
            if outcome == .timedOut {
                lose(BusFailure(reason: "systemd does not answer on \(address.text)"), at: now)
            }
        case .pin: break
        }
    }

    /// The answer to one of the owner's calls.
    func take(_ message: borrowing BusMessage, for request: Request, _ call: Call) {
        guard message.kind == .answer else {
            return tell(.finished(call, .refused(message.refusal)))
        }
        guard case .job = request.purpose else { return tell(.finished(call, .done)) }
        let number = message.objectPath().flatMap { UInt32($0.split(separator: "/").last ?? "") }
        guard let number else {
            let refusal = BusRefusal(name: "", message: "systemd's answer names no job")
            return tell(.finished(call, .refused(refusal)))
        }
        requests.append(
            Request(
                purpose: .awaitedJob(call, number), cookie: request.cookie,
                deadline: request.deadline))
    }

    /// A job has ended, ours or another's.
    func jobEnded(_ number: UInt32, _ result: String) {
        while let index = requests.firstIndex(where: { $0.awaits(number) }) {
            guard let call = requests.remove(at: index).call else { continue }
            tell(.finished(call, result == "done" ? .done : .ended(result)))
        }
    }
}

extension Request {
    func awaits(_ number: UInt32) -> Bool {
        if case .awaitedJob(_, number) = purpose { true } else { false }
    }
}
